"""Starts the real processes of keyin for a test, waits until they are ready, and ends them.

    with started("cloud", "serve", "--data", data, "--listen", "127.0.0.1:0") as cloud:
        httpx.get(cloud.url + "/health")
    assert canary not in cloud.output

The same starter that the demonstration uses, under the name that tests look for.
"""

from __future__ import annotations

from keyin.cli.processes import Started, run, started

__all__ = ["Started", "run", "started"]
