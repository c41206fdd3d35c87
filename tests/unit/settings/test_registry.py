"""Registries by the digest of their text, and what is remembered of the devices that ask."""

from __future__ import annotations

import json
from hashlib import sha256

import msgspec
import pytest

from keyin.settings.errors import Rejected, Why
from keyin.settings.registry import DEVICES_REMEMBERED, LONGEST_REMEMBERED, Registries

LINUX = msgspec.json.encode({"z.last": {"name": "Z"}, "a.first": {"name": "A"}})


def report(*solutions: str, os: str = "linux") -> str:
    return json.dumps({"OS": {"id": os}, "solutions": [{"id": name} for name in solutions]})


def test_a_registry_is_named_by_the_text_that_was_kept_order_and_all() -> None:
    registries = Registries.read([("linux", LINUX), ("win32", b"{}")])
    digest = sha256(LINUX).hexdigest()
    assert registries.documents[digest] == LINUX
    assert len(registries.documents) == 2
    found = registries.installed(report("a.first", "z.last"))
    assert found.registry == digest
    assert [one.id for one in found.solutions] == ["z.last", "a.first"]
    assert registries.installed(report(os="plan9")).registry is None


def test_the_same_text_for_two_systems_is_kept_once() -> None:
    registries = Registries.read([("linux", LINUX), ("other", LINUX)])
    assert list(registries.documents) == [sha256(LINUX).hexdigest()]


def test_p82_what_is_remembered_of_devices_has_a_bound() -> None:
    registries = Registries.read([("linux", LINUX)])
    long = report("x" * LONGEST_REMEMBERED)
    assert registries.installed(long) is not registries.installed(long)
    short = report("a.first")
    assert registries.installed(short) is registries.installed(short)
    for number in range(2 * DEVICES_REMEMBERED):
        registries.installed(report(str(number)))
    assert registries._remembered.cache_info().currsize == DEVICES_REMEMBERED


def test_what_is_no_json_is_no_device() -> None:
    with pytest.raises(Rejected) as refused:
        Registries.read([]).installed("{")
    assert refused.value.why is Why.DEVICE_UNREADABLE
