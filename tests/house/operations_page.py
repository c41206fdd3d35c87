"""A page of docs/operations as a test runs it: its blocks in order, at places of the test's own."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tests.house.sources import ROOT
from tests.started import run

if TYPE_CHECKING:
    from collections.abc import Mapping

_BLOCK = re.compile(r"^```(\w+)\n(.*?)^```", re.DOTALL | re.MULTILINE)


@dataclass
class Page:
    """Each block is taken once; what is left over at the end was not tried."""

    name: str
    places: Mapping[str, str] = field(default_factory=dict)
    environment: Mapping[str, str] = field(default_factory=dict)
    section: tuple[str | None, str | None] = (None, None)
    """From this heading on, and up to that one."""

    def __post_init__(self) -> None:
        text = (ROOT / "docs" / "operations" / self.name).read_text(encoding="utf-8")
        begin, end = self.section
        text = text[text.index(begin) if begin else 0 : text.index(end) if end else None]
        self._blocks = [(match[1], match[2]) for match in _BLOCK.finditer(text)]

    @property
    def left(self) -> int:
        return len(self._blocks)

    def block(self, language: str) -> str:
        """Return the next block, which must be in this language, at our places."""
        found, text = self._blocks.pop(0)
        assert found == language, text
        for old, new in self.places.items():
            text = text.replace(old, new)
        return text

    def commands(self) -> list[list[str]]:
        """Return the next block's commands."""
        return [shlex.split(line) for line in self.block("sh").splitlines()]

    def run(self, *, stdin: str = "") -> list[str]:
        """Run the next block; return what each command says."""
        return [self.one(words, stdin=stdin) for words in self.commands()]

    def one(self, words: list[str], *, stdin: str = "") -> str:
        """Run a command, ours with this interpreter; it must end well."""
        if words[0] == "keyin":
            done = run(*words[1:], stdin=stdin)
        else:
            done = subprocess.run(
                words,
                check=False,
                input=stdin,
                capture_output=True,
                text=True,
                timeout=100,
                env={**os.environ, **self.environment},
                start_new_session=True,  # no terminal: a password is read from the pipe
            )
        assert done.returncode == 0, (words, done.stdout, done.stderr)
        return done.stdout


def until(condition: object, seconds: float = 10.0) -> None:
    """Wait for it, not for ever."""
    assert callable(condition)
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.05)
