"""`keyin requester ...`: a lazy group; asking a requester loads nothing of the process itself."""

from __future__ import annotations

import click

from keyin.cli.lazy import LazyGroup


@click.group(
    cls=LazyGroup,
    verbs={
        "serve": "keyin.cli.requester_serve:serve",
        "status": "keyin.cli.requester_ask:status",
        "forget": "keyin.cli.requester_ask:forget",
        "enrol": "keyin.cli.requester_enrol:enrol",
        "rotate": "keyin.cli.requester_identity:rotate",
        "leave": "keyin.cli.requester_identity:leave",
        "seal": "keyin.cli.requester_identity:seal",
        "new-key": "keyin.cli.requester_key:new_key",
        "public-key": "keyin.cli.requester_key:public_key",
        "adopt": "keyin.cli.requester_key:adopt",
    },
)
def requester() -> None:
    """Run and ask the access requester, which holds this computer's credential."""
