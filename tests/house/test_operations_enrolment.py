"""What docs/operations/enrolment.md tells administrators to write works, in its order."""

from __future__ import annotations

import json
import re
import shlex
from typing import TYPE_CHECKING

from tests.cloud_documents import everything
from tests.cloud_process import import_documents, serving
from tests.house.sources import ROOT
from tests.oauth_client import ISSUER
from tests.registration import Newcomer
from tests.started import run

if TYPE_CHECKING:
    from pathlib import Path

PAGE = ROOT / "docs" / "operations" / "enrolment.md"
_SHELL = re.compile(r"^```sh\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def test_every_command_of_the_page_does_what_it_says(tmp_path: Path) -> None:
    data = tmp_path / "data"
    import_documents(data, everything())
    made = run("account", "create", "ada", "--data", data, stdin="nine purple gates\n")
    assert made.returncode == 0, made.stderr
    lines = [
        line for block in _SHELL.findall(PAGE.read_text("utf-8")) for line in block.split("\n")
    ]
    config = tmp_path / "cloud.toml"
    config.write_text('[enrolment]\nregistration = "open"\nunsafe_open_registration = true\n')
    with serving(data, "--issuer", ISSUER, "--config", config) as cloud:
        waiting = Newcomer()
        assert waiting.register(cloud, None).status == 201
        _, file, *_ = commands = [line for line in lines if line]
        for line in commands:
            words = shlex.split(line)[1:]
            named = {
                "/var/lib/keyin/cloud": str(data),
                "CLIENT": waiting.client_id,
                "TOKEN_ID": _first(data) if "TOKEN_ID" in line else "",
            }
            words = [named.get(word, word) for word in words]
            words = [str(tmp_path / w) if w.endswith(".iat") else w for w in words]
            done = run(*words)
            assert done.returncode == 0, (line, done.stderr)
        assert waiting.prove(cloud).status == 200
    assert "--uses 40" in file
    assert (tmp_path / "desks.iat").stat().st_mode & 0o777 == 0o600


def _first(data: Path) -> str:
    listed = json.loads(run("token", "list", "--data", data, "--json").stdout)["tokens"]
    id_: str = listed[0]["id"]
    return id_
