"""`keyin cloud audit show|refusals`: reads the audit log, also while the cloud runs."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

import click
import msgspec

from keyin.cli.exits import errors_for_people
from keyin.cli.on_the_store import on_the_store, plain, say_json, say_table
from keyin.cli.texts import _
from keyin.domain.environment import Millis
from keyin.domain.events import Act
from keyin.stores.opening import opened, place_of

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from pathlib import Path
    from typing import TypeVar

    from keyin.stores.opening import Store
    from keyin.wire.audit_chain import Row

    Result = TypeVar("Result")

_PAGE: Final = 1000
_SINCE: Final = click.option(
    "--since",
    type=click.DateTime(["%Y-%m-%d", "%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S"]),
    help="Only from that moment on, UTC.",
)
_FIRST: Final = ("at", "act", "outcome", "actor")


@click.command()
@_SINCE
@click.option(
    "--act", "acts", type=click.Choice([act.value for act in Act]), multiple=True,
    help="Only this act; may be given again.",
)  # fmt: skip
@click.option("--client", help="Only events of this actor or client record.")
@on_the_store
def show(
    *,
    since: datetime | None,
    acts: tuple[str, ...],
    client: str | None,
    as_json: bool,
    **store: Any,  # noqa: ANN401 - click hands them over by name
) -> None:
    """Show what was done, one event a line; with --json one JSON object a line.

    Example: keyin cloud audit show --data /var/lib/keyin --since 2027-01-31 --act client.revoked
    """

    async def walk(opened: Store) -> None:
        for head in await opened.audit_heads():
            after = 0
            while rows := await opened.audit_rows(head.chain, after=after, most=_PAGE):
                after = rows[-1].seq
                for row in rows:
                    _say(row, since=_millis(since), acts=acts, client=client, as_json=as_json)

    with errors_for_people(as_json=as_json):
        _reading(walk, **store)


@click.command()
@_SINCE
@on_the_store
def refusals(*, since: datetime | None, as_json: bool, **store: Any) -> None:  # noqa: ANN401 - as above
    """Show how often who was not let in was refused: by minute, reason and network.

    Example: keyin cloud audit refusals --data /var/lib/keyin --since 2027-01-31T12:00
    """
    with errors_for_people(as_json=as_json):
        counts = _reading(lambda opened: opened.refusal_counts(since=_millis(since)), **store)
    if as_json:
        say_json({"refusals": counts})
    else:
        say_table(
            (_("Minute"), _("Reason"), _("Network"), _("Count")),
            [(_time(one.minute), one.reason, one.network, str(one.count)) for one in counts],
        )


def _reading(
    read: Callable[[Store], Awaitable[Result]],
    *,
    data: Path | None,
    database: str | None,
    secrets: Path | None,
) -> Result:
    async def run() -> Result:
        async with opened(place_of(data, database), secrets, exclusive=False) as found:
            await found.store.hold_still()
            return await read(found.store)

    return asyncio.run(run())


def _say(
    row: Row, *, since: Millis, acts: tuple[str, ...], client: str | None, as_json: bool
) -> None:
    if row.at < since:
        return
    event = msgspec.json.decode(row.event)
    if acts and event.get("act") not in acts:
        return
    if client and client not in {event.get("actor"), event.get("client")}:
        return
    if as_json:
        click.echo(msgspec.json.encode({"chain": row.chain, "seq": row.seq, "event": event}))
        return
    words = [_time(row.at), *(str(event.get(name, "")) for name in _FIRST[1:])]
    rest = {**event, **event.get("detail", {})}
    words += [f"{name}={rest[name]}" for name in rest if name not in {*_FIRST, "detail"}]
    click.echo(plain(" ".join(words)))


def _millis(moment: datetime | None) -> Millis:
    return Millis(int(moment.replace(tzinfo=UTC).timestamp() * 1000) if moment else 0)


def _time(at: int) -> str:
    moment = datetime.fromtimestamp(at / 1000, UTC)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
