"""A group that imports a verb's module when the verb is asked for, not before.

Verbs are written in plain English (docstrings, `help=`); on the way out of here they are in the
person's language, so no verb has to think of it and importing one reads no catalogue.
"""

from __future__ import annotations

import json
import traceback
from contextlib import contextmanager
from importlib import import_module
from inspect import cleandoc
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from keyin.cli.texts import _, give_frameworks_our_catalogue

if TYPE_CHECKING:
    from collections.abc import Iterator

_ASKED_FOR_JSON: Final = "keyin.as_json"


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
                % {"reason": _(error.strerror or type(error).__name__)},
                _("look at the disk, and at where the output goes"),
            )
        except Exception as error:  # noqa: BLE001 - the last door; the error's text may hold anything
            _tell(
                _("a failure that nobody foresaw: %(place)s") % {"place": _place(error)},
                _("report it, and what you did; these lines hold no secret"),
            )
        raise SystemExit(1)

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Remember whether a program is asking: a usage error comes before any option counts."""
        words = args[: args.index("--")] if "--" in args else args
        ctx.meta[_ASKED_FOR_JSON] = ctx.meta.get(_ASKED_FOR_JSON) or "--json" in words
        return super().parse_args(ctx, args)

    def make_context(self, *args: Any, **kwargs: Any) -> click.Context:  # noqa: ANN401 - click's own signature
        """Read the arguments as far as the verb."""
        with _usage_for_programs():
            return super().make_context(*args, **kwargs)

    def invoke(self, ctx: click.Context) -> Any:  # noqa: ANN401 - click's own signature
        """Run the verb."""
        with _usage_for_programs():
            return super().invoke(ctx)

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


@contextmanager
def _usage_for_programs() -> Iterator[None]:
    """Tell who asks for JSON about wrong usage as about all errors: one object on stderr."""
    try:
        yield
    except click.UsageError as error:
        if error.ctx is None or not error.ctx.meta.get(_ASKED_FOR_JSON):
            raise
        step = _("Try '{command} {option}' for help.").format(
            command=error.ctx.command_path, option=error.ctx.help_option_names[0]
        )
        told = {"error": "usage", "message": error.format_message(), "next_step": step}
        click.echo(json.dumps(told, ensure_ascii=False), err=True)
        raise SystemExit(error.exit_code) from error


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
