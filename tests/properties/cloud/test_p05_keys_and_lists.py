"""P5, P6, P19: a token opens one key; a client writes what its list says, and nothing else."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import pytest

from tests.cloud_documents import (
    COMMON,
    EMPTY,
    FONT_SIZE,
    FREE,
    LANGUAGE,
    LISTED,
    MAKER,
    SECRET,
    preferences,
)
from tests.cloud_process import Cloud, copied, serving

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

DEVICE = quote("{}")


def token(cloud: Cloud, key: str, client: str = FREE) -> str:
    issued: str = cloud.token(key, (client, SECRET)).json["access_token"]
    return issued


@pytest.fixture(scope="module")
def written(imported: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    with serving(copied(imported, tmp_path_factory.mktemp("written") / "data")) as cloud:
        yield cloud


def stored(cloud: Cloud, key: str) -> Any:
    documents = {one["_id"]: one for one in cloud.documents()}
    return documents[documents[key]["prefsSafeId"]]["preferences"]["flat"]


OTHERS = [
    "bob",
    "Alice",
    "ALICE",
    "%41lice",
    "alice%20",
    "%20alice",
    "alice%00",
    "%EF%BD%81lice",
    "alic%D0%B5",
    "alice%E2%80%8B",
    "al%C3%ADce",
    "alice%2F..%2Fbob",
    "bare",
    "noUser",
]


@pytest.mark.parametrize("other", OTHERS)
def test_p05_a_token_opens_no_other_key_however_it_is_spelled(cloud: Cloud, other: str) -> None:
    headers = {"Authorization": f"Bearer {token(cloud, 'alice')}"}
    assert cloud.request("GET", f"/{other}/settings/{DEVICE}", headers=headers).status == 401
    assert cloud.request("PUT", f"/{other}/settings", headers=headers, body="{}").status == 401


@pytest.mark.parametrize("same", ["alice", "%61lice", "a%6C%69ce", "%61%6c%69%63%65"])
def test_p05_the_same_key_may_be_percent_encoded(cloud: Cloud, same: str) -> None:
    headers = {"Authorization": f"Bearer {token(cloud, 'alice')}"}
    assert cloud.request("GET", f"/{same}/settings/{DEVICE}", headers=headers).status == 200


@pytest.mark.parametrize("bad", ["%", "%zz", "alice%", "alice%f", "%ff", "%c3%28", "%ed%a0%80"])
def test_p05_what_is_no_utf8_is_no_key(cloud: Cloud, bad: str) -> None:
    headers = {"Authorization": f"Bearer {token(cloud, 'alice')}"}
    assert cloud.request("GET", f"/{bad}/settings/{DEVICE}", headers=headers).status == 400


@pytest.mark.parametrize(
    "name", ["client-1", "credential-free", "prefsSafe-alice", "free", "gone", "nobody"]
)
def test_p06_only_an_active_gpii_key_is_a_key(cloud: Cloud, name: str) -> None:
    reply = cloud.token(name, (FREE, SECRET))
    assert reply.status == 401
    assert reply.json == {"error": "server_error", "error_description": "Unauthorized"}


SMUGGLED = [
    preferences(fontSize=3),
    preferences(language="en-US", fontSize=3),
    {"contexts": {"other": {"preferences": {FONT_SIZE: 3}}}},
    {"contexts": {"gpii-default": {"preferences": {}}, "o": {"preferences": {FONT_SIZE: 3}}}},
    {**preferences(language="en-US"), FONT_SIZE: 3},
    {**preferences(language="en-US"), "metadata": [{"type": "priority"}]},
    {"contexts": {"c": {"preferences": {LANGUAGE: "en-US"}, "metadata": [1]}}},
    {"contexts": {"c": {"preferences": {LANGUAGE.upper(): "en"}}}},
    {"contexts": {"c": {"preferences": {LANGUAGE + " ": "en"}}}},
]


@pytest.mark.parametrize("document", SMUGGLED, ids=lambda one: json.dumps(one)[:70])
@pytest.mark.parametrize("client", [LISTED, EMPTY])
def test_p19_no_term_gets_past_a_clients_list(
    written: Cloud, document: object, client: str
) -> None:
    before = stored(written, "bob")
    reply = written.save("bob", token(written, "bob", client), document)
    assert (reply.status, reply.json) == (401, {"isError": True, "message": "Unauthorized"})
    assert stored(written, "bob") == before


def test_p19_what_would_wipe_a_safe_is_refused(written: Cloud) -> None:
    before = stored(written, "bob")
    for client in (FREE, LISTED, EMPTY):
        shapes: list[Any] = [[], None, {"contexts": []}, {"contexts": None}, {"contexts": "x"}, 5]
        for document in shapes:
            assert written.save("bob", token(written, "bob", client), document).status == 400
    assert stored(written, "bob") == before


def test_p19_what_is_listed_is_merged_into_what_is_there(written: Cloud) -> None:
    reply = written.save("bob", token(written, "bob", LISTED), preferences(language="de-DE"))
    assert reply.json == {"gpiiKey": "bob", "message": "Successfully updated."}
    kept = stored(written, "bob")["contexts"]["gpii-default"]["preferences"]
    assert kept == {FONT_SIZE: 24, LANGUAGE: "de-DE"}
    empty: Any = {"contexts": {"gpii-default": {"preferences": {}}}}
    assert written.save("bob", token(written, "bob", EMPTY), empty).status == 200


def test_a_key_is_made_by_saving_with_both_privileges_only(written: Cloud) -> None:
    assert written.token("brand new", (FREE, SECRET)).status == 401
    made = token(written, "brand new", MAKER)
    assert written.settings("brand new", made, {}).json["preferences"] == {}
    assert not any(one["_id"] == "brand new" for one in written.documents())
    assert written.save("brand new", made, preferences(volume=0.5)).status == 200
    assert stored(written, "brand new") == preferences(volume=0.5)
    assert written.settings("brand new", made, {}).json["preferences"] == {
        "contexts": {"gpii-default": {"name": "Default preferences", "preferences": {}}}
    }
    (key,) = (one for one in written.documents() if one["_id"] == "brand new")
    assert key["prefsSetId"] == "gpii-default"
    assert key["timestampUpdated"] is None


def test_a_key_without_a_safe_gets_one(written: Cloud) -> None:
    bare = token(written, "bare")
    assert written.settings("bare", bare, {}).json["preferences"] == {}
    assert written.save("bare", bare, preferences(volume=1)).status == 200
    assert stored(written, "bare") == preferences(volume=1)


@pytest.mark.parametrize("name", ["noUser", "reset", "restore", "readSetting"])
def test_a_reserved_word_is_nobodys_key(written: Cloud, name: str) -> None:
    """At no route and for no client; the words are the flow manager's own (S35)."""
    unknown = written.token("nobody", (FREE, SECRET))
    refused = written.token(name, (MAKER, SECRET))
    assert (refused.status, refused.body) == (unknown.status, unknown.body) == (401, refused.body)
    maker = token(written, "made for this", MAKER)
    assert written.save(name, maker, preferences(volume=1)).status == 401
    assert written.settings(name, maker, {}).status == 401


def test_an_odd_stored_shape_is_an_answer_not_an_error(written: Cloud) -> None:
    alice = token(written, "alice")
    odd = {
        "contexts": {
            "gpii-default": {
                "preferences": {COMMON + "unheardOf": [1, {"a": None}], "": 1, "a.b": {}},
                "metadata": [{"type": "priority", "scope": "x"}, 5, None],
                "foo": {"bar": []},
            },
            "": {"preferences": {}},
        },
        "more": [1],
    }
    assert written.save("alice", alice, odd).status == 200
    device = {"OS": {"id": "linux"}, "solutions": [{"id": "net.keyin.sample.reader"}, 5, {}]}
    assert written.settings("alice", alice, device).status == 200
