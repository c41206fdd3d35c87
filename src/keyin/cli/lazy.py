"""A group that imports a verb's module when the verb is asked for, not before.

Verbs are written in plain English (docstrings, `help=`); on the way out of here they are in the
person's language, so no verb has to think of it and importing one reads no catalogue.
"""

from __future__ import annotations

import traceback
from importlib import import_module
from inspect import cleandoc
from pathlib import Path
from typing import Any

import click

from keyin.cli.texts import _, give_frameworks_our_catalogue


class NotInstalledError(click.ClickException):
    """A verb of the side that was not installed."""

    exit_code = 3  # CONFIGURATION of cli.exits, which would load more than a table needs


class LazyGroup(click.Group):
    """`verbs` maps a verb to `module:attribute`."""

    def __init__(self, *args: Any, verbs: dict[str, str], **kwargs: Any) -> None:  # noqa: ANN401 - click's own signature
        super().__init__(*args, **kwargs)
        self._verbs = verbs

    def main(self, *args: Any, **kwargs: Any) -> Any:  # noqa: ANN401 - click's own signature
        """Run as the process's command: from here on a person may be reading."""
        give_frameworks_our_catalogue()
        in_their_language(self)
        try:
            return super().main(*args, **kwargs)
        except OSError as error:
            _tell(
                _("the system refused: %(reason)s")
                % {"reason": error.strerror or type(error).__name__},
                _("look at the disk, and at where the output goes"),
            )
        except Exception as error:  # noqa: BLE001 - the last door; the error's text may hold anything
            _tell(
                _("a failure that nobody foresaw: %(place)s") % {"place": _place(error)},
                _("report it, and what you did; these lines hold no secret"),
            )
        raise SystemExit(1)

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        """Name every verb, in the order of the table."""
        return list(self._verbs)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 - click's signature
        """Import the verb named, or nothing."""
        target = self._verbs.get(cmd_name)
        if target is None:
            return None
        module, attribute = target.split(":")
        try:
            command = getattr(import_module(module), attribute)
        except ModuleNotFoundError as error:
            if not error.name or error.name.startswith("keyin"):
                raise
            return _not_on_this_side(cmd_name, error.name)
        if not isinstance(command, click.Command):
            raise TypeError(f"{target} is no command")
        return in_their_language(command)


def _place(error: Exception) -> str:
    """Name the kind of an error and the line it came from; never its text."""
    frame = traceback.extract_tb(error.__traceback__)[-1]
    return f"{type(error).__name__}, {Path(frame.filename).name}:{frame.lineno}"


def _tell(message: str, step: str) -> None:
    click.echo(_("keyin: %(message)s") % {"message": message}, err=True)
    click.echo(_("Next step: %(step)s") % {"step": step}, err=True)


def _not_on_this_side(verb: str, package: str) -> click.Command:
    """Stand in for a verb of the side that was not installed, so that help still lists the rest."""
    text = _("Not installed here: it needs the Python package %(package)s.") % {"package": package}

    def refuse() -> None:
        raise NotInstalledError(f"{text} pip install 'keyin[cloud,local]'")

    return click.Command(
        verb,
        callback=refuse,
        help=text,
        context_settings={"ignore_unknown_options": True, "allow_extra_args": True},
    )


def in_their_language(command: click.Command) -> click.Command:
    """Translate what `--help` and prompts of a command and its verbs say."""
    for words in ("help", "short_help", "epilog"):
        text = getattr(command, words)
        setattr(command, words, _(cleandoc(text)) if text else text)
    for parameter in command.params:
        for words in ("help", "prompt"):
            if text := getattr(parameter, words, None):
                setattr(parameter, words, _(cleandoc(text)))
    if isinstance(command, click.Group):
        for verb in command.commands.values():
            in_their_language(verb)
    return command
