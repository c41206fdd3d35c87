"""The `keyin` command: a lazy group, so that a verb loads only its own process's world."""

from __future__ import annotations

from importlib import import_module

import click

VERBS = {
    "cloud": "keyin.cli.cloud:cloud",
    "requester": "keyin.cli.requester:requester",
    "flow-manager": "keyin.cli.flow_manager:flow_manager",
    "login": "keyin.cli.login:login",
    "logout": "keyin.cli.login:logout",
    "status": "keyin.cli.login:status",
    "demo": "keyin.cli.demo:demo",
}


class LazyGroup(click.Group):
    """Imports a verb's module when the verb is asked for, not before."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        """Name every verb, in the order of the table."""
        return list(VERBS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 - click's signature
        """Import the verb named, or nothing."""
        target = VERBS.get(cmd_name)
        if target is None:
            return None
        module, attribute = target.split(":")
        command = getattr(import_module(module), attribute)
        if not isinstance(command, click.Command):
            raise TypeError(f"{target} is no command")
        return command


@click.group(cls=LazyGroup)
def main() -> None:
    """Carry a key: the computer becomes usable for you; key out, and it is as before."""
