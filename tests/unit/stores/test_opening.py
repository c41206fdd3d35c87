"""A data directory is opened by one process at a time, and only with its own secrets."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from keyin.domain.errors import ConfigurationError
from keyin.stores import key_files
from keyin.stores.database_url import each_host
from keyin.stores.host import SystemEntropy
from keyin.stores.opening import Database, open_data, place_of, secrets_of


def test_it_makes_what_is_missing_for_its_owner_only(tmp_path: Path) -> None:
    opened = open_data(tmp_path / "a" / "data", None, exclusive=True)
    opened.close()
    folder = tmp_path / "a" / "data"
    assert folder.stat().st_mode & 0o777 == 0o700
    assert {path.name for path in folder.iterdir()} == {
        "keyin.sqlite3", "keyin.lock", "secrets",
    }  # fmt: skip


def test_a_second_process_is_refused_until_the_first_ends(tmp_path: Path) -> None:
    first = open_data(tmp_path / "d", None, exclusive=True)
    with pytest.raises(ConfigurationError, match="another keyin process"):
        open_data(tmp_path / "d", None, exclusive=True)
    first.close()
    open_data(tmp_path / "d", None, exclusive=True).close()


def test_an_export_runs_beside_a_server(tmp_path: Path) -> None:
    server = open_data(tmp_path / "d", None, exclusive=True)
    open_data(tmp_path / "d", None, exclusive=False).close()
    server.close()


def test_an_export_makes_no_store(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="no store"):
        open_data(tmp_path / "d", None, exclusive=False)
    assert not (tmp_path / "d").exists()


def test_a_store_without_its_secrets_is_refused_and_no_new_ones_are_made(tmp_path: Path) -> None:
    open_data(tmp_path / "d", None, exclusive=True).close()
    shutil.rmtree(tmp_path / "d" / "secrets")
    with pytest.raises(ConfigurationError):
        open_data(tmp_path / "d", None, exclusive=True)
    assert not (tmp_path / "d" / "secrets").exists()
    with pytest.raises(ConfigurationError):  # the lock was given back
        open_data(tmp_path / "d", None, exclusive=True)


def test_a_store_with_foreign_secrets_is_refused(tmp_path: Path) -> None:
    open_data(tmp_path / "one", None, exclusive=True).close()
    open_data(tmp_path / "two", None, exclusive=True).close()
    with pytest.raises(ConfigurationError, match="other secrets"):
        open_data(tmp_path / "one", tmp_path / "two" / "secrets", exclusive=True)


def test_secrets_may_be_elsewhere_and_be_rotated(tmp_path: Path) -> None:
    elsewhere = tmp_path / "secrets"
    open_data(tmp_path / "d", elsewhere, exclusive=True).close()
    assert not (tmp_path / "d" / "secrets").exists()
    key_files.add(elsewhere, key_files.PEPPER, SystemEntropy())
    key_files.add(elsewhere, key_files.DATA_KEY, SystemEntropy())
    open_data(tmp_path / "d", elsewhere, exclusive=True).close()
    for old in elsewhere.glob("*-0001-*"):
        old.unlink()
    open_data(tmp_path / "d", elsewhere, exclusive=True).close()


@pytest.mark.parametrize(
    ("data", "database", "expected"),
    [
        (Path("d"), None, Path("d")),
        (None, "d", Path("d")),
        (None, "/srv/keyin", Path("/srv/keyin")),
        (None, "sqlite:///srv/keyin", Path("/srv/keyin")),
        (None, "sqlite:///srv/keyin/keyin.sqlite3", Path("/srv/keyin")),
        (None, "sqlite:d", Path("d")),
    ],
)
def test_where_the_data_is(data: Path | None, database: str | None, expected: Path) -> None:
    assert place_of(data, database) == expected


@pytest.mark.parametrize(
    ("data", "database"),
    [(None, None), (Path("d"), "d"), (None, "postgresql://who:what@host/db"), (None, "http://x")],
)
def test_a_database_of_another_kind_is_refused_without_quoting_it(
    data: Path | None, database: str | None
) -> None:
    with pytest.raises(ConfigurationError) as caught:
        place_of(data, database)
    assert "what" not in str(caught.value)
    assert caught.value.next_step


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://keyin@db.example:5432/keyin",
        "postgresql://keyin@/keyin?host=/run/postgresql",
        "postgres://one.example,two.example/keyin",
        "postgresql:///?service=keyin",
    ],
)
def test_a_database_of_postgresql_is_a_place(url: str) -> None:
    assert place_of(None, url) == Database(url)
    assert place_of(Path("d"), url) == Database(url, Path("d"))
    assert secrets_of(place_of(Path("d"), url), None) == Path("d/secrets")
    assert secrets_of(place_of(None, url), Path("s")) == Path("s")
    with pytest.raises(ConfigurationError, match="secrets"):
        secrets_of(place_of(None, url), None)


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://keyin:canary@db.example/keyin",
        "postgresql://keyin@db.example/keyin?password=canary",
        "postgresql://keyin@db.example/keyin?sslmode=require&PassWord=canary",
        "postgresql://:canary@/keyin",
        "postgres://keyin@db.example/keyin?sslpassword=canary",
    ],
)
def test_a_password_in_the_url_is_refused_with_the_next_step(url: str) -> None:
    with pytest.raises(ConfigurationError, match="has a password in it") as caught:
        place_of(None, url)
    assert "canary" not in str(caught.value)
    assert "PGPASSFILE" in caught.value.next_step


@pytest.mark.parametrize("url", ["postgresql:keyin", "postgresql://[::1/keyin", "postgres:"])
def test_a_url_that_cannot_be_read_is_refused(url: str) -> None:
    with pytest.raises(ConfigurationError, match="cannot be read"):
        place_of(None, url)


@pytest.mark.parametrize(
    ("url", "each"),
    [
        ("postgresql://a@one/k", ["postgresql://a@one/k"]),
        (
            "postgresql://a@one:1,two:2/k?sslmode=require",
            ["postgresql://a@one:1/k?sslmode=require", "postgresql://a@two:2/k?sslmode=require"],
        ),
        ("postgresql:///k?host=/run/pg", ["postgresql:///k?host=/run/pg"]),
        (
            "postgresql:///k?user=a&host=/one,/two",
            ["postgresql:///k?user=a&host=%2Fone", "postgresql:///k?user=a&host=%2Ftwo"],
        ),
        (
            "postgresql:///k?host=one,two&port=1,2",
            ["postgresql:///k?host=one&port=1", "postgresql:///k?host=two&port=2"],
        ),
    ],
)
def test_hosts_are_asked_one_by_one(url: str, each: list[str]) -> None:
    assert each_host(url) == each


def test_a_store_of_an_earlier_release_gets_the_key_that_signs(tmp_path: Path) -> None:
    open_data(tmp_path / "d", None, exclusive=True).close()
    (signing,) = (tmp_path / "d" / "secrets").glob("signing-key-*")
    signing.unlink()
    beside = open_data(tmp_path / "d", None, exclusive=False)
    assert not beside.secrets.signing_keys
    beside.close()
    opened = open_data(tmp_path / "d", None, exclusive=True)
    assert len(opened.secrets.signing_keys) == 1
    opened.close()
