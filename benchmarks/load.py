"""One burst of requests from `wrk` on a core of its own."""

from __future__ import annotations

import json
import re
import subprocess
import tempfile
from dataclasses import dataclass

from processes import pin

RATE = re.compile(r"Requests/sec:\s+([\d.]+)")
LATENCY = re.compile(r"^\s+(50|99)%\s+([\d.]+)(us|ms|s)", re.MULTILINE)
FAILURES = re.compile(r"Non-2xx or 3xx responses:\s+(\d+)|Socket errors:.*")
TO_MS = {"us": 0.001, "ms": 1.0, "s": 1000.0}


@dataclass(frozen=True)
class Request:
    """What is sent, again and again."""

    path: str
    method: str = "GET"
    headers: tuple[tuple[str, str], ...] = ()
    body: str = ""

    def script(self) -> str:
        """Return the same as wrk's Lua."""
        lines = [f"wrk.method = {quoted(self.method)}"]
        lines += [f"wrk.headers[{quoted(name)}] = {quoted(value)}" for name, value in self.headers]
        if self.body:
            lines.append(f"wrk.body = {quoted(self.body)}")
        return "\n".join(lines)


@dataclass(frozen=True)
class Burst:
    """What one burst showed."""

    rate: float
    p50_ms: float
    p99_ms: float


def quoted(text: str) -> str:
    """Return a Lua string; for printable ASCII its escapes are those of JSON."""
    return json.dumps(text)


def burst(url: str, request: Request, *, connections: int, seconds: int, core: int) -> Burst:
    """Send for so many seconds; every answer must be a success."""
    with tempfile.NamedTemporaryFile("w", suffix=".lua") as script:
        script.write(request.script())
        script.flush()
        done = subprocess.run(
            [
                *(*pin(core), "wrk", "-t1", f"-c{connections}", f"-d{seconds}s"),
                *("--latency", "-s", script.name, url + request.path),
            ],
            check=True,
            capture_output=True,
            text=True,
        )
    if failed := FAILURES.search(done.stdout):
        raise RuntimeError(f"{request.method} failed under load: {failed[0]}")
    rate = RATE.search(done.stdout)
    if rate is None:
        raise RuntimeError(done.stdout)
    latency = {which: float(n) * TO_MS[unit] for which, n, unit in LATENCY.findall(done.stdout)}
    return Burst(float(rate[1]), latency["50"], latency["99"])
