"""The verbs of `keyin account`. A password comes from a prompt or from stdin, never from argv."""

from __future__ import annotations

import asyncio
import sys
from functools import wraps
from typing import TYPE_CHECKING, Any, Final, Literal, TypeVar

import click
import msgspec

from keyin.cli.administration import administration
from keyin.cli.exits import errors_for_people
from keyin.cli.on_the_store import ask_all, on_the_store, say_json
from keyin.cli.texts import _
from keyin.domain.environment import Millis
from keyin.domain.errors import msgid
from keyin.stores.opening import place_of
from keyin.wire.admin_accounts import (
    CreateAccount,
    ListAccounts,
    ResetSecondStep,
    ResumeAccount,
    SetEmail,
    SetPassword,
    SuspendAccount,
)
from keyin.wire.utc_text import text_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from keyin.stores.opening import Place
    from keyin.wire.admin import Op
    from keyin.wire.admin_accounts import AccountLine

Answer = TypeVar("Answer", bound=msgspec.Struct)
_LANGUAGES: Final = click.Choice(["en", "de"])
_STATUS: Final = {
    "active": msgid("may sign in"),
    "suspended": msgid("suspended"),
}


class _Place(msgspec.Struct, frozen=True):
    """Where the store is, and its secrets, if they are elsewhere."""

    folder: Place
    secrets: Path | None


def _on_the_store(verb: Callable[..., None]) -> Callable[..., None]:
    """Say where the store is before anything is asked of a person."""

    @wraps(verb)
    def guarded(*, as_json: bool, **options: Any) -> None:  # noqa: ANN401 - click hands them over by name
        with errors_for_people(as_json=as_json):
            folder = place_of(options.pop("data"), options.pop("database"))
            verb(as_json=as_json, at=_Place(folder, options.pop("secrets")), **options)

    return on_the_store(guarded)


@click.command()
@click.argument("name")
@click.option("--email", help="Where its notices are mailed to.")
@click.option("--language", type=_LANGUAGES, help="The language of that mail.")
@_on_the_store
def create(
    *,
    name: str,
    email: str | None,
    language: Literal["en", "de"] | None,
    as_json: bool,
    at: _Place,
) -> None:
    """Make an account; its password is asked for, or read from standard input.

    Example: keyin account create ada --data /var/lib/keyin
    """
    op = CreateAccount(name=name, password=_password(), email=email, language=language)
    made = _ask(op, at)
    _say(made, as_json=as_json, text=_("%(name)s may sign in now."))


@click.command("list")
@on_the_store
def list_(*, as_json: bool, **store: Any) -> None:  # noqa: ANN401 - click hands them over by name
    """List the accounts, one a line.

    Example: keyin account list --data /var/lib/keyin
    """
    with errors_for_people(as_json=as_json):
        found = ask_all(
            lambda after: ListAccounts(after=after),
            lambda page: (page.accounts, page.accounts[-1].name if page.more else None),
            "",
            **store,
        )
    _list(found, as_json=as_json)


@click.command("set-password")
@click.argument("name")
@_on_the_store
def set_password(*, name: str, as_json: bool, at: _Place) -> None:
    """Give an account another password, and sign it out everywhere.

    Example: keyin account set-password ada --data /var/lib/keyin
    """
    changed = _ask(SetPassword(name=name, password=_password()), at)
    _say(changed, as_json=as_json, text=_("%(name)s has the new password now."))


@click.command("set-email")
@click.argument("name")
@click.argument("email", required=False)
@click.option("--none", "nowhere", is_flag=True, help="Mail nothing any more.")
@click.option("--language", type=_LANGUAGES, help="The language of that mail.")
@_on_the_store
def set_email(
    *,
    name: str,
    email: str | None,
    nowhere: bool,
    language: Literal["en", "de"] | None,
    as_json: bool,
    at: _Place,
) -> None:
    """Say where an account's notices are mailed to; the cloud's configuration names its server.

    Example: keyin account set-email ada ada@example.org --data /var/lib/keyin
    """
    if (email is None) != nowhere:
        raise click.UsageError(_("Give an address, or --none."))
    changed = _ask(SetEmail(name=name, email=email, language=language), at)
    text = _("%(name)s gets no mail any more.") if nowhere else _("%(name)s is mailed from now on.")
    _say(changed, as_json=as_json, text=text)


@click.command()
@click.argument("name")
@_on_the_store
def suspend(*, name: str, as_json: bool, at: _Place) -> None:
    """Let a person no longer sign in, and sign them out everywhere.

    Example: keyin account suspend ada --data /var/lib/keyin
    """
    changed = _ask(SuspendAccount(name=name), at)
    _say(changed, as_json=as_json, text=_("%(name)s is suspended."))


@click.command()
@click.argument("name")
@_on_the_store
def resume(*, name: str, as_json: bool, at: _Place) -> None:
    """Let a person who was suspended sign in again.

    Example: keyin account resume ada --data /var/lib/keyin
    """
    changed = _ask(ResumeAccount(name=name), at)
    _say(changed, as_json=as_json, text=_("%(name)s may sign in now."))


@click.command("reset-second-step")
@click.argument("name")
@_on_the_store
def reset_second_step(*, name: str, as_json: bool, at: _Place) -> None:
    """Ask no second step of a person any more whose telephone and paper codes are lost.

    See that it is really them who ask: from now on the password alone lets in.

    Example: keyin account reset-second-step ada --data /var/lib/keyin
    """
    changed = _ask(ResetSecondStep(name=name), at)
    _say(changed, as_json=as_json, text=_("%(name)s signs in with the password alone."))


def _ask(op: Op[Answer], at: _Place) -> Answer:
    """Ask whoever has the store."""

    async def run() -> Answer:
        make = isinstance(op, CreateAccount)
        async with administration(at.folder, at.secrets, make=make) as admin:
            return await admin.ask(op)

    return asyncio.run(run())


def _password() -> str:
    if sys.stdin.isatty():
        again = _("Once more")
        text: str = click.prompt(
            _("Password"), hide_input=True, confirmation_prompt=again, prompt_suffix=": ", err=True
        )
        return text
    return sys.stdin.readline().rstrip("\r\n")


def _say(account: AccountLine, *, as_json: bool, text: str) -> None:
    if as_json:
        say_json(_told(account))
    else:
        click.echo(text % {"name": account.name})


def _list(accounts: Sequence[AccountLine], *, as_json: bool) -> None:
    if as_json:
        say_json({"accounts": [_told(account) for account in accounts]})
        return
    for account in accounts:
        fields = (
            account.name,
            account.id,
            _(_STATUS[account.status]),
            _told(account)["created"] or "",
        )
        click.echo("\t".join(fields))


def _told(account: AccountLine) -> dict[str, str | None]:
    return {
        "id": account.id,
        "name": account.name,
        "status": account.status,
        "created": text_of(Millis(account.created)),
        "email": account.email,
        "language": account.language,
    }
