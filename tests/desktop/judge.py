"""Judges from outside whether a key-in did to a GNOME desktop what the registry's text says.

Imports nothing of keyin: it reads registries and preference sets with a JSON5 reader of its own,
works out the expected values with a small program of its own, and looks at the desktop with the
commands `gsettings` and `dconf`. It must run inside the desktop session that it judges.

    python -m tests.desktop.judge plan --registry FILE SET...    which solutions and sets count
    ... before  --state FILE --home DIR                          remember how everything is
    ... during  --state FILE --registry FILE --report FILE SET   is it as it should be?
    ... after   --state FILE --home DIR                          is it as it was?
    ... summary --report FILE                                    what was written, set by set

Exit code 0: as it should be; 1: not, with the reasons on stdout. The whole report, anew:

    KEYIN_PEOPLE_REPORT=report.jsonl pytest -q tests/desktop/test_people.py
    python -m tests.desktop.judge summary --report report.jsonl
"""

from __future__ import annotations

import argparse
import ast
import hashlib
import json
import math
import re
import sys
from pathlib import Path
from typing import Any

from tests.desktop.expectations import expect, installed, output, read_json5

REACHED = (
    "org.gnome.desktop.a11y.magnifier",
    "org.gnome.desktop.a11y.keyboard",
    "org.gnome.desktop.a11y.applications",
    "org.gnome.desktop.interface",
)
NOT_WATCHED = {".config/dconf", ".local/state", ".cache", "run"}


def say(line: str) -> None:
    """Print a line."""
    sys.stdout.write(line + "\n")


def desktop() -> dict[str, Any]:
    """Return the values that programs see now, of the four schemas."""
    values: dict[str, Any] = {}
    for schema in REACHED:
        for line in output("gsettings", "list-recursively", schema).splitlines():
            _, key, text = line.split(" ", 2)
            values[f"{schema} {key}"] = variant(text)
    return values


def variant(text: str) -> Any:
    """Read GVariant text of the types that these schemas have."""
    text = re.sub(r"^(?:u?int\d+|double|byte|@\w+) ", "", text)
    return (
        {"true": True, "false": False}[text]
        if text in ("true", "false")
        else ast.literal_eval(text)
    )


def same(left: Any, right: Any) -> bool:
    """Compare values; numbers to nine digits, and a boolean is no number."""
    if isinstance(left, bool) or isinstance(right, bool):
        return left is right
    if isinstance(left, int | float) and isinstance(right, int | float):
        return math.isclose(left, right, rel_tol=1e-9)
    return bool(left == right)


def dump() -> str:
    """Return everything that was ever set and not reset."""
    return output("dconf", "dump", "/")


def set_keys(text: str) -> dict[str, str]:
    """Return a dump as `/path/key` to its text."""
    found: dict[str, str] = {}
    folder = ""
    for line in text.splitlines():
        if line.startswith("["):
            folder = line[1:-1]
        elif "=" in line:
            key, value = line.split("=", 1)
            found[f"/{folder}/{key}"] = value
    return found


def watched(home: Path) -> dict[str, Any]:
    """Return every file of the person's with its bytes (as a digest), mode, owner and times."""
    facts: dict[str, Any] = {}
    for path in sorted(home.rglob("*")):
        name = str(path.relative_to(home))
        if any(name == skip or name.startswith(skip + "/") for skip in NOT_WATCHED):
            continue
        if path.is_file() and not path.is_symlink():
            found = path.stat()
            digest = hashlib.sha256(path.read_bytes()).hexdigest()
            facts[name] = [digest, found.st_mode, found.st_uid, found.st_gid, found.st_mtime_ns]
    return facts


def plan(options: argparse.Namespace) -> list[str]:
    """Print the solutions of this computer and the sets that reach the four schemas."""
    registry = read_json5(options.registry)
    sets = []
    for path in options.sets:
        reached = {key.split(" ")[0] for key in expect(registry, read_json5(path)).keys}
        if reached & set(REACHED):
            sets.append(path.stem)
    say(json.dumps({"solutions": installed(registry), "sets": sets}))
    return []


def before(options: argparse.Namespace) -> list[str]:
    """Remember the desktop and the files."""
    state = {"dump": dump(), "desktop": desktop(), "files": watched(options.home)}
    options.state.write_text(json.dumps(state))
    return []


def during(options: argparse.Namespace) -> list[str]:
    """Compare the desktop with what the set should have made of it."""
    state, now, dumped = json.loads(options.state.read_text()), desktop(), dump()
    faults: list[str] = []
    path = options.sets[0]
    expected = expect(read_json5(options.registry), read_json5(path))
    for key, value in expected.keys.items():
        if not same(now.get(key), value):
            faults.append(f"{path.stem}: {key} is {now.get(key)!r}, expected {value!r}")
    changed = [key for key, value in now.items() if not same(state["desktop"][key], value)]
    faults += [f"{path.stem}: {key} changed unasked" for key in changed if key not in expected.keys]
    old = set_keys(state["dump"])
    entry = {
        "set": path.stem,
        "solutions": expected.solutions,
        "expected": expected.keys,
        "written": {k: v for k, v in set_keys(dumped).items() if old.get(k) != v},
        "untaken": expected.untaken,
        "faults": faults,
    }
    with options.report.open("a") as report:
        report.write(json.dumps(entry) + "\n")
    return faults


def after(options: argparse.Namespace) -> list[str]:
    """Compare the desktop and the files with what they were before."""
    state = json.loads(options.state.read_text())
    faults = []
    if dump() != state["dump"]:
        faults.append(f"dconf dump / differs:\n{state['dump']}\n---\n{dump()}")
    files = watched(options.home)
    names = sorted(files.keys() | state["files"].keys())
    faults += [f"{n}: not as before" for n in names if files.get(n) != state["files"].get(n)]
    return faults


def summary(options: argparse.Namespace) -> list[str]:
    """Print what was written and what nothing took, set by set."""
    entries = [json.loads(line) for line in options.report.read_text().splitlines()]
    faults = [fault for entry in entries for fault in entry["faults"]]
    for entry in entries:
        say(f"{entry['set']}: {', '.join(entry['solutions'])}")
        for key, value in entry["written"].items():
            say(f"    wrote {key} = {value}")
        already = len(entry["expected"]) - len(entry["written"])
        if already > 0:
            say(f"    already so: {already}")
        for item in entry["untaken"]:
            say(f"    nothing took {item}")
    written = sum(len(entry["written"]) for entry in entries)
    say(f"{len(entries)} sets, {written} keys written, {len(faults)} faults")
    return faults


def main() -> int:
    """Do one of the five."""
    verbs = {"plan": plan, "before": before, "during": during, "after": after, "summary": summary}
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("verb", choices=verbs)
    parser.add_argument("sets", nargs="*", type=Path)
    for name in ("registry", "state", "report", "home"):
        parser.add_argument(f"--{name}", type=Path)
    options = parser.parse_intermixed_args()
    faults = verbs[options.verb](options)
    for fault in faults:
        say(fault)
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
