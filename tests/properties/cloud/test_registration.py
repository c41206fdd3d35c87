"""Registering over real sockets: who may, how often, until when, and as what (P2, P46 to P49)."""

from __future__ import annotations

import json
import sqlite3
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest

from keyin.domain.enrolment import SETTINGS_SCOPES
from keyin.stores.host import SystemEntropy
from keyin.stores.opening import STORE
from keyin.wire.enrolment_code import new_initial_access_token
from keyin.wire.signing_key import new_key
from tests.cloud_documents import FREE, SECRET, everything
from tests.cloud_process import Cloud, import_documents, serving
from tests.oauth_client import ISSUER, fresh
from tests.registration import PLACE, Newcomer, aged, code, file_token, made
from tests.started import run

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.cloud_process import Reply

KEY = "alice"
GENEROUS = """
[limits]
failed_logins_burst = 100000
address_failed_logins_burst = 100000
"""


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("registering") / "data"
    import_documents(folder, everything())
    return folder


@pytest.fixture(scope="module")
def cloud(data: Path) -> Iterator[Cloud]:
    config = data.parent / "cloud.toml"
    config.write_text(GENEROUS)
    with serving(data, "--issuer", ISSUER, "--config", config) as running:
        yield running


def shown(cloud: Cloud, client_id: str) -> dict[str, Any]:
    done = run("client", "show", client_id, "--data", cloud.data, "--json")
    assert done.returncode == 0, done.stderr
    told: dict[str, Any] = json.loads(done.stdout)
    return told


def newcomer(cloud: Cloud, *words: object, **changes: Any) -> Newcomer:
    """Return a computer that is registered and active."""
    computer = Newcomer()
    reply = computer.register(cloud, code(cloud.data, *words, label=computer.name), **changes)
    assert reply.status == 201, reply.body
    assert computer.prove(cloud).status == 200
    return computer


def opens(computer: Newcomer, cloud: Cloud) -> bool:
    reply = computer.ask(cloud, KEY)
    assert reply.status in {200, 400, 401}, reply.body
    return reply.status == 200


def error(reply: Reply) -> str:
    return str(reply.json["error"])


def test_a_computer_registers_proves_itself_and_asks(cloud: Cloud) -> None:
    computer = newcomer(cloud)
    assert opens(computer, cloud)
    told = computer.read(cloud).json
    assert told["gpii_status"] == "active"
    assert told["registration_access_token"] == computer.told["registration_access_token"]
    assert shown(cloud, computer.client_id)["origin"] == "registration"


@pytest.mark.parametrize("scheme", ["DPoP", "Bearer"])
def test_p46_nobody_registers_without_a_good_token(cloud: Cloud, scheme: str) -> None:
    unknown = new_initial_access_token(SystemEntropy().token_bytes(32)).reveal()
    revoked, token = file_token(cloud.data)
    assert run("token", "revoke", revoked, "--data", cloud.data).returncode == 0
    elsewhere = code(cloud.data, "--cidr", "192.0.2.0/24")
    computer = Newcomer()
    replies = [
        computer.register(cloud, one, scheme=scheme)
        for one in (None, "", unknown, token, elsewhere, "iat_", "x.y.z", "rat_" + unknown[4:])
    ]
    assert {reply.status for reply in replies} == {401}
    assert len({reply.body for reply in replies}) == 1
    assert error(replies[0]) == "invalid_token"
    assert all("invalid_token" in reply.headers["www-authenticate"] for reply in replies)


def test_p81_nothing_is_read_of_who_has_no_token(cloud: Cloud) -> None:
    large = b'{"client_name":"' + b"x" * 70_000
    computer = Newcomer()
    unknown = "iat_" + "A" * 43
    assert computer.send(cloud, "POST", PLACE, token=unknown, body=large).status == 401
    _, token = file_token(cloud.data)
    assert computer.send(cloud, "POST", PLACE, token=token, body=large).status == 413
    assert computer.send(cloud, "POST", PLACE, token=token, body=b"[" * 40_000).status == 400


def test_p46_a_token_registers_and_opens_nothing_else(cloud: Cloud) -> None:
    _, token = file_token(cloud.data, "--uses", 5)
    for scheme in ("Bearer", "DPoP"):
        headers = {"Authorization": f"{scheme} {token}", "Content-Type": "application/json"}
        for method, path in (
            ("GET", f"/{KEY}/settings/%7B%7D"),
            ("PUT", f"/{KEY}/settings"),
            ("POST", "/settings/query"),
            ("PUT", "/settings"),
            ("GET", "/api/v1/account"),
            ("GET", "/api/v1/installations"),
        ):
            reply = cloud.request(method, path, headers=headers, body=b"{}")
            assert reply.status == 401, (scheme, path)
    form = {"client_id": FREE, "client_secret": SECRET, "token": token}
    told = cloud.form("/oauth2/introspect", form)
    assert told.json == {"active": False}
    exchange = {
        "grant_type": "urn:ietf:params:oauth:grant-type:token-exchange",
        "subject_token": token,
        "subject_token_type": "urn:gpii:params:oauth:token-type:gpii-key",
    }
    assert cloud.form("/oauth2/token", form | exchange).status == 400


def test_p46_the_key_that_is_registered_has_to_be_in_hand(cloud: Cloud) -> None:
    token, other = code(cloud.data), new_key(SystemEntropy())
    computer = Newcomer()
    foreign = {"keys": [json.loads(other.public.jwk)]}
    both = {"keys": [json.loads(key.public.jwk) for key in (computer.key, other)]}
    private = {"keys": [computer.key.private_jwk()]}
    sets: list[dict[str, Any]] = [foreign, both, {"keys": []}, {}, private]
    for jwks in sets:
        reply = computer.register(cloud, token, jwks=jwks)
        assert (reply.status, error(reply)) == (400, "invalid_client_metadata")
    without = cloud.request(
        "POST",
        PLACE,
        headers={"Authorization": f"Bearer {token}", "Content-Type": "application/json"},
        body=json.dumps(computer.wish()),
    )
    assert without.status == 401
    assert computer.register(cloud, token).status == 201


def test_p47_of_a_hundred_at_once_exactly_as_many_as_may(cloud: Cloud) -> None:
    id_, token = file_token(cloud.data, "--uses", 10)
    computers = [Newcomer() for _ in range(100)]
    with ThreadPoolExecutor(16) as crowd:
        replies = list(
            crowd.map(lambda one: one.register(cloud, token, scheme="Bearer"), computers)
        )
    assert sorted(reply.status for reply in replies) == [201] * 10 + [401] * 90
    listed = json.loads(run("token", "list", "--data", cloud.data, "--json").stdout)["tokens"]
    (line,) = [one for one in listed if one["id"] == id_]
    assert (line["uses"], line["clients"]) == (10, 10)


def test_p47_a_token_ends_on_its_minute(tmp_path: Path) -> None:
    data = tmp_path / "data"
    import_documents(data, everything())
    token, late = code(data, "--minutes", 1), code(data, "--minutes", 1)
    with serving(data, "--issuer", ISSUER) as now:
        assert Newcomer().register(now, token).status == 201
    aged(data, seconds=61)
    with serving(data, "--issuer", ISSUER) as later:
        assert Newcomer().register(later, late).status == 401


def test_an_answer_that_was_lost_is_given_again_to_the_same_key(cloud: Cloud) -> None:
    token, computer = code(cloud.data), Newcomer()
    first = computer.register(cloud, token).json
    again = computer.register(cloud, token)
    assert again.status == 201
    assert again.json["client_id"] == first["client_id"]
    assert again.json["registration_access_token"] != first["registration_access_token"]
    assert computer.prove(cloud).status == 200
    assert computer.read(cloud).status == 200


def test_what_was_heard_is_not_told_again(cloud: Cloud) -> None:
    """Who has proved itself has had its answer: to its key, too, the token is worth nothing."""
    token, computer = code(cloud.data), Newcomer()
    assert computer.register(cloud, token).status == 201
    assert computer.prove(cloud).status == 200
    told = computer.told
    assert computer.register(cloud, token).status == 401
    assert computer.told is told
    assert opens(computer, cloud)
    assert computer.read(cloud).status == 200


def test_p48_a_lost_answer_is_not_told_to_who_comes_too_late(tmp_path: Path) -> None:
    data, computer = tmp_path / "data", Newcomer()
    import_documents(data, everything())
    token = code(data, "--minutes", 60)
    with serving(data, "--issuer", ISSUER) as now:
        assert computer.register(now, token).status == 201
    aged(data, seconds=16 * 60)
    with serving(data, "--issuer", ISSUER) as later:
        assert computer.register(later, token).status == 401
        assert Newcomer().register(later, token).status == 401
        assert computer.prove(later).status == 401


def test_p46_a_lost_answer_is_told_to_nobody_who_only_knows_the_key(cloud: Cloud) -> None:
    token, computer, thief = code(cloud.data), Newcomer(), Newcomer()
    assert computer.register(cloud, token).status == 201
    known = {"keys": [json.loads(computer.key.public.jwk)]}
    assert thief.register(cloud, token, jwks=known).status == 400
    assert computer.register(cloud, token).status == 201, "and nothing has come of that"


def test_p13_a_proof_of_registering_is_used_up_also_over_a_restart(tmp_path: Path) -> None:
    data, computer = tmp_path / "data", Newcomer()
    import_documents(data, everything())
    _, token = file_token(data, "--uses", 5)
    with serving(data, "--issuer", ISSUER) as cloud:
        assert computer.register(cloud, None).status == 401  # for the nonce
        proof = computer.proof("POST", PLACE)
        headers = {"Authorization": f"Bearer {token}", "DPoP": proof}
        headers |= {"Content-Type": "application/json"}
        body = json.dumps(computer.wish())
        assert cloud.request("POST", PLACE, headers=headers, body=body).status == 201
        assert cloud.request("POST", PLACE, headers=headers, body=body).status == 401
    with serving(data, "--issuer", ISSUER) as cloud:
        assert cloud.request("POST", PLACE, headers=headers, body=body).status == 401


def test_a_code_that_two_had_ends_what_it_made(cloud: Cloud) -> None:
    token, first, second = code(cloud.data), Newcomer(), Newcomer()
    assert first.register(cloud, token).status == 201
    first.prove(cloud)
    assert opens(first, cloud)
    assert second.register(cloud, token).status == 401
    assert not opens(first, cloud)
    assert first.read(cloud).status == 401
    assert first.register(cloud, token).status == 401


def test_one_name_is_one_computer_in_an_account(cloud: Cloud) -> None:
    owner = account(cloud)
    _, token = file_token(cloud.data, "--uses", 5, "--owner", owner)
    first, second = Newcomer(name="Same"), Newcomer(name="Same")
    assert first.register(cloud, token, scheme="Bearer").status == 201
    reply = second.register(cloud, token, scheme="Bearer")
    assert (reply.status, error(reply)) == (400, "invalid_client_metadata")
    assert "name" in reply.json["error_description"]
    assert second.register(cloud, token, scheme="Bearer", client_name="Other").status == 201


@pytest.mark.parametrize(
    "more",
    [
        {"grant_types": ["client_credentials"]},
        {"grant_types": ["authorization_code"], "redirect_uris": ["https://a.example/"]},
        {"redirect_uris": ["http://127.0.0.1/back"]},
        {"response_types": ["code"]},
        {"token_endpoint_auth_method": "none"},
        {"token_endpoint_auth_method": "client_secret_basic"},
        {"application_type": "web"},
        {"dpop_bound_access_tokens": False},
        {"client_secret": "of-mine"},
        {"scope": "account:read"},
        {"scope": "client:register"},
        {"client_name": "two\nlines"},
        {"client_name": "\u202egnp"},
        {"gpii_installation_id": "none"},
    ],
)
def test_p2_what_no_computer_is_is_refused(cloud: Cloud, more: dict[str, Any]) -> None:
    computer = Newcomer()
    _, token = file_token(cloud.data)
    reply = computer.register(cloud, token, scheme="Bearer", **more)
    assert reply.status == 400
    assert error(reply) in {"invalid_client_metadata", "invalid_redirect_uri"}


def test_p2_what_the_template_says_wins(cloud: Cloud) -> None:
    words = ("--computer-type", "public", "--read-only", "--computer-network", "127.0.0.0/8")
    computer = newcomer(
        cloud,
        *words,
        scope="settings:read settings:write account:read client:register",
        gpii_computer_type="private",
        gpii_site="Main library",
        gpii_status="active",
        gpii_policy={"allowed_prefs_to_write": ["*"], "create_key": True},
        client_id="gai_of_mine",
        owner="somebody",
        kind="application",
        client_secret_expires_at=0,
        legacy_until=9_999_999_999_999,
        epoch=-1,
    )
    told = computer.told
    assert told["client_id"] != "gai_of_mine"
    assert told["scope"] == SETTINGS_SCOPES[0]
    assert told["gpii_computer_type"] == "public"
    assert "gpii_site" not in told
    assert told["gpii_status"] == "pending"
    record = shown(cloud, computer.client_id)
    assert record["client"]["kind"] == "gpiiAppInstallationClient"
    assert (record["networks"], record["writable"]) == (["127.0.0.0/8"], [])
    assert (record["owner"], record["legacy_until"]) == (None, None)


def test_p48_who_is_not_heard_in_time_is_expired(tmp_path: Path) -> None:
    data = tmp_path / "data"
    import_documents(data, everything())
    early, late = Newcomer(), Newcomer()
    with serving(data, "--issuer", ISSUER) as now:
        for one in (early, late):
            assert one.register(now, code(data, label=one.name)).status == 201
            assert not opens(one, now), "it has not proved itself"
        assert early.prove(now).status == 200
        assert opens(early, now)
    aged(data, seconds=16 * 60)
    with serving(data, "--issuer", ISSUER) as later:
        assert late.prove(later).status == 401
        assert not opens(late, later)
        assert opens(early, later)


def test_p49_a_copy_is_seen(cloud: Cloud) -> None:
    owner, installation = account(cloud), "c" * 42 + "A"
    _, token = file_token(cloud.data, "--uses", 5, "--owner", owner)
    first, second = Newcomer(), Newcomer()
    more: dict[str, Any] = {"scheme": "Bearer", "gpii_installation_id": installation}
    assert "gpii_flags" not in first.register(cloud, token, **more).json
    told = second.register(cloud, token, **more).json
    assert told["gpii_flags"] == ["same_installation"]
    first.prove(cloud)
    assert opens(first, cloud)
    assert notices_of(cloud, second) == ["same_installation"]


def test_p49_where_nobody_owns_a_computer_the_sites_owner_is_told(cloud: Cloud) -> None:
    who, site = account(cloud), "Reading room"
    assert run("site", "create", site, "--data", cloud.data).returncode == 0
    added = run("site", "member", "add", site, who, "--role", "owner", "--data", cloud.data)
    assert added.returncode == 0, added.stderr
    _, token = file_token(cloud.data, "--uses", 5, "--site", site)
    more: dict[str, Any] = {"scheme": "Bearer", "gpii_installation_id": "r" * 42 + "A"}
    first, second = Newcomer(), Newcomer()
    for one in (first, second):
        assert one.register(cloud, token, **more).status == 201
    assert notices_of(cloud, first) == []
    assert notices_of(cloud, second) == ["same_installation"]


def notices_of(cloud: Cloud, computer: Newcomer) -> list[str]:
    """Return what the owner was told about a computer."""
    connection = sqlite3.connect(cloud.data / STORE)
    found = connection.execute(
        "SELECT kind FROM notices WHERE client_id IN "
        "(SELECT client_id FROM credentials WHERE oauth2_client_id = ?) ORDER BY seq",
        (computer.client_id,),
    ).fetchall()
    connection.close()
    return [kind for (kind,) in found]


@pytest.mark.parametrize(("policy", "second_may"), [("replace", True), ("deny", False)])
def test_p49_the_operator_decides_about_copies(
    tmp_path: Path, policy: str, *, second_may: bool
) -> None:
    data, config = tmp_path / "data", tmp_path / "cloud.toml"
    import_documents(data, everything())
    config.write_text(f'[enrolment]\nsame_installation = "{policy}"\n')
    with serving(data, "--issuer", ISSUER, "--config", config) as cloud:
        _, token = file_token(data, "--uses", 5, "--owner", account(cloud))
        first, second = Newcomer(), Newcomer()
        more: dict[str, Any] = {"scheme": "Bearer", "gpii_installation_id": "d" * 42 + "A"}
        assert first.register(cloud, token, **more).status == 201
        first.prove(cloud)
        reply = second.register(cloud, token, **more)
        assert (reply.status == 201) is second_may
        assert opens(first, cloud) is not second_may


def test_p95_no_address_of_a_client_is_taken(cloud: Cloud) -> None:
    _, token = file_token(cloud.data)
    for name in ("jwks_uri", "logo_uri", "client_uri", "policy_uri", "sector_identifier_uri"):
        reply = Newcomer().register(cloud, token, **{name: "http://169.254.169.254/"})
        assert (reply.status, error(reply)) == (400, "invalid_client_metadata")


def test_open_registration_opens_nothing_before_a_yes(tmp_path: Path) -> None:
    data, config = tmp_path / "data", tmp_path / "cloud.toml"
    import_documents(data, everything())
    config.write_text('[enrolment]\nregistration = "open"\nunsafe_open_registration = true\n')
    with serving(data, "--issuer", ISSUER, "--config", config) as cloud:
        computer = Newcomer()
        told = computer.register(cloud, None).json
        assert (told["gpii_status"], told["gpii_flags"]) == ("pending", ["awaiting"])
        assert computer.prove(cloud).status == 401
        assert run("client", "approve", computer.client_id, "--data", data).returncode == 0
        assert computer.read(cloud).json["gpii_status"] == "active"
        assert opens(computer, cloud)


@pytest.mark.parametrize(
    "text",
    [
        'registration = "open"',
        "unsafe_open_registration = true",
        'registration = "attested"',
        'registration = "none"',
        "pending_minutes = 0",
    ],
)
def test_no_other_registration_is_started(tmp_path: Path, text: str) -> None:
    config = tmp_path / "cloud.toml"
    config.write_text(f"[enrolment]\n{text}\n")
    done = run(
        *("cloud", "serve", "--data", tmp_path / "data", "--issuer", ISSUER),
        *("--listen", "127.0.0.1:0", "--config", config),
    )
    assert done.returncode == 3, done.stderr


def account(cloud: Cloud) -> str:
    name = f"owner-{fresh()}"
    done = run("account", "create", name, "--data", cloud.data, stdin="nine purple gates\n")
    assert done.returncode == 0, done.stderr
    return name


def test_what_a_command_makes_is_shown_once(cloud: Cloud, tmp_path: Path) -> None:
    file = tmp_path / "desks.iat"
    told = made(cloud.data, "--file", file, "--uses", 3, "--site", "Main library")
    assert "iat" not in json.dumps(told)
    assert file.stat().st_mode & 0o777 == 0o600
    content = json.loads(file.read_bytes())
    assert content["issuer"] == ISSUER
    listed = run("token", "list", "--data", cloud.data, "--json").stdout
    assert content["iat"] not in listed
    again = run("token", "create", "x", "--data", cloud.data, "--file", file)
    assert again.returncode == 3
