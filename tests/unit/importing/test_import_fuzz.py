"""Whatever stands in a file: an import ends with a report, and keeps what was in order."""

from __future__ import annotations

import asyncio
import json
import tempfile
from pathlib import Path
from typing import Any

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

WHOLE = [client(), credential(), key(), safe(), authorization()]
ODD = JSON | st.sampled_from(["", "\0", "a" * 5000, 10**40, -1, {"a": None}])
MEMBERS = sorted({name for document in WHOLE for name in document})


@st.composite
def documents(draw: st.DrawFn) -> Any:
    """Make a good document with one or two members spoilt, or anything at all."""
    if draw(st.integers(0, 9)) == 0:
        return draw(JSON)
    document = dict(draw(st.sampled_from(WHOLE)))
    for name in draw(st.lists(st.sampled_from(MEMBERS), max_size=2)):
        document[name] = draw(ODD)
    return document


async def _import(folder: Path, content: list[Any]) -> list[Any]:
    (folder / "file.json").write_text(json.dumps(content))
    store = open_store(folder / "store")
    secrets = SecretsDirectory.in_memory(entropy=SystemEntropy())
    found = read([folder / "file.json"], [], safe_kind="user")
    options = Options(now=Millis(1_800_000_000_000), legacy_until=Millis(1_900_000_000_000))
    report = await import_found(found, store, secrets, options)
    judged = sum(report.given.values()) + len(report.refusals) + report.views
    assert judged == len(content) or (judged == 1 and not found.documents)
    out = [one async for one in exported(store, secrets)]
    store.close()
    return out


@settings(max_examples=80, deadline=None)
@given(st.lists(documents(), max_size=5))
def test_every_document_is_taken_or_refused(content: list[Any]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        out = asyncio.run(_import(Path(folder), [*content, client("the-last")]))
    assert "the-last" in [one["_id"] for one in out]
