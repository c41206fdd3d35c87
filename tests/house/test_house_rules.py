"""The house rules, applied to the house."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

import pytest

from tests.house import rules
from tests.house.sources import inner_files, package_files, room, short, tracked_files, tree

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path


def _broken(rule: Callable[..., list[str]], files: Iterable[Path]) -> list[str]:
    return [f"{short(path)}:{found}" for path in files for found in rule(tree(path))]


def test_inner_rooms_take_time_chance_and_files_as_arguments() -> None:
    assert inner_files()
    assert not _broken(rules.reaches_the_world, inner_files())


def test_p18_secrets_are_compared_in_one_place_in_constant_time() -> None:
    others = [path for path in package_files() if path.parts[-2:] != ("domain", "secret.py")]
    assert len(others) == len(package_files()) - 1
    assert not _broken(rules.compares_secrets, others)


def test_p98_no_weak_randomness() -> None:
    assert not _broken(rules.draws_weak_chance, package_files())


def test_modules_and_functions_stay_short() -> None:
    assert not [
        f"{short(path)}:{found}"
        for path in package_files()
        for found in rules.too_long(tree(path), path.read_text(encoding="utf-8"))
    ]


def test_every_module_says_what_it_is() -> None:
    assert not _broken(rules.undocumented, package_files())


def test_no_file_is_a_drawer() -> None:
    drawers = [
        short(path)
        for path in tracked_files()
        if path.suffix == ".py" and path.stem in rules.DRAWERS
    ]
    assert not drawers


def test_what_the_command_says_is_in_the_catalogue() -> None:
    spoken = [path for path in package_files() if room(path) == "cli"]
    assert spoken
    assert not _broken(rules.speaks_untranslated, spoken)


@pytest.mark.parametrize("path", [path for path in package_files() if path.name == "ports.py"])
def test_a_port_holds_few_methods(path: Path) -> None:
    """Consumer-owned ports have at most five methods: a wall is no port."""
    walls = [
        f"{short(path)}:{node.lineno}: {node.name}"
        for node in tree(path).body
        if isinstance(node, ast.ClassDef)
        and sum(isinstance(part, ast.FunctionDef | ast.AsyncFunctionDef) for part in node.body) > 5
    ]
    assert not walls
