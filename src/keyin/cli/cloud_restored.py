"""`keyin cloud restored`: what must be done once a backup of the store was put back."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from keyin.cli.exits import errors_for_people
from keyin.cli.on_the_store import on_the_store, plain, say_json
from keyin.cli.texts import _
from keyin.cloud.restoring import restore
from keyin.domain.errors import ConfigurationError, msgid
from keyin.domain.secret import Secret
from keyin.stores.audit_anchor import Anchor
from keyin.stores.audit_copy import copied_lines
from keyin.stores.host import SystemClock, SystemEntropy
from keyin.stores.opening import Database, opened, place_of, secrets_of
from keyin.stores.passwords import Argon2Passwords

if TYPE_CHECKING:
    from collections.abc import Iterator

    from keyin.cloud.restoring import Report
    from keyin.cloud.since_backup import Left
    from keyin.oauth.accounts import PasswordHash

_APPLIED: Final = {
    "clients": msgid("clients stopped or revoked again: %(count)s"),
    "sites": msgid("sites stopped again: %(count)s"),
    "software": msgid("versions of software stopped again: %(count)s"),
    "accounts": msgid("accounts suspended again: %(count)s"),
    "passwords": msgid("passwords that open nothing any more: %(count)s"),
    "client_keys": msgid("keys of clients revoked again: %(count)s"),
    "credentials": msgid("credentials revoked again: %(count)s"),
    "keys": msgid("GPII keys revoked again: %(count)s"),
    "initial_access": msgid("initial access tokens revoked again: %(count)s"),
    "computers": msgid("computers that may not return: %(count)s"),
    "members": msgid("members of sites taken back again: %(count)s"),
}
_MADE: Final = {
    "client.returned": msgid("computers that returned since: %(count)s"),
    "initial_access.made": msgid("initial access tokens made since: %(count)s"),
    "client.registered": msgid("clients registered since: %(count)s"),
    "client_key.added": msgid("keys of clients added since: %(count)s"),
    "key.created": msgid("GPII keys made since: %(count)s"),
    "account.created": msgid("accounts made since: %(count)s"),
    "store.imported": msgid("imports since: %(count)s"),
}
_WHY: Final = {
    "not_in_backup": msgid("it is not in the backup; nothing opens with it"),
    "was_let_go_on": msgid("it was let go on since; it stands as the backup says"),
    "no_password": msgid("its password was changed since; nobody signs in until it has another"),
    "old_policy": msgid("what it may do was changed since; it may do what the backup says"),
    "old_registration": msgid("its registration was changed since; its older keys count again"),
    "uses_forgotten": msgid("it was used since, which is forgotten; revoke it if it was used up"),
    "by_hand": msgid("look at it, and do it again"),
    "unknown_act": msgid("this keyin does not know what that is; look at the copy"),
}


@click.command()
@click.option(
    "--copy",
    "copies",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    multiple=True,
    help="The audit log's second copy; a file that was rotated before the one that follows.",
)
@click.option(
    "--without-copy", is_flag=True, help="There is none: what was revoked since stays as it was."
)
@click.option(
    "--incomplete", is_flag=True, help="Rows of the copy are lost; go on with those that are there."
)
@on_the_store
def restored(
    *,
    copies: tuple[Path, ...],
    without_copy: bool,
    incomplete: bool,
    as_json: bool,
    **store: Any,  # noqa: ANN401 - click hands them over by name
) -> None:
    """Make every token void, and revoke again what was revoked since the backup.

    Run it after a backup of the store was put back, before the cloud serves. Safe to repeat.

    Example: keyin cloud restored --data /var/lib/keyin --copy /var/log/keyin/audit.jsonl
    """
    if bool(copies) == without_copy:
        raise click.UsageError(_("give --copy FILE, or say --without-copy"))
    with errors_for_people(as_json=as_json):
        report = asyncio.run(_run(copies, incomplete=incomplete, **store))
    if as_json:
        say_json(_as_json(report))
    else:
        click.echo("\n".join(_as_text(report)))


async def _run(
    copies: tuple[Path, ...],
    *,
    incomplete: bool,
    data: Path | None,
    database: str | None,
    secrets: Path | None,
) -> Report:
    place = place_of(data, database)
    if isinstance(place, Database):
        from keyin.stores.postgres.workers import refuse_workers_of  # noqa: PLC0415 - asyncpg

        await refuse_workers_of(place.url)
    async with opened(place, secrets, exclusive=True) as found:
        try:
            report = await restore(
                found.store,
                lambda: _lines(copies),
                SystemClock().now(),
                nobodys=await _nobodys(),
                incomplete=incomplete,
            )
        except OSError as error:
            raise _unreadable(error) from error
    if report.broken or not copies:
        Anchor(secrets_of(place, secrets)).put_aside(report.epoch)
    return report


async def _nobodys() -> PasswordHash:
    """Return the hash of a password that is forgotten at once."""
    entropy = SystemEntropy()
    return await Argon2Passwords(entropy=entropy).hash(Secret(entropy.token_bytes(32).hex()))


def _lines(copies: tuple[Path, ...]) -> Iterator[bytes]:
    for copy in copies:
        yield from copied_lines(copy)


def _unreadable(error: OSError) -> ConfigurationError:
    return ConfigurationError(
        "%(path)s cannot be read: %(reason)s",
        next_step="Check --copy and that this account may read the file.",
        path=error.filename or "--copy",
        reason=error.strerror or type(error).__name__,
    )


def _as_json(report: Report) -> dict[str, object]:
    return {
        "epoch": report.epoch,
        "rows": report.rows,
        "broken_chains": report.broken,
        "applied": {kind: count for kind, count in report.applied.items() if count},
        "gone": report.made,
        "left": [{"act": one.act, "about": one.about, "why": one.why} for one in report.left],
    }


def _as_text(report: Report) -> Iterator[str]:
    yield _("Every token and session from before is void (epoch %(epoch)s).") % {
        "epoch": report.epoch
    }
    yield _("The second step's codes on paper are void: who has some makes new ones.")
    yield _("Rows put back into the audit log: %(count)s.") % {"count": report.rows}
    for chain in report.broken:
        yield _(
            "Chain %(chain)s of the copy does not follow the backup's: put the copy aside too."
        ) % {"chain": plain(chain)}
    for kind, count in report.applied.items():
        if count:
            yield _(_APPLIED[kind]) % {"count": count}
    for kind, count in report.made.items():
        yield _("gone with the disk: %(what)s") % {
            "what": _(_MADE.get(kind, kind)) % {"count": count}
        }
    for one in report.left:
        yield _left(one)


def _left(one: Left) -> str:
    fields = {"act": plain(one.act), "about": plain(one.about), "why": _(_WHY[one.why])}
    text = (
        _("left to you: %(act)s of %(about)s: %(why)s")
        if one.about
        else _("left to you: %(act)s: %(why)s")
    )
    return text % fields
