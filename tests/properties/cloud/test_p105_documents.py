"""P105: what people and computers send is data: checked after the door, kept, never evaluated."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from tests.cloud_documents import COMMON, FREE, SECRET, preferences
from tests.cloud_process import Cloud, copied, serving
from tests.shared_data import GPII_DATA, needs_shared
from tests.started import run

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

PATHS = ("/alice/settings", "/settings")
UNFIT: list[Any] = [
    preferences(stickyKeys="yes"),
    preferences(fontSize="12"),
    preferences(language="${jndi:ldap://x}"),
    {"contexts": {"another": {"preferences": {COMMON + "stickyKeys": 1}}}},
]
ODD: Any = {
    "contexts": {
        "gpii-default": {
            "preferences": {
                COMMON + "__class__": {"__reduce__": "cos\nsystem\n(S'id'\ntR."},
                COMMON
                + "template": "{{7*7}} ${7*7} <%= 7*7 %> !!python/object/apply:os.system [id]",
                "http://registry.gpii.net/applications/nobody": {"transform": {"type": "eval"}},
                "__proto__": {"polluted": True},
            },
            "unheard": {"$where": "sleep(1)"},
        }
    },
    "constructor": {"prototype": 1},
}


@pytest.fixture(scope="module")
def cloud(imported: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    with serving(copied(imported, tmp_path_factory.mktemp("p105") / "data")) as running:
        yield running


def put(cloud: Cloud, path: str, document: object, token: str | None) -> Any:
    headers = {"Content-Type": "application/json"}
    if token is not None:
        headers["Authorization"] = f"Bearer {token}"
    return cloud.request("PUT", path, headers=headers, body=json.dumps(document))


def token(cloud: Cloud) -> str:
    issued: str = cloud.token("alice", (FREE, SECRET)).json["access_token"]
    return issued


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("document", UNFIT, ids=range(len(UNFIT)))
def test_p105_values_are_checked_after_authorisation(
    cloud: Cloud, path: str, document: object
) -> None:
    before = cloud.documents()
    strangers = [put(cloud, path, document, None), put(cloud, path, document, "wrong")]
    assert [reply.status for reply in strangers] == [401, 401]
    reply = put(cloud, path, document, token(cloud))
    assert (reply.status, reply.json["isValid"]) == (400, False)
    assert reply.json["message"] == "Your request was invalid.  See the errors for details."
    assert [error["dataPath"][0][: len(COMMON)] for error in reply.json["errors"]] == [COMMON]
    assert cloud.documents() == before


def test_p105_what_nobody_knows_is_kept_as_it_is_and_does_nothing(cloud: Cloud) -> None:
    assert put(cloud, "/alice/settings", ODD, token(cloud)).status == 200
    documents = {one["_id"]: one for one in cloud.documents()}
    kept = documents[documents["alice"]["prefsSafeId"]]["preferences"]["flat"]
    assert kept["constructor"] == ODD["constructor"]
    context, sent = kept["contexts"]["gpii-default"], ODD["contexts"]["gpii-default"]
    assert context["unheard"] == sent["unheard"]
    assert {name: context["preferences"][name] for name in sent["preferences"]} == sent[
        "preferences"
    ]
    reply = cloud.settings("alice", token(cloud), {"OS": {"id": "linux"}, "solutions": []})
    assert reply.json["preferences"]["contexts"]["gpii-default"]["preferences"] == {}
    assert b"49" not in reply.body


@needs_shared
def test_p105_the_settings_of_known_applications_are_those_of_the_registries(
    imported: Path, tmp_path: Path
) -> None:
    data = copied(imported, tmp_path / "data")
    done = run("cloud", "import", "--data", data, "--solutions", GPII_DATA / "solutions")
    assert done.returncode == 0, done.stderr
    office = "http://registry.gpii.net/applications/com.microsoft.office"
    with serving(data) as cloud:
        for context in ("gpii-default", "another"):
            for path in PATHS:
                unknown = {"contexts": {context: {"preferences": {office: {"nope": 1}}}}}
                reply = put(cloud, path, unknown, token(cloud))
                assert (reply.status, reply.json["errors"][0]["dataPath"]) == (400, [office])
                known = {"contexts": {context: {"preferences": {office: {"word-ribbon": "x"}}}}}
                assert put(cloud, path, known, token(cloud)).status in (200, 400)
