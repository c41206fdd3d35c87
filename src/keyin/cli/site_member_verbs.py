"""`keyin site member`: who looks after a site's computers in the pages."""

from __future__ import annotations

from typing import Any, Final

import click

from keyin.cli.exits import errors_for_people
from keyin.cli.lazy import LazyGroup
from keyin.cli.on_the_store import ask, day, on_the_store, say_changed, say_json, say_table
from keyin.cli.texts import _
from keyin.domain.errors import msgid
from keyin.wire.admin_members import AddMember, ListMembers, RemoveMember

ROLES: Final = {
    "owner": msgid("owner"),
    "manager": msgid("manager"),
    "viewer": msgid("viewer"),
}


@click.group(
    cls=LazyGroup,
    verbs={
        "list": "keyin.cli.site_member_verbs:list_members",
        "add": "keyin.cli.site_member_verbs:add_member",
        "remove": "keyin.cli.site_member_verbs:remove_member",
    },
)
def member() -> None:
    """Say who looks after the computers of a site."""


@click.command("list")
@click.argument("site")
@on_the_store
def list_members(*, site: str, as_json: bool, **store: Any) -> None:  # noqa: ANN401 - click hands them over by name
    """List who looks after a site.

    Example: keyin site member list "Main hall" --data /var/lib/keyin
    """
    with errors_for_people(as_json=as_json):
        found = ask(ListMembers(site=site), **store)
    if as_json:
        say_json({"members": found.members})
    else:
        say_table(
            (_("Account"), _("Role"), _("Since")),
            [(one.account, _(ROLES[one.role]), day(one.added)) for one in found.members],
        )


@click.command("add")
@click.argument("site")
@click.argument("account")
@click.option(
    "--role",
    type=click.Choice(tuple(ROLES)),
    default="manager",
    show_default=True,
    help="An owner and a manager change what belongs to the site; a viewer looks.",
)
@on_the_store
def add_member(*, site: str, account: str, role: Any, as_json: bool, **store: Any) -> None:  # noqa: ANN401 - as above
    """Let an account look after a site, or change what it is there.

    Example: keyin site member add "Main hall" ada --role manager --data /var/lib/keyin
    """
    with errors_for_people(as_json=as_json):
        changed = ask(AddMember(site=site, account=account, role=role), **store)
    say_changed(changed, _("The account looks after the site."), as_json=as_json)


@click.command("remove")
@click.argument("site")
@click.argument("account")
@on_the_store
def remove_member(*, site: str, account: str, as_json: bool, **store: Any) -> None:  # noqa: ANN401 - as above
    """Let an account look after a site no more; what it owns itself stays its own.

    Example: keyin site member remove "Main hall" ada --data /var/lib/keyin
    """
    with errors_for_people(as_json=as_json):
        changed = ask(RemoveMember(site=site, account=account), **store)
    say_changed(changed, _("The account looks after the site no more."), as_json=as_json)
