"""RFC 7592 over real sockets: what a client may do to itself, and what nobody may (P15, P34, P103).

Also how computers come back: to a cloud restored from yesterday, and after a year powered off.
"""

from __future__ import annotations

import json
import shutil
import time
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from keyin.stores.host import SystemEntropy
from keyin.wire.signing_key import SigningKey, new_key
from tests import audit_log
from tests.cloud_documents import everything
from tests.cloud_process import Cloud, copied, import_documents, serving
from tests.oauth_client import ISSUER
from tests.properties.cloud.test_registration import GENEROUS, KEY, account, error, opens, shown
from tests.published_software import SOFTWARE, known, statement
from tests.registration import Newcomer, aged, code, file_token
from tests.started import run

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path


@pytest.fixture(scope="module")
def publisher() -> SigningKey:
    return new_key(SystemEntropy())


@pytest.fixture(scope="module")
def cloud(tmp_path_factory: pytest.TempPathFactory, publisher: SigningKey) -> Iterator[Cloud]:
    data = tmp_path_factory.mktemp("care") / "data"
    import_documents(data, everything())
    config = data.parent / "cloud.toml"
    config.write_text(f"{GENEROUS}\n{known(publisher, data.parent)}")
    with serving(data, "--issuer", ISSUER, "--config", config) as running:
        yield running


def newcomer(cloud: Cloud, *words: object, **changes: Any) -> Newcomer:
    computer = Newcomer()
    reply = computer.register(cloud, code(cloud.data, *words, label=computer.name), **changes)
    assert reply.status == 201, reply.body
    assert computer.prove(cloud).status == 200
    return computer


def test_p15_a_client_changes_its_name_and_key_and_nothing_else(cloud: Cloud) -> None:
    words = ("--computer-type", "public", "--site", "Main library", "--allow-write", "x")
    computer = newcomer(
        cloud,
        *words,
        software_id=SOFTWARE,
        software_version="1",
        gpii_installation_id="e" * 42 + "A",
    )
    before = shown(cloud, computer.client_id)
    told = computer.replace(
        cloud,
        client_name="Another",
        software_id="other",
        software_version="2",
        scope="settings:read settings:write account:read",
        gpii_computer_type="private",
        gpii_installation_id="f" * 42 + "A",
        gpii_site="Elsewhere",
        gpii_policy={"allowed_prefs_to_write": ["*"]},
        owner="me",
    ).json
    assert (told["client_name"], told["software_version"]) == ("Another", "2")
    for name in ("client_id", "software_id", "gpii_computer_type", "gpii_installation_id"):
        assert told[name] == computer.told[name], name
    assert (told["gpii_site"], told["scope"]) == ("Main library", computer.told["scope"])
    after = shown(cloud, computer.client_id)
    for name in ("networks", "writable", "owner", "origin", "legacy_until"):
        assert after[name] == before[name], name


def test_p15_what_was_given_up_does_not_come_back(cloud: Cloud) -> None:
    computer = newcomer(cloud, "--allow-write", "x")
    assert computer.replace(cloud, scope="settings:read").json["scope"] == "settings:read"
    assert computer.replace(cloud).json["scope"] == "settings:read"


_TEXT = st.sampled_from(
    ["x", "", "y" * 81, "a\nb", "settings:read", "settings:write account:read", "public", "A-b"]
)
_WISH = st.fixed_dictionaries(
    {},
    optional={
        "client_name": st.sampled_from(["", "y" * 81, "a\nb", "\u202ex"]),
        "scope": _TEXT,
        "grant_types": st.lists(
            st.sampled_from(
                ["client_credentials", "urn:ietf:params:oauth:grant-type:token-exchange"]
            ),
            max_size=2,
        ),
        "response_types": st.lists(_TEXT, max_size=1),
        "redirect_uris": st.lists(st.just("https://a.example/"), max_size=1),
        "application_type": st.sampled_from(["native", "web"]),
        "token_endpoint_auth_method": st.sampled_from(["none", "private_key_jwt"]),
        "dpop_bound_access_tokens": st.booleans(),
        "software_version": _TEXT,
        "logo_uri": st.just("http://127.0.0.1/"),
        "gpii_computer_type": _TEXT,
        "jwks": st.sampled_from([{}, {"keys": []}, {"keys": [{"kty": "oct", "k": "AA"}]}]),
    },
)


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(wish=_WISH)
def test_p15_an_update_goes_through_the_rules_of_creation(
    cloud: Cloud, standing: Newcomer, spare: tuple[str, Newcomer], wish: dict[str, Any]
) -> None:
    token, other = spare
    other.key = new_key(SystemEntropy())
    other.name = other.key.public.thumbprint
    created = other.register(cloud, token, scheme="Bearer", **wish)
    replaced = standing.replace(cloud, **wish)
    if created.status == 201:
        assert replaced.status == 200, (created.body, replaced.body)
    else:
        assert (replaced.status, replaced.json) == (created.status, created.json)


@pytest.fixture(scope="module")
def standing(cloud: Cloud) -> Newcomer:
    return newcomer(cloud)


@pytest.fixture(scope="module")
def spare(cloud: Cloud) -> tuple[str, Newcomer]:
    return file_token(cloud.data, "--uses", 1000)[1], Newcomer()


def test_a_key_is_changed_with_both_in_force_for_a_while(cloud: Cloud) -> None:
    computer, new = newcomer(cloud), new_key(SystemEntropy())
    assert computer.replace(cloud, new=new).status == 200
    assert computer.prove(cloud).status == computer.prove(cloud, new).status == 200
    old, computer.key = computer.key, new
    told = computer.replace(cloud).json
    assert [one["kid"] for one in told["jwks"]["keys"]] == [new.public.thumbprint]
    assert computer.prove(cloud).status == 200
    assert computer.prove(cloud, old).status == 401
    assert computer.read(cloud, key=old).status == 401
    assert opens(computer, cloud)
    again = computer.replace(cloud, new=old)
    assert (again.status, error(again)) == (400, "invalid_client_metadata")


def test_p15_a_new_key_has_to_be_in_hand(cloud: Cloud) -> None:
    computer, victim = newcomer(cloud), newcomer(cloud)
    for key in (new_key(SystemEntropy()).public, victim.key.public):
        keys = {"keys": [json.loads(one.jwk) for one in (computer.key.public, key)]}
        reply = computer.replace(cloud, jwks=keys)
        assert (reply.status, error(reply)) == (400, "invalid_client_metadata")
    assert computer.replace(cloud, new=victim.key).status == 400
    assert opens(victim, cloud)


def test_nobody_else_reads_replaces_or_ends_a_registration(cloud: Cloud) -> None:
    computer, other = newcomer(cloud), newcomer(cloud)
    rat, path = computer.told["registration_access_token"], computer.path
    body = computer.wish(client_id=computer.client_id)
    for method in ("GET", "PUT", "DELETE"):
        given = body if method == "PUT" else None
        replies = [
            computer.send(cloud, method, path, token=rat, key=other.key, body=given),
            computer.send(cloud, method, path, token=rat, scheme="Bearer", body=given),
            computer.send(cloud, method, other.path, token=rat, body=given),
            computer.send(cloud, method, path + "x", token=rat, body=given),
            computer.send(cloud, method, path, token="rat_" + "A" * 43, body=given),
            computer.send(cloud, method, path, token=None, body=given),
        ]
        assert {reply.status for reply in replies} == {401}, method
        assert len({reply.body for reply in replies}) == 1
    assert opens(computer, cloud)


def test_a_stopped_client_does_not_wake_itself(cloud: Cloud) -> None:
    computer = newcomer(cloud)
    assert run("client", "suspend", computer.client_id, "--data", cloud.data).returncode == 0
    assert computer.read(cloud).status == 401
    assert computer.replace(cloud).status == 401
    assert computer.prove(cloud).status == 401
    certificate = computer.told["keyin_registration_certificate"]
    assert computer.register(cloud, certificate).status == 401
    assert not opens(computer, cloud)


def test_p03_a_stopped_version_is_left_by_another_and_by_nothing_else(
    cloud: Cloud, publisher: SigningKey
) -> None:
    told = {"software_id": SOFTWARE, "software_version": "old-1"}
    computer, stopped, placed = (
        newcomer(cloud, *words, **told) for words in ((), (), ("--site", "Closed library"))
    )
    for words in (
        ("software", "stop", SOFTWARE, "old-1"),
        ("client", "suspend", stopped.client_id),
        ("site", "suspend", "Closed library"),
    ):
        assert run(*words, "--data", cloud.data).returncode == 0
    assert not opens(computer, cloud)
    assert (computer.read(cloud).status, computer.leave(cloud).status) == (200, 401)
    same: tuple[dict[str, Any], ...] = (
        {},
        {"software_version": "old-1"},
        {"client_name": "Another"},
    )
    for changes in same:
        assert error(computer.replace(cloud, **changes)) == "unapproved_software_statement"
    lied = statement(publisher, software_version="old-1")
    assert error(computer.replace(cloud, software_version="new-1", software_statement=lied)) == (
        "unapproved_software_statement"
    )
    for other in (stopped, placed):
        assert (other.read(cloud).status, other.replace(cloud, software_version="new-1").status) \
            == (401, 401)  # fmt: skip
        assert not opens(other, cloud)
    stranger = Newcomer(name=computer.name, told=computer.told)
    assert stranger.replace(cloud, software_version="new-1").status == 401
    assert not opens(computer, cloud)
    reply = computer.replace(cloud, software_version="new-1")
    assert (reply.status, reply.json["gpii_status"]) == (200, "active")
    assert opens(computer, cloud)
    assert run("software", "stop", SOFTWARE, "new-1", "--data", cloud.data).returncode == 0
    assert not opens(computer, cloud)


def test_who_leaves_is_gone_with_key_and_tokens(cloud: Cloud) -> None:
    computer = newcomer(cloud)
    assert computer.leave(cloud).status == 204
    assert not opens(computer, cloud)
    assert computer.read(cloud).status == 401
    assert computer.register(cloud, computer.told["keyin_registration_certificate"]).status == 401
    assert computer.register(cloud, code(cloud.data)).status == 400


def test_p34_a_file_is_revoked_with_all_that_it_made(cloud: Cloud) -> None:
    id_, token = file_token(cloud.data, "--uses", 10)
    born = [Newcomer() for _ in range(4)]
    for one in born:
        assert one.register(cloud, token, scheme="Bearer").status == 201
    *active, pending = born
    for one in active:
        assert one.prove(cloud).status == 200
    bystander = newcomer(cloud)
    alone = run("token", "revoke", id_, "--data", cloud.data, "--json")
    assert json.loads(alone.stdout)["clients"] == 1
    assert pending.prove(cloud).status == 401
    assert all(opens(one, cloud) for one in active)
    assert Newcomer().register(cloud, token, scheme="Bearer").status == 401
    all_ = run(
        *("token", "revoke", id_, "--with-descendants", "--yes", "--data", cloud.data, "--json")
    )
    assert json.loads(all_.stdout)["clients"] == 3
    assert not any(opens(one, cloud) for one in active)
    assert opens(bystander, cloud)
    for one in active:
        assert one.register(cloud, one.told["keyin_registration_certificate"]).status == 401


@pytest.mark.parametrize("what", ["token", "account", "site", "software", "client"])
def test_p03_what_a_computer_rests_on_ends_its_tokens_at_their_next_use(
    cloud: Cloud, what: str
) -> None:
    site, version = f"Hall of {what}", f"1-{what}"
    run("site", "create", site, "--data", cloud.data)
    id_, token = file_token(cloud.data, "--site", site, "--owner", account(cloud))
    computer = Newcomer()
    more = {"scheme": "Bearer", "software_id": SOFTWARE, "software_version": version}
    assert computer.register(cloud, token, **more).status == 201
    computer.prove(cloud)
    access = computer.ask(cloud, KEY).json["access_token"]
    assert settings_of(computer, cloud, access) == 200
    owner = shown(cloud, computer.client_id)["owner"]
    done = {
        "token": lambda: run(
            *("token", "revoke", id_, "--with-descendants", "--yes", "--data", cloud.data)
        ),
        "account": lambda: run(
            *("account", "revoke-computers", owner, "--yes", "--data", cloud.data)
        ),
        "site": lambda: run("site", "revoke", site, "--yes", "--data", cloud.data),
        "software": lambda: run("software", "stop", SOFTWARE, version, "--data", cloud.data),
        "client": lambda: run(
            *("client", "revoke", computer.client_id, "--yes", "--data", cloud.data)
        ),
    }[what]()
    assert done.returncode == 0, done.stderr
    assert settings_of(computer, cloud, access) == 401
    assert not opens(computer, cloud)


def settings_of(computer: Newcomer, cloud: Cloud, access: str) -> int:
    body = json.dumps({"device": {"OS": {"id": "linux"}, "solutions": []}}).encode()
    return computer.send(cloud, "POST", "/settings/query", token=access, body=body).status


def test_p103_a_statement_wins_over_the_body(cloud: Cloud, publisher: SigningKey) -> None:
    computer = newcomer(
        cloud,
        software_statement=statement(publisher),
        software_id="of-mine",
        software_version="99",
    )
    assert computer.told["software_id"] == SOFTWARE
    assert computer.told["software_version"] == "3"


def test_p103_what_is_no_good_statement_is_refused(cloud: Cloud, publisher: SigningKey) -> None:
    _, token = file_token(cloud.data)
    other, past = new_key(SystemEntropy()), int(time.time()) - 5
    for bad in (
        statement(other),
        statement(publisher, exp=past),
        statement(publisher, exp=None),
        statement(publisher, iss="https://other.example"),
        statement(publisher, software_id=None),
        statement(publisher, iat=past + 4000),
        statement(publisher)[:-4] + "AAAA",
        "x.y.z",
        "",
    ):
        reply = Newcomer().register(cloud, token, scheme="Bearer", software_statement=bad)
        assert (reply.status, error(reply)) == (400, "invalid_software_statement"), bad
    unknown = statement(publisher, software_id="other")
    reply = Newcomer().register(cloud, token, scheme="Bearer", software_statement=unknown)
    assert (reply.status, error(reply)) == (400, "unapproved_software_statement")


def test_p103_a_token_for_one_software_takes_no_other(cloud: Cloud, publisher: SigningKey) -> None:
    _, token = file_token(cloud.data, "--software", "something-else")
    text = statement(publisher)
    reply = Newcomer().register(cloud, token, scheme="Bearer", software_statement=text)
    assert (reply.status, error(reply)) == (400, "unapproved_software_statement")


def test_p103_a_channel_stops_its_release(cloud: Cloud, publisher: SigningKey) -> None:
    text = statement(publisher, channel="spring release")
    _, token = file_token(cloud.data, "--uses", 5)
    more: dict[str, Any] = {"scheme": "Bearer", "software_statement": text}
    unnamed = Newcomer().register(cloud, token, **more)
    assert error(unnamed) == "unapproved_software_statement"
    made = run(*("token", "create", "spring release", "--channel", "--data", cloud.data, "--json"))
    channel = json.loads(made.stdout)["id"]
    active, pending = Newcomer(), Newcomer()
    for one in (active, pending):
        assert one.register(cloud, token, **more).status == 201
    active.prove(cloud)
    assert run("token", "revoke", channel, "--data", cloud.data).returncode == 0
    assert pending.prove(cloud).status == 401
    assert opens(active, cloud)
    assert error(Newcomer().register(cloud, token, **more)) == "unapproved_software_statement"
    every = ("token", "revoke", channel, "--with-descendants", "--yes", "--data", cloud.data)
    assert run(*every).returncode == 0
    assert not opens(active, cloud)


@pytest.mark.parametrize("manner", ["automatic", "asked"])
def test_a_computer_comes_back_to_a_cloud_restored_from_yesterday(
    tmp_path: Path, manner: str
) -> None:
    data, yesterday = tmp_path / "data", tmp_path / "yesterday"
    import_documents(data, everything())
    run("site", "returns", "Main library", manner, "--data", data)
    with serving(data, "--issuer", ISSUER):
        pass
    copied(data, yesterday)
    computer = Newcomer()
    with serving(data, "--issuer", ISSUER) as today:
        token = code(data, "--site", "Main library", "--allow-write", "x")
        assert computer.register(today, token).status == 201
        assert computer.prove(today).status == 200
        assert opens(computer, today)
    shutil.rmtree(data)
    yesterday.rename(data)
    with serving(data, "--issuer", ISSUER) as restored:
        assert computer.read(restored).status == 401
        assert not opens(computer, restored)
        former = dict(computer.told)
        back = computer.register(restored, former["keyin_registration_certificate"])
        assert back.status == 201
        assert computer.client_id == former["client_id"]
        assert back.json["gpii_policy"] == former["gpii_policy"]
        if manner == "asked":
            assert "awaiting" in back.json["gpii_flags"]
            assert not opens(computer, restored)
            assert computer.prove(restored).status == 401
            assert run("client", "approve", computer.client_id, "--data", data).returncode == 0
        assert computer.read(restored).json["gpii_status"] == "active"
        assert opens(computer, restored)


def test_a_certificate_is_worth_nothing_in_other_hands(cloud: Cloud) -> None:
    computer, thief = newcomer(cloud), Newcomer()
    certificate = computer.told["keyin_registration_certificate"]
    assert thief.register(cloud, certificate).status == 401
    assert computer.register(cloud, certificate, scheme="Bearer").status == 401
    assert computer.register(cloud, certificate[:-4] + "AAAA").status == 401
    assert computer.register(cloud, certificate).status == 201
    assert opens(computer, cloud)


def test_a_year_powered_off_ends_in_one_click(tmp_path: Path) -> None:
    data, computer = tmp_path / "data", Newcomer()
    import_documents(data, everything())
    with serving(data, "--issuer", ISSUER) as cloud:
        assert computer.register(cloud, code(data)).status == 201
        computer.prove(cloud)
    aged(data, seconds=500 * 86_400)
    with serving(data, "--issuer", ISSUER) as later:
        until(lambda: shown(later, computer.client_id)["client"]["status"] == "expired")
        assert not opens(computer, later)
        back = computer.register(later, computer.told["keyin_registration_certificate"])
        assert back.status == 201
        assert set(back.json["gpii_flags"]) == {"returned", "awaiting"}
        assert run("client", "approve", computer.client_id, "--data", data).returncode == 0
        assert opens(computer, later)


def test_p90_every_act_of_registering_leaves_one_event(cloud: Cloud) -> None:
    computer, new = Newcomer(), new_key(SystemEntropy())
    made: dict[str, str] = {}

    def make() -> None:
        made["id"], made["token"] = file_token(cloud.data, "--uses", 9, "--site", "Main library")

    acts: list[tuple[str, Callable[[], object]]] = [
        ("initial_access.made", make),
        ("registration.refused", lambda: computer.register(cloud, made["token"], jwks={})),
        ("client.registered", lambda: computer.register(cloud, made["token"])),
        ("registration.changed", lambda: computer.register(cloud, made["token"])),
        ("client.activated", lambda: computer.prove(cloud)),
        ("registration.changed", lambda: computer.replace(cloud, new=new)),
        ("registration.refused", lambda: computer.replace(cloud, scope="account:read")),
        (
            "client.returned",
            lambda: computer.register(cloud, computer.told["keyin_registration_certificate"]),
        ),
        ("client.revoked", lambda: computer.leave(cloud)),
        (
            "initial_access.revoked",
            lambda: run("token", "revoke", made["id"], "--data", cloud.data),
        ),
    ]
    for act, do in acts:
        before = audit_log.length(cloud.data)
        do()
        until(lambda before=before: audit_log.length(cloud.data) > before)
        (event,) = audit_log.events(cloud.data, before)
        assert (event["act"], event["site"]) == (act, "Main library")
        assert (event["outcome"] == "refused") is act.endswith("refused")
        assert event["actor"] in {"administrator", made["id"], computer.told.get("client_id")}
        assert event["actor"] == "administrator" or event["address"] == "127.0.0.1"


def until(holds: Any) -> None:
    end = time.monotonic() + 30
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.2)
