"""The wheel holds all that a process needs and nothing else; built offline, without isolation."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from email import message_from_string
from typing import TYPE_CHECKING

import pytest

from tests.house.sources import PACKAGE, ROOT, tracked_files

if TYPE_CHECKING:
    from pathlib import Path

DATA = {"config": ".toml", "solutions": ".json5", "people": ".json5", "locale": ".mo"}


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> zipfile.ZipFile:
    folder = tmp_path_factory.mktemp("wheel")
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)],
        cwd=ROOT, check=True, capture_output=True, timeout=100,
    )  # fmt: skip
    (built,) = folder.glob("keyin-*-py3-none-any.whl")
    return zipfile.ZipFile(built)


def _tracked_package_files() -> set[str]:
    source: Path = PACKAGE.parent
    return {
        str(path.relative_to(source)) for path in tracked_files() if path.is_relative_to(PACKAGE)
    }


def test_the_wheel_holds_every_file_of_the_package(wheel: zipfile.ZipFile) -> None:
    packed = {name for name in wheel.namelist() if not name.startswith("keyin-")}
    assert packed == _tracked_package_files()


@pytest.mark.parametrize(("folder", "suffix"), DATA.items())
def test_the_wheel_holds_the_data(wheel: zipfile.ZipFile, folder: str, suffix: str) -> None:
    prefix = f"keyin/data/{folder}/"
    assert [n for n in wheel.namelist() if n.startswith(prefix) and n.endswith(suffix)]


def test_the_wheel_holds_the_migrations(wheel: zipfile.ZipFile) -> None:
    names = wheel.namelist()
    assert [n for n in names if n.startswith("keyin/stores/sqlite/") and n.endswith(".sql")]


def test_the_wheel_says_what_it_is(wheel: zipfile.ZipFile) -> None:
    (metadata,) = (n for n in wheel.namelist() if n.endswith(".dist-info/METADATA"))
    said = message_from_string(wheel.read(metadata).decode("utf-8"))
    assert said["Name"] == "keyin"
    assert said["License-Expression"] == "BSD-3-Clause"
    assert said["Requires-Python"] == ">=3.11"
    assert set(said.get_all("Provides-Extra", [])) == {"cloud", "local"}
    assert "keyin" in (said.get_payload() or "")
    (entries,) = (n for n in wheel.namelist() if n.endswith("entry_points.txt"))
    assert "keyin = keyin.cli.main:main" in wheel.read(entries).decode("utf-8")
