"""A key-in and a key-out on real files, in a process that kills itself at its n-th write.

    python -m tests.killed.scenario FOLDER        prints one JSON line a run; see `main`

What counts as a write is seen from below: every opening of a file for writing, write, sync, rename,
removal and change of mode, owner or time that the process makes in FOLDER, in whatever thread, just
before it happens. Nothing in the program knows of this. Each run is a fork of one warm process.
"""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import signal
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from keyin.domain.absent import ABSENT, Absent, Value
from keyin.domain.keyin import Kind
from keyin.domain.secret import AccessToken, GpiiKey
from keyin.flow_manager.config import Config
from keyin.flow_manager.wiring import build
from keyin.handlers.host import RealSystem
from keyin.handlers.json_file import JsonFileHandler
from keyin.remote.log import configure_logging
from keyin.session.ports import Block, Change, SettingsHandler
from tests.fakes.session import Stores

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

KEY: Final = "key-of-a-person-5b1c"
OLD_TIME: Final = 1_600_000_000_123_456_789  # nanoseconds
EXISTING: Final = b'{"size": 10,\n\n  "other": [1, 2.50], "name": "\\u00e9"}\n'
WATCHED: Final = {"os.rename", "os.remove", "os.mkdir", "os.rmdir", "os.chmod", "os.utime"}


@dataclass
class Killer:
    """Counts the writes, and ends the process at one of them as a power cut would."""

    at: int
    folder: Path
    seen: int = 0
    armed: bool = False

    def install(self) -> None:
        sys.addaudithook(self._audit)
        for name in ("write", "fsync", "fchmod", "fchown"):
            setattr(os, name, self._before(getattr(os, name)))

    def point(self) -> None:
        if self.armed:
            self.seen += 1
            if self.seen == self.at:
                os.kill(os.getpid(), signal.SIGKILL)

    def _audit(self, event: str, args: tuple[Any, ...]) -> None:
        if not self.armed:
            return
        if event == "open":
            path, _, flags = args
            ours = isinstance(path, str | bytes | Path) and str(self.folder) in str(path)
            if ours and flags & (os.O_WRONLY | os.O_RDWR):
                self.point()
        elif event in WATCHED:
            self.point()

    def _before(self, function: Callable[..., Any]) -> Callable[..., Any]:
        def counted(*args: Any, **kwargs: Any) -> Any:
            self.point()
            return function(*args, **kwargs)

        return counted


@dataclass
class DiskStores(Stores):
    """Settings that are no file of the person's, such as a desktop's database.

    One JSON file a store, replaced at each write, without a footprint.
    """

    folder: Path = field(default_factory=Path)

    def find(self, type: str) -> SettingsHandler | None:  # noqa: A002 - the port's word
        if type == "gpii.settingsHandlers.JSONSettingsHandler":
            return JsonFileHandler(RealSystem())
        return DiskHandler(self.folder / f"{type}.store")


@dataclass
class DiskHandler:
    """Reads and writes one store."""

    path: Path

    def _all(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.path.read_text()) if self.path.exists() else {}
        return found

    async def read(self, block: Block) -> Mapping[str, Value | Absent]:
        settings = self._all()
        return {name: settings.get(name, ABSENT) for name in block.settings}

    async def write(self, block: Block) -> list[Change]:
        changes = []
        for name, value in block.settings.items():  # one after the other, as a database may
            settings = self._all()
            old = settings.pop(name, ABSENT)
            if not isinstance(value, Absent):
                settings[name] = value
            draft = self.path.with_suffix(".draft")
            draft.write_text(json.dumps(settings, sort_keys=True))
            draft.replace(self.path)
            changes.append(Change(setting=name, old=old, new=value))
        return changes

    def footprint(self, block: Block) -> tuple[Path, ...]:  # noqa: ARG002 - the port's shape
        return ()

    async def foresee(self, block: Block) -> Mapping[Path, bytes]:  # noqa: ARG002 - as above
        return {}


class Neighbours:
    """The requester, the cloud and the device reporter of this computer."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    async def token(self, *_: object, **__: object) -> AccessToken:
        return AccessToken("token")

    async def forget(self, key: GpiiKey | None, *, request_id: str) -> None:
        pass

    async def report(self) -> Mapping[str, Value]:
        return {"OS": {"id": "linux"}, "solutions": []}

    async def settings(self, *_: object, **__: object) -> Mapping[str, Value]:
        wanted = {
            "net.example.one": {"size": 20, "colour": "yellow"},
            "net.example.two": {"loud": True},
            "net.example.same": {"name": "x"},
            "net.example.store": {"speed": 3, "unset": "now set"},
        }
        return {
            "matchMakerOutput": {
                "inferredConfiguration": {
                    "gpii-default": {
                        "applications": {
                            name: {
                                "active": True,
                                "settings": {f"http://registry.gpii.net/applications/{name}": own},
                            }
                            for name, own in wanted.items()
                        }
                    }
                }
            },
            "solutionsRegistryEntries": registry(self._folder),
            "preferences": {},
            "gpiiKey": KEY,
        }


def registry(folder: Path) -> dict[str, Any]:
    """Return two solutions that share a file, one with a new file, one with a store and a start."""

    def json_file(name: str) -> dict[str, Any]:
        return {
            "type": "gpii.settingsHandlers.JSONSettingsHandler",
            "liveness": "live",
            "options": {"filename": str(folder / "home" / name)},
        }

    return {
        "net.example.one": {"settingsHandlers": {"file": json_file("existing.json")}},
        "net.example.two": {"settingsHandlers": {"file": json_file("new.json")}},
        "net.example.same": {"settingsHandlers": {"file": json_file("existing.json")}},
        "net.example.store": {
            "settingsHandlers": {"values": {"type": "values", "liveness": "manualRestart"}},
            "launchHandlers": {"run": {"type": "launch"}},
        },
    }


def prepare(folder: Path) -> None:
    """Make the computer as it is before anybody keys in."""
    shutil.rmtree(folder, ignore_errors=True)
    (folder / "home").mkdir(parents=True)
    (folder / "stores").mkdir()
    existing = folder / "home" / "existing.json"
    existing.write_bytes(EXISTING)
    existing.chmod(0o640)
    os.utime(existing, ns=(OLD_TIME, OLD_TIME))
    (folder / "stores" / "values.store").write_text('{"speed": 1}')
    (folder / "stores" / "launch.store").write_text('{"running": false}')


async def play(folder: Path, killer: Killer | None, *, key_in: bool) -> None:
    """Start (which puts back what a crash left) and, if asked, key in and out."""
    neighbours = Neighbours(folder)
    manager = build(
        Config(cloud="http://127.0.0.1:9", requester=str(folder / "no"), state=str(folder / "s")),
        handlers=DiskStores(folder=folder / "stores"),
        tokens=neighbours,
        cloud=neighbours,
        device=neighbours,
    )
    if killer is not None:
        killer.armed = True
    await manager.begin()
    if key_in:
        for kind in (Kind.LOGIN, Kind.LOGOUT):
            await manager.desk.submit(kind, GpiiKey(KEY), request_id="request-1")
    if killer is not None:
        killer.armed = False
    await manager.close()


def forked(folder: Path, *, at: int, key_in: bool) -> tuple[bool, int]:
    """Run `play` in a fork; tell whether it was killed, and how many writes it made if not."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        killer = Killer(at=at, folder=folder)
        killer.install()
        asyncio.run(play(folder, killer, key_in=key_in))
        os.close(reading)
        with os.fdopen(writing, "w") as pipe:
            pipe.write(str(killer.seen))
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading) as pipe:
        seen = pipe.read()
    _, status = os.waitpid(child, 0)
    if os.WIFSIGNALED(status):
        return True, 0
    if os.waitstatus_to_exitcode(status) != 0:
        raise SystemExit("a run failed")
    return False, int(seen)


def main(folder: Path, *, twice: bool) -> None:
    """Kill at every write of a whole key-in; then start again; say what is there.

    `twice`: also kill that second start, at every write of its own, and start a third time.
    """
    at = 0
    killed = True
    while killed:
        at += 1
        prepare(folder)
        killed, _ = forked(folder, at=at, key_in=True)
        again, inner = twice and killed, 0
        shutil.copytree(folder, folder.with_suffix(".kept"), dirs_exist_ok=False)
        while True:
            inner += 1
            shutil.rmtree(folder)
            shutil.copytree(folder.with_suffix(".kept"), folder)
            again = again and forked(folder, at=inner, key_in=False)[0]
            forked(folder, at=0, key_in=False)
            report = {"at": at, "then": inner if again else 0, "killed": killed}
            sys.stdout.write(json.dumps({**report, "found": _found(folder)}) + "\n")
            if not again:
                break
        shutil.rmtree(folder.with_suffix(".kept"))


def _found(folder: Path) -> dict[str, Any]:
    files = {}
    for path in sorted((folder / "home").iterdir()):
        status = path.stat()
        files[path.name] = [
            path.read_bytes().hex(), oct(status.st_mode), status.st_uid, status.st_gid,
            status.st_mtime_ns,
        ]  # fmt: skip
    stores = {
        path.name: json.loads(path.read_text())
        for path in sorted((folder / "stores").glob("*.store"))
    }
    journals = [path.name for path in (folder / "s" / "journal").glob("*.journal")]
    return {"files": files, "stores": stores, "journals": journals}


if __name__ == "__main__":
    configure_logging("killed")
    main(Path(sys.argv[1]), twice="twice" in sys.argv[2:])
