"""The actions that a registry may name: start a program, or ask whether one runs.

They stand in a flexible launch handler's options, or as a step of their own (`free_actions`).

    gpii.launch.exec                    {command}         a command line
    gpii.launch.spawn                   {command, args}   a program and its arguments
    gpii.processReporter.find           {command}         does a program of this name run?
    gpii.processReporter.neverRunning                     no

A command line is split as a shell would split it and started without one: pipes, substitutions and
lists of commands are refused, so that a value put into a command cannot become another command.
"""

from __future__ import annotations

import shlex
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from keyin.domain.absent import ABSENT
from keyin.domain.errors import HandlerFailed
from keyin.handlers.options import option_missing

if TYPE_CHECKING:
    from collections.abc import Mapping

    from keyin.domain.absent import Absent, Value
    from keyin.handlers.system import Processes, System
    from keyin.session.ports import Action, Block

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


def command_of(owner: str, action: Mapping[str, Value]) -> list[str]:
    """Return the program and arguments that an action starts. Raises HandlerFailed.

    `owner` is the solution that asks, for the message.
    """
    command, arguments = action.get("command"), action.get("args", [])
    if isinstance(command, str) and command:
        if action.get("type") == EXEC:
            return _split(owner, command)
        if action.get("type") == SPAWN and isinstance(arguments, list):
            return [command, *(str(argument) for argument in arguments)]
    raise _unknown(owner, action)


def holds(owner: str, action: Mapping[str, Value], processes: Processes) -> bool:
    """Answer a question about a running program. Raises HandlerFailed."""
    command = action.get("command")
    if action.get("type") == NEVER:
        return False
    if action.get("type") == FIND and isinstance(command, str):
        return processes.running(command)
    raise _unknown(owner, action)


def _split(owner: str, command: str) -> list[str]:
    try:
        lexer = shlex.shlex(command, posix=True, punctuation_chars=_OPERATORS)
        lexer.whitespace_split = True
        lexer.commenters = ""
        words = list(lexer)
    except ValueError as exc:
        raise _needs_shell(owner) from exc
    # What stands in quotes is a plain word; a word made of operators only stood outside of them.
    if not words or any(set(word) <= set(_OPERATORS) for word in words) or _substitutes(command):
        raise _needs_shell(owner)
    return words


def _substitutes(command: str) -> bool:
    return any(mark in command for mark in ("$", "`", "\n", "\0"))


def _needs_shell(owner: str) -> HandlerFailed:
    return HandlerFailed(
        "The command of %(solution)s needs a shell, and none is used.",
        next_step="Put the command into a script of its own and name that in the registry.",
        solution=owner,
    )


def _unknown(owner: str, action: Mapping[str, Value]) -> HandlerFailed:
    return HandlerFailed(
        "The solution %(solution)s asks for an action that is not known here: %(action)s.",
        next_step="Correct its entry in the solutions registry.",
        solution=owner,
        action=str(action.get("type")),
    )


class LaunchAction:
    """A step that starts a program. Nothing ends it at key-out (local-flow §5.5)."""

    def __init__(self, system: System) -> None:
        self._system = system

    async def invoke(self, action: Mapping[str, Value]) -> Value | Absent:
        """See `keyin.session.ports.Action`; there is no result."""
        owner = str(action.get("type"))
        command = command_of(owner, action)
        start = self._system.processes.start
        await self._system.call(partial(start, command, mark=owner))
        return ABSENT


class FindAction:
    """A step that asks whether a program runs."""

    def __init__(self, system: System) -> None:
        self._system = system

    async def invoke(self, action: Mapping[str, Value]) -> Value | Absent:
        """See `keyin.session.ports.Action`; the result is the answer."""
        ask = partial(holds, str(action.get("type")), action, self._system.processes)
        return await self._system.call(ask)


class ActionTable:
    """See `keyin.session.ports.Actions`."""

    def __init__(self, actions: Mapping[str, Action]) -> None:
        self._actions = dict(actions)

    def find(self, type: str) -> Action | None:  # noqa: A002 - the port's word
        """Return the action of this type name, None where nothing does it."""
        return self._actions.get(type)


def free_actions(system: System) -> ActionTable:
    """Return every action that may be a step of its own."""
    launch, find = LaunchAction(system), FindAction(system)
    return ActionTable({EXEC: launch, SPAWN: launch, FIND: find, NEVER: find})
