"""The real computer. Linux with GLib; nothing is loaded or started before it is asked for."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, TypeVar

import msgspec

from keyin.handlers.host_files import HostFiles
from keyin.handlers.host_gsettings import HostGSettings
from keyin.handlers.host_processes import HostProcesses, HostPrograms

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")


def _one_thread() -> ThreadPoolExecutor:
    """One thread: GIO's objects stay where they were made, and writes keep their order."""
    return ThreadPoolExecutor(max_workers=1, thread_name_prefix="handlers")


class RealSystem(msgspec.Struct, frozen=True, kw_only=True):
    """See `keyin.handlers.system.System`."""

    files: HostFiles = msgspec.field(default_factory=HostFiles)
    programs: HostPrograms = msgspec.field(default_factory=HostPrograms)
    processes: HostProcesses = msgspec.field(default_factory=HostProcesses)
    gsettings: HostGSettings = msgspec.field(default_factory=HostGSettings)
    _worker: ThreadPoolExecutor = msgspec.field(default_factory=_one_thread)

    async def call(self, work: Callable[[], T]) -> T:
        """Run work in the one thread, so that the process goes on answering."""
        return await asyncio.get_running_loop().run_in_executor(self._worker, work)

    def close(self) -> None:
        """End the thread once its work is done."""
        self._worker.shutdown()
