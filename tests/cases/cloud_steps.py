"""Reads the cases of `cloud.json`: templates in, expectations out."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from tests.shared_data import CASES

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from tests.cloud_process import Reply

GROUPS = (
    "access_token", "settings-get", "settings-put", "status", "preferences", "split-deployment",
)  # fmt: skip


def load() -> dict[str, Any]:
    file = CASES / "cloud.json"
    loaded: dict[str, Any] = json.loads(file.read_text("utf-8")) if file.is_file() else {}
    return loaded


def fill(value: Any, saved: Mapping[str, str]) -> Any:
    """Replace `{{name}}` and `{{x*N}}` in every text."""
    if isinstance(value, dict):
        return {fill(name, saved): fill(inner, saved) for name, inner in value.items()}
    if isinstance(value, list):
        return [fill(inner, saved) for inner in value]
    if not isinstance(value, str):
        return value
    return re.sub(r"\{\{([^}]+)\}\}", lambda found: _template(found[1], saved), value)


def _template(name: str, saved: Mapping[str, str]) -> str:
    repeated = re.fullmatch(r"x\*(\d+)", name)
    return "x" * int(repeated[1]) if repeated else saved[name]


def device_template(loaded: Mapping[str, Any]) -> str:
    return quote(json.dumps(loaded["device_linux"], separators=(",", ":")), safe="")


def check(reply: Reply, expect: Mapping[str, Any], saved: Mapping[str, str]) -> None:
    """Compare one reply with what the case says; every kind of expectation is known here."""
    for kind, wanted in expect.items():
        CHECKS[kind](reply, wanted, expect, saved)


def subset(wanted: Any, found: Any) -> bool:
    if isinstance(wanted, dict) and isinstance(found, dict):
        return all(name in found and subset(value, found[name]) for name, value in wanted.items())
    return bool(wanted == found)


def _status(reply: Reply, wanted: int, *_: object) -> None:
    assert reply.status == wanted, reply.body[:300]


def _text(reply: Reply, wanted: str, *_: object) -> None:
    assert reply.body.decode() == wanted


def _absent(reply: Reply, wanted: list[str], *_: object) -> None:
    assert not set(wanted) & set(reply.headers)


def _equals(reply: Reply, wanted: object, *_: object) -> None:
    assert reply.json == wanted


def _subset(reply: Reply, wanted: object, *_: object) -> None:
    assert subset(wanted, reply.json), reply.body[:600]


def _exact(reply: Reply, wanted: list[str], expect: Mapping[str, Any], _: object) -> None:
    for name in wanted:
        assert reply.json[name] == expect["json_subset"][name]


def _keys(reply: Reply, wanted: list[str], *_: object) -> None:
    assert set(reply.json) == set(wanted)


def _has_keys(reply: Reply, wanted: list[str], *_: object) -> None:
    assert set(wanted) <= set(reply.json)


def _match(reply: Reply, wanted: Mapping[str, str], *_: object) -> None:
    for name, pattern in wanted.items():
        assert re.search(pattern, reply.json[name]), reply.json[name]


def _differs(reply: Reply, wanted: Mapping[str, str], _: object, saved: Mapping[str, str]) -> None:
    for name, other in wanted.items():
        assert reply.json[name] != saved[other]


def _data_path(reply: Reply, wanted: list[str], *_: object) -> None:
    assert reply.json["errors"][0]["dataPath"] == wanted


def _nonempty(reply: Reply, wanted: list[str], *_: object) -> None:
    assert all(reply.json[name] for name in wanted)


CHECKS: dict[str, Callable[[Reply, Any, Mapping[str, Any], Mapping[str, str]], None]] = {
    "status": _status,
    "text_equals": _text,
    "header_absent": _absent,
    "json_equals": _equals,
    "json_subset": _subset,
    "json_exact_paths": _exact,
    "json_equals_keys": _keys,
    "json_has_keys": _has_keys,
    "json_match": _match,
    "json_differs": _differs,
    "json_errors_datapath": _data_path,
    "json_nonempty": _nonempty,
}
