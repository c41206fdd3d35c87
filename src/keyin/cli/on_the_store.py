"""What verbs share that ask something of the store: where it is, how to ask, how to say it."""

from __future__ import annotations

import asyncio
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeVar

import click
import msgspec

from keyin.cli.administration import administration
from keyin.cli.texts import _, ngettext
from keyin.domain.errors import msgid
from keyin.stores.opening import place_of

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable, Sequence

    from keyin.cli.administration import Administrator
    from keyin.wire.admin import Changed, Op

Answer = TypeVar("Answer", bound=msgspec.Struct)
Result = TypeVar("Result")
Cursor = TypeVar("Cursor")
Line = TypeVar("Line")

REASONS: Final = ("lost", "sold", "compromised", "replaced", "other")
STATUSES: Final = {
    "active": msgid("active"),
    "suspended": msgid("suspended"),
    "revoked": msgid("revoked"),
    "pending": msgid("pending"),
    "expired": msgid("expired"),
}


def on_the_store(verb: Callable[..., None]) -> Callable[..., None]:
    """Give a verb the options that say where the store is, and `--json`."""
    for option in (
        click.option("--json", "as_json", is_flag=True, help="Say it as one JSON object."),
        click.option(
            "--secrets",
            type=click.Path(path_type=Path),
            help="The folder of peppers and data keys; needed where no cloud runs.",
        ),
        click.option(
            "--database", metavar="URL", help="The store as a URL: sqlite:DIR, or postgresql://..."
        ),
        click.option(
            "--data", type=click.Path(path_type=Path), help="The folder that holds the store."
        ),
    ):
        verb = option(verb)
    return verb


def with_reason(verb: Callable[..., None]) -> Callable[..., None]:
    """Give a verb `--reason`."""
    option = click.option(
        "--reason",
        type=click.Choice(REASONS),
        default="other",
        help="Why, for the audit log.",
    )
    return option(verb)


def with_yes(verb: Callable[..., None]) -> Callable[..., None]:
    """Give a verb `--yes`."""
    option = click.option("--yes", is_flag=True, help="Do not ask whether this is meant.")
    return option(verb)


def confirm(question: str, *, yes: bool) -> None:
    """Ask before what cannot be undone. Raises UsageError where nobody can be asked."""
    if yes:
        return
    if not sys.stdin.isatty():
        raise click.UsageError(_("this cannot be undone, and nobody can be asked: give --yes"))
    click.confirm(question, abort=True, err=True)


def ask(op: Op[Answer], **store: Any) -> Answer:  # noqa: ANN401 - click hands them over by name
    """Ask one thing. Raises Refused, StoreUnavailable, ConfigurationError."""
    return converse(lambda admin: admin.ask(op), **store)


def converse(
    conversation: Callable[[Administrator], Awaitable[Result]],
    *,
    data: Path | None,
    database: str | None,
    secrets: Path | None,
) -> Result:
    """Ask as much as the conversation wants, on one connection."""

    async def run() -> Result:
        async with administration(place_of(data, database), secrets) as admin:
            return await conversation(admin)

    return asyncio.run(run())


def ask_all(
    op: Callable[[Cursor], Op[Answer]],
    page: Callable[[Answer], tuple[Sequence[Line], Cursor | None]],
    first: Cursor,
    **store: Any,  # noqa: ANN401 - what `converse` takes
) -> list[Line]:
    """Ask for one page after the other; `page` gives its lines, and where the next one begins."""

    async def every(admin: Administrator) -> list[Line]:
        found: list[Line] = []
        after: Cursor | None = first
        while after is not None:
            lines, after = page(await admin.ask(op(after)))
            found += lines
        return found

    return converse(every, **store)


def say_json(answer: object) -> None:
    """Say it to programs."""
    click.echo(msgspec.json.encode(answer).decode())


def say_changed(answer: Changed, text: str, *, as_json: bool) -> None:
    """Say what a change came to, and how many clients it concerned."""
    if as_json:
        say_json(answer)
        return
    click.echo(text if answer.changed else _("It was so already."))
    if answer.clients is not None and answer.changed:
        told = ngettext(
            "It concerns %(count)s client.", "It concerns %(count)s clients.", answer.clients
        )
        click.echo(told % {"count": answer.clients})


def say_table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Say rows to people, each column as wide as it must be."""
    table = [tuple(heads), *(tuple(row) for row in rows)]
    widths = [max(len(row[column]) for row in table) for column in range(len(heads))]
    for row in table:
        cells = (plain(cell).ljust(width) for cell, width in zip(row, widths, strict=True))
        click.echo("  ".join(cells).rstrip())


def plain(text: str) -> str:
    """Return a text that moves no cursor: names in a store may hold anything (P77)."""
    return "".join(one if one.isprintable() else "?" for one in text)


def status(name: str) -> str:
    """Return a status in the person's language."""
    return _(STATUSES.get(name, name))


def day(time: int | None) -> str:
    """Return a day (UTC) of a time in milliseconds; a dash for none."""
    return "-" if time is None else datetime.fromtimestamp(time / 1000, UTC).strftime("%Y-%m-%d")
