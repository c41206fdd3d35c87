"""`keyin cloud ...`: a lazy group, one module a verb, so that `export` loads no web server."""

from __future__ import annotations

import click

from keyin.cli.lazy import LazyGroup


@click.group(
    cls=LazyGroup,
    verbs={
        "serve": "keyin.cli.cloud_serve:serve",
        "preferences-secret": "keyin.cli.cloud_preferences_secret:preferences_secret",
        "import": "keyin.cli.cloud_import:import_",
        "export": "keyin.cli.cloud_export:export",
        "check": "keyin.cli.cloud_check:check_",
        "copy": "keyin.cli.cloud_copy:copy",
        "restored": "keyin.cli.cloud_restored:restored",
        "migrate": "keyin.cli.cloud_migrate:migrate",
        "audit": "keyin.cli.cloud_audit:audit",
    },
)
def cloud() -> None:
    """Run and feed the cloud: authorization server, settings, preferences."""
