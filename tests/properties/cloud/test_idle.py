"""What the cloud costs where nobody asks: memory with the largest registry, and taking that in.

On the real registry of Windows. Time is what the command computes: the machine may be busy.
"""

from __future__ import annotations

import resource
from pathlib import Path
from typing import TYPE_CHECKING, Final

from tests.cloud_documents import everything
from tests.cloud_process import import_documents, serving
from tests.oauth_client import ISSUER
from tests.shared_data import GPII_DATA, needs_shared
from tests.started import run

if TYPE_CHECKING:
    from tests.started import Started

MOST_RSS_MB: Final = 90
LONGEST_S: Final = 1.0
TRIES: Final = 3
WINDOWS: Final = GPII_DATA / "solutions" / "win32.json5"


def _rss_mb(process: Started) -> float:
    rollup = Path(f"/proc/{process.process.pid}/smaps_rollup").read_text(encoding="ascii")
    return next(int(line.split()[1]) for line in rollup.splitlines() if "Rss:" in line) / 1024


@needs_shared
def test_an_idle_cloud_with_all_registries_is_small(tmp_path: Path) -> None:
    data = tmp_path / "data"
    import_documents(data, everything(), "--solutions", WINDOWS.parent)
    with serving(data, "--issuer", ISSUER, "--ops-listen", "127.0.0.1:0", listeners=2) as cloud:
        assert _rss_mb(cloud.process) <= MOST_RSS_MB
        assert cloud.request("GET", "/health").status == 200
        assert cloud.request("GET", "/login", headers={"Host": "127.0.0.1"}).status == 200
        assert _rss_mb(cloud.process) <= MOST_RSS_MB


@needs_shared
def test_the_registry_of_windows_is_taken_in_within_a_second(tmp_path: Path) -> None:
    """Counted from the command's start to its end."""
    assert WINDOWS.stat().st_size > 1_500_000
    took: list[float] = []
    while not took or (took[-1] > LONGEST_S and len(took) < TRIES):
        before = _computed_by_children()
        done = run("cloud", "import", "--data", tmp_path / str(len(took)), "--solutions", WINDOWS)
        took.append(_computed_by_children() - before)
        assert done.returncode == 0, done.stderr
    assert took[-1] <= LONGEST_S


def _computed_by_children() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime
