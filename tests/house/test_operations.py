"""What docs/operations tells operators to write is what the processes read."""

from __future__ import annotations

import json
import re
import shlex
from typing import TYPE_CHECKING

from keyin.access_requester.config import load
from keyin.stores.credential_file import read_credential
from keyin.stores.host import SystemEntropy
from keyin.wire.signing_key import new_key
from tests.cloud_documents import everything
from tests.cloud_process import import_documents, serving
from tests.house.sources import ROOT
from tests.oauth_client import ISSUER, registered
from tests.started import run

if TYPE_CHECKING:
    import subprocess
    from pathlib import Path

PASSWORD = "correct horse battery staple of the night"
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


def test_every_command_of_the_night_page_does_what_it_says(tmp_path: Path) -> None:
    """All of docs/operations/revoke.md, in its order, beside a running cloud."""
    page = (ROOT / "docs" / "operations" / "revoke.md").read_text(encoding="utf-8")
    lines = "".join(re.findall(r"```sh\n(.*?)```", page, re.DOTALL)).splitlines()
    data = tmp_path / "data"
    import_documents(data, everything())
    with serving(data, "--issuer", ISSUER) as cloud:
        more = ("--site", "Main hall", "--software", "net.keyin.requester", "1.4.2")
        lost, replaced = registered(data, *more), registered(data, *more)
        registered(data, "--site", "Annexe")
        token = replaced.token(cloud)
        new = tmp_path / "new.jwk"
        new.write_bytes(new_key(SystemEntropy()).public.jwk)
        (tmp_path / "card.txt").write_text("bob")
        (tmp_path / "token.txt").write_text(token)
        made = run("account", "create", "ada", "--data", data, stdin=PASSWORD)
        assert made.returncode == 0, made.stderr
        assert len(lines) > 15
        for line in lines:
            of_a_key = "key" in line.split()[2]
            said = _run_as_written(
                line,
                tmp_path,
                CLIENT=(replaced if of_a_key else lost).client_id,
                KID=replaced.key.public.thumbprint,
            )
            assert said.returncode == 0, (line, said.stderr)
            assert "It was so already." not in said.stdout, line
        assert lost.exchange(cloud).status == replaced.exchange(cloud).status == 401


def _run_as_written(line: str, folder: Path, **names: str) -> subprocess.CompletedProcess[str]:
    """Run one line of a page; what it reads from a file is in the test's own folder."""
    command, _, file = line.partition(" < ")
    words = [names.get(word, word) for word in shlex.split(command)[1:]]
    places = {"/var/lib/keyin/cloud": folder / "data", "new.jwk": folder / "new.jwk"}
    places["card.txt"] = folder / "card.txt"
    stdin = (folder / file).read_text() if file else PASSWORD
    return run(
        *[places.get(word, word) for word in words], stdin=stdin, environment={"LANGUAGE": "en"}
    )
