"""Several processes that answer on the same sockets, and the one above them, which answers nobody.

The sockets are bound before the workers are forked, so all accept from them, and nothing that
waits there is lost with a worker. The supervisor starts a worker that died anew, hands signals
on, and ends when they have all ended; a supervisor that is killed takes its workers with it.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import select
import signal
import sys
import time
from typing import TYPE_CHECKING, Final

import msgspec
import structlog

from keyin.domain.errors import KeyinError

if TYPE_CHECKING:
    from collections.abc import Callable

    Ready = Callable[[], None]
    Job = Callable[[int, Ready], None]

PATIENCE_S: Final = 20.0
"""For workers to end; a little more than a request may take."""
_PR_SET_PDEATHSIG: Final = 1
_SIGNALS: Final = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGCHLD)
_YOUNG_S: Final = 5.0
"""A worker that lived so short is not started again at once."""
_PAUSES_S: Final = (0.0, 0.1, 0.5, 1.0, 2.0, 5.0)
_FAILED: Final = 3
_log = structlog.get_logger()


class _Slot(msgspec.Struct):
    """A worker's place; number 0 has the jobs that one process does for all."""

    number: int
    pid: int = 0
    ready: int = -1
    """The end of a pipe that says when it is; -1 from then on."""
    began: float = 0.0
    deaths: int = 0
    again: float = 0.0
    """When to start it."""


class Supervisor(msgspec.Struct):
    """Starts `job(number, ready)` in so many processes; `announce` is called when all are ready."""

    count: int
    job: Job
    announce: Callable[[], None]
    _slots: list[_Slot] = msgspec.field(default_factory=list)
    _ending: float = 0.0
    _announced: bool = False
    _status: int = 0
    _wakeup: tuple[int, int] = (-1, -1)

    def run(self) -> int:
        """Go on until told to end; return the exit code."""
        self._wakeup = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        signal.set_wakeup_fd(self._wakeup[1], warn_on_full_buffer=False)
        for number in _SIGNALS:
            signal.signal(number, _note)
        self._slots = [_Slot(number) for number in range(self.count)]
        while not self._ending or any(slot.pid for slot in self._slots):
            self._start()
            self._wait()
            self._reap()
            self._look()
        return self._status

    def _start(self) -> None:
        """Start every worker that is due."""
        now = time.monotonic()
        for slot in self._slots:
            if not slot.pid and not self._ending and slot.again <= now:
                self._fork(slot)

    def _fork(self, slot: _Slot) -> None:
        reading, writing = os.pipe2(os.O_CLOEXEC)
        above = os.getpid()
        sys.stdout.flush()
        slot.pid = os.fork()
        if slot.pid == 0:
            _become_worker(above)
            os.close(reading)
            for other in self._slots:
                if other.ready >= 0:
                    os.close(other.ready)
            _work(self.job, slot.number, writing)
        os.close(writing)
        slot.ready, slot.began = reading, time.monotonic()

    def _wait(self) -> None:
        """Sleep until a signal, a worker that is ready, or the next thing to do."""
        now = time.monotonic()
        due = [slot.again - now for slot in self._slots if not slot.pid and not self._ending]
        waiting = [slot.ready for slot in self._slots if slot.ready >= 0]
        found, _, _ = select.select([self._wakeup[0], *waiting], [], [], max(0, min([1.0, *due])))
        for slot in self._slots:
            if slot.ready in found:
                self._hear(slot)
        if self._wakeup[0] in found:
            for number in os.read(self._wakeup[0], 256):
                self._hand_on(signal.Signals(number))

    def _hear(self, slot: _Slot) -> None:
        """Take note that a worker is ready, or ended before it was."""
        ready = os.read(slot.ready, 1)
        os.close(slot.ready)
        slot.ready = -1
        if not ready:
            return
        pending = any(one.ready >= 0 or not one.pid for one in self._slots)
        if not pending and not self._announced and not self._ending:
            self._announced = True
            self.announce()

    def _hand_on(self, number: signal.Signals) -> None:
        if number in {signal.SIGTERM, signal.SIGINT}:
            self._end()
        elif number is signal.SIGHUP:
            self._tell(signal.SIGHUP)

    def _end(self) -> None:
        self._ending = self._ending or time.monotonic()
        self._tell(signal.SIGTERM)

    def _tell(self, number: signal.Signals) -> None:
        for slot in self._slots:
            if slot.pid:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(slot.pid, number)

    def _reap(self) -> None:
        """Take note of workers that ended."""
        for slot in self._slots:
            if not slot.pid:
                continue
            pid, status = os.waitpid(slot.pid, os.WNOHANG)
            if pid:
                self._ended(slot, os.waitstatus_to_exitcode(status))

    def _ended(self, slot: _Slot, code: int) -> None:
        now = time.monotonic()
        if not self._ending:
            _log.error("worker_ended", pid=slot.pid, status=code)
        slot.pid = 0
        slot.deaths = slot.deaths + 1 if now < slot.began + _YOUNG_S else 0
        slot.again = now + _PAUSES_S[min(slot.deaths, len(_PAUSES_S) - 1)]
        if not self._announced and not self._ending:  # none would start any better
            self._status = abs(code) or 1
            self._end()

    def _look(self) -> None:
        """Insist, where workers do not end."""
        if self._ending and time.monotonic() > self._ending + PATIENCE_S:
            self._tell(signal.SIGKILL)


def _note(_number: int, _frame: object) -> None:
    """Let the wakeup pipe tell of it."""


def _become_worker(above: int) -> None:
    """Undo what is the supervisor's, and end with it."""
    signal.set_wakeup_fd(-1)
    for number in _SIGNALS:
        signal.signal(number, signal.SIG_DFL)
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)
    if os.getppid() != above:  # it ended in between
        os._exit(0)


def _work(job: Job, number: int, writing: int) -> None:
    """Do the job; never return into what stands above."""
    code = 1

    def ready() -> None:
        os.write(writing, b"1")
        os.close(writing)

    try:
        job(number, ready)
        code = 0
    except KeyinError as error:
        _log.error("worker_failed", code=error.code, error=str(error), step=error.next_step)
        code = _FAILED
    except BaseException as error:  # noqa: BLE001 - said in our words, and the process ends
        _log.error("worker_failed", error=type(error).__name__)
    finally:
        sys.stdout.flush()
        os._exit(code)
