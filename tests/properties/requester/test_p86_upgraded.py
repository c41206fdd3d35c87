"""P86: a computer whose version was stopped counts again once it runs another; nobody visits it."""

from __future__ import annotations

import os
import shutil
from typing import TYPE_CHECKING, Any

import pytest

from keyin.access_requester.registering import SOFTWARE_ID
from tests.cloud_process import copied
from tests.enrolling_world import World, fill, software, world_at
from tests.fakes.sender import new_sender, proven
from tests.page_place import free_port
from tests.properties.requester.place import wait_for
from tests.started import run
from tests.three_processes import KEY

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from tests.properties.requester.bare import Bare

SITE = "main-library"


def running(folder: Path, version: str) -> Mapping[str, str]:
    """Return what a requester is started with that was installed in this version."""
    made = folder / version / f"keyin-{version}.dist-info"
    made.mkdir(parents=True, exist_ok=True)
    (made / "METADATA").write_text(f"Metadata-Version: 2.1\nName: keyin\nVersion: {version}\n")
    return {**os.environ, "PYTHONPATH": str(made.parent)}


def enrolled(world: World, bare: Bare, *words: object) -> str:
    file = world.file(bare.folder / "desks.iat", *words, uses=1)
    done = bare.enrol("--cloud", world.url, "--iat-file", file)
    assert done.code == 0, done
    return str(bare.client_id)


def key_in(world: World, bare: Bare) -> dict[str, Any]:
    """Ask as a flow manager does, with the cloud's nonce once it says so."""
    sender = new_sender()
    answer = bare.ask("token", gpii_key=KEY, **proven(sender, world.url))
    if answer.get("error") == "use_dpop_nonce":
        sender.take_nonce(answer["fields"]["nonce"])
        answer = bare.ask("token", gpii_key=KEY, **proven(sender, world.url))
    return answer


def stop(world: World, version: str) -> None:
    done = world.keyin("software", "stop", SOFTWARE_ID, version, "--unseen")
    assert done.returncode == 0, done.stderr


def test_p86_a_stopped_version_is_left_behind_by_an_upgrade(
    world: World, bare: Bare, tmp_path: Path
) -> None:
    with bare.serving(running(tmp_path, "1.0")):
        client_id = enrolled(world, bare)
        assert key_in(world, bare)["ok"]
        assert software(world, bare) == f"{SOFTWARE_ID} 1.0"
        stop(world, "1.0")
        refused = key_in(world, bare)
        assert (refused["ok"], refused["error"]) == (False, "credential_revoked"), refused
    with bare.serving(running(tmp_path, "1.0")):
        wait_for(lambda: bare.complains("not_taken"), seconds=30)
        assert not key_in(world, bare)["ok"]
    before = bare.files.held()
    stop(world, "1.1")
    with bare.serving(running(tmp_path, "1.1")):
        wait_for(lambda: bare.complains("release_stopped"), seconds=30)
        told = bare.keyin("enrol").stderr
        assert "the cloud does not let this version of keyin in: it was stopped" in told
        assert "Next step: install the version that your cloud's administrator names" in told
        assert bare.files.held() == before
    with bare.serving(running(tmp_path, "1.2")):
        wait_for(lambda: bool(key_in(world, bare)["ok"]), seconds=30)
        wait_for(bare.is_known, seconds=30)
    assert (bare.client_id, software(world, bare)) == (client_id, f"{SOFTWARE_ID} 1.2")
    after = bare.files.held()
    with bare.serving(running(tmp_path, "1.2")):
        wait_for(bare.is_known, seconds=30)
    assert bare.files.held() == after, "it was told once"


@pytest.mark.parametrize(("what", "version"), [("client", "2.0"), ("site", "3.0")])
def test_p86_an_upgrade_lifts_no_other_stop(
    world: World, bare: Bare, tmp_path: Path, what: str, version: str
) -> None:
    site = f"{SITE}-{what}"
    with bare.serving(running(tmp_path, version)):
        client_id = enrolled(world, bare, "--site", site)
        stop(world, version)
        name = {"client": client_id, "site": site}[what]
        done = world.keyin(what, "suspend", name)
        assert done.returncode == 0, done.stderr
    before = bare.files.held()
    with bare.serving(running(tmp_path, f"{version}.1")):
        wait_for(lambda: bare.complains("not_taken"), seconds=30)
        assert key_in(world, bare)["error"] == "credential_revoked"
        assert bare.files.held() == before
    assert software(world, bare) == f"{SOFTWARE_ID} {version}"


def test_p86_a_computer_upgraded_while_the_cloud_was_restored_says_so_once_it_is_back(
    tmp_path: Path, bare: Bare
) -> None:
    data, port = fill(tmp_path), free_port()
    assert run("site", "returns", SITE, "automatic", "--data", data).returncode == 0
    yesterday = copied(data, tmp_path / "yesterday")
    with world_at(data, port) as today, bare.serving(running(tmp_path, "1.0")):
        client_id = enrolled(today, bare, "--site", SITE)
    shutil.rmtree(data)
    yesterday.rename(data)
    with world_at(data, port) as restored, bare.serving(running(tmp_path, "1.1")):
        wait_for(bare.is_known, seconds=60)
        wait_for(lambda: software(restored, bare) == f"{SOFTWARE_ID} 1.1", seconds=30)
        assert key_in(restored, bare)["ok"]
    assert bare.client_id == client_id
