"""Real clouds with a preferences server: in one process, or split over two."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tests.cloud_process import Cloud, Reply, send, serving
from tests.started import run, started

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

ANYWHERE = "127.0.0.1:0"


@dataclass(frozen=True)
class Clouds:
    """Who asks whom: both may be one process."""

    public: Cloud
    preferences: str
    """Where the preferences server listens."""
    keeper: Cloud
    """Who has the preferences in its store."""
    secret: str

    def prefer(
        self,
        method: str,
        path: str,
        *,
        headers: Mapping[str, str] | None = None,
        body: bytes | str | None = None,
    ) -> Reply:
        """Ask the preferences server, as somebody who may."""
        shown = {"Authorization": f"Bearer {self.secret}", **(headers or {})}
        return send(self.preferences, method, path, headers=shown, body=body)


def secret_file(folder: Path) -> Path:
    """Make a secret as an operator does."""
    file = folder / "preferences-secret"
    if not file.exists():
        made = run("cloud", "preferences-secret", file)
        assert made.returncode == 0, made.stderr
    return file


@contextmanager
def combined(data: Path, *more: object) -> Iterator[Clouds]:
    """Serve everything from one process: operators, preferences, public."""
    file = secret_file(data.parent)
    options = (
        *("--ops-listen", ANYWHERE, "--preferences-listen", ANYWHERE),
        *("--preferences-secret-file", file),
    )
    with serving(data, *options, *more, listeners=3) as cloud:
        yield Clouds(cloud, cloud.process.listeners[1], cloud, file.read_text().strip())


@contextmanager
def split(data: Path, preferences: Path, *more: object) -> Iterator[Clouds]:
    """Serve preferences from one process and one store, everything else from others."""
    file = secret_file(data.parent)
    secret = ("--preferences-secret-file", file)
    with started(
        *("cloud", "serve", "--data", preferences, "--preferences-only"),
        *("--preferences-listen", ANYWHERE, *secret),
    ) as server:
        asking = ("--preferences-url", server.url, *secret, "--ops-listen", ANYWHERE)
        with serving(data, *asking, *more, listeners=2) as cloud:
            keeper = Cloud(server, preferences)
            yield Clouds(cloud, server.url, keeper, file.read_text().strip())
