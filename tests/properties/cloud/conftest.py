"""One cloud process for all properties of this folder that leave it as it was."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.cloud_documents import everything
from tests.cloud_process import Cloud, import_documents, serving

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


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
