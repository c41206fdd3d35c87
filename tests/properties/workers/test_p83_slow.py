"""P83 on a PostgreSQL that answers, but each time so late that a request would take for ever."""

from __future__ import annotations

import json
import socket
import threading
import time
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tests import postgres
from tests.cloud_documents import FREE, SECRET, everything
from tests.cloud_process import import_documents, serving, until_all_answer
from tests.oauth_client import ISSUER, registered
from tests.started import ELSEWHERE

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

pytestmark = postgres.needs_postgres
CLIENT = (FREE, SECRET)
SOCKET = ".s.PGSQL.5432"
LATE_S, MOST_S = 2.2, 12.0


@dataclass
class Slow:
    """A socket before PostgreSQL's own; what comes back waits for a while."""

    listener: socket.socket
    to: Path
    late_s: float = 0.0
    open: list[socket.socket] = field(default_factory=list)
    threads: list[threading.Thread] = field(default_factory=list)

    def accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self.listener.accept()
                server = socket.socket(socket.AF_UNIX)
                server.connect(str(self.to))
                self.open += [client, server]
                for source, target, back in ((client, server, False), (server, client, True)):
                    self.start(self.pump, source, target, back)

    def start(self, job: Callable[..., None], *args: object) -> None:
        self.threads.append(threading.Thread(target=job, args=args, daemon=True))
        self.threads[-1].start()

    def end(self) -> None:
        for one in (self.listener, *self.open):
            with suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
        for thread in self.threads:
            thread.join(MOST_S)
        for one in self.open:
            one.close()

    def pump(self, source: socket.socket, target: socket.socket, back: bool) -> None:  # noqa: FBT001 - one of two ways
        with suppress(OSError):
            while chunk := source.recv(1 << 16):
                if back:
                    time.sleep(self.late_s)
                target.sendall(chunk)
        for one in (source, target):
            with suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)


@contextmanager
def slow(to: Path, folder: Path) -> Iterator[Slow]:
    folder.mkdir()
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(folder / SOCKET))
        listener.listen(64)
        made = Slow(listener, to)
        made.start(made.accept)
        try:
            yield made
        finally:
            made.end()


def test_p83_a_database_that_is_late_each_time_is_given_up_in_bounded_time(
    tmp_path: Path,
) -> None:
    data = postgres.shared(tmp_path / "data")
    import_documents(data, everything())
    desk = registered(data)
    note = json.loads((data / ELSEWHERE).read_text())
    cluster = postgres.cluster()
    with slow(cluster.folder / SOCKET, tmp_path / "s") as between:
        note["url"] = note["url"].replace(str(cluster.folder), str(tmp_path / "s"))
        (data / ELSEWHERE).write_text(json.dumps(note))
        with serving(data, "--issuer", ISSUER) as cloud:
            assert desk.exchange(cloud).status == 200
            assert cloud.token("alice", CLIENT).status == 200
            between.late_s = LATE_S
            for name in ("exchange", "old grant"):
                began = time.monotonic()
                reply = desk.exchange(cloud) if name == "exchange" else cloud.token("alice", CLIENT)
                assert time.monotonic() - began < MOST_S
                assert reply.status == 503, reply.body
                assert reply.headers["retry-after"].isdecimal()
            between.late_s = 0.0
            until_all_answer(cloud, MOST_S)
            assert desk.exchange(cloud).status == 200
