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
FAILURES = re.compile(r"Socket errors:.*")
REFUSED = re.compile(r"Non-2xx or 3xx responses:\s+(\d+)")
COUNTED = re.compile(r"(\d+) requests in ")
TO_MS = {"us": 0.001, "ms": 1.0, "s": 1000.0}
STOCK = """
stock, sent = {}, 0
function init()
  for line in io.lines(%s) do
    local proof, body = line:match("^(%%S*) (.*)$")
    wrk.headers["DPoP"] = proof ~= "-" and proof or nil
    stock[#stock + 1] = wrk.format(nil, nil, nil, body)
  end
end
function request()
  sent = sent + 1
  return stock[(sent - 1) %% #stock + 1]
end
function setup(thread) threads = threads or {}; table.insert(threads, thread) end
function done()
  local thread = threads[1]
  io.write("stock: " .. thread:get("sent") .. " of " .. #thread:get("stock") .. "\\n")
end
"""
USED = re.compile(r"stock: (\d+) of (\d+)")


@dataclass(frozen=True)
class Request:
    """What is sent, again and again."""

    path: str
    method: str = "GET"
    headers: tuple[tuple[str, str], ...] = ()
    body: str = ""
    stock: tuple[tuple[str, str], ...] = ()
    """Proof and body of each request, where no two may be the same; made before the burst."""

    def script(self, stock: str) -> str:
        """Return the same as wrk's Lua; `stock` is the file to put the stock into."""
        lines = [f"wrk.method = {quoted(self.method)}"]
        lines += [f"wrk.headers[{quoted(name)}] = {quoted(value)}" for name, value in self.headers]
        if self.body:
            lines.append(f"wrk.body = {quoted(self.body)}")
        if self.stock:
            lines.append(STOCK % quoted(stock))
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


def burst(
    url: str,
    request: Request,
    *,
    connections: int,
    seconds: int,
    core: int,
    refused: bool | None = False,
) -> Burst:
    """Send for so many seconds; every answer must be a success, or a refusal, or (None) either."""
    with (
        tempfile.NamedTemporaryFile("w", suffix=".lua") as script,
        tempfile.NamedTemporaryFile("w", suffix=".txt") as stock,
    ):
        stock.writelines(f"{proof} {body}\n" for proof, body in request.stock)
        stock.flush()
        script.write(request.script(stock.name))
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
    check(done.stdout, refused=refused)
    rate = RATE.search(done.stdout)
    if rate is None:
        raise RuntimeError(done.stdout)
    latency = {which: float(n) * TO_MS[unit] for which, n, unit in LATENCY.findall(done.stdout)}
    return Burst(float(rate[1]), latency["50"], latency["99"])


def check(told: str, *, refused: bool | None) -> None:
    """Raise where the burst was not what it was to be."""
    if failed := FAILURES.search(told):
        raise RuntimeError(f"failed under load: {failed[0]}")
    if refused is None:
        return
    used = USED.search(told)
    if used and int(used[1]) > int(used[2]):
        raise RuntimeError(f"the stock was too small: {used[0]}")
    found = REFUSED.search(told)
    count = int(found[1]) if found else 0
    total = COUNTED.search(told)
    if count != (int(total[1]) if refused and total else 0):
        raise RuntimeError(f"{count} refusals in: {told}")
