"""`keyin client approve` and `keyin site returns`: who lets a computer that came back count."""

from __future__ import annotations

from typing import Any

import click

from keyin.cli.exits import errors_for_people
from keyin.cli.on_the_store import ask, on_the_store, say_changed
from keyin.cli.texts import _
from keyin.wire.admin_tokens import ApproveClient, SetReturns


@click.command("approve")
@click.argument("client")
@on_the_store
def approve(*, client: str, as_json: bool, **store: Any) -> None:  # noqa: ANN401 - click hands them over by name
    """Let a computer count that waits for a person's yes: one that came back after long.

    Example: keyin client approve gai_9hSm3k0ZlYb7uX2pWc41dQ --data /var/lib/keyin
    """
    with errors_for_people(as_json=as_json):
        changed = ask(ApproveClient(client=client), **store)
    say_changed(changed, _("The computer counts from now on."), as_json=as_json)


@click.command("returns")
@click.argument("site")
@click.argument("manner", type=click.Choice(["automatic", "asked"]))
@on_the_store
def returns(*, site: str, manner: str, as_json: bool, **store: Any) -> None:  # noqa: ANN401 - as above
    """Say whether a site's computers come back by themselves after a year off or a restored cloud.

    Example: keyin site returns "Main hall" automatic --data /var/lib/keyin
    """
    with errors_for_people(as_json=as_json):
        changed = ask(SetReturns(site=site, by_itself=manner == "automatic"), **store)
    say_changed(changed, _("It is written down."), as_json=as_json)
