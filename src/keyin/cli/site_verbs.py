"""`keyin site` and `keyin software`: every client of a place or of a release, stopped at once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from keyin.cli.exits import errors_for_people
from keyin.cli.on_the_store import (
    ask,
    ask_all,
    confirm,
    day,
    on_the_store,
    say_changed,
    say_json,
    say_table,
    status,
    with_reason,
    with_yes,
)
from keyin.cli.texts import _
from keyin.wire.admin_sites import (
    CreateSite,
    ListSites,
    ListSoftware,
    ResumeSite,
    ResumeSoftware,
    RevokeSite,
    StopSoftware,
    SuspendSite,
)

if TYPE_CHECKING:
    from keyin.wire.admin_sites import SoftwareLine


@click.command("list")
@on_the_store
def list_sites(*, as_json: bool, **store: Any) -> None:  # noqa: ANN401 - click hands them over by name
    """List the sites, and how many clients stand there.

    Example: keyin site list --data /var/lib/keyin
    """
    with errors_for_people(as_json=as_json):
        sites = ask_all(
            lambda after: ListSites(after=after),
            lambda page: (page.sites, page.sites[-1].name if page.more else None),
            "",
            **store,
        )
    if as_json:
        say_json({"sites": sites})
    else:
        say_table(
            (_("Site"), _("Status"), _("Clients"), _("Since")),
            [(one.name, status(one.status), str(one.clients), day(one.updated)) for one in sites],
        )


@click.command("create")
@click.argument("site")
@on_the_store
def create_site(*, site: str, as_json: bool, **store: Any) -> None:  # noqa: ANN401 - as above
    """Note a site before it has a client.

    Example: keyin site create "Main hall" --data /var/lib/keyin
    """
    with errors_for_people(as_json=as_json):
        changed = ask(CreateSite(site=site), **store)
    say_changed(changed, _("The site is there."), as_json=as_json)


@click.command("suspend")
@click.argument("site")
@with_reason
@on_the_store
def suspend_site(*, site: str, reason: Any, as_json: bool, **store: Any) -> None:  # noqa: ANN401 - as above
    """Stop every client of a site until it is resumed; their tokens end now, for ever.

    Example: keyin site suspend "Main hall" --reason compromised --data /var/lib/keyin
    """
    with errors_for_people(as_json=as_json):
        changed = ask(SuspendSite(site=site, reason=reason), **store)
    say_changed(changed, _("The site is suspended; its tokens have ended."), as_json=as_json)


@click.command("resume")
@click.argument("site")
@on_the_store
def resume_site(*, site: str, as_json: bool, **store: Any) -> None:  # noqa: ANN401 - as above
    """Let a suspended site's clients ask again.

    Example: keyin site resume "Main hall" --data /var/lib/keyin
    """
    with errors_for_people(as_json=as_json):
        changed = ask(ResumeSite(site=site), **store)
    say_changed(changed, _("The site's clients may ask again."), as_json=as_json)


@click.command("revoke")
@click.argument("site")
@with_reason
@with_yes
@on_the_store
def revoke_site(*, site: str, reason: Any, yes: bool, as_json: bool, **store: Any) -> None:  # noqa: ANN401 - as above
    """Stop every client of a site for ever; their tokens end now.

    Example: keyin site revoke "Main hall" --reason compromised --data /var/lib/keyin
    """
    confirm(_("Revoke the site for ever, with every client that stands there?"), yes=yes)
    with errors_for_people(as_json=as_json):
        changed = ask(RevokeSite(site=site, reason=reason), **store)
    say_changed(changed, _("The site is revoked; its tokens have ended."), as_json=as_json)


def _last(version: SoftwareLine) -> tuple[str, str]:
    return version.id, version.version


@click.command("list")
@on_the_store
def list_software(*, as_json: bool, **store: Any) -> None:  # noqa: ANN401 - as above
    """List the versions of software that clients run, and those that are stopped.

    Example: keyin software list --data /var/lib/keyin
    """
    with errors_for_people(as_json=as_json):
        versions = ask_all(
            lambda after: ListSoftware(after=after),
            lambda page: (page.software, _last(page.software[-1]) if page.more else None),
            ("", ""),
            **store,
        )
    if as_json:
        say_json({"software": versions})
    else:
        say_table(
            (_("Software"), _("Version"), _("Status"), _("Clients"), _("Since")),
            [
                (one.id, one.version, status(one.status), str(one.clients), day(one.updated))
                for one in versions
            ],
        )


@click.command("stop")
@click.argument("software")
@click.argument("version")
@click.option("--unseen", is_flag=True, help="Also where no client runs it yet.")
@with_reason
@on_the_store
def stop_software(
    *,
    software: str,
    version: str,
    unseen: bool,
    reason: Any,  # noqa: ANN401 - as above
    as_json: bool,
    **store: Any,  # noqa: ANN401 - as above
) -> None:
    """Stop every client that runs a version, until it is resumed; their tokens end now, for ever.

    Example: keyin software stop net.keyin.requester 1.4.2 --data /var/lib/keyin
    """
    with errors_for_people(as_json=as_json):
        op = StopSoftware(software=software, version=version, reason=reason, unseen=unseen)
        changed = ask(op, **store)
    say_changed(
        changed, _("The version is stopped; its clients' tokens have ended."), as_json=as_json
    )


@click.command("resume")
@click.argument("software")
@click.argument("version")
@on_the_store
def resume_software(*, software: str, version: str, as_json: bool, **store: Any) -> None:  # noqa: ANN401 - as above
    """Let the clients of a stopped version ask again.

    Example: keyin software resume net.keyin.requester 1.4.2 --data /var/lib/keyin
    """
    with errors_for_people(as_json=as_json):
        changed = ask(ResumeSoftware(software=software, version=version), **store)
    say_changed(changed, _("The version's clients may ask again."), as_json=as_json)
