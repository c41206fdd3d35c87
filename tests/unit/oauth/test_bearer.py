"""Who a bearer token lets in, and everything that ends it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from msgspec.structs import replace

from keyin.domain.environment import Millis
from keyin.domain.grant import Grant
from keyin.domain.records import Status
from keyin.oauth.bearer import Denial, presented
from keyin.oauth.errors import Reason
from tests.fakes.records import event
from tests.unit.oauth.cloud_side import CLIENT_ID, CREDENTIAL_ID, KEY, CloudSide

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

HEADERS = [
    ("Bearer AAA", "AAA"),
    ("bearer BBB", "BBB"),
    ("BEARER x", "x"),
    ("Bearer  CCC", "CCC"),
    ("Bearer\tDDD", "DDD"),
    ("", None),
    (None, None),
    ("Bearer", None),
    ("BearerAAA", None),
    ("Bearer A B", None),
    ("Basic x", None),
    ("AAA", None),
]


@pytest.mark.parametrize(("header", "token"), HEADERS)
def test_a_header_has_two_words(header: str | None, token: str | None) -> None:
    found = presented(header)
    assert (found.token.reveal() if found and not found.dpop else None) == token


async def test_a_token_opens_its_own_key() -> None:
    side = CloudSide()
    await side.enrol()
    grant = await side.use(f"Bearer {await side.token()}")
    assert isinstance(grant, Grant)
    assert grant.key is not None
    assert grant.key.reveal() == KEY
    assert grant.client_id == CLIENT_ID


@pytest.mark.parametrize(
    "other", ["bob", "Alice", "alice ", "al\u0131ce", "alice\0", "", "alic\u0435", "%61lice"]
)
async def test_p05_a_token_opens_no_other_key(other: str) -> None:
    side = CloudSide()
    await side.enrol()
    assert await side.use(f"Bearer {await side.token()}", other) == Denial(Reason.ANOTHER_KEY)


@pytest.mark.parametrize(
    ("later_ms", "alive"), [(0, True), (3_599_500, True), (3_599_501, False), (3_600_000, False)]
)
async def test_a_token_ends_when_less_than_half_a_second_is_left(
    later_ms: int, *, alive: bool
) -> None:
    side = CloudSide()
    await side.enrol()
    token = await side.token()
    side.now = Millis(side.now + later_ms)
    assert isinstance(await side.use(f"Bearer {token}"), Grant) is alive


async def _revoke_token(side: CloudSide, token: str) -> None:
    await side.store.revoke_token(side.secrets.digests("token", token), event=event())


async def _revoke_client(side: CloudSide, _: str) -> None:
    await side.store.revoke_client(CLIENT_ID, now=side.now, event=event())


async def _suspend_client(side: CloudSide, _: str) -> None:
    client = side.store._clients[CLIENT_ID]
    side.store._clients[CLIENT_ID] = replace(client, status=Status.SUSPENDED)


async def _restore_client_after_revoking(side: CloudSide, _: str) -> None:
    await side.store.revoke_client(CLIENT_ID, now=side.now, event=event())
    client = side.store._clients[CLIENT_ID]
    side.store._clients[CLIENT_ID] = replace(client, status=Status.ACTIVE)


async def _delete_client(side: CloudSide, _: str) -> None:
    del side.store._clients[CLIENT_ID]


async def _revoke_credential(side: CloudSide, _: str) -> None:
    await side.store.revoke_credential(CREDENTIAL_ID, reason=None, now=side.now, event=event())


async def _delete_credential(side: CloudSide, _: str) -> None:
    del side.store._credentials[CREDENTIAL_ID]


async def _revoke_key(side: CloudSide, _: str) -> None:
    await side.store.revoke_key(
        side.secrets.digests("key", KEY), reason=None, now=side.now, event=event()
    )


async def _delete_key(side: CloudSide, _: str) -> None:
    side.store._keys.clear()


async def _bump_store(side: CloudSide, _: str) -> None:
    await side.store.bump_store_epoch(event=event())


async def _rebind_networks(side: CloudSide, _: str) -> None:
    credential = side.store._credentials[CREDENTIAL_ID]
    policy = side.policy(networks=("198.51.100.0/24",))
    side.store._credentials[CREDENTIAL_ID] = replace(credential, policy=policy)


async def _another_audience(side: CloudSide, token: str) -> None:
    digest = side.secrets.digests("token", token)[0]
    side.store._tokens[digest] = replace(side.store._tokens[digest], audience="elsewhere")


ENDS = [
    _revoke_token,
    _revoke_client,
    _suspend_client,
    _restore_client_after_revoking,
    _delete_client,
    _revoke_credential,
    _delete_credential,
    _revoke_key,
    _delete_key,
    _bump_store,
    _rebind_networks,
    _another_audience,
]


@pytest.mark.parametrize("end", ENDS)
async def test_p03_every_revocation_ends_a_token_at_its_next_use(
    end: Callable[[CloudSide, str], Awaitable[None]],
) -> None:
    side = CloudSide()
    await side.enrol()
    token = await side.token()
    assert isinstance(await side.use(f"Bearer {token}"), Grant)
    await end(side, token)
    assert isinstance(await side.use(f"Bearer {token}"), Denial)


async def test_p25_networks_count_at_use() -> None:
    side = CloudSide()
    await side.enrol(credential={"policy": side.policy(networks=("192.0.2.0/24",))})
    token = await side.token()
    side.address = "198.51.100.7"
    assert await side.use(f"Bearer {token}") == Denial(Reason.NETWORK)


async def test_a_token_for_a_key_to_be_made_lives_on_when_it_is_made() -> None:
    side = CloudSide()
    policy = side.policy(may_create_keys=True, may_create_safes=True)
    await side.enrol(credential={"policy": policy})
    token = await side.token(username="new")
    assert isinstance(await side.use(f"Bearer {token}", "new"), Grant)
