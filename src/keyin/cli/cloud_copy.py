"""`keyin cloud copy`: a whole store from SQLite to PostgreSQL or back, never through a file."""

from __future__ import annotations

import asyncio
import os
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click
import msgspec

from keyin.cli.exits import errors_for_people
from keyin.cli.progress import Progress
from keyin.cli.texts import _
from keyin.cloud.store_copying import copy as run
from keyin.domain.errors import ConfigurationError
from keyin.stores.host import SystemClock
from keyin.stores.opening import STORE, lock_data, place_of
from keyin.stores.sqlite.whole import WholeSqlite

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from keyin.stores.opening import Place
    from keyin.stores.postgres.whole import WholePostgres


@click.command("copy")
@click.option(
    "--from",
    "source",
    metavar="PLACE",
    required=True,
    help="The store: DIR, sqlite:DIR or postgresql://USER@HOST/NAME.",
)
@click.option(
    "--to", "target", metavar="PLACE", required=True, help="An empty one, of either kind."
)
@click.option("--json", "as_json", is_flag=True, help="Say it as one JSON object.")
def copy(*, source: str, target: str, as_json: bool) -> None:
    """Copy a whole store into an empty one: clients, keys, preferences, tokens, the audit log.

    No cloud may be serving from either. Nothing is decrypted on the way and no file is written:
    give the new store the same --secrets as the old one. All of it comes, or nothing.

    Example: keyin cloud copy --from /var/lib/keyin --to postgresql://keyin@/keyin
    """
    with errors_for_people(as_json=as_json):
        copied = asyncio.run(_run(place_of(None, source), place_of(None, target)))
    if as_json:
        click.echo(msgspec.json.encode({"copied": copied}).decode())
        return
    told = _("%(rows)s rows of %(tables)s tables are copied.")
    click.echo(told % {"rows": sum(copied.values()), "tables": len(copied)})
    click.echo(_("Start the cloud on the new store with the same --secrets; keep the old one off."))


async def _run(source: Place, target: Place) -> dict[str, int]:
    async with _whole(source, make=False) as one, _whole(target, make=True) as other:
        return await run(one, other, Progress(SystemClock(), _rows))


@asynccontextmanager
async def _whole(place: Place, *, make: bool) -> AsyncIterator[WholeSqlite | WholePostgres]:
    if isinstance(place, Path):
        if not make and not (place / STORE).exists():
            raise ConfigurationError(
                "there is no store in %(path)s",
                next_step="Check --from.",
                path=place,
            )
        lock = lock_data(place)
        try:
            whole: WholeSqlite | WholePostgres = WholeSqlite(place / STORE, make=make)
            try:
                yield whole
            finally:
                await whole.close()
        finally:
            os.close(lock)
        return
    from keyin.stores.postgres.whole import WholePostgres  # noqa: PLC0415 - asyncpg, where used

    whole = await WholePostgres.open(place.url)
    try:
        yield whole
    finally:
        await whole.close()


def _rows(table: str, done: int, of: int) -> str:
    return _("%(table)s: %(done)s of %(of)s rows") % {"table": table, "done": done, "of": of}
