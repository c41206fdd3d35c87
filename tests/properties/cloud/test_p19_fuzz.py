"""P19: a client with a list sends whatever it likes to a started cloud; only its terms change."""

from __future__ import annotations

import json
import random
from typing import TYPE_CHECKING, Any

import pytest

from tests.cloud_documents import COMMON, FONT_SIZE, LANGUAGE, LISTED, SECRET, everything, key, safe
from tests.cloud_process import Cloud, import_documents, serving
from tests.oauth_client import ISSUER, Computer, registered

if TYPE_CHECKING:
    from collections.abc import Iterator

ROUNDS = 400
STORED: dict[str, Any] = {
    "name": "Carol",
    "contexts": {
        "gpii-default": {
            "name": "Default preferences",
            "preferences": {
                FONT_SIZE: 24,
                LANGUAGE: "en-US",
                COMMON + "deep": {"a": [1, {"b": 2}]},
            },
            "metadata": [{"type": "priority", "scope": [FONT_SIZE], "value": 1024}],
        },
        "night": {"name": "Night", "preferences": {COMMON + "volume": 0.1}},
    },
    "metadata": [{"type": "required"}],
}
TERMS = (
    LANGUAGE, FONT_SIZE, LANGUAGE + ".x", LANGUAGE.upper(), LANGUAGE + " ", " " + LANGUAGE, "", "*",
    COMMON + "volume", COMMON, "http://registry.gpii.net/applications/org.gnome.orca", "__proto__",
    LANGUAGE.replace("/", "%2F"), LANGUAGE + "/", "language", "contexts", "preferences", "\x00",
)  # fmt: skip
VALUES = {LANGUAGE: "de-DE", FONT_SIZE: 12, COMMON + "volume": 1}
"""What their schemas allow: a value that does not fit is refused before the list is asked."""

MEMBERS = ("contexts", "metadata", "name", "preferences", "flat", "conditions", "gpii-default")


def document(chance: random.Random) -> object:
    """Nearly right more often than not: what is far off is refused early."""
    if chance.random() < 0.05:
        return anything(chance, 3)
    made: dict[str, object] = {
        "contexts": {
            chance.choice(["gpii-default", "night", "new", "", "a.b", "__proto__"]): context(chance)
            for _ in range(chance.randint(0, 3))
        }
    }
    if chance.random() < 0.2:
        made[chance.choice(MEMBERS)] = anything(chance, 2)
    return made


def context(chance: random.Random) -> object:
    names = chance.choices(TERMS, weights=[20] + [1] * (len(TERMS) - 1), k=chance.randint(0, 3))
    made: dict[str, object] = {
        "preferences": {
            name: VALUES[name] if name in VALUES and chance.random() < 0.8 else anything(chance, 2)
            for name in names
        }
    }
    if chance.random() < 0.15:
        made[chance.choice(MEMBERS)] = anything(chance, 2)
    return made if chance.random() < 0.95 else anything(chance, 2)


def anything(chance: random.Random, depth: int) -> object:
    plain: list[object] = [None, True, 0, -1.5, "", "de", FONT_SIZE, 1e300, "\U0001f511"]
    if depth == 0 or chance.random() < 0.5:
        return chance.choice(plain)
    if chance.random() < 0.5:
        return [anything(chance, depth - 1) for _ in range(chance.randint(0, 3))]
    names = [chance.choice([*TERMS, *MEMBERS]) for _ in range(chance.randint(0, 3))]
    return {name: anything(chance, depth - 1) for name in names}


def without_what_is_listed(stored: dict[str, Any]) -> dict[str, Any]:
    """Leave out what the list allows to change: its term, and contexts that hold nothing else."""
    rest = json.loads(json.dumps(stored))
    for name, one in list(rest["contexts"].items()):
        one["preferences"].pop(LANGUAGE, None)
        if name not in STORED["contexts"] and not one["preferences"]:
            assert one.keys() <= {"preferences", "name"}
            del rest["contexts"][name]
    for name, one in STORED["contexts"].items():
        rest["contexts"][name]["name"] = one["name"]
    found: dict[str, Any] = rest
    return found


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Cloud, Computer]]:
    data = tmp_path_factory.mktemp("fuzz") / "data"
    import_documents(data, [*everything(), key("carol"), safe("carol", STORED)])
    desk = registered(data, "--writable", LANGUAGE)
    with serving(data, "--issuer", ISSUER) as cloud:
        yield cloud, desk


def stored(cloud: Cloud) -> dict[str, Any]:
    documents = {one["_id"]: one for one in cloud.documents()}
    found: dict[str, Any] = documents[documents["carol"]["prefsSafeId"]]["preferences"]["flat"]
    return found


@pytest.mark.parametrize("seed", [1, 2])
def test_p19_over_http_no_document_changes_what_is_not_listed(
    place: tuple[Cloud, Computer], seed: int
) -> None:
    cloud, desk = place
    chance = random.Random(seed)  # noqa: S311 - a reproducible fuzz, no secret
    legacy = cloud.token("carol", (LISTED, SECRET)).json["access_token"]
    desk.learn_nonce(cloud)
    bound = desk.token(cloud, "carol")
    before = without_what_is_listed(stored(cloud))
    assert before == without_what_is_listed(STORED)
    answers: set[int] = set()
    for number in range(ROUNDS):
        body = json.dumps(document(chance))
        headers = {"Content-Type": "application/json", "Authorization": f"Bearer {legacy}"}
        path = "/carol/settings" if number % 3 else "/settings"
        if number % 2:
            proof = desk.proof("PUT", ISSUER + path, bound)
            headers |= {"Authorization": f"DPoP {bound}", "DPoP": proof}
        answers.add(cloud.request("PUT", path, headers=headers, body=body).status)
    assert without_what_is_listed(stored(cloud)) == before
    assert {200, 400, 401} <= answers <= {200, 400, 401, 413}
