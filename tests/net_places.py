"""Hosts of a network of our own: each a network namespace on one bridge, gone with the test.

    with network() as net:
        with net.host("10.0.0.21") as host:
            host.call(spawn, [...])        # whatever is started there is on that host

A thread belongs to one namespace, and so does what it starts; so each host has a thread. Needs root
and iproute2.
"""

from __future__ import annotations

import ctypes
import os
import shutil
import subprocess
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count
from typing import TYPE_CHECKING, ParamSpec, TypeVar

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

P = ParamSpec("P")
Result = TypeVar("Result")

_NEW_NET = 0x40000000  # CLONE_NEWNET, setns(2)
_NAMES = count(1)


def _ip(*words: str, check: bool = True) -> bool:
    done = subprocess.run(["ip", *words], check=False, capture_output=True, text=True)
    assert done.returncode == 0 or not check, (words, done.stderr)
    return done.returncode == 0


def _possible() -> bool:
    if os.geteuid() != 0 or shutil.which("ip") is None:
        return False
    name = f"keyin-try-{os.getpid()}"
    made = _ip("netns", "add", name, check=False)
    if made:
        _ip("netns", "delete", name)
    return made


needs_namespaces = pytest.mark.skipif(
    not _possible(), reason="network namespaces need root and iproute2"
)


@dataclass(frozen=True)
class Host:
    """A network namespace, and the thread that is in it."""

    name: str
    _thread: ThreadPoolExecutor

    def call(self, job: Callable[P, Result], *args: P.args, **kwargs: P.kwargs) -> Result:
        """Do something there."""
        return self._thread.submit(job, *args, **kwargs).result()


@dataclass(frozen=True)
class Network:
    """The bridge, which is in the namespace of the first host."""

    front: Host

    @contextmanager
    def host(self, address: str) -> Iterator[Host]:
        """Add a host."""
        with _host() as host:
            inside, outside = f"kv{os.getpid() % 100_000}-{next(_NAMES)}", f"ko{next(_NAMES)}"
            _ip("link", "add", inside, "type", "veth", "peer", "name", outside, "netns",
                self.front.name)  # fmt: skip
            _ip("link", "set", inside, "netns", host.name)
            _ip("-n", self.front.name, "link", "set", outside, "master", "bridge", "up")
            _ip("-n", host.name, "address", "add", f"{address}/24", "dev", inside)
            _ip("-n", host.name, "link", "set", inside, "up")
            yield host


@contextmanager
def network(*addresses: str) -> Iterator[Network]:
    """Make a network whose first host has these addresses."""
    with _host() as front:
        _ip("-n", front.name, "link", "add", "bridge", "type", "bridge")
        for address in addresses:
            _ip("-n", front.name, "address", "add", f"{address}/24", "dev", "bridge")
        _ip("-n", front.name, "link", "set", "bridge", "up")
        yield Network(front)


@contextmanager
def _host() -> Iterator[Host]:
    name = f"keyin-{os.getpid()}-{next(_NAMES)}"
    _ip("netns", "add", name)
    thread = ThreadPoolExecutor(max_workers=1, initializer=_enter, initargs=(name,))
    try:
        _ip("-n", name, "link", "set", "lo", "up")
        yield Host(name, thread)
    finally:
        thread.shutdown()
        _ip("netns", "delete", name)


def _enter(name: str) -> None:
    with open(f"/run/netns/{name}", "rb") as space:  # noqa: PTH123 - a file number is wanted
        if ctypes.CDLL(None, use_errno=True).setns(space.fileno(), _NEW_NET):
            raise OSError(ctypes.get_errno(), "setns")
