"""`keyin client create`: a computer's public key goes in, a client id comes out."""

from __future__ import annotations

import json
import stat
from typing import TYPE_CHECKING

import pytest

from keyin.oauth.proven_client import NOBODYS
from keyin.stores.host import SystemEntropy
from keyin.wire.signing_key import new_key
from tests.started import run

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def public_key(tmp_path: Path) -> Path:
    file = tmp_path / "key.json"
    file.write_bytes(new_key(SystemEntropy()).public.jwk)
    return file


def test_it_prints_an_id_of_its_own_space(tmp_path: Path, public_key: Path) -> None:
    done = run("client", "create", "--public-key", public_key, "--data", tmp_path / "data")
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("gai_")
    assert len(done.stdout.strip()) == 26
    assert stat.S_IMODE((tmp_path / "data" / "keyin.sqlite3").stat().st_mode) == 0o600


def test_a_key_is_registered_once(tmp_path: Path, public_key: Path) -> None:
    create = ("client", "create", "--public-key", public_key, "--data", tmp_path / "data", "--json")
    done = run(*create, "--name", "Desk 1", "--site", "Main hall")
    assert sorted(json.loads(done.stdout)) == ["client_id", "kid"]
    again = run(*create)
    assert again.returncode == 5
    assert "registered already" in again.stdout + again.stderr


@pytest.mark.parametrize(
    "content", ["nonsense", "{}", '{"kty":"oct","k":"AAAA"}', NOBODYS.decode()]
)
def test_what_is_no_public_key_is_refused(tmp_path: Path, content: str) -> None:
    (tmp_path / "key").write_text(content)
    done = run("client", "create", "--public-key", tmp_path / "key", "--data", tmp_path / "data")
    assert done.returncode == 3
    assert "holds no public key" in done.stderr
    assert not (tmp_path / "data").exists()


def test_p25_a_network_that_is_none_is_refused(tmp_path: Path, public_key: Path) -> None:
    create = ("client", "create", "--public-key", public_key, "--data", tmp_path / "data")
    done = run(*create, "--network", "10.0.0.0/99")
    assert done.returncode == 3
    assert "is no network" in done.stderr
