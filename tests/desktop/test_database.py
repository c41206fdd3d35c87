"""The real GIO where the desktop's database is locked, out of reach or not there at all."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

from tests.desktop.private import BUS, environment, needs_desktop
from tests.shared_data import REPOSITORY

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = [pytest.mark.desktop, needs_desktop]

MAGNIFIER = "org.gnome.desktop.a11y.magnifier"


def ask(
    env: dict[str, str], *requests: tuple[object, ...], bus: bool = True
) -> list[dict[str, Any]]:
    """Send requests to a process that holds the real role; return its answers."""
    lines = [json.dumps({"op": op, "args": list(args)}) for op, *args in requests]
    done = subprocess.run(
        [*(BUS if bus else ()), sys.executable, "-m", "tests.conformance.gsettings_child"],
        input="\n".join(lines),
        capture_output=True,
        text=True,
        cwd=REPOSITORY,
        env=env,
        timeout=60,
        check=True,
    )
    return [json.loads(line) for line in done.stdout.splitlines()]


WRITE = ("write", MAGNIFIER, {"mag-factor": 2.0, "lens-mode": True})
READ = ("read", MAGNIFIER, "mag-factor")


def test_a_locked_key_is_named_and_nothing_of_the_write_happens(tmp_path: Path) -> None:
    env = environment(tmp_path)
    site = tmp_path / "site.d"
    (site / "locks").mkdir(parents=True)
    (site / "00").write_text("[org/gnome/desktop/a11y/magnifier]\nlens-mode=false\n")
    (site / "locks" / "00").write_text("/org/gnome/desktop/a11y/magnifier/lens-mode\n")
    subprocess.run(["dconf", "compile", tmp_path / "site", site], check=True, env=env)
    (tmp_path / "profile").write_text(f"user-db:user\nfile-db:{tmp_path / 'site'}\n")

    written, read = ask(env | {"DCONF_PROFILE": str(tmp_path / "profile")}, WRITE, READ)

    assert "locked" in written["failed"]
    assert "lens-mode" not in read.get("failed", "")
    assert read["result"] == {"$absent": True}


def test_without_a_bus_a_write_fails_instead_of_being_forgotten(tmp_path: Path) -> None:
    written, read = ask(environment(tmp_path), WRITE, READ, bus=False)
    assert "did not keep" in written["failed"]
    assert read["result"] == {"$absent": True}


def test_what_went_to_another_homes_database_is_taken_back_from_there(tmp_path: Path) -> None:
    """The bus was started with another HOME: writes go to that one's database, reads to ours."""
    theirs, ours = (environment(tmp_path / name) for name in ("theirs", "ours"))
    moved = [f"{name}={value}" for name, value in ours.items() if value != theirs.get(name)]
    child = [sys.executable, "-m", "tests.conformance.gsettings_child"]
    script = 'dconf write /org/gnome/desktop/interface/cursor-size 33; "$@"; dconf dump /'

    done = subprocess.run(
        [*BUS, "sh", "-c", script, "sh", "env", *moved, *child],
        input=json.dumps({"op": WRITE[0], "args": WRITE[1:]}),
        capture_output=True, text=True, cwd=REPOSITORY, env=theirs, timeout=60, check=True,
    )  # fmt: skip

    answer, _, dump = done.stdout.partition("\n")
    assert "did not keep" in json.loads(answer)["failed"]
    assert dump.split() == ["[org/gnome/desktop/interface]", "cursor-size=33"]


def test_values_kept_in_memory_only_are_no_settings(tmp_path: Path) -> None:
    env = environment(tmp_path) | {"GSETTINGS_BACKEND": "memory"}
    (written,) = ask(env, WRITE, bus=False)
    assert "database is not on this computer" in written["failed"]


def test_a_key_file_instead_of_dconf_works_too(tmp_path: Path) -> None:
    env = environment(tmp_path) | {"GSETTINGS_BACKEND": "keyfile"}
    written, read = ask(env, WRITE, READ, bus=False)
    assert written == {"result": None}
    assert read == {"result": 2.0}
