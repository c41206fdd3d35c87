"""`keyin client list|show|suspend|resume|revoke`: computers that may ask, looked at and stopped."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from keyin.cli.exits import errors_for_people
from keyin.cli.on_the_store import (
    STATUSES,
    ask,
    ask_all,
    confirm,
    day,
    on_the_store,
    plain,
    say_changed,
    say_json,
    say_table,
    status,
    with_reason,
    with_yes,
)
from keyin.cli.texts import _
from keyin.wire.admin_clients import (
    ListClients,
    ResumeClient,
    RevokeClient,
    ShowClient,
    SuspendClient,
)

if TYPE_CHECKING:
    from keyin.wire.admin_clients import ClientLine, ClientShown


@click.command("list")
@click.option("--site", help="Only those of this site.")
@click.option(
    "--status", "wanted", type=click.Choice(list(STATUSES)), help="Only with this status."
)
@on_the_store
def list_(*, site: str | None, wanted: str | None, as_json: bool, **store: Any) -> None:  # noqa: ANN401 - click hands them over by name
    """List the clients, one a line, in the order in which they came.

    Example: keyin client list --data /var/lib/keyin --site "Main hall"
    """
    with errors_for_people(as_json=as_json):
        clients = ask_all(
            lambda after: ListClients(after=after, site=site, status=wanted),
            lambda page: (page.clients, page.after),
            0,
            **store,
        )
    if as_json:
        say_json({"clients": clients})
    else:
        say_table(
            (_("Client id"), _("Status"), _("Site"), _("Name"), _("Last used")),
            [
                (_id(one), _status(one), one.site or "-", one.name or "-", day(one.last_used))
                for one in clients
            ],
        )


@click.command()
@click.argument("client")
@on_the_store
def show(*, client: str, as_json: bool, **store: Any) -> None:  # noqa: ANN401 - as above
    """Show a client, its keys and what it may.

    Example: keyin client show gai_9hSo2YkQ3mXvT0aLkZr1bw --data /var/lib/keyin
    """
    with errors_for_people(as_json=as_json):
        shown = ask(ShowClient(client=client), **store)
    if as_json:
        say_json(shown)
    else:
        _say_client(shown)


@click.command()
@click.argument("client")
@with_reason
@on_the_store
def suspend(*, client: str, reason: Any, as_json: bool, **store: Any) -> None:  # noqa: ANN401 - as above
    """Stop a client until it is resumed; its tokens end now, for ever.

    Example: keyin client suspend gai_9hSo2YkQ3mXvT0aLkZr1bw --data /var/lib/keyin
    """
    with errors_for_people(as_json=as_json):
        changed = ask(SuspendClient(client=client, reason=reason), **store)
    say_changed(changed, _("The client is suspended; its tokens have ended."), as_json=as_json)


@click.command()
@click.argument("client")
@on_the_store
def resume(*, client: str, as_json: bool, **store: Any) -> None:  # noqa: ANN401 - as above
    """Let a suspended client ask again.

    Example: keyin client resume gai_9hSo2YkQ3mXvT0aLkZr1bw --data /var/lib/keyin
    """
    with errors_for_people(as_json=as_json):
        changed = ask(ResumeClient(client=client), **store)
    say_changed(changed, _("The client may ask again."), as_json=as_json)
    if changed.status != "active" and not as_json:
        click.echo(_("But its site or its software is stopped: it gets nothing."))


@click.command()
@click.argument("client")
@with_reason
@with_yes
@on_the_store
def revoke(*, client: str, reason: Any, yes: bool, as_json: bool, **store: Any) -> None:  # noqa: ANN401 - as above
    """Stop a client for ever; its tokens end now. The computer has to be registered anew.

    Example: keyin client revoke gai_9hSo2YkQ3mXvT0aLkZr1bw --reason lost --data /var/lib/keyin
    """
    confirm(_("Revoke the client for ever?"), yes=yes)
    with errors_for_people(as_json=as_json):
        changed = ask(RevokeClient(client=client, reason=reason), **store)
    say_changed(changed, _("The client is revoked; its tokens have ended."), as_json=as_json)


def _registered(shown: ClientShown) -> tuple[tuple[str, str | None], ...]:
    found = shown.registration
    if found is None:
        return ()
    return (
        (_("Came with"), found.initial_access),
        (_("Installation"), found.installation_id),
        (_("Flags"), ", ".join(found.flags) or None),
    )


def _say_client(shown: ClientShown) -> None:
    client = shown.client
    networks = _("everywhere") if shown.networks is None else ", ".join(shown.networks)
    writable = _("everything") if shown.writable is None else ", ".join(shown.writable)
    for name, value in (
        (_("Client id"), ", ".join(client.client_ids)),
        (_("Record"), client.id),
        (_("Name"), client.name),
        (_("Status"), _status(client)),
        (_("Site"), client.site),
        (_("Software"), client.software),
        (_("Kind"), client.kind),
        (_("Computer type"), client.computer_type),
        (_("May ask from"), networks),
        (_("May write"), writable),
        (_("Old token route until"), day(shown.legacy_until) if shown.legacy_until else None),
        (_("Owner"), shown.owner),
        *_registered(shown),
        (_("Registered"), day(client.created)),
        (_("Last used"), day(client.last_used)),
    ):
        click.echo(f"{name}: {plain(value or '-')}")
    for key in shown.keys:
        click.echo(
            _("Key %(kid)s (%(algorithm)s): %(status)s, added %(added)s, last used %(used)s")
            % {
                "kid": key.kid,
                "algorithm": key.algorithm,
                "status": status(key.status),
                "added": day(key.added),
                "used": day(key.last_used),
            }
        )


def _id(client: ClientLine) -> str:
    return client.client_ids[0] if client.client_ids else client.id


def _status(client: ClientLine) -> str:
    if client.stopped_by == "site":
        return _("stopped with its site")
    if client.stopped_by == "software":
        return _("stopped with its software")
    return status(client.status)
