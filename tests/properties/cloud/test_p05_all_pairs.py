"""P5: keys that look alike are all there, and a token for one opens that one and no other."""

from __future__ import annotations

import itertools
import json
from typing import TYPE_CHECKING
from urllib.parse import quote

import pytest

from tests.cloud_documents import FREE, SECRET, everything, key, preferences, safe
from tests.cloud_process import Cloud, import_documents, serving
from tests.oauth_client import ISSUER, Computer, registered

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

ALIKE = (
    "anne", "Anne", "ANNE", "anne ", " anne", "ann\u0435", "\uff41nne", "anne\u200b", "\u202eanne",
    "ann\u00e9", "anne\u0301", "\u00c5nne", "A\u030anne", "\u212bnne", "%61nne", "anne%20",
    "anne%00", "anne/", "anne/settings", "../anne", "anne?x", "anne#x", "anne;x", "anne\u0130",
    "\U0001f511anne", "anne'--", 'anne"', "anne\\", "anne\r\n", "anne\t",
)  # fmt: skip
"""Case, spaces, look-alikes, both normal forms, escapes, what means something in an address."""


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("alike") / "data"
    papers = [*everything()]
    for number, name in enumerate(ALIKE):
        papers += [key(name), safe(name, preferences(volume=number))]
    report = import_documents(folder, papers)
    assert not report.get("refused"), report
    return folder


@pytest.fixture(scope="module")
def desk(data: Path) -> Computer:
    return registered(data)


@pytest.fixture(scope="module")
def cloud(data: Path, desk: Computer) -> Iterator[Cloud]:
    assert desk.client_id
    with serving(data, "--issuer", ISSUER) as running:
        yield running


@pytest.fixture(scope="module")
def tokens(cloud: Cloud) -> dict[str, str]:
    return {
        name: cloud.token(name, (FREE, SECRET)).json["access_token"] for name in ("alice", *ALIKE)
    }


def everywhere(name: str) -> tuple[str, ...]:
    """Spell a name in an address: as little escaped as may be, and all of it, in either case."""
    escaped = "".join(f"%{byte:02X}" for byte in name.encode())
    return quote(name, safe=""), quote(name, safe="!$&'()*+,;=:@~"), escaped, escaped.lower()


def test_p05_of_all_pairs_a_token_opens_its_own_key_only(
    cloud: Cloud, tokens: dict[str, str]
) -> None:
    for (mine, token), other in itertools.product(tokens.items(), ALIKE):
        bearer = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
        path = f"/{quote(other, safe='')}/settings"
        assert cloud.request("GET", f"{path}/%7B%7D", headers=bearer).status == (
            200 if mine == other else 401
        ), (mine, other)
        if mine != other:
            save = json.dumps(preferences(volume=1))
            assert cloud.request("PUT", path, headers=bearer, body=save).status == 401


def test_p05_however_an_address_is_spelled_it_is_one_key(
    cloud: Cloud, tokens: dict[str, str]
) -> None:
    for name, stranger in zip(ALIKE, ("alice", *ALIKE), strict=False):
        for spelled in everywhere(name):
            for whose, status in ((name, 200), (stranger, 401)):
                bearer = {"Authorization": f"Bearer {tokens[whose]}"}
                reply = cloud.request("GET", f"/{spelled}/settings/%7B%7D", headers=bearer)
                assert reply.status == status, (spelled, whose)


def test_p05_a_bound_token_without_a_key_in_the_address_writes_to_its_own_safe(
    cloud: Cloud, desk: Computer
) -> None:
    before = {one["_id"]: one for one in cloud.documents() if one["type"] == "prefsSafe"}
    writer = registered_writer(cloud, desk)
    token = writer.token(cloud, "Anne")
    headers = {
        "Authorization": f"DPoP {token}",
        "DPoP": writer.proof("PUT", ISSUER + "/settings", token),
        "Content-Type": "application/json",
    }
    empty = json.dumps({"contexts": {"more": {"preferences": {}}}})
    assert cloud.request("PUT", "/settings", headers=headers, body=empty).status == 200
    after = {one["_id"]: one for one in cloud.documents() if one["type"] == "prefsSafe"}
    changed = [name for name in before if before[name]["preferences"] != after[name]["preferences"]]
    (key_document,) = (one for one in cloud.documents() if one["_id"] == "Anne")
    assert changed == [key_document["prefsSafeId"]]


def registered_writer(cloud: Cloud, desk: Computer) -> Computer:
    """Give the same computer a nonce of its own."""
    writer = Computer(desk.client_id, desk.key)
    writer.learn_nonce(cloud)
    return writer
