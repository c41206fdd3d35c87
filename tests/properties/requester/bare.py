"""A bare computer: an access requester as a process of its own, which has no identity yet."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import tempfile
import threading
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from keyin.cli.processes import command
from keyin.cli.requester_enrol import administrator
from keyin.stores.identity_files import IdentityFiles
from tests.properties.requester.place import ask_at
from tests.started import Started, run, started

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from keyin.wire.requester_admin import StandingAnswer

PERSON = "nobody"
OPENER = '#!/bin/sh\nprintf \'%s\\n\' "$1" >> "${0%/*}/opened"\n'


@dataclass
class Bare:
    """Its folder; `keyin` is what its administrator types."""

    folder: Path
    name: str = "Desk 3"
    process: Started = field(init=False)

    @property
    def config(self) -> Path:
        return self.folder / "requester.toml"

    @property
    def files(self) -> IdentityFiles:
        return IdentityFiles(self.folder / "credential.json")

    @property
    def client_id(self) -> str | None:
        held = self.files.held()
        return None if held is None else held.client_id

    @property
    def opened(self) -> Path:
        """What the person's browser was told to open."""
        return self.folder / "bin" / "opened"

    def configure(self, enrolment: str = "", cloud: str | None = None) -> None:
        named = "" if cloud is None else f"cloud = '{cloud}'\n"
        self.config.write_text(
            f"{named}credential = 'credential.json'\nsocket = 's.sock'\n"
            f"allow = [{os.geteuid()}]\n"
            f"[enrolment]\nmachine_id = 'machine-id'\nboot_id = 'boot-id'\nname = '{self.name}'\n"
            f"{enrolment}"
        )
        self.config.chmod(0o644)

    def machine(self, machine_id: str, boot: int = 1) -> None:
        (self.folder / "machine-id").write_text(machine_id + "\n")
        (self.folder / "boot-id").write_text(f"{boot}\n")

    @contextmanager
    def serving(self, environment: Mapping[str, str] | None = None) -> Iterator[Started]:
        words = ("requester", "serve", "--config", self.config)
        with started(*words, environment=environment) as self.process:
            yield self.process

    def environment(self, *, screen: bool = True) -> dict[str, str]:
        """Return what the administrator's shell has, called by somebody at the screen or not."""
        kept = {n: v for n, v in os.environ.items() if n not in {"DISPLAY", "WAYLAND_DISPLAY"}}
        path = f"{self.folder / 'bin'}{os.pathsep}{os.environ['PATH']}"
        display = {"DISPLAY": ":77", "SUDO_USER": PERSON} if screen else {}
        return {**kept, "PATH": path, **display, "LANGUAGE": "en", "HOME": str(self.folder)}

    def keyin(
        self, *words: object, stdin: str = "", screen: bool = True
    ) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            command("requester", *words, "--config", self.config),
            check=False,
            capture_output=True,
            text=True,
            input=stdin,
            timeout=90,
            env=self.environment(screen=screen),
        )

    def status(self) -> subprocess.CompletedProcess[str]:
        return run(
            "requester", "status", "--socket", self.folder / "s.sock",
            environment=self.environment(),
        )  # fmt: skip

    def standing(self) -> StandingAnswer:
        """Ask how far it is at the administrators' door, without the time that a command takes."""
        return asyncio.run(administrator(self.config).standing())

    def is_known(self) -> bool:
        """Tell whether the cloud takes this computer, by what it says of itself."""
        standing = self.standing()
        if not standing.enrolled or standing.problem is not None:
            return False
        done = self.enrol()
        return bool(done.code == 0 and done.last["enrolled"] and done.last["problem"] is None)

    def complains(self, problem: str) -> bool:
        """Tell whether it says that this stands in its way."""
        if self.standing().problem != problem:
            return False
        return bool(self.enrol("--cancel").last["problem"] == problem)

    def awaits(self) -> bool:
        """Tell whether it waits for a person's word."""
        return self.standing().stage == "awaiting" and self.enrol().last["stage"] == "awaiting"

    def enrol(self, *words: object, stdin: str = "", screen: bool = True) -> Lines:
        done = self.keyin("enrol", "--json", *words, stdin=stdin, screen=screen)
        lines = [json.loads(line) for line in done.stdout.splitlines()]
        error = json.loads(done.stderr.splitlines()[-1]) if done.stderr else {}
        return Lines(done.returncode, lines, error)

    @contextmanager
    def enrolling(self, *words: object, screen: bool = True) -> Iterator[Conversation]:
        """Enrol while the test does what a person does."""
        process = subprocess.Popen(
            command("requester", "enrol", "--json", *words, "--config", self.config),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=self.environment(screen=screen),
        )
        conversation = Conversation(process)
        try:
            yield conversation
        finally:
            if process.poll() is None:
                process.terminate()
            process.communicate(timeout=20)

    def ask(self, op: str, **fields: object) -> dict[str, Any]:
        """Ask the flow managers' door by hand."""
        return ask_at(self.folder / "s.sock", {"v": 1, "id": "1", "op": op, **fields})


@dataclass
class Lines:
    code: int
    events: list[dict[str, Any]]
    error: dict[str, Any]

    @property
    def last(self) -> dict[str, Any]:
        return self.events[-1]


class Conversation:
    """What the command says, line by line."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process
        self._events: list[dict[str, Any]] = []
        self._errors: list[str] = []
        for pipe, take in ((process.stdout, self._event), (process.stderr, self._errors.append)):
            threading.Thread(target=self._read, args=(pipe, take), daemon=True).start()

    def until(self, event: str, *, seconds: float = 30) -> dict[str, Any]:
        """Return the first such event."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            for one in list(self._events):
                if one["event"] == event:
                    return one
            if self._process.poll() is not None and event != "enrolled":
                break
            time.sleep(0.01)
        raise AssertionError((event, self._events, self._errors))

    def complaint(self) -> str:
        """Return what the command has complained of so far."""
        return "".join(self._errors)

    def end(self) -> tuple[int, str]:
        """Wait for its end; return the exit code and what it complained of."""
        code = self._process.wait(60)
        time.sleep(0.05)
        return code, "".join(self._errors)

    def _event(self, line: str) -> None:
        self._events.append(json.loads(line))

    def _read(self, pipe: Any, take: Callable[[str], None]) -> None:
        for line in pipe:
            take(line)


@contextmanager
def new_bare(parent: Path | None = None, *, name: str = "Desk 3") -> Iterator[Bare]:
    """Make the folder: other accounts may enter it, not change it."""
    with tempfile.TemporaryDirectory(prefix="keyin-bare-", dir=parent) as made:
        folder = Path(made).resolve()
        folder.chmod(0o755)
        (folder / "bin").mkdir(mode=0o755)
        opener = folder / "bin" / "xdg-open"
        opener.write_text(OPENER)
        opener.chmod(0o755)
        (folder / "bin" / "opened").touch()
        (folder / "bin" / "opened").chmod(0o666)
        one = Bare(folder, name)
        one.machine("a" * 32)
        one.configure()
        yield one


__all__ = ["Bare", "Conversation", "Lines", "new_bare", "run"]
