"""SECURITY.md promises only what a test holds, and no property test goes unmentioned."""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING, Final

import pytest

from tests.house.rules import functions
from tests.house.sources import ROOT, short, tracked_files, tree

if TYPE_CHECKING:
    from pathlib import Path

MATRIX: Final = (ROOT / "SECURITY.md").read_text(encoding="utf-8")
ARCHITECTURE: Final = (ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8")
THREATS: Final = range(1, 38)
PROPERTIES: Final = frozenset({*range(1, 107)} - {79, 87, 88, 89})
"""Numbers as in the requirements; those four were never given out."""


@cache
def _tests() -> dict[str, str]:
    """Map each test function to its file; files map to themselves."""
    found: dict[str, str] = {}
    for path in tracked_files():
        if path.suffix == ".py" and path.is_relative_to(ROOT / "tests"):
            found[short(path)] = short(path)
            if path.name.startswith("test_"):
                found |= {function.name: short(path) for function in functions(tree(path))}
    return found


def _rows(letter: str) -> dict[int, list[str]]:
    return {
        int(match[1]): [cell.strip() for cell in match[2].split("|")]
        for match in re.finditer(rf"^\| {letter}(\d+) \|(.+)\|$", MATRIX, re.MULTILINE)
    }


def _named(text: str) -> list[str]:
    return re.findall(r"`(tests/[\w/]+\.py|test_\w+)`", text)


def test_the_matrix_names_only_tests_that_exist() -> None:
    assert not [name for name in _named(MATRIX) if name not in _tests()]
    assert _named(MATRIX)


@pytest.mark.parametrize("path", sorted(ROOT.glob("*.md")) + sorted(ROOT.glob("docs/**/*.md")))
def test_a_document_names_only_tests_that_exist(path: Path) -> None:
    assert not [n for n in _named(path.read_text(encoding="utf-8")) if n not in _tests()]


def test_every_invariant_names_its_test() -> None:
    rows = re.findall(r"^\| \d+ \| .+ \| (.+) \|$", ARCHITECTURE, re.MULTILINE)
    assert len(rows) >= 8
    assert all(_named(row) for row in rows)


def test_every_threat_and_property_has_its_row() -> None:
    assert set(_rows("T")) == set(THREATS)
    assert set(_rows("P")) == PROPERTIES


def test_threats_and_properties_point_at_each_other() -> None:
    forward = {
        (threat, int(number))
        for threat, cells in _rows("T").items()
        for number in re.findall(r"P(\d+)", cells[-1])
    }
    backward = {
        (int(number), number_of_property)
        for number_of_property, cells in _rows("P").items()
        for number in re.findall(r"T(\d+)", cells[1])
    }
    assert forward == backward


def test_every_test_of_others_bugs_is_named() -> None:
    corpus = {name for name in _tests() if name.startswith("test_corpus_")}
    assert corpus == {name for name in _named(MATRIX) if name.startswith("test_corpus_")}


@pytest.mark.parametrize("number", sorted(PROPERTIES))
def test_a_row_names_every_test_of_its_property(number: int) -> None:
    """A test called test_pNN_..., or a file of such, is evidence that the matrix must name."""
    cell = _rows("P")[number][-1]
    pattern = re.compile(rf"(?:^|/)test_p0*{number}(?:_\w*)?(?:\.py)?$")
    named = _named(cell)
    unnamed = [
        name
        for name, file in _tests().items()
        if pattern.search(name) and name not in named and file not in named
    ]
    assert not unnamed
    assert bool(named) != (cell == "planned")


def test_each_category_of_both_top_tens_lists_every_property_once() -> None:
    for column, year in ((2, "2021"), (3, "2025")):
        listed = MATRIX.split(f"\n{year}:\n")[1].split("\n2025:\n")[0]
        for number, cells in _rows("P").items():
            if cells[column] == "-":
                continue
            line = next(row for row in listed.splitlines() if f"| {cells[column]} " in row)
            place = 3 if cells[-1] == "planned" else 2
            assert re.search(rf"\bP{number}\b", line.split("|")[place]), (year, number)
