"""`keyin key create|policy|show|revoke`. A key and a PIN are typed unseen or read, never argued."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from keyin.cli.exits import errors_for_people
from keyin.cli.key_reading import ask_unseen, only_a_dash, read_key
from keyin.cli.on_the_store import (
    ask,
    confirm,
    day,
    on_the_store,
    plain,
    say_changed,
    say_json,
    status,
    with_reason,
    with_yes,
)
from keyin.cli.texts import _
from keyin.domain.errors import ConfigurationError
from keyin.domain.key_policy import LONGEST_PIN, SHORTEST_PIN
from keyin.wire.admin_keys import CreateKey, RevokeKey, SetKeyPolicy, ShowKey

if TYPE_CHECKING:
    from collections.abc import Callable

    from keyin.wire.admin_keys import KeyShown

_MOST: Final = 10_000


def of_a_key(verb: Callable[..., None]) -> Callable[..., None]:
    """Give a verb the ways to say which key is meant."""
    for option in (
        click.option("--key-file", type=click.Path(path_type=Path), help="A file with the key."),
        click.argument("source", required=False, callback=only_a_dash, metavar="[-]"),
    ):
        verb = option(verb)
    return verb


def with_limits(verb: Callable[..., None]) -> Callable[..., None]:
    """Give a verb the limits that a key may have."""
    for option in (
        click.option(
            "--machines",
            type=click.IntRange(1, _MOST),
            help="At how many computers the key may be open at once.",
        ),
        click.option(
            "--only-site", "sites", multiple=True, help="A site at which the key opens; repeat it."
        ),
        click.option("--pin", "pin", is_flag=True, help="Ask for a PIN for this key, unseen."),
        click.option(
            "--pin-file", type=click.Path(path_type=Path), help="A file that holds the PIN."
        ),
    ):
        verb = option(verb)
    return verb


@click.command()
@click.option("--site", help="Who gives the key out; for the records.")
@click.option("--read-only", is_flag=True, help="Let no computer change the preferences.")
@with_limits
@on_the_store
def create(*, as_json: bool, **options: Any) -> None:  # noqa: ANN401 - click hands them over by name
    """Make a key that nobody can guess, and print it: it is shown this once.

    Example: keyin key create --data /var/lib/keyin --only-site "Main hall" > key.txt
    """
    with errors_for_people(as_json=as_json):
        op = CreateKey(
            site=options.pop("site"),
            read_only=options.pop("read_only"),
            pin=_pin(asked=options.pop("pin"), file=options.pop("pin_file")),
            sites=options.pop("sites") or None,
            machines=options.pop("machines"),
        )
        made = ask(op, **options)
    if as_json:
        say_json(made)
    else:
        click.echo(made.key)


@click.command("policy")
@of_a_key
@with_limits
@click.option("--no-pin", is_flag=True, help="Ask for no PIN any more.")
@click.option("--any-site", is_flag=True, help="Let the key open at every site.")
@click.option("--any-machines", is_flag=True, help="Let it be open at any number of computers.")
@click.option("--read-only/--read-write", default=None, help="Whether preferences may be changed.")
@on_the_store
def policy(*, as_json: bool, **options: Any) -> None:  # noqa: ANN401 - as above
    """Say what a key may do; what is not said stays as it is. Tokens for it end.

    Example: keyin key policy --key-file key.txt --machines 1 --data /var/lib/keyin
    """
    _contradictions(options)
    with errors_for_people(as_json=as_json):
        key = read_key(options.pop("source"), options.pop("key_file"))
        op = SetKeyPolicy(
            key=key.reveal(),
            pin=_pin(asked=options.pop("pin"), file=options.pop("pin_file")),
            no_pin=options.pop("no_pin"),
            sites=options.pop("sites") or None,
            any_site=options.pop("any_site"),
            machines=options.pop("machines"),
            any_machines=options.pop("any_machines"),
            read_only=options.pop("read_only"),
        )
        changed = ask(op, **options)
    say_changed(changed, _("The key has its new policy; its tokens have ended."), as_json=as_json)


@click.command("show")
@of_a_key
@on_the_store
def show(*, source: str | None, key_file: Path | None, as_json: bool, **store: Any) -> None:  # noqa: ANN401 - as above
    """Say what is known of a key: its status, its policy, when it was made.

    Example: keyin key show --key-file key.txt --data /var/lib/keyin
    """
    with errors_for_people(as_json=as_json):
        shown = ask(ShowKey(key=read_key(source, key_file).reveal()), **store)
    if as_json:
        say_json(shown)
    else:
        _say(shown)


@click.command("revoke")
@of_a_key
@with_reason
@with_yes
@on_the_store
def revoke(*, reason: Any, yes: bool, as_json: bool, **options: Any) -> None:  # noqa: ANN401 - as above
    """End a key for ever: it opens nothing any more, and its tokens have ended.

    Example: keyin key revoke --key-file key.txt --reason lost --data /var/lib/keyin
    """
    confirm(_("Revoke the key for ever?"), yes=yes)
    with errors_for_people(as_json=as_json):
        key = read_key(options.pop("source"), options.pop("key_file"))
        changed = ask(RevokeKey(key=key.reveal(), reason=reason), **options)
    say_changed(changed, _("The key is revoked; its tokens have ended."), as_json=as_json)


def _contradictions(options: dict[str, Any]) -> None:
    for given, taken in (("sites", "any_site"), ("machines", "any_machines"), ("pin", "no_pin")):
        if options[given] and options[taken]:
            raise click.UsageError(_("these two contradict each other; give one"))


def _pin(*, asked: bool, file: Path | None) -> str | None:
    """Return the PIN of a file, or typed twice unseen. Raises ConfigurationError."""
    if file is not None:
        try:
            pin = file.read_text("utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            raise ConfigurationError(
                "the PIN file %(path)s cannot be read",
                next_step="Name a text file that holds the PIN, with --pin-file.",
                path=file,
            ) from error
    elif asked:
        pin = ask_unseen(_("The PIN"))
        if pin != ask_unseen(_("The PIN once more")):
            raise ConfigurationError("the two PINs differ", next_step="Type the same PIN twice.")
    else:
        return None
    if not SHORTEST_PIN <= len(pin) <= LONGEST_PIN:
        raise ConfigurationError(
            "a PIN has %(least)s to %(most)s characters",
            next_step="Choose six digits or more.",
            least=SHORTEST_PIN,
            most=LONGEST_PIN,
        )
    return pin


def _say(shown: KeyShown) -> None:
    sites = _("every") if shown.sites is None else ", ".join(shown.sites) or _("none")
    yes, no = _("yes"), _("no")
    for name, value in (
        (_("In the audit log"), shown.pseudonym),
        (_("Status"), status(shown.status)),
        (_("Can be guessed"), yes if shown.low_entropy else no),
        (_("Has preferences"), yes if shown.has_preferences else no),
        (_("PIN"), yes if shown.pin else no),
        (_("Sites"), sites),
        (
            _("Computers at once"),
            _("any number") if shown.machines is None else str(shown.machines),
        ),
        (_("Read only"), yes if shown.read_only else no),
        (_("Given out by"), shown.site or "-"),
        (_("Made on"), day(shown.created)),
        (_("Revoked on"), day(shown.revoked)),
        (_("Because"), shown.revoked_reason or "-"),
    ):
        click.echo(f"{name}: {plain(value)}")
