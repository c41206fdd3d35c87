"""What git tracks names no machine, no package index and holds no secret; locks are hashes only."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.house.sources import ROOT, short, tracked_files

FORBIDDEN = {
    "a path of one machine": re.compile(r"(?<![\w.])/(?:work|root|home/[a-z]\w*|Users/\w+)/"),
    "a package index": re.compile(
        r"(?:files\.pythonhosted|pypi|registry\.npmjs|deb\.debian|conda\.anaconda|crates)"
        r"\.(?:org|io|com)"
    ),
    "a private key": re.compile(r"BEGIN (?:[A-Z]+ )?PRIVATE KEY"),
    "a cloud credential": re.compile(r"\b(?:AKIA[0-9A-Z]{16}|ghp_\w{36}|xox[bp]-\w{10,})"),
}
ALLOWED = re.compile(r"/home/(?:person|somebody|user|alice|you)/")
"""Made-up accounts in examples."""


def _texts() -> list[tuple[Path, str]]:
    found = []
    for path in tracked_files():
        content = path.read_bytes()
        if b"\0" not in content and path.name != Path(__file__).name:
            found.append((path, content.decode("utf-8")))
    return found


def _violations(text: str) -> list[str]:
    cleaned = ALLOWED.sub("", text)
    return [
        f"{what}: {hit.group()}"
        for what, pattern in FORBIDDEN.items()
        if (hit := pattern.search(cleaned))
    ]


def test_nothing_tracked_names_a_machine_an_index_or_a_secret() -> None:
    found = [f"{short(path)}: {bad}" for path, text in _texts() for bad in _violations(text)]
    assert not found


@pytest.mark.parametrize(
    "text",
    ["see /work/main", "/home/joe/keyin", "/root/.ssh", "https://pypi.org/simple",
     "-----BEGIN EC PRIVATE KEY-----", "-----BEGIN PRIVATE KEY-----"],
)  # fmt: skip
def test_the_search_finds(text: str) -> None:
    assert _violations(text)


@pytest.mark.parametrize("text", ["/homework/x", "framework/root.py", "/home/person/x"])
def test_the_search_lets_pass(text: str) -> None:
    assert not _violations(text)


@pytest.mark.parametrize("name", ["demo", "dev"])
def test_a_lock_holds_names_versions_markers_and_hashes_only(name: str) -> None:
    lock = (ROOT / "requirements" / f"{name}.txt").read_text(encoding="utf-8")
    pinned = re.compile(r"[a-z0-9][a-z0-9._-]*(?:\[[a-z,]+\])?==[\w.+!-]+(?: ; .+)? \\")
    hashed = re.compile(r"    --hash=sha256:[0-9a-f]{64}(?: \\)?")
    lines = [line for line in lock.splitlines() if line and not line.startswith("#")]
    assert lines
    assert not [line for line in lines if not (pinned.fullmatch(line) or hashed.fullmatch(line))]
    for line, after in zip(lines, [*lines[1:], ""], strict=True):
        if pinned.fullmatch(line):
            assert hashed.fullmatch(after), f"{line} has no hash"
