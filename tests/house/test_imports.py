"""Importing a module does nothing; the local side and the cloud side load without each other."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
import tomllib
from importlib.util import find_spec
from pathlib import Path

import pytest

from tests.house.rules import imported_roots
from tests.house.sources import ROOT, module_name, package_files, tree

PROBE = Path(__file__).with_name("import_probe.py")

BLOCKER = """
import importlib.abc, importlib, sys
class Refuse(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name.split('.')[0] in {blocked!r}:
            raise ModuleNotFoundError(name + ' is not installed on this side', name=name)
sys.meta_path.insert(0, Refuse())
for module in {modules!r}:
    importlib.import_module(module)
"""

SERVER_ONLY = ("starlette", "uvicorn", "uvloop", "httptools")
LOCAL_ONLY = ("httpx", "httpcore")


def _foreign() -> list[str]:
    roots = {
        name for path in package_files() for node in ast.walk(tree(path))
        for name in imported_roots(node)
    }  # fmt: skip
    return sorted(roots - {"keyin"})  # the standard library too: `import ctypes` loads a library


def _layers() -> list[list[str]]:
    """Return our modules by the layers that lint-imports holds them to, the innermost first."""
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]
    (layers,) = (one["layers"] for one in contracts["contracts"] if one["id"] == "layers")
    rooms = [line.split(" | ") for line in reversed(layers)]
    found = [[name for room in line for name in _modules_of(room)] for line in rooms]
    rest = {module_name(path) for path in package_files()}.difference(*found)
    assert rest == {"keyin", "keyin.__main__", *_modules_of("data")}
    return [*found, sorted(rest)]


def _effects(
    layers: list[list[str]], foreign: list[str], path: Path | None = None
) -> dict[str, list[str]]:
    outcome = subprocess.run(
        [sys.executable, "-B", str(PROBE)],
        input=json.dumps({"foreign": foreign, "layers": layers}),
        capture_output=True,
        text=True,
        check=False,
        timeout=100,
        cwd=path,
        env={"PATH": "/usr/bin:/bin", "PYTHONPATH": str(path or "")},
    )
    assert outcome.returncode == 0, outcome.stderr
    found: dict[str, list[str]] = json.loads(outcome.stdout)
    return {module: effects for module, effects in found.items() if effects}


def test_importing_a_module_does_nothing() -> None:
    foreign = [name for name in _foreign() if find_spec(name)]
    assert not _effects(_layers(), foreign)


@pytest.mark.parametrize(
    "source",
    [
        "open('made', 'w')",
        "import socket; socket.socket()",
        "import threading; threading.Thread(target=__import__('time').sleep, args=(1,)).start()",
        "import subprocess; subprocess.run(['true'])",
        "import sqlite3; sqlite3.connect(':memory:')",
        "import os; os.environ['X'] = 'y'",
        "raise SystemExit",
    ],
)
def test_the_probe_sees_an_effect(tmp_path: Path, source: str) -> None:
    (tmp_path / "planted.py").write_text(source)
    assert _effects([["planted"]], [], tmp_path)


def test_the_probe_sees_an_effect_above_a_layer_that_has_none(tmp_path: Path) -> None:
    (tmp_path / "below.py").touch()
    (tmp_path / "above.py").write_text("import below\nopen('made', 'w')")
    assert list(_effects([["below"], ["above"]], [], tmp_path)) == ["above"]


def _loads_without(blocked: tuple[str, ...], modules: list[str]) -> None:
    outcome = _without(blocked, modules)
    assert outcome.returncode == 0, outcome.stderr


def _without(
    blocked: tuple[str, ...], modules: list[str], *command: str
) -> subprocess.CompletedProcess[str]:
    """Import modules, or run the command, where some packages are not installed."""
    program = BLOCKER.format(blocked=blocked, modules=modules)
    if command:
        program += f"sys.argv = {['keyin', *command]!r}\nfrom keyin.cli.main import main; main()"
    return subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False, timeout=60
    )


@pytest.mark.parametrize("blocked", [SERVER_ONLY, LOCAL_ONLY], ids=["local", "cloud"])
@pytest.mark.parametrize("words", [(), ("cloud",), ("requester",), ("flow-manager",)])
def test_help_works_on_either_side(blocked: tuple[str, ...], words: tuple[str, ...]) -> None:
    outcome = _without(blocked, [], *words, "--help")
    assert outcome.returncode == 0, outcome.stderr


def test_a_verb_of_the_other_side_says_what_to_install() -> None:
    outcome = _without(SERVER_ONLY, [], "cloud", "serve", "--data", "x")
    assert outcome.returncode == 3
    assert "keyin[cloud" in outcome.stderr
    assert "Traceback" not in outcome.stderr


def _modules_of(*packages: str) -> list[str]:
    names = [module_name(path) for path in package_files()]
    return [name for name in names if name.startswith(tuple(f"keyin.{p}" for p in packages))]


def test_the_local_side_needs_no_server_package() -> None:
    local = _modules_of(
        "access_requester", "flow_manager", "handlers", "session", "cli.main", "cli.login",
        "cli.requester", "cli.flow_manager",
    )  # fmt: skip
    _loads_without(SERVER_ONLY, local)


def test_the_cloud_side_needs_no_local_package() -> None:
    _loads_without(LOCAL_ONLY, _modules_of("cloud", "oauth", "settings", "cli.cloud", "cli.main"))
