"""`keyin cloud check` beside a running cloud: what it tells, and how an operator gets it to 0.

And the verb that moves the end of the old token route, which counts at the very next request.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from tests.cloud_documents import (
    FREE,
    LISTED,
    NOWHERE,
    SECRET,
    client,
    credential,
    everything,
)
from tests.cloud_process import import_documents, serving
from tests.started import run

if TYPE_CHECKING:
    from pathlib import Path

LIMITED = {"allowedIPBlocks": ["127.0.0.1", "::1"], "allowedPrefsToWrite": []}


def _check(data: Path, *more: object) -> tuple[int, dict[str, list[str]]]:
    done = run("cloud", "check", "--data", data, "--json", *more)
    assert done.stderr == ""
    found: list[dict[str, Any]] = json.loads(done.stdout)["found"]
    assert all(one["next_step"] and one["count"] >= len(one["named"]) > 0 for one in found)
    return done.returncode, {one["matter"]: one["named"] for one in found}


def test_imported_unrestricted_credentials_are_kept_and_listed(tmp_path: Path) -> None:
    data, soon = tmp_path / "data", datetime.now(UTC) + timedelta(days=30)
    import_documents(data, everything(), "--legacy-until", f"{soon:%Y-%m-%d}")
    with serving(data) as cloud:
        assert cloud.token("alice", (FREE, SECRET)).status == 200
        code, found = _check(data, "--days", "31")
        said = run("cloud", "check", "--data", data, environment={"LANGUAGE": "en"})
    assert code == said.returncode == 1
    assert FREE in found["networks-unrestricted"]
    assert found["writing-unrestricted"].count(FREE) == 1
    assert LISTED not in found["writing-unrestricted"]
    assert found["nowhere"] == [NOWHERE]
    assert found["old-route-ends-soon"]
    assert found["without-owner"]
    assert len(found["weak-keys"]) == 3
    assert "alice" not in str(found)
    assert "networks-unrestricted: credentials that may ask from anywhere" in said.stdout
    assert SECRET not in said.stdout


def test_what_is_limited_or_ignored_ends_with_0(tmp_path: Path) -> None:
    data = tmp_path / "data"
    import_documents(data, [client(), credential("desk", **LIMITED)])
    assert _check(data) == (1, {"without-owner": ["desk"]})
    assert _check(data, "--ignore", "without-owner") == (0, {})
    said = run("cloud", "check", "--data", data, "--ignore", "without-owner")
    assert (said.returncode, said.stdout.strip() != "") == (0, True)


def test_a_check_that_cannot_look_does_not_end_with_1(tmp_path: Path) -> None:
    done = run("cloud", "check", "--data", tmp_path / "none")
    assert done.returncode == 3


def test_p102_the_end_of_the_old_route_is_moved_beside_a_running_cloud(tmp_path: Path) -> None:
    data = tmp_path / "data"
    import_documents(data, everything())
    with serving(data) as cloud:
        for day, status in (("2026-01-01", 501), ("2999-01-01", 200), ("2026-01-02", 501)):
            moved = run("client", "legacy-until", FREE, day, "--data", data, "--json")
            assert moved.returncode == 0, moved.stderr
            assert json.loads(moved.stdout)["changed"]
            granted = cloud.token("alice", (FREE, SECRET))
            assert granted.status == status
    assert FREE in _check(data)[1]["old-route-ended"]
