"""`keyin account`: the people who may sign in at the cloud's pages."""

from __future__ import annotations

import click

from keyin.cli.lazy import LazyGroup


@click.group(
    cls=LazyGroup,
    verbs={
        "create": "keyin.cli.account_verbs:create",
        "list": "keyin.cli.account_verbs:list_",
        "set-password": "keyin.cli.account_verbs:set_password",
        "set-email": "keyin.cli.account_verbs:set_email",
        "suspend": "keyin.cli.account_verbs:suspend",
        "resume": "keyin.cli.account_verbs:resume",
        "revoke-computers": "keyin.cli.client_approve:revoke_computers",
        "reset-second-step": "keyin.cli.account_verbs:reset_second_step",
    },
)
def account() -> None:
    """Make accounts for the people who may sign in, and look after them."""
