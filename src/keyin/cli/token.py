"""`keyin token`: what computers enrol with, made and taken back; and the end of single tokens."""

from __future__ import annotations

import click

from keyin.cli.lazy import LazyGroup


@click.group(
    cls=LazyGroup,
    verbs={
        "create": "keyin.cli.token_create:create",
        "list": "keyin.cli.token_verbs:list_",
        "revoke": "keyin.cli.token_verbs:revoke",
    },
)
def token() -> None:
    """Make and take back what computers enrol with; end single access tokens."""
