"""Run in a fresh interpreter: imports each module named on stdin and reports what it did.

Foreign packages are loaded first, then every module of ours in a fork of its own, layer by layer of
the rooms: each is imported into an interpreter that has seen the layers below its own, which it may
import and which were found to do nothing, and no other module. Not a test; test_imports.py runs it.
"""

from __future__ import annotations

import importlib
import json
import os
import sys
import threading

WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
EFFECTS = (
    "socket.", "subprocess.", "os.system", "os.exec", "os.fork", "os.posix_spawn", "os.mkdir",
    "os.rename", "os.remove", "os.rmdir", "os.chmod", "os.chown", "os.putenv", "os.unsetenv",
    "ctypes.dlopen", "sqlite3.connect", "signal.", "fcntl.", "shutil.", "tempfile.",
    "_thread.start_new_thread",
)  # fmt: skip

effects: list[str] = []
watching = False


def hook(event: str, args: tuple[object, ...]) -> None:
    """Remember the events that change something outside the interpreter."""
    if not watching:
        return
    writes = event == "open" and len(args) > 2 and isinstance(args[2], int) and args[2] & WRITING
    if writes or event.startswith(EFFECTS):
        effects.append(f"{event} {args[:1]}")


def probe(module: str) -> list[str]:
    """Import one module in a child process; return what it did."""
    global watching  # noqa: PLW0603 - the audit hook has no other way to know
    read, write = os.pipe()
    if (child := os.fork()) == 0:
        watching = True
        try:
            importlib.import_module(module)
        except BaseException as error:  # noqa: BLE001 - the parent reports whatever it was
            effects.append(f"raised {error!r}")
        watching = False
        if threading.active_count() > 1:
            effects.append("started a thread")
        os.write(write, json.dumps(effects).encode())
        os._exit(0)
    os.close(write)
    with os.fdopen(read, "rb") as answer:
        found: list[str] = json.loads(answer.read() or b'["ended the process"]')
    os.waitpid(child, 0)
    return found


def main() -> None:
    """Read {"foreign": [...], "layers": [[...], ...]}, write {module: [effect, ...]}."""
    job = json.load(sys.stdin)
    for name in job["foreign"]:
        importlib.import_module(name)
    sys.addaudithook(hook)
    found: dict[str, list[str]] = {}
    for layer in job["layers"]:
        found |= {module: probe(module) for module in layer}
        if any(found.values()):
            break
        for module in layer:
            importlib.import_module(module)
    json.dump(found, sys.stdout)


if __name__ == "__main__":
    main()
