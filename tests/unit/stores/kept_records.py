"""What a kept store of each landed schema holds, in SQLite and in PostgreSQL."""

from __future__ import annotations

from typing import TYPE_CHECKING

from keyin.domain.records import Digest
from keyin.oauth.ports import Enrolment
from tests.fakes.records import client, client_key, credential, event, key, safe, token

if TYPE_CHECKING:
    from keyin.stores.opening import Store


async def fill(store: Store) -> None:
    """Write one of each."""
    await store.enrol(
        Enrolment(
            clients=[client()],
            credentials=[credential()],
            keys=[key()],
            safes=[safe()],
            tokens=[token()],
            client_keys=[client_key()],
        ),
        event=event(),
    )
    await store.put_registry("linux", b"{}")


async def check(store: Store) -> None:
    """Find all of it again."""
    grant = await store.find_grant((Digest("p:t1"),))
    kept = await store.find_safe((Digest("p:k1"),))
    assert grant is not None
    assert kept is not None
    assert (grant.token, grant.client, grant.credential) == (token(), client(), credential())
    assert (grant.key, kept.safe) == (key(), safe())
    assert await store.registries() == {"linux": b"{}"}
