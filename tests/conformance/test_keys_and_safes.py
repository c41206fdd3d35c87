"""What every store owes to keys and the safes they open."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest
from msgspec.structs import replace

from keyin.domain.records import Digest, SafeId, Status
from keyin.oauth.ports import Enrolment
from keyin.settings.ports import KeyAndSafe
from tests.fakes.records import NOW, client, credential, event, key, safe, token

if TYPE_CHECKING:
    from tests.conformance.stores import Store

K1 = (Digest("p:k1"),)


async def test_an_unknown_key_finds_nothing(store: Store) -> None:
    assert await store.find_key(K1) is None
    assert await store.find_safe(K1) is None


async def test_they_are_found_as_they_were_put(store: Store) -> None:
    await store.enrol(Enrolment(keys=[key()], safes=[safe()]), event=event())
    assert await store.find_key(K1) == key()
    assert await store.find_safe(K1) == KeyAndSafe(key=key(), safe=safe())


async def test_every_field_comes_back(store: Store) -> None:
    full = key(
        status=Status.REVOKED,
        epoch=7,
        low_entropy=False,
        revoked_reason="lost",
        updated=NOW,
        revoked=NOW,
        prefs_set_id=None,
    )
    snapset = safe(kind="snapset", sealed=bytes(range(256)), updated=NOW)
    await store.enrol(Enrolment(keys=[full], safes=[snapset]), event=event())
    assert await store.find_safe(K1) == KeyAndSafe(key=full, safe=snapset)


async def test_a_key_is_found_under_an_older_pepper(store: Store) -> None:
    await store.enrol(Enrolment(keys=[key()], safes=[safe()]), event=event())
    digests = (Digest("q:other"), Digest("p:k1"), Digest("o:third"))
    assert await store.find_key(digests) == key()
    assert await store.find_safe(digests) == KeyAndSafe(key=key(), safe=safe())


@pytest.mark.parametrize("safe_id", [None, SafeId("s_gone")])
async def test_a_key_without_a_safe(store: Store, safe_id: SafeId | None) -> None:
    await store.enrol(Enrolment(keys=[key(safe_id=safe_id)]), event=event())
    assert await store.find_safe(K1) == KeyAndSafe(key=key(safe_id=safe_id), safe=None)


async def test_two_keys_open_one_safe(store: Store) -> None:
    await store.enrol(Enrolment(keys=[key(), key("p:k2")], safes=[safe()]), event=event())
    found = await store.find_safe((Digest("p:k2"),))
    assert found == KeyAndSafe(key=key("p:k2"), safe=safe())


async def test_a_change_sees_what_is_there_and_replaces_it(store: Store) -> None:
    await store.enrol(Enrolment(keys=[key()], safes=[safe()]), event=event())
    seen: list[KeyAndSafe | None] = []

    def change(found: KeyAndSafe | None) -> KeyAndSafe:
        seen.append(found)
        return KeyAndSafe(key=key(updated=NOW), safe=safe(sealed=b"new", updated=NOW))

    await store.change_safe(K1, change)
    assert set(map(type, seen)) == {KeyAndSafe}  # a change may be asked more than once
    assert all(one == KeyAndSafe(key=key(), safe=safe()) for one in seen)
    assert await store.find_safe(K1) == KeyAndSafe(
        key=key(updated=NOW), safe=safe(sealed=b"new", updated=NOW)
    )


async def test_a_change_may_make_key_and_safe(store: Store) -> None:
    def make(found: KeyAndSafe | None) -> KeyAndSafe:
        assert found is None
        return KeyAndSafe(key=key(), safe=safe())

    await store.change_safe(K1, make)
    assert await store.find_safe(K1) == KeyAndSafe(key=key(), safe=safe())


async def test_a_change_may_make_a_key_alone(store: Store) -> None:
    await store.change_safe(K1, lambda _: KeyAndSafe(key=key(safe_id=None), safe=None))
    assert await store.find_safe(K1) == KeyAndSafe(key=key(safe_id=None), safe=None)


async def test_what_a_change_raises_reaches_the_caller_and_leaves_all_as_it_was(
    store: Store,
) -> None:
    await store.enrol(Enrolment(keys=[key()], safes=[safe()]), event=event())

    def refuse(_: KeyAndSafe | None) -> KeyAndSafe:
        raise LookupError("no")

    with pytest.raises(LookupError, match="no"):
        await store.change_safe(K1, refuse)
    assert await store.find_safe(K1) == KeyAndSafe(key=key(), safe=safe())


async def test_no_change_is_lost_among_many_at_once(store: Store) -> None:
    await store.enrol(Enrolment(keys=[key()], safes=[safe(sealed=b"")]), event=event())

    def append(found: KeyAndSafe | None) -> KeyAndSafe:
        assert found is not None
        assert found.safe is not None
        return replace(found, safe=replace(found.safe, sealed=found.safe.sealed + b"x"))

    await asyncio.gather(*[store.change_safe(K1, append) for _ in range(100)])
    found = await store.find_safe(K1)
    assert found is not None
    assert found.safe is not None
    assert found.safe.sealed == b"x" * 100


async def test_a_user_safe_is_not_overwritten_by_enrolling(store: Store) -> None:
    await store.enrol(Enrolment(keys=[key()], safes=[safe()]), event=event())
    for kind in ("user", "snapset"):
        written = await store.enrol(
            Enrolment(safes=[safe(sealed=b"older", kind=kind)]), event=event()
        )
        assert written["safes"] == 0
    assert await store.find_safe(K1) == KeyAndSafe(key=key(), safe=safe())


async def test_a_snapset_takes_the_new_content(store: Store) -> None:
    await store.enrol(Enrolment(keys=[key()], safes=[safe(kind="snapset")]), event=event())
    written = await store.enrol(
        Enrolment(safes=[safe(kind="snapset", sealed=b"new")]), event=event()
    )
    assert written["safes"] == 1
    found = await store.find_safe(K1)
    assert found is not None
    assert found.safe == safe(kind="snapset", sealed=b"new")


async def test_a_snapset_does_not_become_a_persons_by_enrolling(store: Store) -> None:
    await store.enrol(Enrolment(keys=[key()], safes=[safe(kind="snapset")]), event=event())
    assert (await store.enrol(Enrolment(safes=[safe(kind="user")]), event=event()))["safes"] == 0


async def test_o1_revoking_a_key_moves_its_epoch_on(store: Store) -> None:
    await store.enrol(Enrolment(keys=[key()]), event=event())
    assert await store.revoke_key(
        (Digest("q:x"), Digest("p:k1")), reason="lost", now=NOW, event=event()
    )
    assert not await store.revoke_key((Digest("p:none"),), reason="lost", now=NOW, event=event())
    revoked = key(status=Status.REVOKED, epoch=1, revoked_reason="lost", revoked=NOW)
    assert await store.find_key(K1) == revoked


async def test_a_revoked_key_comes_in_and_none_comes_back(store: Store) -> None:
    await store.enrol(Enrolment(keys=[key()]), event=event())
    revoked = key(status=Status.REVOKED, revoked_reason="lost", revoked=NOW)
    assert (await store.enrol(Enrolment(keys=[revoked]), event=event()))["keys"] == 1
    assert (await store.enrol(Enrolment(keys=[key()]), event=event()))["keys"] == 0
    assert await store.find_key(K1) == replace(revoked, epoch=1)


async def test_known_safes(store: Store) -> None:
    await store.enrol(Enrolment(safes=[safe(), safe("s_2")]), event=event())
    asked = [SafeId(f"s_{number}") for number in range(1200)]
    assert await store.known_safes(asked) == {"s_1", "s_2"}
    assert await store.known_safes([]) == frozenset()


async def test_all_of_them_come_out_in_their_order(store: Store) -> None:
    keys = [key(f"p:{number}") for number in range(401)]
    safes = [safe(f"s_{number}") for number in range(400)]
    await store.enrol(Enrolment(keys=keys, safes=safes), event=event())
    assert [one async for one in store.all_keys()] == keys
    assert [one async for one in store.all_safes()] == safes


async def test_registries(store: Store) -> None:
    assert await store.registries() == {}
    versions = [await store.registries_version()]
    for name, text in (("win32", b'{"a":1}'), ("linux", b"{}"), ("win32", b'{"a":2}')):
        await store.put_registry(name, text)
        versions.append(await store.registries_version())
    assert versions == sorted(set(versions))
    await store.enrol(Enrolment(keys=[key()]), event=event())
    assert await store.registries_version() == versions[-1]
    await store.enrol(
        Enrolment(clients=[client()], credentials=[credential()], tokens=[token()]), event=event()
    )
    assert await store.find_grant((token().digest,)) is not None
    assert await store.registries_version(at_grant=True) == versions[-1]
    await store.put_registry("linux", b"{}")
    assert await store.find_grant((token().digest,)) is not None
    assert await store.registries_version(at_grant=True) > versions[-1]
    assert await store.registries() == {"linux": b"{}", "win32": b'{"a":2}'}
