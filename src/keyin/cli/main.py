"""The `keyin` command."""

from __future__ import annotations

import click

from keyin.cli.lazy import LazyGroup


@click.group(
    cls=LazyGroup,
    verbs={
        "login": "keyin.cli.login:login",
        "logout": "keyin.cli.login:logout",
        "status": "keyin.cli.login:status",
        "demo": "keyin.cli.demo:demo",
        "flow-manager": "keyin.cli.flow_manager:flow_manager",
        "requester": "keyin.cli.requester:requester",
        "cloud": "keyin.cli.cloud:cloud",
        "client": "keyin.cli.client:client",
        "key": "keyin.cli.key:key",
        "application": "keyin.cli.application:application",
        "site": "keyin.cli.site:site",
        "software": "keyin.cli.site:software",
        "token": "keyin.cli.token:token",
        "account": "keyin.cli.account:account",
    },
)
@click.version_option(package_name="keyin", prog_name="keyin")
def main() -> None:
    """Carry a key: the computer becomes usable for you; key out, and it is as before."""
