"""`keyin client approve`, `keyin site returns`, `keyin account revoke-computers`."""

from __future__ import annotations

from typing import Any

import click

from keyin.cli.exits import errors_for_people
from keyin.cli.on_the_store import (
    ask,
    confirm,
    on_the_store,
    say_changed,
    with_reason,
    with_yes,
)
from keyin.cli.texts import _
from keyin.wire.admin_tokens import ApproveClient, RevokeOwned, SetReturns


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


@click.command("revoke-computers")
@click.argument("account")
@with_reason
@with_yes
@on_the_store
def revoke_computers(*, account: str, reason: Any, yes: bool, as_json: bool, **store: Any) -> None:  # noqa: ANN401 - as above
    """End for ever what an account answers for, at once: its codes, its files, its computers.

    Example: keyin account revoke-computers ada --reason compromised --data /var/lib/keyin
    """
    confirm(_("Revoke for ever every computer, code and file of this account?"), yes=yes)
    with errors_for_people(as_json=as_json):
        changed = ask(RevokeOwned(account=account, reason=reason), **store)
    say_changed(changed, _("Its codes, files and computers are revoked."), as_json=as_json)
