"""Documents are true: the commands exist, links lead somewhere, words have their module."""

from __future__ import annotations

import os
import re
import shlex
from typing import TYPE_CHECKING

import click
import pytest

from keyin.cli.main import main
from keyin.remote.log import FIELDS
from tests.house.sources import PACKAGE, ROOT, short, tracked_files

if TYPE_CHECKING:
    from pathlib import Path

DOCUMENTS = [path for path in tracked_files() if path.suffix == ".md"]
DECISIONS = sorted((ROOT / "docs" / "adr").glob("[0-9]*.md"))
PARTS = ("Status: ", "## Context", "## Decision", "## Consequences", "Negative:", "## Confirmed by")


def _shell_lines() -> list[tuple[str, str]]:
    return [
        (short(path), line)
        for path in DOCUMENTS
        for block in re.findall(r"```sh\n(.*?)```", path.read_text(encoding="utf-8"), re.DOTALL)
        for line in block.replace("\\\n", " ").splitlines()
        if line and not line.startswith("#")
    ]


def _verb(words: list[str]) -> tuple[click.Command, list[str]]:
    command: click.Command = main
    while isinstance(command, click.Group) and words and not words[0].startswith("-"):
        context = click.Context(command)
        inner = command.get_command(context, words[0])
        assert inner, f"no verb {words[0]}"
        command, words = inner, words[1:]
    return command, words


@pytest.mark.parametrize(("where", "line"), _shell_lines())
def test_a_command_in_a_document_exists(where: str, line: str) -> None:
    words = shlex.split(line, comments=True)
    if words[0].startswith("scripts/"):
        assert os.access(ROOT / words[0], os.X_OK), where
    if words[0] == "keyin":
        command, rest = _verb(words[1:])
        known = {"--help", *(opt for parameter in command.params for opt in parameter.opts)}
        assert not [word for word in rest if word.startswith("--") and word not in known], where


def test_the_readme_begins_with_its_two_lines() -> None:
    first_screen = (ROOT / "README.md").read_text(encoding="utf-8").splitlines()[:40]
    assert [line.split()[0] for line in first_screen if line.startswith("scripts/")] == [
        "scripts/demo",
        "scripts/test",
    ]
    assert any("┌──" in line for line in first_screen)


@pytest.mark.parametrize("path", DOCUMENTS, ids=short)
def test_links_lead_to_files(path: Path) -> None:
    links = re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", path.read_text(encoding="utf-8"))
    local = [link for link in links if not link.startswith(("http://", "https://"))]
    assert not [link for link in local if not (path.parent / link).exists()]


@pytest.mark.parametrize("path", DOCUMENTS, ids=short)
def test_named_modules_and_files_exist(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    modules = set(re.findall(r"`(keyin(?:\.\w+)+)`", text)) - {"keyin.sqlite3", "keyin.admin.sock"}
    files = set(re.findall(r"`((?:src|tests|docs|scripts|benchmarks)/[\w/.-]+)`", text))
    absent = [name for name in modules if not _exists(name)]
    assert not absent + [name for name in files if not (ROOT / name).exists()]


def _exists(name: str) -> bool:
    """Say whether this is a module, or something that a module defines."""
    path = PACKAGE.parent.joinpath(*name.split("."))
    if path.is_dir() or path.with_suffix(".py").is_file():
        return True
    module = path.parent.with_suffix(".py")
    pattern = rf"^(?:def|async def|class) {path.name}\b|^{path.name}\b.*="
    return module.is_file() and bool(
        re.search(pattern, module.read_text(encoding="utf-8"), re.MULTILINE)
    )


@pytest.mark.parametrize("path", DECISIONS, ids=lambda path: path.stem)
def test_a_decision_has_every_part_and_stands_in_the_index(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert not [part for part in PARTS if part not in text]
    negative = text.split("Negative:")[1].split("## Confirmed by")[0]
    assert "- " in negative
    index = (path.parent / "README.md").read_text(encoding="utf-8")
    assert f"({path.name})" in index


def test_decisions_are_numbered_without_gaps() -> None:
    assert [int(path.name[:4]) for path in DECISIONS] == list(range(len(DECISIONS)))
    assert len(DECISIONS) > 1


def test_every_log_field_is_explained() -> None:
    page = (ROOT / "docs" / "operations" / "cloud.md").read_text(encoding="utf-8")
    log = page.split("## The log")[1].split("\n## ")[0]
    rows = [row.split("|")[1] for row in log.splitlines() if row.startswith("| `")]
    assert {name for row in rows for name in re.findall(r"`(\w+)`", row)} == set(FIELDS)
