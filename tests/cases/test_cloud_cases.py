"""The recorded cases of the original cloud, against a real process (groups of the first issue).

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
from tests.cloud_process import Cloud, Reply, import_documents, serving
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

WRITING = {
    name
    for name, case in CASES.items()
    if any(step["request"]["method"] == "PUT" for step in case["steps"])
    and case["steps"][0]["expect"]["status"] == 200
}
NEEDS_OWN_SERVER = WRITING | {name for name in CASES if name.startswith("status-0")} - {"status-03"}


@pytest.fixture(scope="module")
def imported(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return _import(tmp_path_factory.mktemp("cloud") / "data", fixtures())


@pytest.fixture(scope="module")
def shared_cloud(imported: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    data = tmp_path_factory.mktemp("shared") / "data"
    shutil.copytree(imported, data)
    with serving(data, "--trusted-proxy", "127.0.0.0/8") as cloud:
        yield cloud


def fixtures() -> list[dict[str, Any]]:
    return [*LOADED["fixtures"]["base"], *LOADED["fixtures"]["ps"]]


def _import(data: Path, documents: list[dict[str, Any]]) -> Path:
    report = import_documents(data, documents, "--solutions", GPII_DATA / "solutions")
    assert report
    return data


@needs_shared
@pytest.mark.parametrize("name", sorted(set(CASES) - NEEDS_OWN_SERVER - {"status-03"}))
def test_case_that_leaves_things_as_they_are(name: str, shared_cloud: Cloud) -> None:
    run_case(CASES[name], shared_cloud)


@needs_shared
@pytest.mark.parametrize("name", sorted(NEEDS_OWN_SERVER))
def test_case_with_a_server_of_its_own(name: str, imported: Path, tmp_path: Path) -> None:
    case, data = CASES[name], tmp_path / "data"
    first = case["steps"][0]["request"]
    if first["path"].startswith("/preferences/"):
        _import(data, with_preferences(first["path"].rpartition("/")[2], first["json"]))
        case = {**case, "steps": case["steps"][1:]}
    else:
        shutil.copytree(imported, data)
    revision = tmp_path / "revision.json"
    if case.get("revision_file"):
        revision.write_text(json.dumps(case["revision_file"]), encoding="utf-8")
    more = ("--ops-listen", "127.0.0.1:0", "--revision-file", revision)
    with serving(data, "--trusted-proxy", "127.0.0.0/8", *more, listeners=2) as cloud:
        run_case(case, cloud)


def with_preferences(key: str, preferences: object) -> list[dict[str, Any]]:
    """`PUT /preferences` is not served yet: begin with what it would have left behind."""
    return [
        {**document, "preferences": {"flat": preferences}}
        if document["_id"] == f"prefsSafe-{key}"
        else document
        for document in fixtures()
    ]


def run_case(case: Mapping[str, Any], cloud: Cloud) -> None:
    saved = {"device_linux": device_template(LOADED)}
    for number, step in enumerate(case["steps"], 1):
        reply = take(step["request"], cloud, saved)
        last = number == len(case["steps"])
        ours = (OURS | REQUIRED).get(case["id"], step["expect"])
        expect = ours if last else step["expect"]
        check(reply, fill(expect, saved), saved)
        for name, member in step.get("save", {}).items():
            saved[name] = reply.json[member]
    if "stored" in case or "stored_absent" in case:
        check_stored(case, cloud.documents())


def take(request: Mapping[str, Any], cloud: Cloud, saved: Mapping[str, str]) -> Reply:
    filled = fill(request, saved)
    headers, body, path = dict(filled.get("headers", {})), filled.get("body"), filled["path"]
    if "json" in filled:
        body, headers["Content-Type"] = json.dumps(filled["json"]), "application/json"
    if "form" in filled:
        body = urlencode(filled["form"], doseq=True)
        headers["Content-Type"] = "application/x-www-form-urlencoded"
    if path.startswith("/preferences/"):
        assert filled["method"] == "GET"
        return stored_preferences(path.rpartition("/")[2], cloud.documents())
    return cloud.request(
        filled["method"], path, headers=headers, body=body, ops=path == "/revision"
    )


def stored_preferences(key: str, documents: list[dict[str, Any]]) -> Reply:
    """`GET /preferences` is not served yet: read the same from the store."""
    ids = {one["_id"]: one for one in documents}
    safe = ids[ids[key]["prefsSafeId"]]
    return Reply(200, {}, json.dumps(safe["preferences"]["flat"]).encode())


def check_stored(case: Mapping[str, Any], documents: list[dict[str, Any]]) -> None:
    for fact in case.get("stored", ()):
        (found,) = (one for one in documents if subset(fact["find"], one))
        assert subset(fact.get("fields", {}), found)
        assert all(found[name] is not None for name in fact.get("not_null", ()))
        assert set(fact) <= {"find", "fields", "not_null"}
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
    assert len(numbered) == len(CASES) == 79
