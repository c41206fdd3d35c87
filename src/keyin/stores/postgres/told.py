"""Events, the tokens whose making they tell of, and the proofs used up for them: one statement.

It inserts whole batches, and is a transaction of its own where a batch has nothing else. A proof
that came before breaks it; then each is told alone, with a look at what came before (P13).
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Final, NamedTuple

from keyin.stores import rows
from keyin.stores.postgres.chain import AUDIT
from keyin.stores.postgres.statements import columns_of, insert_many, insert_values

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from keyin.domain.events import Event
    from keyin.domain.records import ProofUse
    from keyin.stores.postgres.transaction import Transaction
    from keyin.stores.rows import Row

PROOF: Final = ("namespace", "digest", "expires")
_TOKEN_END: Final = len(rows.TOKEN)
ONCE: Final = (
    "ON CONFLICT (place) DO UPDATE SET digest = NULL WHERE tokens.digest <> excluded.digest"
)
"""The same token twice is once. Another token in its place, which one in a billion pairs of one
millisecond would be, breaks NOT NULL: it is not given out."""
_ADD_TOKENS: Final = f"{insert_many('tokens', rows.TOKEN)} {ONCE}"
_TABLES: Final = (
    ("tokens", rows.TOKEN, ONCE),
    ("jti_seen", PROOF, ""),
    ("audit", AUDIT, ""),
)
_FEW: Final = 32
"""Rows; each number of them is a statement of its own to PostgreSQL."""
_SPEND: Final = (
    f"{insert_many('jti_seen', PROOF)} ON CONFLICT DO NOTHING RETURNING namespace, digest"
)


class Told(NamedTuple):
    """An event, the token whose making it is, and the proofs that are used up for it."""

    event: Event | None
    token: Row | None = None
    proofs: Sequence[ProofUse] = ()


def statement(told: Sequence[Told], events: Sequence[Row]) -> tuple[str, list[object]] | None:
    """Return what inserts all of these, with its parameters; None: there is nothing."""
    tables = (
        [one.token for one in told if one.token is not None],
        proof_rows(proof for one in told for proof in one.proofs),
        events,
    )
    counts = [len(rows_) for rows_ in tables]
    if not any(counts):
        return None
    if sum(counts) <= _FEW:
        return _of_few(*counts), [value for rows_ in tables for row in rows_ for value in row]
    given: list[object] = [
        column
        for (_, columns, _), rows_ in zip(_TABLES, tables, strict=True)
        if rows_
        for column in columns_of(rows_, len(columns))
    ]
    return _of_many(*map(bool, counts)), given


@cache
def _of_few(*counts: int) -> str:
    """Return the statement for so many rows of each table."""
    parts, first = [], 1
    for (table, columns, once), count in zip(_TABLES, counts, strict=True):
        if count:
            parts.append(f"{insert_values(table, columns, count, first=first)} {once}")
            first += count * len(columns)
    return _together(parts)


@cache
def _of_many(*there: bool) -> str:
    """Return the statement for any number of rows of these tables."""
    parts, first = [], 1
    for (table, columns, once), some in zip(_TABLES, there, strict=True):
        if some:
            parts.append(f"{insert_many(table, columns, first=first)} {once}")
            first += len(columns)
    return _together(parts)


def _together(parts: Sequence[str]) -> str:
    before = [f"part{number} AS ({part})" for number, part in enumerate(parts[:-1])]
    return f"WITH {', '.join(before)} {parts[-1]}" if before else parts[-1]


def proof_rows(proofs: Iterable[ProofUse]) -> list[Row]:
    """Return the rows of proofs, in an order that all workers keep: none waits for another's."""
    return sorted((use.namespace, use.digest, use.expires) for use in proofs)


async def spend(transaction: Transaction, proofs: Sequence[ProofUse]) -> ProofUse | None:
    """Write those down that come for the first time; return the first that came before."""
    if not proofs:
        return None
    new = await transaction.fetch(_SPEND, *columns_of(proof_rows(proofs), len(PROOF)))
    first = {(namespace, digest) for namespace, digest in new}
    for use in proofs:
        if (use.namespace, str(use.digest)) not in first:
            return use
        first.discard((use.namespace, str(use.digest)))  # the same one twice in one request
    return None


async def alone(transaction: Transaction, told: Told) -> ProofUse | None:
    """Tell one, if its proofs come for the first time; else return the one that came before."""
    before = await spend(transaction, told.proofs)
    if before is None:
        if told.token is not None:
            await transaction.execute(_ADD_TOKENS, *columns_of([told.token], _TOKEN_END))
        if told.event is not None:
            transaction.append(told.event)
    return before
