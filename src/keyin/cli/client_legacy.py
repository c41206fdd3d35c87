"""`keyin client legacy-until`: the day on which the old token route ends for a client, moved."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import click

from keyin.cli.exits import errors_for_people
from keyin.cli.on_the_store import ask, on_the_store, say_changed
from keyin.cli.texts import _
from keyin.wire.admin_clients import MoveLegacyEnd


@click.command("legacy-until")
@click.argument("client")
@click.argument("day", type=click.DateTime(["%Y-%m-%d"]))
@on_the_store
def legacy_until(*, client: str, day: datetime, as_json: bool, **store: Any) -> None:  # noqa: ANN401 - click hands them over by name
    """Say until which day (UTC) a client with a secret may use the old token route.

    A day that is past ends it; tokens that are out live on for an hour at most.

    Example: keyin client legacy-until gai_9hSo2YkQ3mXvT0aLkZr1bw 2027-06-30 --data /var/lib/keyin
    """
    until = max(int(day.replace(tzinfo=UTC).timestamp() * 1000), 0)
    with errors_for_people(as_json=as_json):
        changed = ask(MoveLegacyEnd(client=client, until=until), **store)
    told = _("The old token route is open to this client until %(day)s.")
    say_changed(changed, told % {"day": f"{day:%Y-%m-%d}"}, as_json=as_json)
