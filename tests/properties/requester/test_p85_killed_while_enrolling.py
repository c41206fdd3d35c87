"""P85: kill -9 between any two steps of enrolling and of a change of key, with the real cloud.

What comes after a kill is what a person would see: the requester starts again, and the computer has
an identity that the cloud takes, the old one or the new one.
"""

from __future__ import annotations

import json
import subprocess
import time
from typing import TYPE_CHECKING

import pytest

from keyin.cli.processes import command
from tests.enrolling_world import World, enrolling_world
from tests.properties.requester.bare import Bare, new_bare
from tests.properties.requester.place import wait_for

if TYPE_CHECKING:
    from collections.abc import Iterator

MOMENTS_MS = (0, 8, 16, 30, 60)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with enrolling_world(tmp_path_factory.mktemp("world")) as one:
        yield one


@pytest.fixture(scope="module")
def bare(world: World) -> Iterator[Bare]:
    with new_bare(name="Often killed") as one:
        with one.serving():
            code = world.code("Often killed")
            done = one.enrol("--cloud", world.url, "--code", "-", stdin=code + "\n")
            assert done.code == 0, done
        yield one


def stands(bare: Bare) -> bool:
    """Tell whether the cloud takes this computer's identity, and nothing is half done."""
    done = bare.enrol()
    held = bare.files.held()
    whole = held is not None and held.next_key is None and held.previous_key is None
    return done.code == 0 and done.last["enrolled"] and whole and not done.last["problem"]


def killed_after(bare: Bare, milliseconds: int, *words: str, stdin: str = "") -> None:
    """Begin, and kill the requester so much later than its first sign of work."""
    lines = bare.process.output.count("administration")
    asking = subprocess.Popen(
        command("requester", *words, "--config", bare.config),
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        text=True,
        env=bare.environment(screen=False),
    )
    assert asking.stdin
    asking.stdin.write(stdin)
    asking.stdin.close()
    begun = 2 if words[0] == "enrol" else 1
    wait_for(lambda: bare.process.output.count("administration") >= lines + begun)
    time.sleep(milliseconds / 1000)
    bare.process.kill()
    asking.wait(30)


@pytest.mark.parametrize("milliseconds", MOMENTS_MS)
def test_p85_a_change_of_key_that_is_killed_is_brought_to_its_end(
    world: World, bare: Bare, milliseconds: int
) -> None:
    with bare.serving():
        wait_for(lambda: stands(bare))
        before = bare.client_id
        killed_after(bare, milliseconds, "rotate")
    assert bare.client_id == before
    with bare.serving():
        wait_for(lambda: stands(bare), seconds=30)
        assert bare.client_id == before
        shown = world.keyin("client", "show", before, "--json")
        keys = json.loads(shown.stdout)["keys"]
        held = bare.files.held()
        assert held
        active = [key["kid"] for key in keys if key["status"] == "active"]
        assert active == [held.public.thumbprint]


@pytest.mark.parametrize("milliseconds", MOMENTS_MS[::2])
def test_p85_a_new_identity_that_is_killed_on_its_way_leaves_one_that_counts(
    world: World, bare: Bare, milliseconds: int
) -> None:
    with bare.serving():
        wait_for(lambda: stands(bare))
        code = world.code("Often killed")
        killed_after(bare, milliseconds, "enrol", "--again", "--code", "-", stdin=code + "\n")
    assert bare.client_id
    with bare.serving():
        wait_for(lambda: stands(bare) and bare.files.coming() is None, seconds=30)
