"""What nobody foresaw leaves the command as two lines, without a stack and without its text."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import click
import pytest

from keyin.cli.lazy import LazyGroup

SECRET = "carla-and-all-she-needs"


@click.command()
def broken() -> None:
    """Fail with a text that nobody should read."""
    raise ValueError(SECRET)


def test_an_unforeseen_failure_names_its_place_and_not_its_text(
    capsys: pytest.CaptureFixture[str],
) -> None:
    group = LazyGroup(name="keyin", verbs={"broken": f"{__name__}:broken"})
    with pytest.raises(SystemExit) as left:
        group.main(["broken"], prog_name="keyin")
    said = capsys.readouterr()
    assert left.value.code == 1
    assert "ValueError, test_last_door.py:" in said.err
    assert said.out == ""
    assert SECRET not in said.err
    assert "Traceback" not in said.err


@pytest.mark.parametrize("words", [["--help"], ["flow-manager", "serve", "--example"]])
def test_an_output_that_takes_nothing_is_said_so(words: list[str]) -> None:
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "keyin", *words],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
            timeout=60,
        )
    assert done.returncode == 1
    assert done.stderr.startswith("keyin: ")
    assert "Traceback" not in done.stderr
