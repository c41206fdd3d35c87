"""What every store owes to grants: found whole, dead when anything they rest on has gone."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import TYPE_CHECKING

import pytest

from keyin.domain.environment import Millis
from keyin.domain.records import Digest, RecordId, Status, StoredGrant
from keyin.oauth.ports import Enrolment
from keyin.settings.ports import KeyAndSafe
from keyin.stores.postgres import PostgresStore
from tests.fakes.records import NOW, client, credential, event, key, safe, token

if TYPE_CHECKING:
    from tests.conformance.stores import Store

T1 = (Digest("p:t1"),)


async def _everything(store: Store) -> None:
    await store.enrol(
        Enrolment(clients=[client()], credentials=[credential()], keys=[key()], safes=[safe()]),
        event=event(),
    )


async def test_an_unknown_token_finds_nothing(store: Store) -> None:
    await _everything(store)
    assert await store.find_grant(T1) is None


async def test_a_grant_comes_with_all_it_rests_on(store: Store) -> None:
    await _everything(store)
    await store.add_token(token(), event=event())
    expected = StoredGrant(
        token=token(), client=client(), credential=credential(), key=key(), store_epoch=0
    )
    assert await store.find_grant(T1) == expected
    assert await store.find_grant((Digest("q:other"), *T1)) == expected


def _become(changed: KeyAndSafe, _: KeyAndSafe | None) -> KeyAndSafe:
    return changed


@pytest.mark.parametrize("size", [1, 64 * 1024, 64 * 1024 + 1])
async def test_a_safe_that_comes_with_a_grant_is_the_keys_own_as_it_is_now(
    store: Store, size: int
) -> None:
    """A store may leave it to who wants it, but what it gives is what a look would find."""
    await _everything(store)
    await store.add_token(token(), event=event())
    for mark in (b"1", b"2"):
        changed = KeyAndSafe(key=key(), safe=safe(sealed=mark * size))
        await store.change_safe((key().digest,), partial(_become, changed))
        found = await store.find_grant(T1)
        assert found is not None
        looked = await store.find_safe((key().digest,))
        assert looked == changed
        assert found.safe in (None, changed.safe)
        if isinstance(store, PostgresStore):
            assert (found.safe is None) == (size > 64 * 1024)


async def test_a_token_for_a_key_that_is_not_there_yet(store: Store) -> None:
    await _everything(store)
    early = token(key_digest=Digest("p:later"), key_epoch=None)
    await store.add_token(early, event=event())
    found = await store.find_grant(T1)
    assert found is not None
    assert found.token == early
    assert found.key is None


async def test_o2_a_token_without_credential_or_client_is_none(store: Store) -> None:
    await _everything(store)
    await store.add_token(token("p:a", credential_id=RecordId("gone")), event=event())
    await store.add_token(token("p:b", client_id=RecordId("gone")), event=event())
    assert await store.find_grant((Digest("p:a"),)) is None
    assert await store.find_grant((Digest("p:b"),)) is None


async def test_p3_every_revocation_shows_at_the_next_look(store: Store) -> None:
    await _everything(store)
    await store.add_token(token(), event=event())
    assert await _looked_at(store) == (Status.ACTIVE, 0, 0, 0, 0)
    assert await store.revoke_token(T1, event=event())
    assert await _looked_at(store) == (Status.REVOKED, 0, 0, 0, 0)
    await store.revoke_client(RecordId("client-1"), now=NOW, event=event())
    assert await _looked_at(store) == (Status.REVOKED, 1, 0, 0, 0)
    await store.revoke_credential(RecordId("credential-1"), reason=None, now=NOW, event=event())
    assert await _looked_at(store) == (Status.REVOKED, 1, 1, 0, 0)
    await store.revoke_key((Digest("p:k1"),), reason=None, now=NOW, event=event())
    assert await _looked_at(store) == (Status.REVOKED, 1, 1, 1, 0)
    assert await store.bump_store_epoch(event=event()) == 1
    assert await _looked_at(store) == (Status.REVOKED, 1, 1, 1, 1)
    assert await store.store_epoch() == 1


async def _looked_at(store: Store) -> tuple[Status, int, int, int, int]:
    """Return the status of the grant and the epochs of all that it rests on, found twice alike."""
    found = await store.find_grant(T1)
    assert found is not None
    assert found.key is not None
    assert await store.find_grant(T1) == found
    assert (found.token.client_epoch, found.token.store_epoch) == (0, 0)
    epochs = (found.client.epoch, found.credential.epoch, found.key.epoch)
    return (found.token.status, *epochs, found.store_epoch)


async def test_revoking_an_unknown_token_says_so(store: Store) -> None:
    assert not await store.revoke_token(T1, event=event())


async def test_a_token_put_twice_stays_as_it_was_first(store: Store) -> None:
    await _everything(store)
    await store.add_token(token(), event=event())
    await store.revoke_token(T1, event=event())
    await store.add_token(token(), event=event())
    assert (await store.enrol(Enrolment(tokens=[token()]), event=event()))["tokens"] == 0
    found = await store.find_grant(T1)
    assert found is not None
    assert found.token.status is Status.REVOKED


async def test_a_revoked_token_that_comes_in_revokes(store: Store) -> None:
    await _everything(store)
    await store.add_token(token(), event=event())
    assert await store.find_grant(T1) is not None
    written = await store.enrol(Enrolment(tokens=[token(status=Status.REVOKED)]), event=event())
    assert written["tokens"] == 1
    found = await store.find_grant(T1)
    assert found is not None
    assert found.token.status is Status.REVOKED


async def test_many_at_once_are_all_there(store: Store) -> None:
    await _everything(store)
    tokens = [token(f"p:{number}") for number in range(700)]
    await asyncio.gather(*[store.add_token(one, event=event()) for one in tokens])
    for one in tokens:
        found = await store.find_grant((one.digest,))
        assert found is not None
        assert found.token == one


async def test_expired_tokens_are_purged(store: Store) -> None:
    await _everything(store)
    for number in range(10):
        await store.add_token(token(f"p:{number}", expires=Millis(NOW + number)), event=event())
        assert await store.find_grant((Digest(f"p:{number}"),)) is not None
    assert await store.sweep("tokens", expired_before=Millis(NOW + 4), most=99) == 4
    assert await store.sweep("tokens", expired_before=Millis(NOW + 4), most=99) == 0
    assert await store.find_grant((Digest("p:3"),)) is None
    assert await store.find_grant((Digest("p:4"),)) is not None
