"""What is remembered of settings is never older than the store: seen at the very next request.

Safe, key, policy and registry, on SQLite, and on PostgreSQL where two workers answer in turns.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

import pytest

from tests.cloud_documents import FREE, MAKER, SECRET, everything, preferences
from tests.cloud_process import Cloud, import_documents, serving
from tests.postgres import needs_postgres, shared
from tests.started import run

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Make = Callable[[Path], Path]

READER: Final = "net.keyin.sample.reader"
LINUX: Final = {"OS": {"id": "linux"}, "solutions": [{"id": READER}]}
TERM: Final = "http://registry.gpii.net/common/fontSize"
ASKED: Final = 6
"""Times, so that each of two workers answers some."""


def _entry(mark: int) -> dict[str, Any]:
    return {
        "name": f"Reader {mark}",
        "capabilities": [TERM.replace(".", "\\.")],
        "settingsHandlers": {"configuration": {"supportedSettings": {}}},
    }


def _put_registry(data: Path, mark: int) -> None:
    folder = data.parent / "solutions"
    folder.mkdir(exist_ok=True)
    (folder / "linux.json5").write_text(json.dumps({READER: _entry(mark)}))
    done = run("cloud", "import", "--data", data, "--solutions", folder)
    assert done.returncode == 0, done.stderr


STORES = pytest.mark.parametrize(
    "make", [lambda data: data, pytest.param(shared, marks=needs_postgres)], ids=["sqlite", "pg"]
)


@pytest.fixture
def data(tmp_path: Path, make: Make) -> Path:
    made = make(tmp_path / "data")
    import_documents(made, everything())
    _put_registry(made, 1)
    return made


def _shown(cloud: Cloud, token: str) -> tuple[Any, str]:
    """Return the font size and the entry's name, which all answers must agree on."""
    seen = set()
    for _ in range(ASKED):
        answer = cloud.settings("alice", token, LINUX)
        assert answer.status == 200, answer.body
        body = answer.json
        inferred = body["matchMakerOutput"]["inferredConfiguration"]["gpii-default"]
        used = inferred["applications"][READER]["settings"][TERM]
        told = body["preferences"]["contexts"]["gpii-default"]["preferences"][TERM]
        assert used == told
        seen.add((used, body["solutionsRegistryEntries"][READER]["name"]))
    (only,) = seen
    return only


def _token(cloud: Cloud, key: str = "alice", name: str = FREE) -> str:
    token: str = cloud.token(key, (name, SECRET)).json["access_token"]
    return token


@STORES
def test_a_saved_preference_is_in_the_next_answer(data: Path) -> None:
    with serving(data) as cloud:
        mine, other = _token(cloud), _token(cloud)
        for size in (24, 30, 31, 32):
            if size > 24:
                assert cloud.save("alice", other, preferences(fontSize=size)).status == 200
            assert _shown(cloud, mine) == (size, "Reader 1")


@STORES
def test_a_policy_and_a_revocation_count_at_the_next_request(data: Path) -> None:
    with serving(data) as cloud:
        token = _token(cloud)
        assert _shown(cloud, token) == (24, "Reader 1")
        limited = run("key", "policy", "-", "--read-only", "--data", data, stdin="alice")
        assert limited.returncode == 0, limited.stderr
        assert {cloud.settings("alice", token, LINUX).status for _ in range(ASKED)} == {401}
        token = _token(cloud)
        assert _shown(cloud, token) == (24, "Reader 1")
        saved = {cloud.save("alice", token, preferences(fontSize=9)).status for _ in range(ASKED)}
        assert saved & {200} == set()
        revoked = run("key", "revoke", "-", "--yes", "--data", data, stdin="alice")
        assert revoked.returncode == 0, revoked.stderr
        assert {cloud.settings("alice", token, LINUX).status for _ in range(ASKED)} == {401}


@STORES
def test_a_key_that_was_made_meanwhile_is_in_the_next_answer(data: Path) -> None:
    with serving(data) as cloud:
        token = _token(cloud, "new-person", MAKER)
        assert cloud.settings("new-person", token, LINUX).json["preferences"] == {}
        assert cloud.save("new-person", token, preferences(fontSize=7)).status == 200
        for _ in range(ASKED):
            shown = cloud.settings("new-person", token, LINUX).json["preferences"]
            assert shown["contexts"]["gpii-default"]["preferences"] == {TERM: 7}


@needs_postgres
def test_a_registry_put_beside_running_workers_is_in_the_next_answer(tmp_path: Path) -> None:
    data = shared(tmp_path / "data")
    import_documents(data, everything())
    _put_registry(data, 1)
    with serving(data) as cloud:
        token = _token(cloud)
        for mark in (1, 2, 3):
            _put_registry(data, mark)
            assert _shown(cloud, token) == (24, f"Reader {mark}")


def test_a_registry_put_between_two_runs_is_in_the_first_answer(tmp_path: Path) -> None:
    data = tmp_path / "data"
    import_documents(data, everything())
    for mark in (1, 2):
        _put_registry(data, mark)
        with serving(data) as cloud:
            assert _shown(cloud, _token(cloud)) == (24, f"Reader {mark}")
