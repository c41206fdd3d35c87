"""The recorded cases of the original cloud, against a real process (every group, both layouts).

A case with `recommended` gives that; where a `divergence` lets us differ, `OURS` says how we do,
and why; every other case passes as it was recorded.
"""

from __future__ import annotations

import asyncio
import json
import re
import shutil
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import httpx
import pytest

from keyin.cloud.config import CloudConfig
from keyin.cloud.wiring import build
from keyin.domain.errors import StoreUnavailable
from keyin.stores.host import SystemEntropy
from keyin.stores.memory import MemoryStore
from keyin.stores.secrets_directory import SecretsDirectory
from tests.cases.cloud_steps import GROUPS, check, device_template, fill, load, subset
from tests.cloud_process import Reply, import_documents
from tests.preferences_server import Clouds, combined, split
from tests.shared_data import GPII_DATA, needs_shared

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from keyin.domain.records import Digest, StoredGrant

LOADED = load()
CASES = {case["id"]: case for case in LOADED.get("cases", ()) if case["group"] in GROUPS}

UNAUTHORIZED = {"status": 401, "json_equals": {"isError": True, "message": "Unauthorized"}}
NO_TOKEN = {
    "status": 401,
    "json_equals": {"error": "server_error", "error_description": "Unauthorized"},
}
OURS: dict[str, Mapping[str, Any]] = {
    "token-34": NO_TOKEN,  # O4: a chain in which the proxy names itself has no address
    "token-35": NO_TOKEN,  # O4: garbage has no address
    "token-44": NO_TOKEN,  # O1: a revoked key is an unknown key
    "get-08": UNAUTHORIZED,  # O2: a revoked credential takes its tokens with it
    "get-19": {"status": 400, "json_subset": {"isError": True}},
    "get-24": {
        "status": 200,
        "json_subset": {"preferences": {}},
        "json_exact_paths": ["preferences"],
    },
    "put-13": UNAUTHORIZED,  # O5: every context counts
    "put-16": UNAUTHORIZED,  # O8: authenticate, then parse
    "put-23": UNAUTHORIZED,  # the privileges are asked for again where a key is made
    "put-24": {
        "status": 409,
        "json_subset": {"isError": True, "errorCode": "GPII_ERR_GPIIKEY_EXISTS"},
    },
    "prefs-31": {"status": 400, "json_subset": {"isError": True, "isValid": False}},
    "prefs-35": {"status": 200, "json_subset": {"contexts": {"gpii-default": {"foo": "bar"}}}},
    "split-03": {"status": 413, "json_subset": {"isError": True}},
    "split-04": {"status": 413, "json_subset": {"isError": True}},
    "status-04": {
        "status": 404,
        "json_subset": {"isError": True},
        "json_match": {"message": "^Error retrieving full git revision: [^/]*$"},
    },
}
"""What we answer to the last step, where the case says that we may differ."""

REQUIRED: dict[str, Mapping[str, Any]] = {
    "token-48": NO_TOKEN,  # a word of the flow manager's is nobody's key, whoever asks (ADR 19)
}
"""What we answer otherwise although the case does not say that we may: the requirements do."""

LARGER = {"split-03": ("x*150000", "x*1100000"), "split-04": ("x*150000", "x*1100000")}
"""What is too large here: keyin's own limit is 1 MiB on both servers."""

WRITING = {
    name
    for name, case in CASES.items()
    if any(step["request"]["method"] in {"PUT", "POST"} for step in case["steps"])
    and case["steps"][0]["expect"]["status"] == 200
    and case["group"] != "access_token"
}
NEEDS_OWN_SERVER = WRITING | {name for name in CASES if name.startswith("status-0")} - {"status-03"}
SPLIT = {name for name, case in CASES.items() if case["group"] not in {"access_token", "status"}}
"""Those that can be told apart from the combined layout; both layouts give the same answers."""

PROXY = ("--trusted-proxy", "127.0.0.0/8")


@pytest.fixture(scope="module")
def imported(tmp_path_factory: pytest.TempPathFactory) -> Path:
    documents = [*LOADED["fixtures"]["base"], *LOADED["fixtures"]["ps"]]
    data = tmp_path_factory.mktemp("cloud") / "data"
    assert import_documents(data, documents, "--solutions", GPII_DATA / "solutions")
    return data


@pytest.fixture(scope="module")
def without_safes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give the store of a flow manager whose preferences are elsewhere."""
    documents = [
        {**one, "prefsSafeId": None} if one["type"] == "gpiiKey" else one
        for one in [*LOADED["fixtures"]["base"], *LOADED["fixtures"]["ps"]]
        if one["type"] != "prefsSafe"
    ]
    data = tmp_path_factory.mktemp("without") / "data"
    assert import_documents(data, documents, "--solutions", GPII_DATA / "solutions")
    return data


@pytest.fixture(scope="module")
def shared_clouds(imported: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Clouds]:
    data = tmp_path_factory.mktemp("shared") / "data"
    shutil.copytree(imported, data)
    with combined(data, *PROXY) as clouds:
        yield clouds


@pytest.fixture(scope="module")
def split_clouds(
    imported: Path, without_safes: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Clouds]:
    folder = tmp_path_factory.mktemp("split")
    shutil.copytree(imported, folder / "preferences")
    shutil.copytree(without_safes, folder / "data")
    with split(folder / "data", folder / "preferences", *PROXY) as clouds:
        yield clouds


@needs_shared
@pytest.mark.parametrize("name", sorted(set(CASES) - NEEDS_OWN_SERVER - {"status-03"}))
def test_case_that_leaves_things_as_they_are(
    name: str, shared_clouds: Clouds, request: pytest.FixtureRequest
) -> None:
    layout = CASES[name].get("server", "combined")
    clouds = shared_clouds if layout == "combined" else request.getfixturevalue("split_clouds")
    run_case(CASES[name], clouds)


@needs_shared
@pytest.mark.parametrize("name", sorted(NEEDS_OWN_SERVER))
def test_case_with_a_server_of_its_own(name: str, imported: Path, tmp_path: Path) -> None:
    shutil.copytree(imported, tmp_path / "data")
    revision = tmp_path / "revision.json"
    if CASES[name].get("revision_file"):
        revision.write_text(json.dumps(CASES[name]["revision_file"]), encoding="utf-8")
    with combined(tmp_path / "data", *PROXY, "--revision-file", revision) as clouds:
        run_case(CASES[name], clouds)


@needs_shared
@pytest.mark.parametrize("name", sorted(SPLIT - NEEDS_OWN_SERVER))
def test_case_in_the_split_layout(name: str, split_clouds: Clouds) -> None:
    run_case(CASES[name], split_clouds)


@needs_shared
@pytest.mark.parametrize("name", sorted(SPLIT & NEEDS_OWN_SERVER))
def test_case_with_split_servers_of_its_own(
    name: str, imported: Path, without_safes: Path, tmp_path: Path
) -> None:
    shutil.copytree(imported, tmp_path / "preferences")
    shutil.copytree(without_safes, tmp_path / "data")
    with split(tmp_path / "data", tmp_path / "preferences", *PROXY) as clouds:
        run_case(CASES[name], clouds)


def run_case(case: Mapping[str, Any], clouds: Clouds) -> None:
    saved = {"device_linux": device_template(LOADED)}
    for number, step in enumerate(case["steps"], 1):
        reply = take(case, step["request"], clouds, saved)
        last = number == len(case["steps"])
        ours = (OURS | REQUIRED).get(case["id"], step["expect"])
        expect = ours if last else step["expect"]
        check(reply, fill(expect, saved), saved)
        for name, member in step.get("save", {}).items():
            saved[name] = reply.json[member]
    if "stored" in case or "stored_absent" in case:
        check_stored(fill(case, saved), clouds.keeper.documents())


def take(
    case: Mapping[str, Any], request: Mapping[str, Any], clouds: Clouds, saved: Mapping[str, str]
) -> Reply:
    """Send a step to the listener that has its route here.

    The preferences server's secret goes along: without it nobody is answered (ADR 30).
    """
    if case["id"] in LARGER:
        request = json.loads(json.dumps(request).replace(*LARGER[case["id"]]))
    filled = fill(request, saved)
    headers, body, path = dict(filled.get("headers", {})), filled.get("body"), filled["path"]
    if "json" in filled:
        body, headers["Content-Type"] = json.dumps(filled["json"]), "application/json"
    if "form" in filled:
        body = urlencode(filled["form"], doseq=True)
        headers["Content-Type"] = "application/x-www-form-urlencoded"
    if path.startswith("/preferences") and case.get("server") != "flowmanager":
        return clouds.prefer(filled["method"], path, headers=headers, body=body)
    return clouds.public.request(
        filled["method"], path, headers=headers, body=body, ops=path == "/revision"
    )


def check_stored(case: Mapping[str, Any], documents: list[dict[str, Any]]) -> None:
    by_id = {one["_id"]: one for one in documents}
    for fact in case.get("stored", ()):
        (found,) = (one for one in documents if subset(fact["find"], one))
        assert subset(fact.get("fields", {}), found)
        assert all(found[name] is not None for name in fact.get("not_null", ()))
        for name, value in fact.get("linked_safe", {}).items():
            assert by_id[found["prefsSafeId"]][name] == value
        assert set(fact) <= {"find", "fields", "not_null", "linked_safe"}
    for fact in case.get("stored_absent", ()):
        assert not any(subset(fact, one) for one in documents)


class BrokenStore(MemoryStore):
    async def find_grant(self, digests: Sequence[Digest]) -> StoredGrant | None:  # noqa: ARG002 - the port
        raise StoreUnavailable("the disk is gone")


@needs_shared
def test_case_status_03_with_a_store_that_is_down() -> None:
    async def scenario() -> None:
        secrets = SecretsDirectory.in_memory(entropy=SystemEntropy())
        cloud = await build(CloudConfig(), store=BrokenStore(), secrets=secrets)
        transport = httpx.ASGITransport(app=cloud.app)
        async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client:
            for step in CASES["status-03"]["steps"]:
                response = await client.get(step["request"]["path"])
                reply = Reply(response.status_code, dict(response.headers), response.content)
                check(reply, step["expect"], {})

    asyncio.run(scenario())


@needs_shared
def test_every_difference_is_one_that_its_case_allows() -> None:
    assert all("divergence" in CASES[name] for name in OURS)
    assert all(name in OURS for name in CASES if "recommended" in CASES[name])
    numbered = [name for name in CASES if re.fullmatch(r"[a-z]+-\d+", name)]
    assert len(numbered) == len(CASES) == 108
