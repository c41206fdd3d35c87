"""A folder with all that one access requester needs, and a way to ask it from any account."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import tempfile
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.fakes.cloud import CREDENTIAL
from tests.fakes.sender import new_sender, proven
from tests.properties.requester import asker
from tests.properties.requester.asker import converse
from tests.started import Started, started

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from keyin.session.sender import Sender

NOBODY = 65_534
ANYBODYS_PYTHON = "/usr/bin/python3"
needs_other_account = pytest.mark.skipif(
    os.geteuid() != 0 or not Path(ANYBODYS_PYTHON).exists(),
    reason="only root can start a process as another account",
)


@dataclass
class Place:
    """Paths and texts; nothing runs until `serving`."""

    folder: Path
    cloud: str
    sender: Sender = field(default_factory=new_sender)
    """The key that this test's tokens are bound to."""

    @property
    def socket(self) -> Path:
        return self.folder / "s.sock"

    @property
    def credential(self) -> Path:
        return self.folder / "credential.json"

    def write_credential(self, content: object = None, mode: int = 0o600) -> None:
        self.credential.unlink(missing_ok=True)
        self.credential.write_text(json.dumps(content or CREDENTIAL))
        self.credential.chmod(mode)

    def config(self, *, allow: list[int | str] | None = None, more: str = "") -> Path:
        path = self.folder / "requester.toml"
        allowed = [os.geteuid()] if allow is None else allow
        path.write_text(
            f"cloud = {json.dumps(self.cloud)}\ncredential = 'credential.json'\n"
            f"socket = 's.sock'\nallow = {json.dumps(allowed)}\n{more}"
        )
        path.chmod(0o644)
        return path

    @contextmanager
    def serving(
        self, *flags: object, allow: list[int | str] | None = None, more: str = ""
    ) -> Iterator[Started]:
        config = self.config(allow=allow, more=more)
        with started("requester", "serve", "--config", config, *flags) as process:
            yield process

    def ask(self, op: str, **fields: object) -> dict[str, Any]:
        """Ask by hand: this is the wire, not our client. Once, or again with the cloud's nonce."""
        answer = self._ask_once(op, fields)
        if answer.get("error") == "use_dpop_nonce":
            self.sender.take_nonce(answer["fields"]["nonce"])
            answer = self._ask_once(op, fields)
        return answer

    def token_request(self, **fields: object) -> dict[str, Any]:
        """Return a request for Alice's token, with what proves its sender."""
        message = {"v": 1, "id": "1", "op": "token", "gpii_key": "alice-key"}
        return {**message, **proven(self.sender, self.cloud), **fields}

    def _ask_once(self, op: str, fields: dict[str, object]) -> dict[str, Any]:
        more = proven(self.sender, self.cloud) if op == "token" else {}
        return ask_at(self.socket, {"v": 1, "id": "1", "op": op, **more, **fields})


@contextmanager
def new_place(cloud: str) -> Iterator[Place]:
    """Make a folder that other accounts may enter, not change."""
    folder = Path(tempfile.mkdtemp(prefix="keyin-requester-")).resolve()
    folder.chmod(0o755)
    try:
        place = Place(folder, cloud)
        place.write_credential()
        yield place
    finally:
        shutil.rmtree(folder)


def ask_at(path: Path | str, *messages: dict[str, Any]) -> dict[str, Any]:
    """Send frames and return the last reply; {} if there was none."""
    last = converse(str(path), list(messages))[-1]
    reply: dict[str, Any] = json.loads(last) if last else {}
    return reply


def ask_as(uid: int, folder: Path, where: str, *messages: dict[str, Any]) -> dict[str, Any]:
    """Ask from another account; returns `{"uid", "bytes", "last"}`. Needs root."""
    script = readable_asker(folder)
    words = [json.dumps(message) for message in messages]
    outcome = subprocess.run(
        [ANYBODYS_PYTHON, "-I", str(script), where, *words],
        user=uid, group=uid, extra_groups=[], cwd="/", env={},
        capture_output=True, text=True, check=True, timeout=60,
    )  # fmt: skip
    said: dict[str, Any] = json.loads(outcome.stdout)
    return said


def readable_asker(folder: Path) -> Path:
    """Copy the asker to where other accounts can read it."""
    script = folder / "asker.py"
    shutil.copyfile(asker.__file__, script)
    script.chmod(0o644)
    return script


def wait_for(condition: Callable[[], bool], *, seconds: float = 15) -> None:
    """Return when the condition holds; fail if it does not in time.

    To look takes at most half of the time: a condition may start a process.
    """
    deadline = time.monotonic() + seconds
    while not timed(condition):
        assert time.monotonic() < deadline


def timed(condition: Callable[[], bool]) -> bool:
    """Look, and rest as long as that took where it does not hold yet."""
    began = time.monotonic()
    if condition():
        return True
    time.sleep(max(0.02, time.monotonic() - began))
    return False
