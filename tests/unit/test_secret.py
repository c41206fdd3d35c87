"""A secret refuses every way out but `reveal()`."""

from __future__ import annotations

import copy
import json
import logging
import pickle
from typing import TYPE_CHECKING

import pytest

from keyin.domain.secret import AccessToken, GpiiKey, Secret, equal

if TYPE_CHECKING:
    from collections.abc import Callable

CANARY = "canary-0af1"


@pytest.mark.parametrize(
    "way_out",
    [str, "{}".format, lambda s: f"{s}", lambda s: "%s" % s, pickle.dumps, json.dumps],  # noqa: UP031 - the old form must refuse too
    ids=["str", "format", "f-string", "percent", "pickle", "json"],
)
def test_secret_refuses(way_out: Callable[[Secret], object]) -> None:
    with pytest.raises(TypeError) as refusal:
        way_out(GpiiKey(CANARY))
    assert CANARY not in str(refusal.value)


def test_repr_is_a_fixed_word() -> None:
    assert repr(GpiiKey(CANARY)) == "<GpiiKey>"


def test_logging_a_secret_shows_nothing(caplog: pytest.LogCaptureFixture) -> None:
    logging.getLogger("t").warning("%r", AccessToken(CANARY))
    assert CANARY not in caplog.text


def test_equality_needs_the_same_kind_and_text() -> None:
    assert GpiiKey("a") == GpiiKey("a")
    assert GpiiKey("a") != GpiiKey("b")
    assert GpiiKey("a") != AccessToken("a")
    assert copy.deepcopy(GpiiKey("a")) == GpiiKey("a")


def test_secret_is_no_dictionary_key() -> None:
    with pytest.raises(TypeError):
        hash(GpiiKey("a"))


def test_equal_takes_lone_surrogates() -> None:
    assert equal("\ud800", "\ud800")
    assert not equal("\ud800", "x")
