"""Start to ready, memory, and one key-in end to end, of the three real processes."""

from __future__ import annotations

import os
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cores import server_core
from figures import spread
from processes import memory_mb

from keyin.cli.demo_world import PACKAGE_DATA, World, configure_requester, enrol, make
from keyin.cli.processes import cloud_started, run, started

if TYPE_CHECKING:
    from collections.abc import Iterator

    from keyin.cli.processes import Started

ROUNDS = 5
KEY_INS = 5  # the access requester lets 20 requests through at once, and each takes three
PARTS = ("cloud", "requester", "flow_manager")


def one_key_in() -> dict[str, Any]:
    """Measure a demonstration's three processes, on one core, while they key in and out.

    Seconds and megabytes, each with its least, its median and its most.
    """
    allowed = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {server_core()})  # and whatever is started
    try:
        rounds = [_round() for _ in range(ROUNDS)]
    finally:
        os.sched_setaffinity(0, allowed)
    found: dict[str, Any] = {
        part: {name: spread([one[part][name] for one in rounds]) for name in rounds[0][part]}
        for part in PARTS
    }
    every = [seconds for one in rounds for seconds in one["key_in_with_command_s"]]
    return found | {"key_in_with_command_s": spread(every)}


def _round() -> dict[str, Any]:
    with tempfile.TemporaryDirectory(prefix="keyin-bench-") as folder, ExitStack() as stack:
        world = make(Path(folder))
        enrol(world)
        found: dict[str, Any] = {}

        def running(name: str, began: float, process: Started) -> str:
            ready = round(time.perf_counter() - began, 3)
            found[name] = {"ready_s": ready, "pid": process.process.pid}
            return process.url

        def start(name: str, *arguments: object) -> str:
            began = time.perf_counter()
            one = started(*arguments, environment=world.environment())
            return running(name, began, stack.enter_context(one))

        began = time.perf_counter()
        cloud = stack.enter_context(cloud_started("--data", world.cloud_data))
        url = running("cloud", began, cloud)
        configuration = configure_requester(world, url)
        socket = start("requester", "requester", "serve", "--config", configuration)
        start(
            "flow_manager",
            *("flow-manager", "serve", "--cloud", url),
            *("--requester", socket.removeprefix("unix:")),
            *("--device-report", world.device_report, "--solutions", PACKAGE_DATA / "solutions"),
        )
        found["key_in_with_command_s"] = list(_key_ins(world))
        for part in PARTS:
            found[part] |= memory_mb(found[part].pop("pid"))
        return found


def _key_ins(world: World) -> Iterator[float]:
    """Yield the seconds of `keyin login` as a person waits for it, command start included."""
    for _ in range(KEY_INS):
        began = time.perf_counter()
        done = run("login", "-", stdin=world.key.reveal(), environment=world.environment())
        yield time.perf_counter() - began
        if done.returncode:
            raise RuntimeError(done.stderr)
        run("logout", environment=world.environment())


def told(found: dict[str, Any]) -> Iterator[str]:
    """Yield what was measured as lines for people."""
    columns = (("ready s", "ready_s"), ("RSS MB", "rss_mb"), ("USS MB", "uss_mb"))
    yield f"{'process':<14}" + "".join(f"{title:>26}" for title, _ in columns)
    for part in PARTS:
        yield f"{part:<14}" + "".join(f"{_text(found[part][name]):>26}" for _, name in columns)
    yield f"one key-in with its command, s: {_text(found['key_in_with_command_s'])}"


def _text(one: dict[str, float]) -> str:
    return f"{one['median']:g} ({one['min']:g}-{one['max']:g})"
