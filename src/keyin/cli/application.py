"""`keyin application`: web and native applications, and machine jobs."""

from __future__ import annotations

import click

from keyin.cli.lazy import LazyGroup


@click.group(cls=LazyGroup, verbs={"create": "keyin.cli.application_create:create"})
def application() -> None:
    """Register applications; `keyin client` lists and stops them like every other client."""
