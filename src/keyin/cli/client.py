"""`keyin client`: computers that may ask the cloud, registered by hand."""

from __future__ import annotations

import click

from keyin.cli.lazy import LazyGroup


@click.group(cls=LazyGroup, verbs={"create": "keyin.cli.client_create:create"})
def client() -> None:
    """Register the computers that may ask the cloud for settings."""
