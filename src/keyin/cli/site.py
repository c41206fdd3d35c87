"""`keyin site` and `keyin software`: what can be stopped beside single clients."""

from __future__ import annotations

import click

from keyin.cli.lazy import LazyGroup


@click.group(
    cls=LazyGroup,
    verbs={
        "list": "keyin.cli.site_verbs:list_sites",
        "create": "keyin.cli.site_verbs:create_site",
        "suspend": "keyin.cli.site_verbs:suspend_site",
        "resume": "keyin.cli.site_verbs:resume_site",
        "revoke": "keyin.cli.site_verbs:revoke_site",
        "member": "keyin.cli.site_member_verbs:member",
        "returns": "keyin.cli.client_approve:returns",
    },
)
def site() -> None:
    """Stop all computers of a place at once."""


@click.group(
    cls=LazyGroup,
    verbs={
        "list": "keyin.cli.site_verbs:list_software",
        "stop": "keyin.cli.site_verbs:stop_software",
        "resume": "keyin.cli.site_verbs:resume_software",
    },
)
def software() -> None:
    """Stop all computers that run a bad release at once."""
