"""Files and folders: what is read out of them, and what is said of the rest."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import msgspec
import pytest

from keyin.cloud.import_sources import Found, read
from keyin.wire.documents import head
from tests.shared_data import GPII_DATA, needs_shared
from tests.unit.importing.documents import client, key

if TYPE_CHECKING:
    from pathlib import Path


def _read(*paths: Path) -> Found:
    return read(paths, [], safe_kind="user")


def _ids(found: Found) -> list[object]:
    return [head(document)[0] for _, document in found.documents]


@pytest.mark.parametrize(
    "content", [[client(), key()], {"docs": [client(), key()]}, {"docs": [client(), key()], "x": 1}]
)
def test_documents_come_as_an_array_or_as_docs(tmp_path: Path, content: object) -> None:
    (tmp_path / "a.json").write_text(json.dumps(content))
    found = _read(tmp_path / "a.json")
    assert _ids(found) == ["site-1", "anna"]
    assert [place.number for place, _ in found.documents] == [1, 2]
    assert found.refusals == []


def test_documents_come_as_the_database_gives_them_out(tmp_path: Path) -> None:
    """CouchDB's answer at `_all_docs?include_docs=true`; without it there are no documents."""
    documents = [{"_id": "_design/views"}, client(), {**key(), "_rev": "1-a"}]
    rows = [{"id": one["_id"], "value": {"rev": "1-a"}, "doc": one} for one in documents]
    (tmp_path / "a.json").write_text(json.dumps({"total_rows": 3, "offset": 0, "rows": rows}))
    found = _read(tmp_path / "a.json")
    assert (_ids(found), found.views, found.refusals) == (["site-1", "anna"], 1, [])
    assert [place.number for place, _ in found.documents] == [2, 3]
    (tmp_path / "a.json").write_text(json.dumps({"rows": [{"id": "a", "value": {}}, 5]}))
    assert [msgspec.json.decode(raw) for _, raw in _read(tmp_path / "a.json").documents] == [
        {"id": "a", "value": {}}, 5,
    ]  # fmt: skip


def test_a_single_document(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text(json.dumps(key()))
    assert _ids(_read(tmp_path / "a.json")) == ["anna"]


def test_database_views_are_counted_and_skipped(tmp_path: Path) -> None:
    views = {"_id": "_design/views", "views": {"a": {"map": "function () {}"}}}
    (tmp_path / "a.json").write_text(json.dumps([views, key()]))
    found = _read(tmp_path / "a.json")
    assert found.views == 1
    assert _ids(found) == ["anna"]
    assert found.refusals == []


def test_a_folder_holds_preference_sets_and_documents(tmp_path: Path) -> None:
    (tmp_path / "bo.json5").write_text("// a comment\n{flat: {contexts: {}},}")
    (tmp_path / "a.json").write_text(json.dumps([key()]))
    (tmp_path / "README.md").write_text("not for us")
    found = _read(tmp_path)
    assert [head(one) for _, one in found.documents] == [
        ("prefsSafe-bo", "prefsSafe"),
        ("bo", "gpiiKey"),
        ("anna", "gpiiKey"),
    ]
    safe, opens, _ = (one for _, one in found.documents)
    assert safe["preferences"] == {"flat": {"contexts": {}}}
    assert (safe["name"], safe["prefsSafeType"]) == ("bo", "user")
    assert (opens["prefsSafeId"], opens["prefsSetId"]) == ("prefsSafe-bo", "gpii-default")


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"{", "no JSON5"),
        (b"", "no JSON5"),
        (b"[1]", "no object"),
        (b"null", "no object"),
        (b"\xff\xfe{}", "no UTF-8"),
        (b"{a:" * 5000 + b"1" + b"}" * 5000, "no JSON5"),
    ],
)
def test_an_odd_preference_set_is_refused_without_its_name(
    tmp_path: Path, content: bytes, why: str
) -> None:
    (tmp_path / "canary.json5").write_bytes(content)
    (tmp_path / "zed.json5").write_bytes(b"{}")
    found = _read(tmp_path)
    assert [(one.place.number, why in str(one.reason)) for one in found.refusals] == [(1, True)]
    assert "canary" not in str(found.refusals)
    assert _ids(found) == ["prefsSafe-zed", "zed"]


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"", "no JSON"),
        (b"{", "no JSON"),
        (b"3", "no document"),
        (b'{"docs": 3}', "no document"),
        (b'["\\ud800"]', "no JSON"),
        (b"[" * 100_000, "no JSON"),
    ],
)
def test_an_odd_file_is_refused(tmp_path: Path, content: bytes, why: str) -> None:
    (tmp_path / "a.json").write_bytes(content)
    found = _read(tmp_path / "a.json")
    assert [why in str(one.reason) for one in found.refusals] == [True]


def test_what_cannot_be_read_is_refused(tmp_path: Path) -> None:
    found = _read(tmp_path / "gone.json", tmp_path)
    assert ["cannot be read" in str(one.reason) for one in found.refusals] == [True, False]
    assert "no *.json5 or *.json" in str(found.refusals[1].reason)


def test_registries_are_kept_in_their_order(tmp_path: Path) -> None:
    (tmp_path / "linux.json5").write_text("{b: {x: 1.0}, /* later */ a: {},}")
    (tmp_path / "win32.json5").write_text("[]")
    (tmp_path / "not an os.json5").write_text("{}")
    (tmp_path / "inf.json5").write_text("{a: {x: Infinity}}")
    (tmp_path / "android.json5").write_text("{a: {}, b: 7}")
    found = read([], [tmp_path], safe_kind="user")
    assert found.registries == {"linux": b'{"b":{"x":1.0},"a":{}}'}
    assert len(found.refusals) == 4
    assert "entry b is not an object" in str(found.refusals[0].reason)


@needs_shared
def test_every_registry_of_the_original_is_read() -> None:
    found = read([], [GPII_DATA / "solutions"], safe_kind="user")
    assert found.refusals == []
    sizes = {
        os_id: len(msgspec.json.decode(content)) for os_id, content in found.registries.items()
    }
    assert set(sizes) == {"android", "darwin", "linux", "win32"}
    assert min(sizes.values()) > 0


@needs_shared
def test_every_preference_set_of_the_original_is_read() -> None:
    found = read(
        [GPII_DATA / "preferences", GPII_DATA / "test-preferences"], [], safe_kind="snapset"
    )
    assert found.refusals == []
    assert len(found.documents) == 2 * 154
