"""`keyin token list|revoke`: what computers enrol with, looked at and taken back."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

import click

from keyin.cli.client_key_verbs import end_token
from keyin.cli.exits import errors_for_people
from keyin.cli.on_the_store import (
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
from keyin.wire.admin_tokens import ListAccess, RevokeAccess

if TYPE_CHECKING:
    from keyin.wire.admin_tokens import AccessLine

_ID: Final = re.compile(r"ia_[A-Za-z0-9_-]{22}")


@click.command("list")
@on_the_store
def list_(*, as_json: bool, **store: Any) -> None:  # noqa: ANN401 - click hands them over by name
    """List the codes, files and channels that computers enrol with; the secrets are not shown.

    Example: keyin token list --data /var/lib/keyin
    """
    with errors_for_people(as_json=as_json):
        tokens = ask_all(
            lambda after: ListAccess(after=after),
            lambda page: (page.tokens, page.after),
            0,
            **store,
        )
    if as_json:
        say_json({"tokens": tokens})
    else:
        say_table(
            (
                _("Id"),
                _("Kind"),
                _("Label"),
                _("Site"),
                _("Used"),
                _("Clients"),
                _("Until"),
                _("Status"),
            ),
            [_row(one) for one in tokens],
        )


def _row(one: AccessLine) -> tuple[str, ...]:
    return (
        one.id,
        one.kind,
        plain(one.label),
        plain(one.site or "-"),
        f"{one.uses}/{one.max_uses}",
        str(one.clients),
        day(one.expires),
        status(one.status),
    )


def _no_secret(_context: object, _parameter: object, word: str | None) -> str | None:
    """Refuse what may well be a token without repeating it."""
    if word is not None and not _ID.fullmatch(word):
        raise click.UsageError(_("give the token on standard input, never as an argument"))
    return word


@click.command("revoke")
@click.argument("token_id", required=False, callback=_no_secret, metavar="[ID]")
@click.option(
    "--with-descendants", is_flag=True, help="Also every client that was born from it, at once."
)
@with_reason
@with_yes
@on_the_store
def revoke(
    *,
    token_id: str | None,
    with_descendants: bool,
    reason: Any,  # noqa: ANN401 - as above
    yes: bool,
    as_json: bool,
    **store: Any,  # noqa: ANN401 - as above
) -> None:
    """End what computers enrol with, by its id; without one, an access token from standard input.

    Example: keyin token revoke ia_9hSm3k0ZlYb7uX2pWc41dQ --with-descendants --data /var/lib/keyin
    """
    if token_id is None:
        end_token(as_json=as_json, **store)
        return
    if with_descendants:
        confirm(_("Revoke it for ever, with every computer that enrolled with it?"), yes=yes)
    with errors_for_people(as_json=as_json):
        op = RevokeAccess(token=token_id, with_descendants=with_descendants, reason=reason)
        changed = ask(op, **store)
    say_changed(changed, _("It is revoked."), as_json=as_json)
