"""`keyin cloud audit`: what was done, and the proof that nobody changed the record of it."""

from __future__ import annotations

import click

from keyin.cli.lazy import LazyGroup


@click.group(
    cls=LazyGroup,
    verbs={
        "verify": "keyin.cli.audit_verify:verify",
        "show": "keyin.cli.audit_show:show",
        "refusals": "keyin.cli.audit_show:refusals",
    },
)
def audit() -> None:
    """Look at the audit log, and prove that it is whole."""
