"""What docs/operations tells operators to write is what the processes read."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from keyin.access_requester.config import load
from keyin.stores.credential_file import read_credential
from tests.house.sources import ROOT
from tests.started import run

if TYPE_CHECKING:
    from pathlib import Path

COMPUTER = (ROOT / "docs" / "operations" / "computer.md").read_text(encoding="utf-8")


def _blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", COMPUTER, re.DOTALL)


def test_the_documents_of_a_computer_are_taken_and_open_as_written(tmp_path: Path) -> None:
    documents, credential = _blocks("json")
    (tmp_path / "desk-3.json").write_text(documents)
    taken = run("cloud", "import", "--data", tmp_path / "cloud", tmp_path / "desk-3.json")
    assert (taken.returncode, taken.stderr) == (0, "")
    exported = run("cloud", "export", "--data", tmp_path / "cloud")
    client, kept = json.loads(exported.stdout)["docs"]
    assert (client["name"], kept["revoked"]) == ("Library, desk 3", False)
    assert kept["allowedIPBlocks"] == ["192.0.2.0/24"]
    file = tmp_path / "credential.json"
    file.write_text(credential)
    file.chmod(0o600)
    read: Any = read_credential(file)
    given = json.loads(documents)[1]
    assert read.client_id == given["oauth2ClientId"]
    assert read.secret.reveal() == given["oauth2ClientSecret"]


def test_the_configuration_of_a_requester_is_read(tmp_path: Path) -> None:
    (block,) = _blocks("toml")
    file = tmp_path / "requester.toml"
    file.write_text(block)
    assert load(file).allow == ["active-session"]
