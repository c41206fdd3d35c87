"""Schemas go forward only, each file once and unchanged, whoever migrates at the same time."""

from __future__ import annotations

import asyncio
import json
from contextlib import aclosing
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from keyin.domain.errors import ConfigurationError, StoreUnavailable
from keyin.stores.postgres import migrations, open_store
from keyin.stores.postgres.connection import connect
from keyin.stores.schema_files import Migration
from tests import postgres
from tests.started import run
from tests.unit.stores.kept_records import check

if TYPE_CHECKING:
    from collections.abc import Callable

pytestmark = postgres.needs_postgres
ALL = migrations.known()
VERSIONS = Path(__file__).resolve().parents[2] / "data" / "postgres_versions"
SLOW = Migration(
    version=len(ALL) + 1,
    name="slow",
    sql="SELECT pg_sleep(0.3); CREATE TABLE slow (id BIGINT PRIMARY KEY);",
)


@pytest.fixture
def empty() -> str:
    return postgres.cluster().database(empty=True)


def _in_database(url: str, *statements: str) -> str:
    name = url.rpartition("/")[0] and url.split("@/")[1].split("?", maxsplit=1)[0]
    return postgres.cluster().sql(*statements, database=name)


@pytest.mark.parametrize("version", [one.version for one in ALL])
async def test_a_database_of_every_landed_version_is_migrated(empty: str, version: int) -> None:
    """The dumps are made by tests/unit/stores/make_postgres_version.py when a migration lands."""
    dump = (VERSIONS / f"{version:04}.sql").read_text(encoding="utf-8")
    _in_database(empty, f"SET ROLE keyin; {dump}")
    assert await migrations.migrate(empty) == [one.version for one in ALL[version:]]
    opened = await open_store(empty)
    async with aclosing(opened):
        await check(opened)


def test_every_landed_version_has_its_dump_with_the_checksums_that_it_was_made_with() -> None:
    assert sorted(path.name for path in VERSIONS.iterdir()) == [
        f"{one.version:04}.sql" for one in ALL
    ]
    newest = (VERSIONS / f"{len(ALL):04}.sql").read_text(encoding="utf-8")
    assert all(one.checksum in newest for one in ALL)


async def test_a_database_is_made_once_and_then_left_as_it_is(empty: str) -> None:
    assert await migrations.migrate(empty) == [one.version for one in ALL]
    assert await migrations.migrate(empty) == []
    noted = _in_database(empty, "SELECT version, name, checksum FROM schema_versions")
    assert noted.splitlines() == [f"{one.version}|{one.name}|{one.checksum}" for one in ALL]


async def test_of_many_who_migrate_at_once_one_does_it(empty: str) -> None:
    done = await asyncio.gather(*[migrations.migrate(empty, [*ALL, SLOW]) for _ in range(4)])
    versions = [version for one in done for version in one]
    assert sorted(versions) == [*(one.version for one in ALL), SLOW.version]


async def test_a_step_that_fails_leaves_nothing_of_itself(empty: str) -> None:
    broken = Migration(
        version=len(ALL) + 1, name="broken", sql="CREATE TABLE half (id BIGINT); SELECT 1 / 0;"
    )
    with pytest.raises(StoreUnavailable):
        await migrations.migrate(empty, [*ALL, broken])
    assert _in_database(empty, "SELECT to_regclass('half')") == ""
    await (await open_store(empty)).aclose()


async def test_an_older_schema_is_refused_with_the_next_step(empty: str) -> None:
    with pytest.raises(ConfigurationError, match="needs schema") as caught:
        await open_store(empty)
    assert "keyin cloud migrate" in caught.value.next_step


async def test_a_newer_schema_is_refused(empty: str) -> None:
    await migrations.migrate(empty, [*ALL, SLOW])
    for attempt in (migrations.migrate(empty), open_store(empty)):
        with pytest.raises(ConfigurationError, match="knows schemas up to"):
            await attempt


async def test_a_schema_that_another_build_made_is_refused(empty: str) -> None:
    await migrations.migrate(empty)
    _in_database(empty, "UPDATE schema_versions SET checksum = 'other' WHERE version = 1")
    for attempt in (migrations.migrate(empty), open_store(empty)):
        with pytest.raises(ConfigurationError, match="another build"):
            await attempt


async def test_another_program_s_database_is_left_alone(empty: str) -> None:
    _in_database(empty, "SET ROLE keyin; CREATE TABLE theirs (id BIGINT)")
    for attempt in (migrations.migrate(empty), open_store(empty)):
        with pytest.raises(ConfigurationError, match="another program"):
            await attempt


async def test_a_database_of_another_encoding_is_refused() -> None:
    cluster = postgres.cluster()
    cluster.sql("CREATE DATABASE latin OWNER keyin TEMPLATE template0 ENCODING 'LATIN1' LOCALE 'C'")
    with pytest.raises(ConfigurationError, match="LATIN1, not UTF8") as caught:
        await connect(cluster.url("latin"))
    assert "UTF8" in caught.value.next_step


@pytest.mark.parametrize(
    ("url", "step"),
    [
        (lambda cluster: cluster.url("not_there"), "createdb"),
        (lambda cluster: cluster.url("postgres", user="nobody_here"), "PGPASSFILE"),
    ],
)
async def test_what_is_missing_is_said(url: Callable[[postgres.Cluster], str], step: str) -> None:
    with pytest.raises(StoreUnavailable) as caught:
        await connect(url(postgres.cluster()))
    assert step in caught.value.next_step


def test_the_verb_migrates_and_says_what_it_did(empty: str) -> None:
    first = run("cloud", "migrate", "--database", empty, "--json")
    assert json.loads(first.stdout) == {
        "schema": len(ALL), "applied": [one.version for one in ALL],
    }  # fmt: skip
    again = run("cloud", "migrate", "--database", empty)
    assert again.stdout == f"The database has schema {len(ALL)} already.\n"
    with_password = run("cloud", "migrate", "--database", "postgresql://keyin:canary@/keyin")
    assert with_password.returncode == 3
    assert "PGPASSFILE" in with_password.stderr
    assert "canary" not in with_password.stderr + with_password.stdout
    assert run("cloud", "migrate", "--database", "sqlite:d").returncode == 3
