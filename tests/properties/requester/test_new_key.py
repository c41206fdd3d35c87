"""`keyin requester new-key`, `public-key`, `adopt`: a credential made by hand, never lost by it."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from typing import TYPE_CHECKING, Any

import pytest

from keyin.wire.jose import canonical_key
from keyin.wire.signing_key import read_private
from tests.started import run

if TYPE_CHECKING:
    from pathlib import Path

ID = "gai_9hSo2YkQ3mXvT0aL"


@pytest.fixture
def credential(tmp_path: Path) -> Path:
    (tmp_path / "keyin").mkdir(mode=0o755)
    return tmp_path / "keyin" / "credential.json"


def verb(name: str, *arguments: object) -> subprocess.CompletedProcess[str]:
    return run("requester", name, *arguments)


def private_of(credential: Path) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(credential.read_text())["private_key"]
    return document


def test_the_private_half_stays_in_the_file_and_the_public_half_is_told(credential: Path) -> None:
    made = verb("new-key", "--credential", credential, "--json")
    assert (made.returncode, made.stderr) == (0, "")
    assert credential.stat().st_mode & 0o777 == 0o600
    said = json.loads(made.stdout)
    key = read_private(json.dumps(private_of(credential)).encode())
    assert said == {"kid": key.public.thumbprint, "public_key": json.loads(key.public.jwk)}
    assert private_of(credential)["d"] not in made.stdout
    adopted = verb("adopt", ID, "--credential", credential, "--json")
    assert json.loads(adopted.stdout) == {"client_id": ID, "kid": key.public.thumbprint}
    assert json.loads(credential.read_text()) == {
        "client_id": ID,
        "private_key": private_of(credential),
    }
    assert credential.stat().st_mode & 0o777 == 0o600


def test_the_public_half_goes_to_a_file_or_to_the_screen(credential: Path, tmp_path: Path) -> None:
    public = tmp_path / "desk.jwk"
    made = verb("new-key", "--credential", credential, "--public-key", public)
    assert made.returncode == 0
    assert "keyin client create" in made.stdout
    kid = canonical_key(public.read_bytes().strip()).thumbprint
    assert kid == read_private(json.dumps(private_of(credential)).encode()).public.thumbprint
    again = verb("public-key", "--credential", credential)
    assert again.stdout.encode() == public.read_bytes()
    assert verb("public-key", "--credential", tmp_path / "none").returncode == 3
    other = verb("new-key", "--credential", credential.with_name("other.json"))
    assert canonical_key(other.stdout.strip().encode()).thumbprint != kid


@pytest.mark.parametrize("content", ["", "{}", '{"client_id":"a","client_secret":"b"}'])
def test_no_file_is_ever_replaced(credential: Path, content: str) -> None:
    credential.write_text(content)
    made = verb("new-key", "--credential", credential)
    assert made.returncode == 3
    assert "Next step" in made.stderr
    assert credential.read_text() == content
    assert [path.name for path in credential.parent.iterdir()] == [credential.name]


def test_a_key_goes_by_one_id_for_ever(credential: Path) -> None:
    assert verb("adopt", ID, "--credential", credential).returncode == 3
    assert verb("new-key", "--credential", credential).returncode == 0
    for nonsense in ("", "two words", "é", "x" * 513):
        assert verb("adopt", nonsense, "--credential", credential).returncode == 3
    assert verb("adopt", ID, "--credential", credential).returncode == 0
    before = credential.read_bytes()
    assert verb("adopt", ID, "--credential", credential).returncode == 0
    refused = verb("adopt", "gai_another", "--credential", credential)
    assert refused.returncode == 3
    assert "another client id" in refused.stderr
    assert credential.read_bytes() == before


def test_p61_nothing_is_written_where_others_can_write(credential: Path) -> None:
    credential.parent.chmod(0o777)
    made = verb("new-key", "--credential", credential)
    assert made.returncode == 3
    assert "0777" in made.stderr
    assert list(credential.parent.iterdir()) == []
    missing = verb("new-key", "--credential", credential.parent / "none" / "credential.json")
    assert missing.returncode == 3


def test_p85_killed_at_any_moment_there_is_a_whole_credential_or_the_one_before(
    credential: Path,
) -> None:
    """Both verbs are killed at several moments; what is there afterwards is whole."""
    assert verb("new-key", "--credential", credential).returncode == 0
    key = private_of(credential)
    command = [sys.executable, "-m", "keyin", "requester", "adopt", ID, "--credential"]
    for pause in (0.05, 0.1, 0.15, 0.2, 0.25, 0.3):
        process = subprocess.Popen([*command, str(credential)], stdout=subprocess.DEVNULL)
        time.sleep(pause)
        process.send_signal(signal.SIGKILL)
        process.wait(20)
        document = json.loads(credential.read_text())
        assert document in ({"private_key": key}, {"client_id": ID, "private_key": key})
