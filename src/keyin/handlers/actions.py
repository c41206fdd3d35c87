"""The actions that a registry may name: start a program, or ask whether one runs.

    gpii.launch.exec                    {command}         a command line
    gpii.launch.spawn                   {command, args}   a program and its arguments
    gpii.processReporter.find           {command}         does a program of this name run?
    gpii.processReporter.neverRunning                     no

A command line is split as a shell would split it and started without one: pipes, substitutions and
lists of commands are refused, so that a value put into a command cannot become another command.
"""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING, Any, Final

from keyin.domain.errors import HandlerFailed
from keyin.handlers.options import option_missing

if TYPE_CHECKING:
    from collections.abc import Mapping

    from keyin.domain.absent import Value
    from keyin.handlers.system import Processes
    from keyin.session.ports import Block

EXEC: Final = "gpii.launch.exec"
SPAWN: Final = "gpii.launch.spawn"
FIND: Final = "gpii.processReporter.find"
NEVER: Final = "gpii.processReporter.neverRunning"

_OPERATORS: Final = "();<>|&"


def listed(block: Block, name: str) -> list[Mapping[str, Value]]:
    """Return the actions under an option: one action, a list of them, or none."""
    option = block.options.get(name, [])
    actions: list[Any] = option if isinstance(option, list) else [option]
    if not all(isinstance(action, dict) for action in actions):
        raise option_missing(block, name)
    return actions


def command_of(block: Block, action: Mapping[str, Value]) -> list[str]:
    """Return the program and arguments that an action starts. Raises HandlerFailed."""
    command, arguments = action.get("command"), action.get("args", [])
    if isinstance(command, str) and command:
        if action.get("type") == EXEC:
            return _split(block, command)
        if action.get("type") == SPAWN and isinstance(arguments, list):
            return [command, *(str(argument) for argument in arguments)]
    raise _unknown(block, action)


def holds(block: Block, action: Mapping[str, Value], processes: Processes) -> bool:
    """Answer a question about a running program. Raises HandlerFailed."""
    command = action.get("command")
    if action.get("type") == NEVER:
        return False
    if action.get("type") == FIND and isinstance(command, str):
        return processes.running(command)
    raise _unknown(block, action)


def _split(block: Block, command: str) -> list[str]:
    try:
        lexer = shlex.shlex(command, posix=True, punctuation_chars=_OPERATORS)
        lexer.whitespace_split = True
        lexer.commenters = ""
        words = list(lexer)
    except ValueError as exc:
        raise _needs_shell(block) from exc
    # What stands in quotes is a plain word; a word made of operators only stood outside of them.
    if not words or any(set(word) <= set(_OPERATORS) for word in words) or _substitutes(command):
        raise _needs_shell(block)
    return words


def _substitutes(command: str) -> bool:
    return any(mark in command for mark in ("$", "`", "\n", "\0"))


def _needs_shell(block: Block) -> HandlerFailed:
    return HandlerFailed(
        "The command of %(solution)s needs a shell, and none is used.",
        next_step="Put the command into a script of its own and name that in the registry.",
        solution=block.solution,
    )


def _unknown(block: Block, action: Mapping[str, Value]) -> HandlerFailed:
    return HandlerFailed(
        "The solution %(solution)s asks for an action that is not known here: %(action)s.",
        next_step="Correct its entry in the solutions registry.",
        solution=block.solution,
        action=str(action.get("type")),
    )
