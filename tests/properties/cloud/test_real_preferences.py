"""All real preference sets on devices of the four systems that have every solution there is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pyjson5
import pytest

from keyin.domain.device import read_device
from tests.cloud_documents import FREE, LINUX, SECRET, client, credential
from tests.cloud_process import Cloud, import_documents, serving
from tests.shared_data import GPII_DATA, needs_shared

if TYPE_CHECKING:
    from collections.abc import Iterator

SYSTEMS = ("win32", "linux", "darwin", "android")
FOLDERS = ("preferences", "test-preferences")
MEMBERS = {"gpiiKey", "preferences", "solutionsRegistryEntries", "matchMakerOutput"}


def sets() -> list[str]:
    return sorted(file.stem for folder in FOLDERS for file in (GPII_DATA / folder).glob("*.json5"))


def registry(system: str) -> dict[str, Any]:
    file = GPII_DATA / "solutions" / f"{system}.json5"
    read: dict[str, Any] = pyjson5.decode(file.read_text("utf-8"))
    return read


@pytest.fixture(scope="module")
def full_cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    data = tmp_path_factory.mktemp("real") / "data"
    folders = [GPII_DATA / folder for folder in FOLDERS]
    import_documents(
        data,
        [client(), credential(FREE)],
        *("--solutions", GPII_DATA / "solutions"),
        *folders,
    )
    with serving(data) as cloud:
        yield cloud


@needs_shared
@pytest.mark.parametrize("system", SYSTEMS)
def test_every_set_has_an_answer_of_exactly_four_members(full_cloud: Cloud, system: str) -> None:
    entries = registry(system)
    device = {"OS": {"id": system}, "solutions": [{"id": name} for name in entries]}
    assert len(read_device(device).solutions) == len(entries)
    names = sets()
    assert len(names) == 154
    for name in names:
        token = full_cloud.token(name, (FREE, SECRET)).json["access_token"]
        reply = full_cloud.settings(name, token, device)
        assert (name, reply.status) == (name, 200)
        answer = reply.json
        assert answer.keys() == MEMBERS
        assert answer["gpiiKey"] == name
        assert answer["solutionsRegistryEntries"] == entries
        _nothing_beyond_what_matched(answer)
    assert "internal_error" not in full_cloud.process.output


def _nothing_beyond_what_matched(answer: dict[str, Any]) -> None:
    """No common term is revealed that no application's settings use (cloud-wire §4.4)."""
    inferred = answer["matchMakerOutput"]["inferredConfiguration"]
    used = {
        term
        for configuration in inferred.values()
        for chosen in configuration["applications"].values()
        for term in chosen["settings"]
    }
    for context in answer["preferences"].get("contexts", {}).values():
        assert set(context.get("preferences", {})) <= used | {
            f"http://registry.gpii.net/applications/{solution}"
            for configuration in inferred.values()
            for solution in configuration["applications"]
        }


def test_without_imported_registries_the_packages_own_are_served(cloud: Cloud) -> None:
    token = cloud.token("alice", (FREE, SECRET)).json["access_token"]
    answer = cloud.settings("alice", token, LINUX).json
    assert list(answer["solutionsRegistryEntries"]) == ["net.keyin.sample.reader"]
