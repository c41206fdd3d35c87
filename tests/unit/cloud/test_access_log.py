"""One line a request: templates, never paths; valid JSON, of the fields that may be logged."""

from __future__ import annotations

import asyncio
import io
import json

from keyin.cloud import routes
from keyin.cloud.access_log import DELAY_S, MOST_WAITING, AccessLog
from keyin.cloud.answers import Answer
from keyin.cloud.errors import NOT_FOUND
from keyin.domain.environment import Millis
from keyin.remote.log import FIELDS

NOW = Millis(1_700_000_000_042)


async def test_lines_are_written_together_a_moment_later() -> None:
    stream = io.StringIO()
    log = AccessLog(stream)
    log.request(routes.QUERY, Answer(200, b"{}"), request_id="abcdefgh", now=NOW, ms=1.23456)
    log.request(None, NOT_FOUND, request_id="ijklmnop", now=NOW, ms=0)
    assert stream.getvalue() == ""
    await asyncio.sleep(DELAY_S * 1.5)
    first, second = (json.loads(line) for line in stream.getvalue().splitlines())
    assert first.keys() == second.keys() <= FIELDS
    assert first["route"] == "/{key}/settings/{device}"
    assert (first["ms"], first["ts"]) == (1.235, "2023-11-14T22:13:20.042Z")
    assert (second["method"], second["route"], second["reason"]) == ("*", "*", "not_found")


async def test_many_lines_do_not_wait() -> None:
    stream = io.StringIO()
    log = AccessLog(stream)
    for _ in range(MOST_WAITING):
        log.request(routes.TOKEN, Answer(503, b""), request_id="abcdefgh", now=NOW, ms=1)
    lines = stream.getvalue().splitlines()
    assert len(lines) == MOST_WAITING
    assert json.loads(lines[0])["level"] == "error"
