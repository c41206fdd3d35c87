"""The verbs of a store in SQLite, given a database in PostgreSQL, say the same of it."""

from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING, Any

import pytest

from tests import postgres
from tests.cloud_documents import FREE, SECRET, everything
from tests.cloud_process import import_documents, serving
from tests.started import run

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = postgres.needs_postgres


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    folder = tmp_path_factory.mktemp("verbs")
    sqlite, other = folder / "sqlite", postgres.shared(folder / "postgres")
    reports = [_imported(sqlite)]
    shutil.copytree(sqlite / "secrets", other / "secrets")  # the same names of all records
    reports.append(_imported(other))
    assert reports[0] == reports[1], "the first time, and the second"
    return sqlite, other


def _imported(data: Path) -> list[dict[str, Any]]:
    until = ("--legacy-until", "2999-12-31")
    return [import_documents(data, everything(), *until) for _ in range(2)]


def said(data: Path, *verb: object) -> tuple[int, Any]:
    done = run("cloud", *verb, "--data", data, "--json")
    assert done.returncode in {0, 1}, done.stderr
    return done.returncode, json.loads(done.stdout) if done.stdout else None


def exported(data: Path, to: Path) -> list[dict[str, Any]]:
    said(data, "export", "--output", to)
    docs: list[dict[str, Any]] = json.loads(to.read_text())["docs"]
    return docs


def test_what_comes_out_is_what_went_in(both: tuple[Path, Path], tmp_path: Path) -> None:
    sqlite, other = (exported(data, tmp_path / data.name) for data in both)
    assert sqlite == other
    assert len(sqlite) > 10


def test_what_is_open_wide_is_listed(both: tuple[Path, Path]) -> None:
    sqlite, other = (said(data, "check") for data in both)
    assert sqlite == other
    assert sqlite[0] == 1


def test_an_export_and_a_walk_along_the_log_are_made_while_it_is_served(
    both: tuple[Path, Path], tmp_path: Path
) -> None:
    _, data = both
    with serving(data) as cloud:
        assert cloud.token("alice", (FREE, SECRET)).status == 200
        assert exported(data, tmp_path / "out.json")
        assert said(data, "audit", "verify")[1]["ok"]
        shown = run("cloud", "audit", "show", "--data", data, "--act", "token.issued", "--json")
        assert '"token.issued"' in shown.stdout
        assert import_documents(data, everything())["written"]["keys"] == 0
        assert cloud.token("alice", (FREE, SECRET)).status == 200


def test_a_folder_without_a_store_may_hold_the_secrets_of_a_database(
    both: tuple[Path, Path],
) -> None:
    _, data = both
    assert {path.name for path in data.iterdir()} == {"secrets", "store-elsewhere.json"}
