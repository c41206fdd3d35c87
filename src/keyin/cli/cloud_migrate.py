"""`keyin cloud migrate`: brings a database in PostgreSQL to the schema that this keyin needs."""

from __future__ import annotations

import asyncio

import click
import msgspec

from keyin.cli.exits import errors_for_people
from keyin.cli.texts import _
from keyin.domain.errors import ConfigurationError
from keyin.stores.database_url import checked, is_postgres


@click.command()
@click.option("--database", metavar="URL", required=True, help="postgresql://USER@HOST/NAME.")
@click.option("--json", "as_json", is_flag=True, help="Say it as one JSON object.")
def migrate(*, database: str, as_json: bool) -> None:
    """Make the tables of a new database, or bring older ones to what this keyin needs.

    Forward only, and safe to repeat, also from two places at once: each step is one transaction,
    and its checksum stays with it. A store in SQLite needs no such step.

    Example: keyin cloud migrate --database postgresql://keyin@/keyin
    """
    with errors_for_people(as_json=as_json):
        if not is_postgres(database):
            raise ConfigurationError(
                "only a database in PostgreSQL is migrated by hand",
                next_step="Give postgresql://USER@HOST/NAME; a store in SQLite is brought up to "
                "date when it is opened.",
            )
        from keyin.stores.postgres import migrations  # noqa: PLC0415 - asyncpg, where it is used

        applied = asyncio.run(migrations.migrate(checked(database)))
        newest = len(migrations.known())
    if as_json:
        click.echo(msgspec.json.encode({"schema": newest, "applied": applied}).decode())
    elif applied:
        told = _("The database has schema %(schema)s now.")
        click.echo(told % {"schema": newest})
    else:
        told = _("The database has schema %(schema)s already.")
        click.echo(told % {"schema": newest})
