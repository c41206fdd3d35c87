"""The decision order of the token endpoint, row by row (cloud-wire §3.2)."""

from __future__ import annotations

import re
from base64 import urlsafe_b64decode
from typing import TYPE_CHECKING, Any

import pytest

from keyin.domain.key_policy import KeyPolicy, pin_text
from keyin.domain.records import ClientKind, Status
from keyin.oauth.errors import Code, Reason, Refusal
from keyin.oauth.grants.password import Issued
from tests.fakes import records
from tests.unit.oauth.cloud_side import SECRET, CloudSide

if TYPE_CHECKING:
    from keyin.domain.environment import Millis

ABSENT = ...
PLAIN = (401, None, "Unauthorized")
DENIED = (401, Code.SERVER_ERROR, "Unauthorized")


def unsupported(shown: str) -> tuple[int, Code, str]:
    return (501, Code.UNSUPPORTED_GRANT_TYPE, f"Unsupported grant type: {shown}")


def invalid(text: str) -> tuple[int, Code, str]:
    return (400, Code.INVALID_REQUEST, text)


ROWS: list[tuple[dict[str, object], tuple[int, Code | None, str]]] = [
    ({"client_id": ABSENT}, PLAIN),
    ({"client_id": ""}, PLAIN),
    ({"client_secret": ABSENT, "grant_type": ABSENT}, PLAIN),
    ({"client_secret": 0}, PLAIN),
    ({"client_secret": None}, PLAIN),
    ({"client_secret": "wrong"}, DENIED),
    ({"client_secret": [SECRET, SECRET]}, DENIED),
    ({"client_secret": [SECRET]}, DENIED),
    ({"client_secret": 5}, DENIED),
    ({"client_id": "unknown"}, DENIED),
    ({"client_id": ["main-hall"]}, DENIED),
    ({"client_id": {}}, DENIED),
    ({"client_id": "unknown", "grant_type": ABSENT, "username": ABSENT}, DENIED),
    ({"grant_type": ABSENT}, unsupported("undefined")),
    ({"grant_type": ""}, unsupported("")),
    ({"grant_type": None}, unsupported("null")),
    ({"grant_type": 5}, unsupported("5")),
    ({"grant_type": True}, unsupported("true")),
    ({"grant_type": ["password", "password"]}, unsupported("password,password")),
    ({"grant_type": {}}, unsupported("[object Object]")),
    ({"grant_type": 'a"\n'}, unsupported("(unprintable)")),
    ({"grant_type": "refresh_token", "username": ABSENT}, unsupported("refresh_token")),
    ({"username": ABSENT, "password": ABSENT}, invalid("Missing required parameter: username")),
    ({"username": ""}, invalid("Missing required parameter: username")),
    ({"username": 0}, invalid("Missing required parameter: username")),
    ({"password": ABSENT}, invalid("Missing required parameter: password")),
    ({"password": False}, invalid("Missing required parameter: password")),
    (
        {"password": ["a", "b"]},
        invalid("Invalid parameter: password must not be repeated"),
    ),
    ({"scope": 5}, invalid("Invalid parameter: scope must be a string")),
    ({"scope": ["a", "b"]}, invalid("Invalid parameter: scope must be a string")),
    ({"username": "nobody"}, DENIED),
    ({"username": ["alice", "alice"]}, DENIED),
    ({"username": {"x": "alice"}}, DENIED),
    ({"username": 5}, DENIED),
    ({"username": "credential-1"}, DENIED),
    ({"username": "Alice"}, DENIED),
]


@pytest.mark.parametrize(("changes", "answer"), ROWS)
async def test_a_refusal_of_the_table(
    changes: dict[str, object], answer: tuple[int, Code | None, str]
) -> None:
    side = CloudSide()
    await side.enrol()
    refusal = await side.ask(**changes)
    assert isinstance(refusal, Refusal)
    assert (refusal.status, refusal.code, refusal.description) == answer


@pytest.mark.parametrize(
    "changes",
    [{}, {"scope": "a b"}, {"scope": ""}, {"password": 1}, {"anything": ["else", "twice"]}],
)
async def test_a_token_is_new_each_time_and_has_256_bits(changes: dict[str, object]) -> None:
    side = CloudSide()
    await side.enrol()
    first, second = await side.token(**changes), await side.token(**changes)
    assert first != second
    assert re.fullmatch(r"[A-Za-z0-9_-]{48}", first)
    random = [urlsafe_b64decode(token)[4:] for token in (first, second)]
    assert len(random[0]) * 8 == 256
    assert random[0][:4] != random[1][:4]


async def test_a_token_lives_an_hour() -> None:
    side = CloudSide()
    await side.enrol()
    issued = await side.ask()
    assert isinstance(issued, Issued)
    assert issued.lifetime_s == 3600


POLICIES: list[tuple[bool, bool, bool]] = [
    (False, False, False),
    (True, False, False),
    (False, True, False),
    (True, True, True),
]


@pytest.mark.parametrize(("keys", "safes", "issued"), POLICIES)
async def test_a_key_that_is_not_there_needs_both_privileges(
    *, keys: bool, safes: bool, issued: bool
) -> None:
    side = CloudSide()
    policy = side.policy(may_create_keys=keys, may_create_safes=safes)
    await side.enrol(credential={"policy": policy})
    assert isinstance(await side.ask(username="nobody"), Issued) is issued
    for name in ("noUser", "reset", "restore", "readSetting"):
        assert isinstance(await side.ask(username=name), Refusal)
    assert isinstance(await side.ask(), Issued)
    assert isinstance(await side.ask(username=["alice"]), Refusal)


STATES: list[tuple[dict[str, Any], Reason]] = [
    ({"client": {"status": Status.REVOKED}}, Reason.CLIENT_NOT_ACTIVE),
    ({"client": {"status": Status.PENDING}}, Reason.CLIENT_NOT_ACTIVE),
    ({"client": {"id": "another"}}, Reason.CLIENT_NOT_ACTIVE),
    ({"client": {"kind": ClientKind.OTHER}}, Reason.CLIENT_OF_ANOTHER_KIND),
    ({"credential": {"status": Status.REVOKED}}, Reason.CREDENTIAL_NOT_ACTIVE),
    ({"credential": {"status": Status.SUSPENDED}}, Reason.CREDENTIAL_NOT_ACTIVE),
    ({"key": {"status": Status.REVOKED}}, Reason.KEY_NOT_ACTIVE),
    ({"key": {"status": Status.EXPIRED}}, Reason.KEY_NOT_ACTIVE),
]


@pytest.mark.parametrize(("state", "reason"), STATES)
async def test_p03_what_is_not_active_gets_no_token(state: dict[str, Any], reason: Reason) -> None:
    side = CloudSide()
    await side.enrol(**state)
    refusal = await side.ask()
    assert isinstance(refusal, Refusal)
    assert refusal.reason is reason
    assert (refusal.status, refusal.code, refusal.description) == DENIED


async def test_p25_networks_count_at_issue() -> None:
    side = CloudSide()
    await side.enrol(credential={"policy": side.policy(networks=("192.0.2.0/24",))})
    assert isinstance(await side.ask(), Issued)
    for elsewhere in ("198.51.100.1", None):
        side.address = elsewhere
        refusal = await side.ask()
        assert isinstance(refusal, Refusal)
        assert (refusal.status, refusal.code, refusal.description) == DENIED


@pytest.mark.parametrize("until", [None, records.NOW - 1, records.NOW])
async def test_p102_only_a_legacy_client_before_its_date(until: Millis | None) -> None:
    side = CloudSide()
    await side.enrol(client={"legacy_until": until})
    refusal = await side.ask()
    assert isinstance(refusal, Refusal)
    assert (refusal.status, refusal.code, refusal.description) == unsupported("password")
    assert isinstance(await side.ask(client_secret="wrong"), Refusal)


SAME_WORK = [
    ({"client_id": "unknown"}, {"client_secret": "wrong"}),
    ({"client_id": ["main-hall"]}, {"client_secret": "wrong"}),
    ({"username": "nobody"}, {"username": "revoked"}),
    ({"username": ["alice"]}, {"username": "nobody"}),
    ({"username": "credential-1"}, {"username": "nobody"}),
    ({"username": "suspended"}, {"username": "nobody"}),
    ({"username": "elsewhere"}, {"username": "nobody"}),
    ({"username": "with a pin"}, {"username": "nobody"}),
    ({"username": "noUser"}, {"username": "nobody"}),
]


@pytest.mark.parametrize(("one", "other"), SAME_WORK)
async def test_p41_unknown_and_wrong_take_the_same_calls(
    one: dict[str, object], other: dict[str, object]
) -> None:
    side = CloudSide()
    await side.enrol()
    pin = side.secrets.digests("pin", pin_text("with a pin", "2468"))[0]
    changes: dict[str, dict[str, Any]] = {
        "revoked": {"status": Status.REVOKED},
        "suspended": {"status": Status.SUSPENDED},
        "elsewhere": {"policy": KeyPolicy(sites=("another site",))},
        "with a pin": {"policy": KeyPolicy(pin=pin)},
    }
    for name, change in changes.items():
        digest = side.secrets.digests("key", name)[0]
        side.store._keys[digest] = records.key(digest, **change)
    first = await side.ask(**one)
    calls, side.calls = side.calls, []
    second = await side.ask(**other)
    assert calls == side.calls != []
    assert isinstance(first, Refusal)
    assert isinstance(second, Refusal)
    assert (first.status, first.code, first.description) == (
        second.status,
        second.code,
        second.description,
    )


async def test_p41_a_client_id_and_a_secret_cost_one_lookup_and_one_digest() -> None:
    side = CloudSide()
    await side.ask()
    assert side.calls == ["find_credential", "digests:secret", "wait", "charge", "charge"]
