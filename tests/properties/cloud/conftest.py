"""One cloud process for all properties of this folder that leave it as it was."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from keyin.cloud.config import CloudConfig
from keyin.cloud.wiring import build
from keyin.pages.site import Site
from keyin.stores.opening import open_data
from tests.cloud_documents import everything
from tests.cloud_process import Cloud, import_documents, serving
from tests.oauth_client import ISSUER
from tests.properties.cloud.refusals import GENEROUS, Prepared, prepare

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from keyin.cloud.routes import Route


@pytest.fixture(scope="session")
def imported(tmp_path_factory: pytest.TempPathFactory) -> Path:
    data = tmp_path_factory.mktemp("imported") / "data"
    report = import_documents(data, everything())
    assert not report.get("refused"), report
    return data


@pytest.fixture(scope="session")
def cloud(imported: Path) -> Iterator[Cloud]:
    with serving(
        imported,
        *("--trusted-proxy", "127.0.0.0/8"),
        *("--ops-listen", "127.0.0.1:0"),
        listeners=2,
    ) as running:
        yield running


@pytest.fixture(scope="session")
def prepared(imported: Path, tmp_path_factory: pytest.TempPathFactory) -> Prepared:
    """Give a computer of the cloud below, with tokens of which most have one defect."""
    return prepare(imported, tmp_path_factory.mktemp("prepared") / "data")


@pytest.fixture(scope="session")
def issuing(prepared: Prepared) -> Iterator[Cloud]:
    """Serve with an issuer and an operators' listener, and throttle nobody."""
    config = prepared.data.parent / "cloud.toml"
    config.write_text(GENEROUS)
    more = ("--ops-listen", "127.0.0.1:0", "--config", config)
    with serving(prepared.data, "--issuer", ISSUER, *more, listeners=2) as running:
        yield running


@pytest.fixture(scope="session")
def served(prepared: Prepared) -> tuple[Route, ...]:
    """Return every route of the public listener, as the router has them."""
    opened = open_data(prepared.data, None, exclusive=False)

    async def routes() -> tuple[Route, ...]:
        config = CloudConfig(issuer=ISSUER)
        store, secrets = opened.store, opened.secrets
        return (await build(config, store=store, secrets=secrets, pages=Site.open)).app.routes

    try:
        return asyncio.run(routes())
    finally:
        opened.close()
