"""`keyin key`: GPII keys, made, limited, looked at and taken back."""

from __future__ import annotations

import click

from keyin.cli.lazy import LazyGroup


@click.group(
    cls=LazyGroup,
    verbs={
        "create": "keyin.cli.key_verbs:create",
        "policy": "keyin.cli.key_verbs:policy",
        "show": "keyin.cli.key_verbs:show",
        "revoke": "keyin.cli.key_verbs:revoke",
    },
)
def key() -> None:
    """Make keys for people, say what a key may do, and end one that was lost."""
