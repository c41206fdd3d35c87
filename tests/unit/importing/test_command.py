"""`keyin cloud import` and `export` as an operator meets them: real processes, real exits."""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

from keyin.stores.opening import open_data
from tests.unit.importing.documents import client, credential, key, safe

if TYPE_CHECKING:
    from pathlib import Path


def _keyin(*arguments: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "keyin", "cloud", *map(str, arguments)],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
        env={**os.environ, "LANGUAGE": "en"},
    )


@pytest.fixture
def site(tmp_path: Path) -> Path:
    path = tmp_path / "site.json"
    path.write_text(json.dumps({"docs": [client(), credential(), key(), safe()]}))
    return path


def test_an_import_says_what_became_of_everything(tmp_path: Path, site: Path) -> None:
    first = _keyin("import", "--data", tmp_path / "d", site)
    again = _keyin("import", "--data", tmp_path / "d", site)
    assert (first.returncode, first.stderr) == (0, "")
    assert first.stdout.splitlines() == [
        "clients: 1 written, 0 there already",
        "credentials: 1 written, 0 there already",
        "preferences: 1 written, 0 there already",
        "keys: 1 written, 0 there already",
        "keys that could be guessed (under 128 random bits): 1",
        "credentials without a limit to networks or writing: 1; see `keyin cloud check`",
    ]
    assert again.returncode == 0
    assert "keys: 0 written, 1 there already" in again.stdout


def test_an_export_taken_in_again_says_that_the_secret_is_missing(
    tmp_path: Path, site: Path
) -> None:
    _keyin("import", "--data", tmp_path / "d", site)
    _keyin("export", "--data", tmp_path / "d", "--output", tmp_path / "all.json")
    again = _keyin("import", "--data", tmp_path / "other", tmp_path / "all.json")
    assert again.returncode == 1
    assert "it has no client secret (an export holds none)" in again.stdout + again.stderr
    assert "keys: 1 written" in again.stdout


def test_a_refusal_is_told_and_shows_in_the_exit_code(tmp_path: Path, site: Path) -> None:
    (tmp_path / "odd.json").write_text(json.dumps([{"type": "else"}, key("bo")]))
    done = _keyin("import", "--data", tmp_path / "d", "--json", site, tmp_path / "odd.json")
    report: dict[str, Any] = json.loads(done.stdout)
    assert done.returncode == 1
    assert report["written"]["keys"] == 2
    assert report["refused"] == [
        {
            "source": str(tmp_path / "odd.json"),
            "number": 1,
            "reason": "it is none of the five types of document",
        }
    ]


def test_an_import_beside_a_running_server_is_refused(tmp_path: Path, site: Path) -> None:
    server = open_data(tmp_path / "d", None, exclusive=True)
    done = _keyin("import", "--data", tmp_path / "d", site)
    server.close()
    assert done.returncode == 3
    assert "another keyin process has the store" in done.stderr
    assert "Next step:" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "code", "told"),
    [
        (["--database", "postgresql://anna:canary@host/keyin"], 3, "a password in it"),
        (["--database", "mysql://host/canary"], 3, "not in mysql"),
        ([], 3, "say where the store is"),
        (["--data", "d", "--legacy-until", "soon"], 2, "soon"),
        (["--data", "d", "no such file"], 2, "does not exist"),
        (["--data", "d", "--as", "nobody"], 2, "nobody"),
    ],
)
def test_wrong_use_is_told(tmp_path: Path, arguments: list[str], code: int, told: str) -> None:
    done = _keyin("import", *[tmp_path / "d" if one == "d" else one for one in arguments])
    assert done.returncode == code
    assert told in done.stderr
    assert "canary" not in done.stderr + done.stdout
    assert "Traceback" not in done.stderr


def test_the_day_that_legacy_ends_is_kept(tmp_path: Path, site: Path) -> None:
    _keyin("import", "--data", tmp_path / "d", "--legacy-until", "2031-05-04", site)
    connection = sqlite3.connect(tmp_path / "d" / "keyin.sqlite3")
    kept = connection.execute("SELECT legacy_until FROM clients").fetchone()
    connection.close()
    assert kept == (1_935_619_200_000,)


def test_test_credentials_need_the_flag(tmp_path: Path) -> None:
    known = credential(oauth2ClientId="pilot-computer", oauth2ClientSecret="pilot-computer-secret")
    (tmp_path / "known.json").write_text(json.dumps([client(), known]))
    refused = _keyin("import", "--data", tmp_path / "d", tmp_path / "known.json")
    allowed = _keyin(
        "import", "--data", tmp_path / "d", "--allow-test-credentials", tmp_path / "known.json"
    )
    assert refused.returncode == 1
    assert "number 2: it is a test credential whose secret is published" in refused.stdout
    assert allowed.returncode == 0
    assert "credentials: 1 written" in allowed.stdout


def test_an_export_is_whole_and_its_owners_only(tmp_path: Path, site: Path) -> None:
    _keyin("import", "--data", tmp_path / "d", site)
    output = tmp_path / "out.json"
    to_file = _keyin("export", "--data", tmp_path / "d", "--output", output)
    to_stdout = _keyin("export", "--data", tmp_path / "d")
    assert to_file.returncode == to_stdout.returncode == 0
    assert to_file.stdout == "4 documents written\n"
    assert output.stat().st_mode & 0o777 == 0o600
    assert output.read_text() == to_stdout.stdout
    types = [one["type"] for one in json.loads(to_stdout.stdout)["docs"]]
    assert types == ["gpiiAppInstallationClient", "clientCredential", "prefsSafe", "gpiiKey"]
    assert "not so secret" not in to_stdout.stdout


def test_an_export_that_fails_leaves_no_half_file(tmp_path: Path, site: Path) -> None:
    _keyin("import", "--data", tmp_path / "d", site)
    connection = sqlite3.connect(tmp_path / "d" / "keyin.sqlite3")
    connection.execute("UPDATE safes SET sealed = x'01020304'")
    connection.commit()
    connection.close()
    output = tmp_path / "out.json"
    output.write_text("the last export")
    done = _keyin("export", "--data", tmp_path / "d", "--output", output)
    assert done.returncode == 4
    assert "data key that is not here" in done.stderr
    assert output.read_text() == "the last export"
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".")] == []


def test_an_export_of_nothing_says_where_to_begin(tmp_path: Path) -> None:
    done = _keyin("export", "--data", tmp_path / "d")
    assert done.returncode == 3
    assert "there is no store" in done.stderr
    assert done.stdout == ""


@pytest.mark.parametrize("verb", ["import", "export"])
def test_help_has_an_example(verb: str) -> None:
    assert f"Example: keyin cloud {verb}" in _keyin(verb, "--help").stdout
