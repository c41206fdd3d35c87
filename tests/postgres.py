"""PostgreSQL for tests: a cluster of our own from Debian's package, a fresh database each time.

It runs as an account without rights, since PostgreSQL refuses root, with a socket in a temporary
folder and no port. One cluster to a pytest process; databases are copies of a template that has
the newest schema.
"""

from __future__ import annotations

import asyncio
import atexit
import json
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import cache
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from keyin.stores.postgres import migrations
from tests.started import ELSEWHERE

if TYPE_CHECKING:
    from collections.abc import Iterator

BIN = Path("/usr/lib/postgresql/15/bin")
TEMPLATE = "keyin_template"
START_S = 30.0
_NAMES = count(1)
needs_postgres = pytest.mark.skipif(
    not BIN.is_dir(), reason="PostgreSQL 15 is not installed (Debian's package postgresql-15)"
)


@dataclass
class Cluster:
    """A PostgreSQL of our own."""

    folder: Path
    durable: bool
    settings: tuple[str, ...] = ()
    process: subprocess.Popen[bytes] | None = None
    names: list[str] = field(default_factory=list)
    """Of the databases, in the order in which they were made."""
    _ready: bool = field(default=False, repr=False)
    _children: set[int] = field(default_factory=set, repr=False)

    @property
    def log(self) -> Path:
        return self.folder / "log"

    def url(self, database: str, user: str = "keyin") -> str:
        return f"postgresql://{user}@/{database}?host={self.folder}"

    def start(self) -> None:
        """Start the server, and return once it answers."""
        options = [
            *("-D", str(self.folder / "data"), "-k", str(self.folder), "-h", ""),
            *("-c", "max_connections=200", "-c", "shared_buffers=32MB"),
            *("-c", "autovacuum_naptime=10s", "-c", "log_min_messages=warning"),
            *(() if self.durable else ("-c", "fsync=off", "-c", "full_page_writes=off")),
            *(part for one in self.settings for part in ("-c", one)),
        ]
        self._children.clear()
        account = _account()
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(  # ours: an own process group, a name of its own
                [str(BIN / "postgres"), *options],
                stdout=log,
                stderr=log,
                stdin=subprocess.DEVNULL,
                start_new_session=True,
                cwd=self.folder,
                env={"LC_ALL": "C.UTF-8", "PATH": os.defpath},
                user=account,
                group=account,
            )
        self.wait()

    def wait(self) -> None:
        """Return once it lets us in."""
        until = time.monotonic() + START_S
        asking = [str(BIN / "pg_isready"), "-q", "-h", str(self.folder)]
        while subprocess.run(asking, check=False).returncode:
            assert self.process is not None
            assert self.process.poll() is None, self.log.read_text()
            assert time.monotonic() < until, self.log.read_text()
            time.sleep(0.02)

    def stop(self, how: signal.Signals = signal.SIGINT) -> None:
        """End it: SIGINT at once and cleanly, SIGKILL all of its processes as a crash would."""
        if self.process is None:
            return
        if how is signal.SIGKILL:
            self.signal(signal.SIGKILL)
        else:
            self.process.send_signal(how)
        self.process.wait(timeout=START_S)
        while self.pids():
            time.sleep(0.01)
        self.process = None

    def signal(self, number: signal.Signals) -> None:
        """Send a signal to each of its processes: the postmaster first, or it would mend things."""
        for pid in self.pids():
            with suppress(ProcessLookupError):
                os.kill(pid, number)

    def pids(self) -> list[int]:
        """Return its processes, the postmaster first; each has a session of its own."""
        assert self.process is not None
        found = [self.process.pid] if self.process.poll() is None else []
        if found:
            self._children.update(children(self.process.pid))
        return [*found, *(pid for pid in self._children if _runs(pid))]

    def sql(self, *statements: str, database: str = "postgres") -> str:
        """Run statements as the superuser; return what they print."""
        asked = [part for one in statements for part in ("-c", one)]
        ran = subprocess.run(
            [*self._psql(database), *asked],
            check=False,
            capture_output=True,
            text=True,
        )
        assert ran.returncode == 0, ran.stderr
        return ran.stdout.strip()

    def _psql(self, database: str) -> list[str]:
        return [
            *(str(BIN / "psql"), "-X", "-q", "-At", "-v", "ON_ERROR_STOP=1"),
            *("-h", str(self.folder), "-U", "admin", "-d", database),
        ]

    @contextmanager
    def holding(self, statement: str, database: str | None = None) -> Iterator[None]:
        """Keep a transaction open in which this was done: in a database, or in the newest."""
        newest = database or self.names[-1]
        with subprocess.Popen(
            [*self._psql(newest), "-c", "BEGIN", "-c", statement, "-c", "SELECT pg_sleep(120)"],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        ) as held:
            until = time.monotonic() + START_S
            while "pg_sleep" not in self.sql("SELECT query FROM pg_stat_activity"):
                assert time.monotonic() < until
                time.sleep(0.02)
            yield
            self.sql(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                "WHERE query LIKE 'SELECT pg_sleep%'"
            )
            held.wait(timeout=START_S)

    def database(self, *, empty: bool = False) -> str:
        """Make a database; return its URL. Empty: without our schema."""
        if not empty:
            self._template()
        name = f"keyin_{next(_NAMES)}"
        self.names.append(name)
        template = "template0 ENCODING 'UTF8'" if empty else TEMPLATE
        self.sql(f"CREATE DATABASE {name} OWNER keyin TEMPLATE {template}")
        return self.url(name)

    def _template(self) -> None:
        if not self._ready:
            self.sql(f"CREATE DATABASE {TEMPLATE} OWNER keyin TEMPLATE template0 ENCODING 'UTF8'")
            with ThreadPoolExecutor(1) as beside:  # a test may have a loop of its own here
                beside.submit(asyncio.run, migrations.migrate(self.url(TEMPLATE))).result()
            self._ready = True


def make(*, durable: bool, settings: tuple[str, ...] = ()) -> Cluster:
    """Make and start a cluster; it is ended and removed with this process."""
    folder, account = _folder(), _account()
    subprocess.run(
        [
            *(str(BIN / "initdb"), "-D", str(folder / "data"), "-U", "admin", "-A", "trust"),
            *("--no-sync", "--encoding=UTF8", "--locale=C.UTF-8", "--no-instructions"),
        ],
        check=True,
        stdout=subprocess.DEVNULL,
        cwd=folder,
        env={"LC_ALL": "C.UTF-8", "PATH": os.defpath},
        user=account,
        group=account,
    )
    cluster = Cluster(folder, durable, settings)
    atexit.register(remove, cluster)
    cluster.start()
    cluster.sql("CREATE ROLE keyin LOGIN")
    return cluster


def standby(of: Cluster) -> Cluster:
    """Make and start a server that follows another; it may only be read."""
    folder = _folder()
    account = _account()
    subprocess.run(
        [
            *(str(BIN / "pg_basebackup"), "-h", str(of.folder), "-U", "admin", "-D", "data"),
            *("-R", "--checkpoint=fast", "--no-sync"),
        ],
        check=True,
        cwd=folder,
        env={"LC_ALL": "C.UTF-8", "PATH": os.defpath},
        user=account,
        group=account,
    )
    made = Cluster(folder, of.durable, of.settings)
    atexit.register(remove, made)
    made.start()
    return made


def _folder() -> Path:
    folder = Path(tempfile.mkdtemp(prefix="keyin-pg-"))
    account = _account()
    if account is not None:
        os.chown(folder, account, account)
    return folder


@cache
def cluster() -> Cluster:
    """Return this process's cluster; it survives no crash of the computer."""
    return make(durable=False)


def shared(data: Path, *, workers: int = 2, on: Cluster | None = None) -> Path:
    """Make a data folder whose store is a new database that several workers serve."""
    data.mkdir(mode=0o700, parents=True)
    note = {"url": (on or cluster()).database(), "workers": workers}
    (data / ELSEWHERE).write_text(json.dumps(note))
    return data


def _account() -> int | None:
    """Return the id of an account without rights (and of its group), where this is root."""
    return pwd.getpwnam("nobody").pw_uid if os.geteuid() == 0 else None


def children(of: int) -> set[int]:
    """Return the processes that another has started."""
    return {pid for pid in _processes() if _stat(pid)[1:2] == [str(of)]}


def _runs(pid: int) -> bool:
    """Tell whether it is a PostgreSQL that runs: a number may be another's by now."""
    try:
        command = Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return False
    return b"postgres" in command and _stat(pid)[:1] != ["Z"]


def _processes() -> list[int]:
    return [int(one.name) for one in Path("/proc").iterdir() if one.name.isdecimal()]


def _stat(pid: int) -> list[str]:
    """Return state, parent and what follows."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return []


def remove(cluster: Cluster) -> None:
    """End it and take its folder away. May be repeated."""
    if cluster.process is not None:
        cluster.signal(signal.SIGCONT)
        cluster.stop(signal.SIGQUIT)
    shutil.rmtree(cluster.folder, ignore_errors=True)
