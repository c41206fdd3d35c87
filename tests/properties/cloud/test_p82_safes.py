"""P82: no client makes later requests dearer than its own, nor an answer very long."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from keyin.settings.payload import MOST_NAMED
from keyin.settings.room import MOST_BYTES, MOST_CONTEXTS
from tests.cloud_documents import FREE, LINUX, MAKER, SECRET, everything
from tests.cloud_process import import_documents, serving

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.cloud_process import Cloud, Reply

KIB = 1024


@pytest.fixture(scope="module")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    data = tmp_path_factory.mktemp("grown") / "data"
    import_documents(data, everything())
    with serving(data) as running:
        yield running


@pytest.fixture
def token(cloud: Cloud) -> str:
    issued: str = cloud.token("bob", (FREE, SECRET)).json["access_token"]
    return issued


def save(cloud: Cloud, token: str, contexts: object, key: str = "bob") -> Reply:
    return cloud.save(key, token, {"contexts": contexts})


def test_p82_a_safe_does_not_grow_without_end(cloud: Cloud, token: str) -> None:
    """Merging deletes nothing, so many small saves would make one large safe."""
    answers = [
        save(cloud, token, {"large": {"preferences": {f"t{number}": "x" * 400 * KIB}}}).status
        for number in range(4)
    ]
    assert answers == [200, 200, 413, 413]
    assert len(cloud.settings("bob", token, LINUX).body) < MOST_BYTES
    assert save(cloud, token, {"large": {"preferences": {"t0": "short again"}}}).status == 200


def test_p82_a_safe_has_a_limited_number_of_sets(cloud: Cloud, token: str) -> None:
    many: dict[str, object] = {
        f"set {number}": {"preferences": {}} for number in range(MOST_CONTEXTS + 1)
    }
    reply = save(cloud, token, many)
    assert (reply.status, reply.json["isError"]) == (413, True)
    maker = cloud.token("brand new", (MAKER, SECRET)).json["access_token"]
    assert save(cloud, maker, many, key="brand new").status == 413
    assert save(cloud, maker, {"one": {"preferences": {}}}, key="brand new").status == 200


def test_p82_a_refusal_names_a_limited_number_of_errors(cloud: Cloud, token: str) -> None:
    reply = save(cloud, token, dict.fromkeys(map(str, range(50_000)), 1))
    assert reply.status == 400
    assert len(json.loads(reply.body)["errors"]) == MOST_NAMED


@pytest.mark.parametrize("element", ["[]", "{}", "[" * 26 + "]" * 26])
def test_p82_small_objects_without_number_are_refused(
    cloud: Cloud, token: str, element: str
) -> None:
    """A megabyte of brackets took seconds of the one thread."""
    value = "[" + ",".join([element] * (1000 * KIB // (len(element) + 1))) + "]"
    reply = cloud.request(
        "PUT",
        "/bob/settings",
        headers={"Authorization": f"Bearer {token}", "Content-Type": "application/json"},
        body='{"contexts":{"c":{"preferences":{"x":' + value + "}}}}",
    )
    assert reply.status == 400
