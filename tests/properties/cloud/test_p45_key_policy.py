"""P44, P45: keys that we make, and what a key's policy takes away, at exchange and at use."""

from __future__ import annotations

import json
import re
import sqlite3
from base64 import urlsafe_b64decode
from typing import TYPE_CHECKING

import pytest

from keyin.domain.key_strength import low_entropy
from keyin.domain.secret import GpiiKey
from tests.cloud_documents import preferences
from tests.limited_cloud import KEYS, ask, limited, same, store_with, suspend_key
from tests.oauth_client import ISSUER, Computer, registered
from tests.started import run

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.cloud_process import Cloud

NEVER_SLOW = {
    "failed_keys_burst": 100_000,
    "failed_keys_a_minute": 60_000,
    "site_failed_keys_burst": 100_000,
    "keys_an_hour": {"public": 10_000, "other": 10_000},
}
SUSPENDED = KEYS[39]


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    data = store_with(tmp_path_factory.mktemp("policy") / "data", "a", "b")
    suspend_key(data, SUSPENDED)
    return data


@pytest.fixture(scope="module")
def hall(data: Path) -> list[Computer]:
    return [registered(data, "--site", "Main hall") for _ in range(3)]


@pytest.fixture(scope="module")
def elsewhere(data: Path) -> Computer:
    return registered(data, "--site", "Other hall")


@pytest.fixture(scope="module")
def cloud(data: Path, hall: list[Computer], elsewhere: Computer) -> Iterator[Cloud]:
    assert elsewhere.client_id not in [desk.client_id for desk in hall]
    with limited(data, **NEVER_SLOW) as running:
        yield running


def verb(cloud: Cloud, name: str, *more: object, key: str | None = None) -> str:
    """Run a verb while the cloud runs; the key comes on standard input."""
    at = ("--data", cloud.data)
    words = ("key", name, *(("-",) if key else ()), *more, *at)
    done = run(*words, stdin=key) if key else run(*words)
    assert done.returncode == 0, done.stderr
    return done.stdout


def new_key(cloud: Cloud, *limits: object) -> str:
    made = verb(cloud, "create", *limits).strip()
    assert made
    return made


@pytest.fixture
def pin_file(tmp_path: Path) -> Path:
    file = tmp_path / "pin"
    file.write_text("24680\n", encoding="utf-8")
    return file


def test_p44_a_key_made_here_has_256_bits_and_is_said_once(
    cloud: Cloud, hall: list[Computer]
) -> None:
    made = new_key(cloud)
    assert re.fullmatch(r"[A-Za-z0-9_-]{43}", made)
    assert len(urlsafe_b64decode(made + "=")) == 32
    assert not low_entropy(GpiiKey(made))
    shown = json.loads(verb(cloud, "show", "--json", key=made))
    assert shown["low_entropy"] is False
    assert made not in json.dumps(shown)
    assert hall[0].exchange(cloud, made).status == 200
    assert json.loads(verb(cloud, "show", "--json", key=KEYS[0]))["low_entropy"] is True


def test_p45_without_a_policy_a_key_opens_everywhere(
    cloud: Cloud, hall: list[Computer], elsewhere: Computer
) -> None:
    for desk in (*hall, elsewhere):
        token = desk.token(cloud, KEYS[1])
        assert desk.settings(cloud, KEYS[1], token).status == 200
    assert ask(cloud, KEYS[1]).status == 200


def test_p45_a_key_with_a_pin_opens_with_it_only(
    cloud: Cloud, hall: list[Computer], pin_file: Path
) -> None:
    key = new_key(cloud, "--pin-file", pin_file)
    unknown = same(hall[0].exchange(cloud, "nobody"))
    for pin in (None, "", "24681", "dummy"):
        assert same(hall[0].exchange(cloud, key, pin=pin)) == unknown
    assert hall[0].exchange(cloud, key, pin="24680").status == 200
    legacy = same(ask(cloud, "nobody"))
    assert same(ask(cloud, key, password="24681")) == legacy
    assert ask(cloud, key, password="24680").status == 200


def test_p45_wrong_pins_lock_a_key_where_they_came_from_and_nowhere_else(
    cloud: Cloud, hall: list[Computer], elsewhere: Computer, pin_file: Path
) -> None:
    key = new_key(cloud, "--pin-file", pin_file)
    assert hall[0].exchange(cloud, key, pin="24680").status == 200
    unknown = same(elsewhere.exchange(cloud, "nobody"))
    for thief in (elsewhere, hall[1], hall[2]):
        for number in range(8):
            assert same(thief.exchange(cloud, key, pin=f"1111{number}")) == unknown
        assert same(thief.exchange(cloud, key, pin="24680")) == unknown, "locked for a while"
    for number in range(6):
        assert ask(cloud, key, "a", password=f"2222{number}").status == 401
        assert ask(cloud, key, "b", password=f"2222{number}").status == 401
    assert hall[0].exchange(cloud, key, pin="24680").status == 200, "not at the person's own"
    assert '"reason":"pins_of_key"' in cloud.process.output


def test_p45_a_key_opens_at_its_sites_only(
    cloud: Cloud, hall: list[Computer], elsewhere: Computer
) -> None:
    key = new_key(cloud)
    there = elsewhere.token(cloud, key)
    verb(cloud, "policy", "--only-site", "Main hall", key=key)
    assert elsewhere.settings(cloud, key, there).status == 401
    assert same(elsewhere.exchange(cloud, key)) == same(elsewhere.exchange(cloud, "nobody"))
    assert ask(cloud, key).status == 401, "a client without a site is at none"
    token = hall[0].token(cloud, key)
    assert hall[0].settings(cloud, key, token).status == 200
    verb(cloud, "policy", "--any-site", key=key)
    assert elsewhere.exchange(cloud, key).status == 200


def test_p45_a_key_is_open_at_so_many_computers_at_once(cloud: Cloud, hall: list[Computer]) -> None:
    key = new_key(cloud, "--machines", 2)
    first, second, third = hall
    old = first.token(cloud, key)
    own = first.token(cloud, key)
    assert second.exchange(cloud, key).status == 200
    assert same(third.exchange(cloud, key)) == same(third.exchange(cloud, "nobody"))
    revoked = cloud.form(
        "/oauth2/revoke",
        {
            "token": own,
            "client_assertion_type": first.form("x")["client_assertion_type"],
            "client_assertion": first.assertion(),
        },
        {"DPoP": first.proof(url=ISSUER + "/oauth2/revoke")},
    )
    assert revoked.status == 200
    assert third.exchange(cloud, key).status == 200, "the first has left"
    assert first.settings(cloud, key, old).status == 401, "its older token left with it"
    assert first.exchange(cloud, key).status == 400


def test_p45_a_key_that_is_only_read_is_never_written(cloud: Cloud, hall: list[Computer]) -> None:
    key = new_key(cloud, "--read-only")
    reply = hall[0].exchange(cloud, key)
    assert reply.json["scope"] == "settings:read"
    only_writing = hall[0].exchange(cloud, key, scope="settings:write")
    assert same(only_writing) == same(hall[0].exchange(cloud, "nobody"))
    legacy = ask(cloud, key).json["access_token"]
    assert cloud.settings(key, legacy, {}).status == 200
    assert cloud.save(key, legacy, preferences(volume=1)).status in (401, 403)


def test_p45_a_change_of_policy_ends_what_was_given_before(
    cloud: Cloud, hall: list[Computer], pin_file: Path
) -> None:
    key = new_key(cloud)
    for change in (
        ("--read-only",),
        ("--read-write",),
        ("--machines", 3),
        ("--any-machines",),
        ("--pin-file", pin_file),
    ):
        pin = "24680"
        token = hall[0].token(cloud, key, pin=pin)
        assert hall[0].settings(cloud, key, token).status == 200
        verb(cloud, "policy", *change, key=key)
        assert hall[0].settings(cloud, key, token).status == 401
        assert hall[0].exchange(cloud, key, pin=pin).status == 200


def test_p3_a_revoked_key_is_dead_at_once_and_like_one_that_never_was(
    cloud: Cloud, hall: list[Computer]
) -> None:
    key = new_key(cloud)
    token = hall[0].token(cloud, key)
    verb(cloud, "revoke", "--yes", "--reason", "lost", key=key)
    assert hall[0].settings(cloud, key, token).status == 401
    assert same(hall[0].exchange(cloud, key)) == same(hall[0].exchange(cloud, "nobody"))
    assert json.loads(verb(cloud, "show", "--json", key=key))["revoked_reason"] == "lost"


NO_KEYS = ["nobody", "gone", SUSPENDED, "client-a", "a", "s_1", "noUser", "reset", "restore",
           "readSetting"]  # fmt: skip


def test_p41_every_key_that_opens_nothing_has_the_same_answer(
    cloud: Cloud, hall: list[Computer]
) -> None:
    for answers in (
        [same(hall[0].exchange(cloud, name)) for name in NO_KEYS],
        [same(ask(cloud, name)) for name in NO_KEYS],
    ):
        assert answers == [answers[0]] * len(NO_KEYS)
        assert answers[0][0] in (400, 401)


@pytest.mark.parametrize("name", ["noUser", "reset", "restore", "readSetting"])
def test_a_reserved_word_is_no_key_for_an_administrator_either(cloud: Cloud, name: str) -> None:
    for words in (("show", "-"), ("policy", "-", "--read-only"), ("revoke", "-", "--yes")):
        done = run("key", *words, "--data", cloud.data, stdin=name)
        assert done.returncode != 0
        assert name not in done.stdout + done.stderr


def test_a_key_is_never_taken_from_an_argument(cloud: Cloud) -> None:
    done = run("key", "show", KEYS[0], "--data", cloud.data)
    assert done.returncode == 2
    assert KEYS[0] not in done.stdout + done.stderr


def test_p45_what_is_said_of_a_key_is_written_down_without_key_or_pin(
    cloud: Cloud, hall: list[Computer], tmp_path: Path
) -> None:
    pin = tmp_path / "pin"
    pin.write_text("Kanarienvogel 7", encoding="utf-8")
    key = new_key(cloud, "--pin-file", pin, "--site", "Main hall")
    assert hall[0].exchange(cloud, key, pin="Kanarienvogel 8").status == 400
    assert hall[0].exchange(cloud, key, pin="Kanarienvogel 7").status == 200
    verb(cloud, "policy", "--no-pin", "--machines", 2, key=key)
    pseudonym = json.loads(verb(cloud, "show", "--json", key=key))["pseudonym"]
    verb(cloud, "revoke", "--yes", key=key)
    store = sqlite3.connect(cloud.data / "keyin.sqlite3")
    events = [json.loads(row[0]) for row in store.execute("SELECT event FROM audit ORDER BY seq")]
    dump = "\n".join(store.iterdump())
    store.close()
    mine = [event for event in events if event.get("key") == pseudonym]
    assert [event["act"] for event in mine] == [
        "key.created",
        "token.refused",
        "token.issued",
        "policy.changed",
        "key.revoked",
    ]
    assert mine[0]["detail"]["pin"] == "yes"
    assert mine[1]["reason"] == "wrong_pin"
    assert mine[3]["detail"]["machines"] == "2"
    assert "pin" not in mine[3]["detail"]
    for secret in (key, "Kanarienvogel"):
        assert secret not in dump
        assert secret not in cloud.process.output


def test_a_pin_is_asked_for_where_nobody_sees_it_or_not_at_all(cloud: Cloud) -> None:
    done = run("key", "create", "--pin", "--data", cloud.data)
    assert done.returncode == 3
    assert "key" not in done.stdout
    short = cloud.data.parent / "short"
    short.write_text("123", encoding="utf-8")
    assert run("key", "create", "--pin-file", short, "--data", cloud.data).returncode == 3
