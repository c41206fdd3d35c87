"""PostgreSQL for tests: a cluster of our own from Debian's package, a fresh database each time.

It runs as an account without rights, since PostgreSQL refuses root, with a socket in a temporary
folder and no port. One cluster to a pytest process; databases are copies of a template that has
the newest schema.
"""

from __future__ import annotations

import asyncio
import atexit
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import cache
from itertools import count
from pathlib import Path

import pytest

from keyin.stores.postgres import migrations

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
    _ready: bool = field(default=False, repr=False)

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
        """End it: SIGINT fast, SIGQUIT at once, SIGKILL the whole group as a crash would."""
        if self.process is None:
            return
        if how is signal.SIGKILL:
            os.killpg(self.process.pid, signal.SIGKILL)
        else:
            self.process.send_signal(how)
        self.process.wait(timeout=START_S)
        self.process = None

    def sql(self, *statements: str, database: str = "postgres") -> str:
        """Run statements as the superuser; return what they print."""
        asked = [part for one in statements for part in ("-c", one)]
        ran = subprocess.run(
            [
                *(str(BIN / "psql"), "-X", "-q", "-At", "-v", "ON_ERROR_STOP=1"),
                *("-h", str(self.folder), "-U", "admin", "-d", database, *asked),
            ],
            check=False,
            capture_output=True,
            text=True,
        )
        assert ran.returncode == 0, ran.stderr
        return ran.stdout.strip()

    def database(self, *, empty: bool = False) -> str:
        """Make a database; return its URL. Empty: without our schema."""
        if not empty:
            self._template()
        name = f"keyin_{next(_NAMES)}"
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
    folder = Path(tempfile.mkdtemp(prefix="keyin-pg-"))
    account = _account()
    if account is not None:
        os.chown(folder, account, account)
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
    atexit.register(_remove, cluster)
    cluster.start()
    cluster.sql("CREATE ROLE keyin LOGIN")
    return cluster


@cache
def cluster() -> Cluster:
    """Return this process's cluster; it survives no crash of the computer."""
    return make(durable=False)


def _account() -> int | None:
    """Return the id of an account without rights (and of its group), where this is root."""
    return pwd.getpwnam("nobody").pw_uid if os.geteuid() == 0 else None


def _remove(cluster: Cluster) -> None:
    cluster.stop(signal.SIGQUIT)
    shutil.rmtree(cluster.folder, ignore_errors=True)
