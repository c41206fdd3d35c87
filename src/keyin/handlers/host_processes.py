"""Programs and processes of the real computer. Linux only: it reads /proc.

What we start carries `KEYIN_STARTED_FOR=<mark>` in its environment, and so does whatever it starts
in turn; that is how it is found again, also by a flow manager that did not start it.
No shell is ever used.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import time
from pathlib import Path
from typing import TYPE_CHECKING, Final

from keyin.domain.errors import HandlerFailed

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

MARK: Final = "KEYIN_STARTED_FOR"
ASK_SECONDS: Final = 30.0
STOP_SECONDS: Final = 5.0
_POLL_SECONDS: Final = 0.05


class HostPrograms:
    """The `Programs` role on the real computer."""

    def find(self, name: str) -> bool:
        """See `Programs.find`."""
        return shutil.which(name) is not None

    def ask(self, command: Sequence[str]) -> str | None:
        """See `Programs.ask`."""
        try:
            answer = subprocess.run(  # noqa: S603 - no shell; the words are the callers' own
                command,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                timeout=ASK_SECONDS,
                check=True,
                text=True,
                errors="replace",
            )
        except (OSError, subprocess.SubprocessError):
            return None
        return answer.stdout


class HostProcesses:
    """The `Processes` role on the real computer."""

    def __init__(self) -> None:
        self._children: list[subprocess.Popen[bytes]] = []

    def running(self, name: str, *, apart_from: Collection[str] = ()) -> bool:
        """See `Processes.running`."""
        self._reap()
        named = (process for process in _own_processes() if _is_named(process, name))
        return any(not any(_is_marked(one, mark) for mark in apart_from) for one in named)

    def start(self, command: Sequence[str], *, mark: str) -> None:
        """See `Processes.start`."""
        self._reap()
        try:
            child = subprocess.Popen(  # noqa: S603 - no shell; the registry's own command
                command,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                start_new_session=True,
                env=os.environ | {MARK: mark},
            )
        except (OSError, ValueError) as exc:
            raise HandlerFailed(
                "The program %(program)s cannot be started.",
                next_step="Install it, or take its solution out of the device report.",
                program=command[0] if command else "",
            ) from exc
        self._children.append(child)

    def started(self, mark: str) -> bool:
        """See `Processes.started`."""
        self._reap()
        return any(_is_marked(process, mark) for process in _own_processes())

    def stop(self, mark: str) -> None:
        """See `Processes.stop`."""
        deadline = time.monotonic() + STOP_SECONDS
        asked: set[str] = set()
        while marked := [p for p in _own_processes() if _is_marked(p, mark)]:
            for process in marked:
                if process.name not in asked:
                    _ask_to_end(process, mark)
                    asked.add(process.name)
            if time.monotonic() > deadline:
                raise HandlerFailed(
                    "The program started for %(solution)s does not end.",
                    next_step="Close it by hand; then key out again.",
                    solution=mark,
                )
            time.sleep(_POLL_SECONDS)
            self._reap()

    def _reap(self) -> None:
        self._children = [child for child in self._children if child.poll() is None]


def _own_processes() -> Iterator[Path]:
    uid = os.getuid()
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and _owner(entry) == uid and int(entry.name) != os.getpid():
            yield entry


def _owner(process: Path) -> int | None:
    try:
        return process.stat().st_uid
    except OSError:
        return None


def _is_named(process: Path, name: str) -> bool:
    comm = _bytes_of(process / "comm").strip()
    program = _bytes_of(process / "cmdline").split(b"\0", 1)[0].rsplit(b"/", 1)[-1]
    return os.fsencode(name) in (comm, program)


def _is_marked(process: Path, mark: str) -> bool:
    return os.fsencode(f"{MARK}={mark}") in _bytes_of(process / "environ").split(b"\0")


def _bytes_of(path: Path) -> bytes:
    """Return a file of /proc; empty where the process is gone or does not show it."""
    try:
        return path.read_bytes()
    except OSError:
        return b""


def _ask_to_end(process: Path, mark: str) -> None:
    """Send SIGTERM; the handle makes sure that it is still the same process."""
    try:
        handle = os.pidfd_open(int(process.name))
    except OSError:
        return
    try:
        if _is_marked(process, mark):
            signal.pidfd_send_signal(handle, signal.SIGTERM)
    except (ProcessLookupError, PermissionError):
        return
    finally:
        os.close(handle)
