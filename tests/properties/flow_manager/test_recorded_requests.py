"""The original's computers against our cloud: what they were recorded to send is answered.

Our own computers send other requests (token exchange, RFC 8693); these are sent here by hand.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import pytest

from tests.cloud_process import import_documents, send, serving
from tests.local_cases import cases
from tests.shared_data import needs_shared
from tests.three_processes import PREFERENCES, REGISTRY, SIZE, SOLUTION, documents

if TYPE_CHECKING:
    from pathlib import Path


@needs_shared
@pytest.mark.parametrize("case", cases("access-request"))
def test_recorded_requests(case: dict[str, Any], tmp_path: Path) -> None:
    credentials = case["clientCredentials"]
    papers = documents(case["key"], credentials["client_secret"], PREFERENCES)
    papers[1]["oauth2ClientId"] = credentials["client_id"]
    (tmp_path / "linux.json5").write_text(json.dumps(REGISTRY))
    import_documents(tmp_path / "cloud", papers, "--solutions", tmp_path / "linux.json5")
    post, get = case["expectRequests"]
    with serving(tmp_path / "cloud") as cloud:
        given = send(
            cloud.url,
            post["method"],
            post["path"],
            headers={"Content-Type": post["contentType"]},
            body=json.dumps(post["json"]),
        )
        assert given.status == 200
        token = given.json["access_token"]
        prefix, _ = get["path"].split("{")
        device = {"OS": {"id": "linux"}, "solutions": [{"id": SOLUTION}]}
        answer = send(
            cloud.url,
            get["method"],
            prefix + quote(json.dumps(device), safe=""),
            headers={"Authorization": get["authorization"].format(access_token=token)},
        )
    assert answer.status == 200
    assert set(answer.json["solutionsRegistryEntries"]) == {SOLUTION}
    assert SIZE in json.dumps(answer.json["preferences"])
