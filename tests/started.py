"""Starts the real processes of keyin for a test, waits until they are ready, and ends them.

    with started("cloud", "serve", "--data", data, "--listen", "127.0.0.1:0") as cloud:
        httpx.get(cloud.url + "/health")
    assert canary not in cloud.output

Only processes started here are ended, by their own id. What they print is kept, stdout and stderr,
so that a test can look for what must not be there.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import IO, TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

READY_LIMIT_S: Final = 30.0
END_LIMIT_S: Final = 15.0
READY: Final = "listening on "


@dataclass
class Started:
    """One process of ours."""

    process: subprocess.Popen[str]
    listeners: list[str] = field(default_factory=list)
    _lines: list[str] = field(default_factory=list)
    _readers: list[threading.Thread] = field(default_factory=list)

    @property
    def url(self) -> str:
        """Where the public listener is: the last one named."""
        return self.listeners[-1]

    @property
    def output(self) -> str:
        """All that it has printed so far, on stdout and on stderr."""
        return "".join(self._lines)

    def wait_until_ready(self, listeners: int) -> None:
        """Wait for so many `listening on` lines; fail with its output if it ends first."""
        deadline = time.monotonic() + READY_LIMIT_S
        while len(self.listeners) < listeners:
            if self.process.poll() is not None or time.monotonic() > deadline:
                self.end()
                raise AssertionError(f"not ready (exit {self.process.returncode}):\n{self.output}")
            time.sleep(0.01)

    def end(self) -> int:
        """Ask it to end (SIGTERM), insist after a while, and return its exit code."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(END_LIMIT_S)
        except subprocess.TimeoutExpired:
            self.kill()
        self._close()
        return self.process.returncode

    def kill(self) -> None:
        """End it as a power cut would (SIGKILL)."""
        self.process.kill()
        self.process.wait(END_LIMIT_S)
        self._close()

    def collect(self) -> None:
        """Begin to read both pipes, so that the process never waits for us."""
        for pipe in (self.process.stdout, self.process.stderr):
            if pipe is None:
                raise AssertionError("both pipes were asked for")
            reader = threading.Thread(target=self._read, args=(pipe,), daemon=True)
            reader.start()
            self._readers.append(reader)

    def _read(self, pipe: IO[str]) -> None:
        for line in pipe:
            self._lines.append(line)
            if line.startswith(READY):
                self.listeners.append(line.removeprefix(READY).strip())

    def _close(self) -> None:
        for reader in self._readers:
            reader.join(END_LIMIT_S)
        for pipe in (self.process.stdout, self.process.stderr):
            if pipe is not None:
                pipe.close()


@contextmanager
def started(
    *arguments: object,
    listeners: int = 1,
    environment: Mapping[str, str] | None = None,
    user: str | int | None = None,
) -> Iterator[Started]:
    """Run `keyin ARGUMENTS` until the block ends; it is ready when the block begins."""
    process = subprocess.Popen(
        [sys.executable, "-m", "keyin", *map(str, arguments)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, **(environment or {})},
        user=user,
    )
    one = Started(process)
    one.collect()
    try:
        one.wait_until_ready(listeners)
        yield one
    finally:
        one.end()


def run(
    *arguments: object,
    environment: Mapping[str, str] | None = None,
    stdin: str = "",
    timeout: float = 60,
) -> subprocess.CompletedProcess[str]:
    """Run `keyin ARGUMENTS` to its end and return what it printed."""
    return subprocess.run(
        [sys.executable, "-m", "keyin", *map(str, arguments)],
        check=False,
        capture_output=True,
        text=True,
        input=stdin,
        timeout=timeout,
        env={**os.environ, **(environment or {})},
    )
