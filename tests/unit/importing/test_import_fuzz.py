"""Whatever stands in a file: an import ends with a report, and keeps what was in order.

Every document is taken or refused, each refusal and doubt names its place, and none quotes a value.
"""

from __future__ import annotations

import asyncio
import json
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hypothesis import given, settings
from hypothesis import strategies as st

from keyin.cloud.exporting import documents as exported
from keyin.cloud.import_sources import read
from keyin.cloud.importing import Options, import_found
from keyin.domain.environment import Millis
from keyin.stores.host import SystemEntropy
from keyin.stores.secrets_directory import SecretsDirectory
from keyin.stores.sqlite import open_store
from tests.unit.importing.documents import authorization, client, credential, key, safe
from tests.unit.test_documents import JSON

if TYPE_CHECKING:
    from keyin.cloud.importing import Report

CANARY = "canary-in-a-value"
WHOLE = [client(), credential(), key(), safe(), authorization()]
NETWORKS = st.lists(
    st.sampled_from(["10.0.0.0/8", "::1", "10.0.0.0/99", "10.1", "", CANARY, None, 5, ["::1"]]),
    max_size=4,
)
ODD = (
    JSON
    | NETWORKS
    | st.sampled_from(
        ["", "\0", "a" * 5000, 10**40, -1, {"a": None}, CANARY, [CANARY], {CANARY: 1}]
    )
)
OURS = ["keyinLimited", "legacyUntil", "site", "updated", "_rev", "_deleted"]
MEMBERS = sorted({name for document in WHOLE for name in document}) + OURS


@st.composite
def documents(draw: st.DrawFn) -> Any:
    """Make a good document with one or two members spoilt, or anything at all."""
    if draw(st.integers(0, 9)) == 0:
        return draw(JSON)
    document = dict(draw(st.sampled_from(WHOLE)))
    for name in draw(st.lists(st.sampled_from(MEMBERS), max_size=2)):
        if draw(st.booleans()):
            document[name] = draw(ODD)
        else:
            document.pop(name, None)
    return document


async def _import(folder: Path, content: list[Any], *, rows: bool) -> list[Any]:
    wrapped = {"rows": [{"doc": one} for one in content]} if rows else content
    (folder / "file.json").write_text(json.dumps(wrapped))
    store = open_store(folder / "store")
    secrets = SecretsDirectory.in_memory(entropy=SystemEntropy())
    options = Options(now=Millis(1_800_000_000_000), legacy_until=Millis(1_900_000_000_000))
    found = read([folder / "file.json"], [], safe_kind="user")
    report = await import_found(found, store, secrets, options)
    judged = sum(report.given.values()) + len(report.refusals) + report.views
    assert judged == len(content)
    _named(report, folder / "file.json", len(content))
    again = await import_found(found, store, secrets, options)
    assert set(again.written.values()) == {0}
    out = [one async for one in exported(store, secrets)]
    store.close()
    return out


def _named(report: Report, file: Path, count: int) -> None:
    """Each refusal and each doubt is of another document, and says which and why."""
    networks = [one for one in report.doubts if "Blocks" in str(one.reason)]
    for places in ([one.place for one in report.refusals], [one.place for one in networks]):
        assert all(place.source == str(file) for place in places)
        numbers = [place.number or 0 for place in places]
        assert len(set(numbers)) == len(numbers)
        assert all(0 < number <= count for number in numbers)
    reasons = [str(one.reason) for one in report.refusals]
    reasons += [str(one.reason) for one in report.doubts]
    assert all(reasons)
    assert CANARY not in " ".join(reasons)


@settings(max_examples=120, deadline=None)
@given(st.lists(documents(), max_size=5), st.booleans())
def test_every_document_is_taken_or_refused_and_named(content: list[Any], rows: bool) -> None:  # noqa: FBT001 - drawn
    with tempfile.TemporaryDirectory() as folder:
        out = asyncio.run(_import(Path(folder), [*content, client("the-last")], rows=rows))
    assert "the-last" in [one["_id"] for one in out]


BYTES = st.binary(max_size=60) | JSON.map(lambda value: json.dumps(value).encode())


@settings(max_examples=150, deadline=None)
@given(BYTES, st.sampled_from(["a.json", "a.json5", "linux.json5"]))
def test_every_file_is_read_or_refused_and_named(content: bytes, name: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / name
        file.write_bytes(content)
        for paths, solutions in (([file], []), ([Path(folder)], []), ([], [file])):
            found = read(paths, solutions, safe_kind="user")
            read_in = bool(found.documents or found.registries or found.views)
            empty = name == "a.json" and not found.refusals
            assert read_in + len(found.refusals) == 1 or empty
            assert all(folder in one.place.source for one in found.refusals)
