"""`keyin cloud preferences-secret`: makes what a preferences server and who asks it share."""

from __future__ import annotations

from pathlib import Path

import click
import msgspec

from keyin.cli.exits import errors_for_people
from keyin.cli.texts import _
from keyin.stores.host import SystemEntropy
from keyin.stores.preferences_secret import make_secret


@click.command("preferences-secret")
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@click.option("--json", "as_json", is_flag=True, help="One JSON object.")
def preferences_secret(*, file: Path, as_json: bool) -> None:
    """Write a new secret of 256 bits into FILE, for this account alone.

    Both sides need the same: name it with --preferences-secret-file. An existing file is never
    replaced, and the secret is not shown.

    Example: keyin cloud preferences-secret /etc/keyin/preferences-secret
    """
    with errors_for_people(as_json=as_json):
        make_secret(file, SystemEntropy())
    if as_json:
        click.echo(msgspec.json.encode({"file": str(file)}).decode())
    else:
        click.echo(_("The secret is in %(file)s.") % {"file": file})
