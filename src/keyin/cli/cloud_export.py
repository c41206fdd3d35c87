"""`keyin cloud export`: the store as GPII documents; no secret and no token goes out."""

from __future__ import annotations

import asyncio
import os
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click
import msgspec

from keyin.cli.exits import errors_for_people
from keyin.cli.texts import _
from keyin.cloud.exporting import documents
from keyin.domain.errors import ConfigurationError
from keyin.stores.opening import opened, place_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import IO

    from keyin.domain.records import RecordId
    from keyin.stores.opening import OpenedStore, Place


@click.command()
@click.option("--data", type=click.Path(path_type=Path), help="The folder that holds the store.")
@click.option(
    "--database", metavar="URL", help="The store as a URL: sqlite:DIR, or postgresql://..."
)
@click.option(
    "--secrets", type=click.Path(path_type=Path), help="The folder of peppers and data keys."
)
@click.option(
    "--output",
    type=click.Path(dir_okay=False, path_type=Path),
    help="A file for its owner only; standard output without it.",
)
@click.option("--json", "as_json", is_flag=True, help="Say it as one JSON object.")
def export(
    *,
    data: Path | None,
    database: str | None,
    secrets: Path | None,
    output: Path | None,
    as_json: bool,
) -> None:
    """Write keys, preferences, clients and credentials (without secrets) as GPII documents.

    The file holds people's keys and preferences in clear: keep it as you would keep those.

    Example: keyin cloud export --data /var/lib/keyin --output everything.json
    """
    with errors_for_people(as_json=as_json):
        count, left_out = asyncio.run(_run(place_of(data, database), secrets, output))
    if output is not None and as_json:
        body = {"documents": count, "clients_left_out": left_out}
        click.echo(msgspec.json.encode(body).decode())
    elif output is not None:
        click.echo(_("%(count)s documents written") % {"count": count})
    if left_out and not as_json:
        told = _("clients without a secret, which these documents cannot hold: %(count)s left out")
        click.echo(told % {"count": left_out}, err=True)


async def _run(place: Place, secrets: Path | None, output: Path | None) -> tuple[int, int]:
    async with opened(place, secrets, exclusive=False) as found:
        with _destination(output) as file:
            return await _write(found, file)


async def _write(opened: OpenedStore, file: IO[bytes]) -> tuple[int, int]:
    await opened.store.hold_still()
    count = 0
    left_out: list[RecordId] = []
    file.write(b'{"docs": [')
    async for document in documents(opened.store, opened.secrets, left_out.append):
        file.write(b",\n" if count else b"\n")
        file.write(msgspec.json.encode(document))
        count += 1
    file.write(b"\n]}\n")
    return count, len(left_out)


@contextmanager
def _destination(output: Path | None) -> Iterator[IO[bytes]]:
    """Give a file that takes its name when it is whole, and only then; else standard output."""
    if output is None:
        yield sys.stdout.buffer
        sys.stdout.buffer.flush()
        return
    temporary = output.with_name(f".{output.name}.{os.getpid()}")
    try:
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            with open(descriptor, "wb") as file:  # noqa: PTH123 - a descriptor, created with its mode
                yield file
                file.flush()
                os.fsync(file.fileno())
            temporary.rename(output)
        finally:
            temporary.unlink(missing_ok=True)
    except OSError as error:
        raise ConfigurationError(
            "%(path)s cannot be written: %(reason)s",
            next_step="Check --output and the space on its disk.",
            path=output,
            reason=error.strerror or type(error).__name__,
        ) from error
