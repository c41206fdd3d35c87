"""What an event of the audit log costs a grant: CPU time, with the log and without.

    python benchmarks/audit.py

The store is a real one on a real disk; what the disk is waited for does not count. "Without" is
the same writer with the event neither made nor written. Takes half a minute.
"""

from __future__ import annotations

import asyncio
import tempfile
import time
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Final

from keyin.domain.environment import Millis
from keyin.domain.networks import parse_address
from keyin.domain.records import (
    UNRESTRICTED,
    Client,
    ClientKind,
    Credential,
    CredentialPolicy,
    Digest,
    Lineage,
    Origin,
    RecordId,
    Status,
    Token,
)
from keyin.oauth.auditing import Visit, issued
from keyin.oauth.client_auth import Authenticated
from keyin.stores.sqlite import audit, open_store

if TYPE_CHECKING:
    from keyin.domain.events import Event
    from keyin.stores.sqlite import SqliteStore

ROUNDS: Final = 5
GRANTS: Final = 6_400
KEYS: Final = 500
NOW: Final = Millis(1_800_000_000_000)
LINEAGE: Final = Lineage(site="Main hall", origin=Origin.ADMINISTRATOR)
BY: Final = Authenticated(
    client=Client(
        id=RecordId("c_9hSo2YkQ3mXvT0aLkZr1bw"),
        kind=ClientKind.INSTALLATION,
        name="Desk 3",
        computer_type="public",
        lineage=LINEAGE,
        status=Status.ACTIVE,
        epoch=0,
        created=NOW,
        updated=None,
        legacy_until=None,
    ),
    credential=Credential(
        id=RecordId("cc_9hSo2YkQ3mXvT0aLkZr1bw"),
        client_id=RecordId("c_9hSo2YkQ3mXvT0aLkZr1bw"),
        oauth2_client_id="gai_9hSo2YkQ3mXvT0aLkZr1bw",
        secret_digest=Digest("p:" + "0" * 64),
        policy=CredentialPolicy(
            networks=UNRESTRICTED, writable=(), may_create_keys=False, may_create_safes=False
        ),
        lineage=LINEAGE,
        status=Status.ACTIVE,
        epoch=0,
        revoked_reason=None,
        created=NOW,
        revoked=None,
    ),
)
ADDRESS: Final = parse_address("192.0.2.7")
NUMBERS: Final = count()


def token() -> Token:
    """Make a token that is new."""
    number = next(NUMBERS)
    return Token(
        digest=Digest(f"0a1b2c3d:{number:012x}{number * 2_654_435_761 % 2**52:052x}"),
        client_id=BY.client.id,
        credential_id=BY.credential.id,
        key_digest=Digest(f"0a1b2c3d:{number % KEYS:064x}"),
        audience="settings",
        scope="settings:read",
        lineage=LINEAGE,
        status=Status.ACTIVE,
        client_epoch=0,
        credential_epoch=0,
        key_epoch=0,
        store_epoch=0,
        issued=NOW,
        expires=Millis(NOW + 900_000),
    )


def event(made: Token) -> Event:
    """Make the event of its grant, as the endpoint does."""
    on = Visit(now=NOW, address=ADDRESS, request_id="0123456789abcdef")
    return issued(
        BY, on, key=made.key_digest, grant="token-exchange", scope=made.scope, audience="settings"
    )


async def grants(store: SqliteStore, together: int, *, log: bool) -> float:
    """Return the CPU time of a grant in microseconds."""
    nothing = event(token())
    began = time.process_time()
    for _ in range(GRANTS // together):
        made = [token() for _ in range(together)]
        await asyncio.gather(
            *[store.add_token(one, event=event(one) if log else nothing) for one in made]
        )
    return (time.process_time() - began) / (GRANTS // together * together) * 1e6


def measure(together: int, *, log: bool) -> float:
    """Return the best of some rounds."""
    append_all = audit.append_all
    best = float("inf")
    try:
        if not log:
            audit.append_all = lambda _connection, _events: None
        for _ in range(ROUNDS):
            with tempfile.TemporaryDirectory() as folder:
                store = open_store(Path(folder) / "store.sqlite3")
                best = min(best, asyncio.run(grants(store, together, log=log)))
                store.close()
    finally:
        audit.append_all = append_all
    return best


def main() -> None:
    """Print the table."""
    print("grants in one commit   without µs   with µs   an event µs")
    for together in (8, 16, 32, 64, 128):
        without, with_ = measure(together, log=False), measure(together, log=True)
        print(f"{together:>20} {without:>12.1f} {with_:>9.1f} {with_ - without:>13.1f}")


if __name__ == "__main__":
    main()
