"""Limits that all workers share (ADR 25): what one takes, the next does not find.

A take is an item of a group: all that the workers' tasks take in one turn is one statement. Of a
set's members only those that are there are remembered, and no longer than they stay: whoever was
counted within the hour is counted, whichever worker is asked.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING, Final, NamedTuple

from keyin.domain.environment import Millis
from keyin.stores.postgres.lookups import Lookup
from keyin.stores.postgres.part import PostgresPart
from keyin.stores.postgres.statements import columns_of, insert_many
from keyin.stores.postgres.work import Group

if TYPE_CHECKING:
    from collections.abc import Sequence

    from keyin.domain.limits import Bucket
    from keyin.domain.records import Digest, RecordId
    from keyin.stores.postgres.lookups import Lookups
    from keyin.stores.postgres.transaction import Transaction
    from keyin.stores.postgres.writer import Writer

REMEMBERED: Final = 20_000
"""Members of sets that a process knows to be there."""
LOCKS: Final = 0x4B590002
"""Namespace of the locks that stand for a set, or for a key and its places."""
_MEMBER: Final = ("name", "member", "until")
_BUCKETS: Final = Lookup("SELECT name, name, full_at FROM quota_buckets WHERE name = any($1)")
_TAKE: Final = """
WITH asked (name, now, whole, cost) AS (
  SELECT * FROM unnest($1::text[], $2::bigint[], $3::bigint[], $4::bigint[])
), taken AS (
  INSERT INTO quota_buckets AS b (name, full_at)
  SELECT name, now + least(whole, cost) FROM asked ORDER BY name
  ON CONFLICT (name) DO UPDATE SET full_at = (
    SELECT now + least(whole, greatest(0, least(b.full_at - now, whole)) + cost)
    FROM asked WHERE asked.name = b.name
  )
)
SELECT name, full_at FROM quota_buckets WHERE name = any($1::text[])
"""
"""Returns what was there before: a statement does not see what it writes itself."""
_LOCK: Final = (
    "SELECT pg_advisory_xact_lock($1, hashtext(name)) FROM unnest($2::text[]) AS a (name)"
)
_SIZES: Final = """
SELECT name, member, (
  SELECT count(*) FROM quota_members AS m WHERE m.name = asked.name AND m.until > asked.now
), EXISTS (
  SELECT 1 FROM quota_members AS m
  WHERE m.name = asked.name AND m.member = asked.member AND m.until > asked.now
) FROM unnest($1::text[], $2::text[], $3::bigint[]) AS asked (name, member, now)
"""
_PUT: Final = (
    f"{insert_many('quota_members', _MEMBER)} "
    "ON CONFLICT (name, member) DO UPDATE SET until = excluded.until"
)
_NOTED: Final = "SELECT 1 FROM quota_members WHERE name = $1 AND member = $2 AND until > $3"
_OTHERS: Final = (
    "SELECT count(*) FROM key_places AS p JOIN clients AS c ON c.id = p.client_id "
    "WHERE p.key_digest = $1 AND p.client_id <> $2 AND p.until > $3 AND c.status = 'active'"
)
_CLAIM: Final = (
    "INSERT INTO key_places AS p (key_digest, client_id, until) VALUES ($1, $2, $3) "
    "ON CONFLICT (key_digest, client_id) DO UPDATE SET until = greatest(p.until, excluded.until)"
)
_HOLDS: Final = "SELECT 1 FROM key_places WHERE key_digest = $1 AND client_id = $2 AND until > $3"


class _Charge(NamedTuple):
    name: str
    bucket: Bucket
    cost: int
    now: Millis


class _Note(NamedTuple):
    name: str
    member: str
    until: Millis
    most: int
    now: Millis


class PostgresQuotas(PostgresPart):
    """What a method does stands with its port in `oauth.throttle_ports`."""

    def __init__(self, lookups: Lookups, writer: Writer) -> None:
        super().__init__(lookups, writer)
        self._members: OrderedDict[tuple[str, str], Millis] = OrderedDict()

    async def wait(self, asked: Sequence[tuple[str, Bucket]], *, now: Millis) -> int:
        """See Quotas."""
        ends: dict[str, Millis] = dict(
            await self._lookups.rows(_BUCKETS, [name for name, _ in asked])
        )
        there = [(name, bucket) for name, bucket in asked if name in ends]
        for name, bucket in there:
            if bucket.is_ahead(ends[name], now):
                await self.charge(name, bucket, cost=1, now=now)
        return max((bucket.wait(ends[name], now) for name, bucket in there), default=0)

    async def charge(self, name: str, bucket: Bucket, *, cost: int, now: Millis) -> bool:
        """See Quotas."""
        return cost > 0 and await self._writer.join(_CHARGING, _Charge(name, bucket, cost, now))

    async def note(
        self, name: str, member: str, *, until: Millis, most: int, now: Millis
    ) -> int | None:
        """See Quotas."""
        if self._members.get((name, member), Millis(0)) > now:
            return 0
        count = await self._writer.join(_NOTING, _Note(name, member, until, most, now))
        if count is not None:
            self._members[name, member] = until
            self._members.move_to_end((name, member))
            if len(self._members) > REMEMBERED:
                self._members.popitem(last=False)
        return count

    async def noted(self, name: str, member: str, *, now: Millis) -> bool:
        """See Quotas."""
        return await self._lookups.fetchrow(_NOTED, name, member, now) is not None

    async def forget(self, names: Sequence[str]) -> None:
        """See Quotas."""

        async def unit(transaction: Transaction) -> None:
            for table in ("quota_buckets", "quota_members"):
                query = f"DELETE FROM {table} WHERE name = any($1::text[])"  # noqa: S608 - ours
                await transaction.execute(query, list(names))

        await self._writer.run(unit)
        for pair in [pair for pair in self._members if pair[0] in set(names)]:
            del self._members[pair]

    async def claim_place(
        self, key: Digest, client: RecordId, *, most: int, until: Millis, now: Millis
    ) -> bool:
        """See Places."""

        async def unit(transaction: Transaction) -> bool:
            await transaction.fetch(_LOCK, LOCKS, [key])
            row = await transaction.fetchrow(_OTHERS, key, client, now)
            if row is not None and row[0] >= most:
                return False
            await transaction.execute(_CLAIM, key, client, until)
            return True

        return await self._writer.run(unit)

    async def holds_place(self, key: Digest, client: RecordId, *, now: Millis) -> bool:
        """See Places."""
        return await self._lookups.fetchrow(_HOLDS, key, client, now) is not None

    async def release_place(self, key: Digest, client: RecordId) -> None:
        """See Places."""
        query = "DELETE FROM key_places WHERE key_digest = $1 AND client_id = $2"
        await self._change(query, key, client)


async def _charge_all(transaction: Transaction, items: Sequence[_Charge]) -> list[bool]:
    """Take out of each bucket what all took; say of each whether that emptied it."""
    by_name: dict[str, list[_Charge]] = {}
    for item in items:
        by_name.setdefault(item.name, []).append(item)
    asked = [
        (
            name,
            max(one.now for one in charges),
            charges[0].bucket.whole_ms,
            sum(one.cost * one.bucket.each_ms for one in charges),
        )
        for name, charges in sorted(by_name.items())
    ]
    ends: dict[str, Millis] = dict(await transaction.fetch(_TAKE, *columns_of(asked, 4)))
    emptied = []
    for name, bucket, cost, now in items:
        before = Millis(ends.get(name, 0))
        after = ends[name] = bucket.charged(before, now, cost)
        emptied.append(bucket.wait(before, now) == 0 < bucket.wait(after, now))
    return emptied


async def _note_all(transaction: Transaction, items: Sequence[_Note]) -> list[int | None]:
    """Put members into their sets, one set at a time for all workers."""
    await transaction.fetch(_LOCK, LOCKS, sorted({item.name for item in items}))
    asked = [(item.name, item.member, item.now) for item in items]
    found = await transaction.fetch(_SIZES, *columns_of(asked, 3))
    sizes = {name: size for name, _, size, _ in found}
    there = {(name, member) for name, member, _, known in found if known}
    new, results = [], list[int | None]()
    for name, member, until, most, _ in items:
        if (name, member) in there:
            results.append(0)
        elif sizes[name] >= most:
            results.append(None)
        else:
            sizes[name] += 1
            there.add((name, member))
            new.append((name, member, until))
            results.append(sizes[name])
    if new:
        await transaction.execute(_PUT, *columns_of(new, len(_MEMBER)))
    return results


_CHARGING: Final = Group(_charge_all, quick=_charge_all)
_NOTING: Final = Group(_note_all)
