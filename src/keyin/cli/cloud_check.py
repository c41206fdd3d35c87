"""`keyin cloud check`: what an operator should look at, also beside a running cloud."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Final

import click

from keyin.cli.exits import FAILED, errors_for_people
from keyin.cli.on_the_store import on_the_store, plain, say_json
from keyin.cli.texts import _
from keyin.cloud.checking import Checked, Matter, check
from keyin.domain.environment import Millis
from keyin.domain.errors import msgid
from keyin.domain.installation import published_secrets
from keyin.stores.host import SystemClock
from keyin.stores.opening import opened, place_of

if TYPE_CHECKING:
    from pathlib import Path

    from keyin.cloud.checking import Found

_DAY: Final = 24 * 3_600_000
_NAMED: Final = 10
_TEXTS: Final = {
    Matter.TEST_CREDENTIALS: msgid(
        "credentials that everybody knows, or the store's mark that one was let in (*): %(count)s"
    ),
    Matter.KEYS_FROM_ANYWHERE: msgid("credentials that make new keys from anywhere: %(count)s"),
    Matter.NETWORKS_UNRESTRICTED: msgid("credentials that may ask from anywhere: %(count)s"),
    Matter.WRITING_UNRESTRICTED: msgid("credentials that may write everything: %(count)s"),
    Matter.NETWORKS_NEVER_MATCH: msgid(
        "credentials with networks that no address matches: %(count)s"
    ),
    Matter.NOWHERE: msgid("credentials that may ask from nowhere: %(count)s"),
    Matter.OLD_ROUTE_ENDS_SOON: msgid("clients whose old token route ends soon: %(count)s"),
    Matter.OLD_ROUTE_ENDED: msgid(
        "clients with a secret whose old token route has ended: %(count)s"
    ),
    Matter.WITHOUT_OWNER: msgid("clients with neither owner nor site: %(count)s"),
    Matter.WITHOUT_CLIENT: msgid("credentials whose client is not there: %(count)s"),
    Matter.SAME_CLIENT_ID: msgid("client ids that several credentials have: %(count)s"),
    Matter.PUBLIC_APPLICATIONS: msgid("applications that prove nothing: %(count)s"),
    Matter.WEAK_KEYS: msgid("keys that could be guessed, and have no PIN: %(count)s"),
}
_STEPS: Final = {
    Matter.TEST_CREDENTIALS: msgid("revoke them: keyin client revoke"),
    Matter.KEYS_FROM_ANYWHERE: msgid("register such a client anew, with its networks"),
    Matter.NETWORKS_UNRESTRICTED: msgid("register its computers anew, with their networks"),
    Matter.WRITING_UNRESTRICTED: msgid("register its computers anew, with what they may write"),
    Matter.NETWORKS_NEVER_MATCH: msgid("see keyin client show, and register it anew"),
    Matter.NOWHERE: msgid("revoke it, or register it anew with its networks"),
    Matter.OLD_ROUTE_ENDS_SOON: msgid(
        "register its computers by key, or move the day: keyin client legacy-until"
    ),
    Matter.OLD_ROUTE_ENDED: msgid("revoke it, or move the day: keyin client legacy-until"),
    Matter.WITHOUT_OWNER: msgid("register its computers with a site"),
    Matter.WITHOUT_CLIENT: msgid("import the client, too"),
    Matter.SAME_CLIENT_ID: msgid("revoke those that are not used"),
    Matter.PUBLIC_APPLICATIONS: msgid(
        "register them anew with a key, then revoke these: keyin application create"
    ),
    Matter.WEAK_KEYS: msgid("give their people new keys, or a PIN: keyin key policy"),
}


@click.command("check")
@click.option(
    "--days",
    type=click.IntRange(0, 3650),
    default=60,
    show_default=True,
    help="How many days before its end a client's old token route is told.",
)
@click.option(
    "--ignore",
    type=click.Choice([matter.value for matter in Matter]),
    multiple=True,
    help="A matter that is known and shall not count; may be given again.",
)
@on_the_store
def check_(*, days: int, ignore: tuple[str, ...], as_json: bool, **store: Any) -> None:  # noqa: ANN401 - click hands them over by name
    """List what is open wider, or weaker, than it has to be. Changes nothing.

    Exit code 0 says that nothing was found, 1 that something was, any other that it was not looked.

    Example: keyin cloud check --data /var/lib/keyin --ignore weak-keys
    """
    with errors_for_people(as_json=as_json):
        found = asyncio.run(_run(days, **store))
    found = {matter: one for matter, one in found.items() if matter.value not in ignore}
    if as_json:
        say_json({"found": [_as_json(matter, one) for matter, one in found.items()]})
    else:
        _say(found)
    if found:
        raise SystemExit(FAILED)


async def _run(
    days: int, *, data: Path | None, database: str | None, secrets: Path | None
) -> dict[Matter, Found]:
    async with opened(place_of(data, database), secrets, exclusive=False) as there:
        now = SystemClock().now()
        published = frozenset(
            digest
            for secret in published_secrets()
            for digest in there.secrets.digests("secret", secret)
        )
        against = Checked(now=now, soon=Millis(now + days * _DAY), published=published)
        await there.store.hold_still()
        return await check(there.store, against)


def _as_json(matter: Matter, found: Found) -> dict[str, Any]:
    return {
        "matter": matter.value,
        "count": found.count,
        "named": found.named,
        "next_step": _STEPS[matter],
    }


def _say(found: dict[Matter, Found]) -> None:
    for matter, one in found.items():
        click.echo(f"{matter.value}: " + _(_TEXTS[matter]) % {"count": one.count})
        for name in one.named[:_NAMED]:
            click.echo(f"  {plain(name)}")
        if one.count > _NAMED:
            click.echo(_("  and %(count)s more") % {"count": one.count - _NAMED})
        click.echo(_("  Next step: %(step)s") % {"step": _(_STEPS[matter])})
    if not found:
        click.echo(_("nothing was found that should be looked at"))
