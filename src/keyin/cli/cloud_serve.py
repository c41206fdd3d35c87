"""`keyin cloud serve`: reads flags and file, hands over to the process."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from keyin.cli.exits import errors_for_people
from keyin.cloud.config import load
from keyin.cloud.serving import serve as run
from keyin.pages.site import Site
from keyin.stores.opening import Database, place_of

if TYPE_CHECKING:
    from keyin.stores.opening import Place


@click.command()
@click.option(
    "--data",
    type=click.Path(path_type=Path),
    help="Directory of the store; made if it is not there.",
)
@click.option(
    "--database",
    help="URL of the store: sqlite:DIR or postgresql://USER@HOST/NAME. It carries no password.",
)
@click.option("--listen", help="HOST:PORT with a literal address, or unix:PATH.")
@click.option("--issuer", help="URL under which clients reach this server.")
@click.option("--secrets", help="Directory of peppers and data keys, mode 0700.")
@click.option("--tls-cert", help="Certificate chain, PEM.")
@click.option("--tls-key", help="Private key, PEM, readable by this account only.")
@click.option(
    "--trusted-proxy", multiple=True, help="Network whose forwarding headers are believed."
)
@click.option("--ops-listen", help="Where operators ask: a loopback address or unix:PATH.")
@click.option("--preferences-listen", help="HOST:PORT or unix:PATH of the preferences server.")
@click.option(
    "--preferences-secret-file", help="Its secret, mode 0600; `preferences-secret` makes one."
)
@click.option("--preferences-url", help="Another keyin's preferences server, in place of this one.")
@click.option("--preferences-ca", help="Authorities of its certificate, PEM; else the system's.")
@click.option(
    "--preferences-only", is_flag=True, default=None, help="Serve the preferences server alone."
)
@click.option("--revision-file", help="JSON file that /revision shows to operators.")
@click.option("--audit-copy", help="File that every event of the audit log is appended to.")
@click.option("--workers", type=int, help="Processes; a store in SQLite has one.")
@click.option(
    "--config",
    "file",
    type=click.Path(path_type=Path),
    help="TOML file; flags replace its keys.",
)
@click.option("--json", "as_json", is_flag=True, help="Write errors as JSON.")
def serve(
    *,
    file: Path | None,
    data: Path | None,
    database: str | None,
    as_json: bool,
    **flags: Any,  # noqa: ANN401 - click hands them over by name
) -> None:
    """Serve clients and settings until SIGTERM; say where once it is ready.

    Example: keyin cloud serve --data /var/lib/keyin --listen 127.0.0.1:8081
    """
    with errors_for_people(as_json=as_json):
        if data is not None or database is not None:
            flags |= _store(place_of(data, database))
        run(load(file, flags), Site.open)


def _store(place: Place) -> dict[str, str | None]:
    """Return the keys of the configuration that name the store."""
    if not isinstance(place, Database):
        return {"data": str(place)}
    return {"database": place.url, "data": str(place.data) if place.data else None}
