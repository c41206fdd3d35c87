"""Starts keyin's own processes, waits until they say where they listen, and ends them.

For the demonstration, the benchmarks and the tests. Only processes started here are ended, by
their own id. What they print is kept, stdout and stderr together, so that it can be shown or
searched.
"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from contextlib import contextmanager
from typing import IO, TYPE_CHECKING, Final

import msgspec

from keyin.domain.errors import KeyinError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

READY_LIMIT_S: Final = 30.0
END_LIMIT_S: Final = 15.0
PORTS_TRIED: Final = 5
POLL_S: Final = 0.005
READY: Final = "listening on "


class Started(msgspec.Struct):
    """One process of ours."""

    process: subprocess.Popen[str]
    listeners: list[str] = msgspec.field(default_factory=list)
    _lines: list[str] = msgspec.field(default_factory=list)
    _readers: list[threading.Thread] = msgspec.field(default_factory=list)

    @property
    def url(self) -> str:
        """Where the public listener is: the last one named."""
        return self.listeners[-1]

    @property
    def output(self) -> str:
        """All that it has printed so far."""
        return "".join(self._lines)

    def wait_until_ready(self, listeners: int) -> None:
        """Wait for so many `listening on` lines. Raises KeyinError with its output if it ends."""
        deadline = time.monotonic() + READY_LIMIT_S
        while len(self.listeners) < listeners:
            if self.process.poll() is not None or time.monotonic() > deadline:
                self.end()
                raise KeyinError(
                    "a process did not start (exit code %(code)s): %(output)s",
                    code=self.process.returncode,
                    output=self.output,
                )
            time.sleep(POLL_S)

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
            if pipe is not None:
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


def command(*arguments: object) -> list[str]:
    """Return `keyin ARGUMENTS` as run by this interpreter."""
    return [sys.executable, "-m", "keyin", *map(str, arguments)]


def spawn(
    arguments: Sequence[str],
    *,
    listeners: int = 1,
    environment: Mapping[str, str] | None = None,
    user: str | int | None = None,
    stderr: int = subprocess.PIPE,
) -> Started:
    """Start a command line of ours and return once it is ready."""
    process = subprocess.Popen(  # noqa: S603 - our own command, no shell
        arguments,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=stderr,
        text=True,
        env={**os.environ, **(environment or {})},
        user=user,
    )
    one = Started(process)
    one.collect()
    one.wait_until_ready(listeners)
    return one


@contextmanager
def started(
    *arguments: object,
    listeners: int = 1,
    environment: Mapping[str, str] | None = None,
    user: str | int | None = None,
) -> Iterator[Started]:
    """Run `keyin ARGUMENTS` until the block ends; it is ready when the block begins."""
    one = spawn(command(*arguments), listeners=listeners, environment=environment, user=user)
    try:
        yield one
    finally:
        one.end()


@contextmanager
def cloud_started(*arguments: object, listeners: int = 1) -> Iterator[Started]:
    """Run `keyin cloud serve ARGUMENTS` on a port that its own `--issuer` names.

    The port has to be chosen before the start; another program may take it in between, then the
    next one is tried.
    """
    one = _on_free_port(PORTS_TRIED, arguments, listeners)
    try:
        yield one
    finally:
        one.end()


def _on_free_port(tries: int, arguments: tuple[object, ...], listeners: int) -> Started:
    port = free_port()
    place = f"127.0.0.1:{port}"
    issuer = f"{'https' if '--tls-cert' in arguments else 'http'}://{place}"
    serve = ("cloud", "serve", "--listen", place, "--issuer", issuer, *arguments)
    try:
        return spawn(command(*serve), listeners=listeners)
    except KeyinError:
        if tries <= 1 or _is_free(port):
            raise
    return _on_free_port(tries - 1, arguments, listeners)


def free_port(wanted: int = 0) -> int:
    """Return a port of 127.0.0.1 that nobody listens on now. Raises OSError if it is taken."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", wanted))
        port: int = probe.getsockname()[1]
    return port


def _is_free(port: int) -> bool:
    try:
        return free_port(port) == port
    except OSError:
        return False


def run(
    *arguments: object,
    environment: Mapping[str, str] | None = None,
    stdin: str = "",
    timeout: float = 60,
) -> subprocess.CompletedProcess[str]:
    """Run `keyin ARGUMENTS` to its end and return its exit code and what it printed."""
    return subprocess.run(  # noqa: S603 - our own command, no shell
        command(*arguments),
        check=False,
        capture_output=True,
        text=True,
        input=stdin,
        timeout=timeout,
        env={**os.environ, **(environment or {})},
    )
