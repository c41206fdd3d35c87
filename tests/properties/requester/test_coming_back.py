"""A computer that its cloud does not know any more comes back, and nobody has to walk to it."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest

from tests.cloud_process import copied
from tests.enrolling_world import World, fill, world_at
from tests.page_place import free_port
from tests.properties.requester.bare import Bare, new_bare
from tests.properties.requester.place import wait_for
from tests.registration import aged
from tests.started import run

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SITE = "Main library"


@pytest.fixture
def bare() -> Iterator[Bare]:
    with new_bare(name="Desk 7") as one:
        yield one


def first_enrolled(world: World, bare: Bare) -> str:
    file = world.file(bare.folder / "desks.iat", "--site", SITE, uses=2)
    done = bare.enrol("--cloud", world.url, "--iat-file", file)
    assert done.code == 0, done
    return str(bare.client_id)


@pytest.mark.parametrize("manner", ["automatic", "asked"])
def test_a_cloud_restored_from_yesterday_gets_its_computers_back(
    tmp_path: Path, bare: Bare, manner: str
) -> None:
    data, port = fill(tmp_path), free_port()
    assert run("site", "returns", SITE, manner, "--data", data).returncode == 0
    with world_at(data, port):
        pass
    yesterday = copied(data, tmp_path / "yesterday")
    with world_at(data, port) as today, bare.serving():
        client_id = first_enrolled(today, bare)
    shutil.rmtree(data)
    yesterday.rename(data)
    with world_at(data, port) as restored, bare.serving():
        if manner == "asked":
            wait_for(bare.awaits, seconds=30)
            done = restored.keyin("client", "approve", client_id)
            assert done.returncode == 0, done.stderr
        wait_for(bare.is_known, seconds=60)
    assert bare.client_id == client_id


def test_a_year_without_power_ends_in_one_click(tmp_path: Path, bare: Bare) -> None:
    data, port = fill(tmp_path), free_port()
    with world_at(data, port) as world, bare.serving():
        client_id = first_enrolled(world, bare)
    aged(data, seconds=500 * 86_400)
    with world_at(data, port) as later:
        wait_for(lambda: '"expired"' in later.keyin("client", "show", client_id, "--json").stdout,
                 seconds=40)  # fmt: skip
        with bare.serving():
            wait_for(bare.awaits, seconds=30)
            assert later.keyin("client", "approve", client_id).returncode == 0
            wait_for(bare.is_known, seconds=60)


def test_a_computer_that_was_revoked_stays_out(tmp_path: Path, bare: Bare) -> None:
    data, port = fill(tmp_path), free_port()
    with world_at(data, port) as world, bare.serving():
        client_id = first_enrolled(world, bare)
        done = world.keyin("client", "revoke", client_id, "--reason", "lost", "--yes")
        assert done.returncode == 0, done.stderr
    with world_at(data, port) as world:
        bare.configure(f"file = '{bare.folder / 'desks.iat'}'\n", cloud=world.url)
        with bare.serving():
            wait_for(lambda: bare.complains("not_taken"), seconds=30)
            assert not bare.is_known()
    assert bare.client_id == client_id
