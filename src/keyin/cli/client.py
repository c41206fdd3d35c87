"""`keyin client`: computers that may ask the cloud, registered by hand, looked at, stopped."""

from __future__ import annotations

import click

from keyin.cli.lazy import LazyGroup


@click.group(
    cls=LazyGroup,
    verbs={
        "create": "keyin.cli.client_create:create",
        "list": "keyin.cli.client_verbs:list_",
        "show": "keyin.cli.client_verbs:show",
        "suspend": "keyin.cli.client_verbs:suspend",
        "resume": "keyin.cli.client_verbs:resume",
        "revoke": "keyin.cli.client_verbs:revoke",
        "approve": "keyin.cli.client_approve:approve",
        "legacy-until": "keyin.cli.client_legacy:legacy_until",
        "add-key": "keyin.cli.client_key_verbs:add_key",
        "revoke-key": "keyin.cli.client_key_verbs:revoke_key",
    },
)
def client() -> None:
    """Register, list and stop the computers that may ask the cloud for settings."""
