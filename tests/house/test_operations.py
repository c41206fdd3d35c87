"""What docs/operations tells operators to write is what the processes read."""

from __future__ import annotations

import json
import re
import shlex
from typing import TYPE_CHECKING

from keyin.access_requester.config import load
from keyin.stores.credential_file import read_credential
from tests.house.sources import ROOT
from tests.started import run

if TYPE_CHECKING:
    from pathlib import Path

COMPUTER = (ROOT / "docs" / "operations" / "computer.md").read_text(encoding="utf-8")


def _blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", COMPUTER, re.DOTALL)


def test_a_computer_gets_its_credential_as_written(tmp_path: Path) -> None:
    """The commands of the document, one after the other, in folders of the test's own."""
    credential = tmp_path / "etc" / "credential.json"
    credential.parent.mkdir()
    places = {"/etc/keyin": str(credential.parent), "/var/lib/keyin/cloud": str(tmp_path / "data")}
    places |= {"desk-3.jwk": str(tmp_path / "desk-3.jwk")}
    new_key, create, adopt = _blocks("sh")[:3]
    for old, new in places.items():
        new_key, create, adopt = (text.replace(old, new) for text in (new_key, create, adopt))
    made = run(*shlex.split(new_key)[1:])
    assert (made.returncode, made.stderr) == (0, "")
    assert read_credential(credential) is None
    created = run(*shlex.split(create)[1:])
    assert (created.returncode, created.stderr) == (0, "")
    client_id = created.stdout.strip()
    adopted = run(
        *[client_id if word.startswith("gai_") else word for word in shlex.split(adopt)[1:]]
    )
    assert (adopted.returncode, adopted.stderr) == (0, "")
    read = read_credential(credential)
    assert read is not None
    assert read.client_id == client_id
    (example,) = _blocks("json")
    assert json.loads(example).keys() == json.loads(credential.read_text()).keys()
    key = json.loads(credential.read_text())["private_key"]
    assert json.loads(example)["private_key"].keys() == key.keys()


def test_the_configuration_of_a_requester_is_read(tmp_path: Path) -> None:
    (block,) = _blocks("toml")
    file = tmp_path / "requester.toml"
    file.write_text(block)
    assert load(file).allow == ["active-session"]
