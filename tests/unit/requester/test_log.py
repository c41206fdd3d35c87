"""A log line is one line, of known fields, whatever goes in (P77, P91)."""

from __future__ import annotations

import io
import json
from typing import TYPE_CHECKING

import pytest
import structlog
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from keyin.domain.secret import Secret
from keyin.remote.log import FIELDS, configure_logging, line

if TYPE_CHECKING:
    from collections.abc import Iterator

TEXT = st.text(st.characters(codec=None))
EVIL = 'x\r\n{"level":"error","event":"forged"}\x1b[31m\u2028\x9b31m'


@pytest.fixture
def printed() -> Iterator[io.StringIO]:
    stream = io.StringIO()
    configure_logging("test", stream=stream)
    yield stream
    structlog.reset_defaults()


def test_p77_no_input_forges_a_second_entry(printed: io.StringIO) -> None:
    structlog.get_logger().info(EVIL, reason=EVIL, status=200, key="canary", settings={"a": 1})
    text = printed.getvalue()
    assert text.endswith("}\n")
    assert len(text.splitlines()) == 1
    assert text[:-1].isprintable()
    entry = json.loads(text)
    assert entry["level"] == "info"
    assert entry["status"] == 200
    assert entry["process"] == "test"
    assert "canary" not in text
    assert set(entry) <= FIELDS


def test_p91_secrets_do_not_print_even_under_a_listed_name(printed: io.StringIO) -> None:
    structlog.get_logger().error("e", reason=Secret("canary"), error=ValueError("canary"))
    assert "canary" not in printed.getvalue()
    assert json.loads(printed.getvalue())["reason"] == "<Secret>"


@settings(suppress_health_check=[HealthCheck.too_slow])  # its table of characters, made once
@given(st.dictionaries(st.sampled_from([*sorted(FIELDS), "other"]), TEXT | st.integers()))
def test_p77_any_fields_give_one_printable_line(fields: dict[str, str | int]) -> None:
    text = line(dict(fields))
    assert len(text.splitlines()) == 1
    assert set(json.loads(text)) == set(fields) - {"other"}
