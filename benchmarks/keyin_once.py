"""Start to ready, memory, and one key-in end to end, of the three real processes."""

from __future__ import annotations

import statistics
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

from processes import memory_mb

from keyin.cli.demo_world import PACKAGE_DATA, World, configure_requester, enrol, make
from keyin.cli.processes import cloud_started, run, started

if TYPE_CHECKING:
    from keyin.cli.processes import Started

KEY_INS = 7  # the access requester lets 20 requests through at once, and each takes three


def one_key_in() -> dict[str, Any]:
    """Measure a demonstration's three processes while they key in and out."""
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
        found["key_in_with_command_s"] = key_ins(world)
        for name in ("cloud", "requester", "flow_manager"):
            found[name] |= memory_mb(found[name].pop("pid"))
        return found


def key_ins(world: World) -> dict[str, float]:
    """Return the seconds of `keyin login` as a person waits for it, command start included."""
    seconds = []
    for _ in range(KEY_INS):
        began = time.perf_counter()
        done = run("login", "-", stdin=world.key.reveal(), environment=world.environment())
        seconds.append(time.perf_counter() - began)
        if done.returncode:
            raise RuntimeError(done.stderr)
        run("logout", environment=world.environment())
    return {
        "min": round(min(seconds), 3),
        "median": round(statistics.median(seconds), 3),
        "max": round(max(seconds), 3),
    }
