"""The schema: forward only, one file a version, every landed version still opens."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from msgspec.structs import replace

from keyin.domain.errors import ConfigurationError, StoreUnavailable
from keyin.stores.sqlite import migrations, open_store
from tests.unit.stores.kept_records import check

VERSIONS = Path(__file__).resolve().parents[2] / "data" / "store_versions"


def _connection(path: Path) -> sqlite3.Connection:
    return sqlite3.connect(path, isolation_level=None)


def test_versions_are_numbered_without_a_gap() -> None:
    numbers = [step.version for step in migrations.known()]
    assert numbers == list(range(1, len(numbers) + 1))


def test_opening_twice_changes_nothing(tmp_path: Path) -> None:
    open_store(tmp_path / "s").close()
    before = _dump(tmp_path / "s")
    open_store(tmp_path / "s").close()
    assert _dump(tmp_path / "s") == before


def test_the_file_is_its_owners_only(tmp_path: Path) -> None:
    opened = open_store(tmp_path / "s")
    modes = {path.name: path.stat().st_mode & 0o777 for path in tmp_path.iterdir()}
    opened.close()
    assert modes == {"s": 0o600, "s-wal": 0o600, "s-shm": 0o600}


@pytest.mark.parametrize("version", [step.version for step in migrations.known()])
async def test_a_store_of_every_landed_version_opens(tmp_path: Path, version: int) -> None:
    """The dumps are made by tests/unit/stores/make_version.py when a migration lands."""
    old = _connection(tmp_path / "s")
    old.executescript((VERSIONS / f"{version:04}.sql").read_text(encoding="utf-8"))
    old.close()
    opened = open_store(tmp_path / "s")
    with closing(opened):
        await check(opened)


def test_every_landed_version_has_its_dump() -> None:
    dumps = sorted(path.name for path in VERSIONS.glob("*.sql"))
    assert dumps == [f"{step.version:04}.sql" for step in migrations.known()]


def test_a_landed_migration_never_changes() -> None:
    """The dump of each version holds the checksum that it was made with."""
    for step in migrations.known():
        dump = (VERSIONS / f"{step.version:04}.sql").read_text(encoding="utf-8")
        assert step.checksum in dump


def test_a_newer_schema_is_refused_with_the_way_out(tmp_path: Path) -> None:
    open_store(tmp_path / "s").close()
    newer = _connection(tmp_path / "s")
    newer.execute("PRAGMA user_version = 99")
    newer.close()
    with pytest.raises(ConfigurationError, match="schema 99") as caught:
        open_store(tmp_path / "s")
    assert "newer keyin" in caught.value.next_step


def test_another_programs_database_is_refused_and_left_alone(tmp_path: Path) -> None:
    other = _connection(tmp_path / "s")
    other.execute("CREATE TABLE theirs (a)")
    other.close()
    with pytest.raises(ConfigurationError, match="another program"):
        open_store(tmp_path / "s")
    assert "migrations" not in _dump(tmp_path / "s")


def test_a_file_that_is_no_database_is_refused(tmp_path: Path) -> None:
    (tmp_path / "s").write_bytes(b"not a database at all" * 100)
    with pytest.raises(StoreUnavailable, match="SQLITE_NOTADB"):
        open_store(tmp_path / "s")


def test_a_missing_folder_is_told(tmp_path: Path) -> None:
    with pytest.raises(StoreUnavailable, match="cannot be opened"):
        open_store(tmp_path / "gone" / "s")


def test_an_altered_migration_is_noticed(tmp_path: Path) -> None:
    open_store(tmp_path / "s").close()
    altered = _connection(tmp_path / "s")
    altered.execute("UPDATE migrations SET checksum = 'x'")
    altered.close()
    with pytest.raises(ConfigurationError, match="another build"):
        open_store(tmp_path / "s")


def test_a_failing_migration_leaves_the_version_before(tmp_path: Path) -> None:
    steps = migrations.known()
    bad = replace(steps[-1], version=len(steps) + 1, sql="CREATE TABLE more (a); SELECT nonsense;")
    connection = _connection(tmp_path / "s")
    with pytest.raises(StoreUnavailable):
        migrations.migrate(connection, [*steps, bad])
    assert connection.execute("PRAGMA user_version").fetchone() == (len(steps),)
    assert not connection.in_transaction
    connection.close()
    assert "more" not in _dump(tmp_path / "s")
    open_store(tmp_path / "s").close()


def test_a_next_migration_runs_on_a_store_in_use(tmp_path: Path) -> None:
    open_store(tmp_path / "s").close()
    steps = migrations.known()
    more = replace(steps[-1], version=len(steps) + 1, name="more", sql="CREATE TABLE more (a);")
    connection = _connection(tmp_path / "s")
    migrations.migrate(connection, [*steps, more])
    migrations.migrate(connection, [*steps, more])
    assert connection.execute("PRAGMA user_version").fetchone() == (len(steps) + 1,)
    connection.close()


def test_an_export_does_not_migrate(tmp_path: Path) -> None:
    connection = _connection(tmp_path / "s")
    migrations.migrate(connection, [])
    connection.close()
    with pytest.raises(ConfigurationError, match="older schema"):
        open_store(tmp_path / "s", migrate=False)


def _dump(path: Path) -> str:
    connection = _connection(path)
    text = "\n".join(connection.iterdump())
    connection.close()
    return text
