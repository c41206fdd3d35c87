"""All real preference sets through a started preferences server: each ontology, there and back."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import pytest

from keyin.domain.ontologies import APPTOLOGY, FLAT, ISO
from keyin.domain.ontology import APPLICATION_TYPES, APPLICATIONS, VOCABULARY
from tests import real_registries
from tests.cloud_process import import_documents
from tests.preferences_server import Clouds, combined
from tests.shared_data import GPII_DATA, needs_shared

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SETS = {
    name.partition("/")[2]: document
    for name, document in real_registries.preference_documents().items()
}


@pytest.fixture(scope="module")
def clouds(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Clouds]:
    data: Path = tmp_path_factory.mktemp("ontologies") / "data"
    folders = [GPII_DATA / folder for folder in ("preferences", "test-preferences")]
    import_documents(data, [], "--solutions", GPII_DATA / "solutions", *folders)
    with combined(data) as running:
        yield running


def view(clouds: Clouds, name: str, ontology: str) -> dict[str, Any]:
    reply = clouds.prefer("GET", f"/preferences/{quote(name)}?view={ontology}")
    assert reply.status == 200, (name, ontology, reply.body)
    found: dict[str, Any] = reply.json
    return found


def preferences(document: dict[str, Any]) -> dict[str, Any]:
    return {name: one.get("preferences") for name, one in document["contexts"].items()}


@needs_shared
def test_every_set_is_seen_in_every_ontology(clouds: Clouds) -> None:
    assert len(SETS) == 154
    asking = frozenset[str]().union(*APPLICATION_TYPES.values())
    for name, document in SETS.items():
        flat, iso, types = (view(clouds, name, one) for one in (FLAT, ISO, APPTOLOGY))
        contexts = document.get("contexts", {})
        assert preferences(flat) == preferences({"contexts": contexts}), name
        assert list(flat["contexts"]) == list(iso["contexts"]) == list(types["contexts"]), name
        for context, one in contexts.items():
            said = one.get("preferences", {})
            own = {uri.removeprefix(APPLICATIONS) for uri in said if uri.startswith(APPLICATIONS)}
            blocks = iso["contexts"][context]["preferences"].get("applications", {})
            assert set(blocks) == own, name
            wanted = types["contexts"][context]["preferences"]
            assert bool(wanted) is bool(asking & set(said)), name
        assert view(clouds, name, "unheardOf") == {"contexts": {}}
    assert "internal_error" not in clouds.public.process.output


@needs_shared
def test_a_set_that_is_saved_in_another_ontology_says_the_same_as_before(clouds: Clouds) -> None:
    """What ISO 24751 has a place for moves there; the rest stays; together it is what it was."""
    for name in SETS:
        before = view(clouds, name, FLAT)
        iso = view(clouds, name, ISO)
        path = f"/preferences/{quote(name)}?view={ISO}"
        headers = {"Content-Type": "application/json"}
        reply = clouds.prefer("PUT", path, headers=headers, body=json.dumps(iso))
        assert (name, reply.status) == (name, 200)
        assert preferences(view(clouds, name, FLAT)) == preferences(before), name
        assert preferences(view(clouds, name, ISO)) == preferences(iso), name
    safes = {one["_id"]: one for one in clouds.keeper.documents()}
    for name in SETS:
        stored = safes[safes[name]["prefsSafeId"]]["preferences"]
        left = preferences(stored[FLAT])
        for said in left.values():
            assert not [uri for uri in said if uri in VOCABULARY], name
            assert not [uri for uri in said if uri.startswith(APPLICATIONS)], name
