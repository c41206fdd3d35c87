"""P85: kill -9 between any two steps of enrolling and of a change of key, with the real cloud.

What comes after a kill is what a person would see: the requester starts again, and the computer has
an identity that the cloud takes, the old one or the new one.
"""

from __future__ import annotations

import json
import subprocess
import time
from typing import TYPE_CHECKING, Any

import pytest

from keyin.cli.processes import command
from tests.cloud_process import serving
from tests.enrolling_world import World, fill
from tests.page_place import Place
from tests.person import Person
from tests.properties.requester.bare import Bare, new_bare
from tests.properties.requester.place import wait_for
from tests.properties.requester.test_ways_in import status
from tests.recording_proxy import Wire, recording_proxy

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

MOMENTS_MS = (0, 8, 16, 30, 60)


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
    held = bare.files.held()
    whole = held is not None and held.next_key is None and held.previous_key is None
    return whole and bare.is_known()


def begun(bare: Bare, *words: str, stdin: str = "") -> subprocess.Popen[str]:
    """Begin as an administrator does, and do not wait."""
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
    return asking


def killed_after(bare: Bare, milliseconds: int, *words: str, stdin: str = "") -> None:
    """Begin, and kill the requester so much later than its first sign of work."""
    lines = bare.process.output.count("administration")
    asking = begun(bare, *words, stdin=stdin)
    heard = 2 if words[0] == "enrol" else 1
    wait_for(lambda: bare.process.output.count("administration") >= lines + heard)
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


def called(world: World, name: str) -> list[dict[str, Any]]:
    return [line for line in world.clients() if line["name"] == name]


@pytest.mark.parametrize("milliseconds", MOMENTS_MS)
def test_p85_a_one_time_code_is_not_lost_with_a_requester_that_is_killed(
    world: World, milliseconds: int
) -> None:
    with new_bare(name=f"Killed after {milliseconds}") as one:
        code = world.code(one.name)
        words = ("enrol", "--cloud", world.url, "--code", "-")
        with one.serving():
            killed_after(one, milliseconds, *words, stdin=code + "\n")
        with one.serving():
            done = one.enrol(*words[1:], stdin=code + "\n")
            assert (done.code, done.last["client_id"]) == (0, one.client_id), done
        assert status(world, one.client_id) == "active"
        assert len(called(world, one.name)) == 1


@pytest.fixture
def losing(tmp_path: Path) -> Iterator[tuple[World, Wire]]:
    """Give a cloud and the wire to it, on which registrations are answered, and not heard."""
    data, config = fill(tmp_path), tmp_path / "cloud.toml"
    config.write_text("device_code = true\n")
    with (
        recording_proxy() as (url, wire),
        serving(data, "--issuer", url, "--config", config) as cloud,
    ):
        host, _, port = cloud.url.removeprefix("http://").partition(":")
        wire.to = (host, int(port))
        place = Place(cloud, url)
        owner = Person(place)
        assert owner.sign_in().status == 303
        wire.loses = b"HTTP/1.1 201 "
        yield World(place, owner), wire


@pytest.mark.parametrize("typed_again", [False, True])
def test_p85_killed_before_the_answer_came_it_asks_with_the_same_key(
    losing: tuple[World, Wire], *, typed_again: bool
) -> None:
    world, wire = losing
    with new_bare(name="Deaf") as one:
        code = world.code(one.name)
        words = ("--cloud", world.url, "--code", "-")
        with one.serving():
            asking = begun(one, "enrol", *words, stdin=code + "\n")
            assert wire.lost.wait(30)
            one.process.kill()
            asking.wait(30)
        (born,) = called(world, one.name)
        assert (born["status"], one.client_id, one.files.coming()) == ("pending", None, None)
        asked = one.files.asking()
        assert asked
        if typed_again:
            with one.serving():  # once more, and again nothing is heard
                wire.lost.clear()
                assert wire.lost.wait(30)
                wire.loses = None
                again = one.enrol(*words, stdin=code + "\n")
                assert (again.code, again.last["client_id"]) == (0, one.client_id), again
        else:
            wire.loses = None
            with one.serving():
                wait_for(lambda: one.client_id is not None, seconds=30)
        held = one.files.held()
        assert held
        assert held.public == asked.public
        assert (one.files.asking(), one.files.coming()) == (None, None)
        (client,) = called(world, one.name)
        assert (client["id"], client["status"]) == (born["id"], "active")


def test_p46_a_code_that_somebody_else_used_meanwhile_is_given_up_and_said(
    losing: tuple[World, Wire],
) -> None:
    world, wire = losing
    with new_bare(name="First") as first, new_bare(name="Thief") as thief:
        thief.machine("b" * 32)
        code = world.code(first.name)
        words = ("--cloud", world.url, "--code", "-")
        with first.serving():
            asking = begun(first, "enrol", *words, stdin=code + "\n")
            assert wire.lost.wait(30)
            first.process.kill()
            asking.wait(30)
        wire.loses = None
        with thief.serving():
            taken = thief.enrol(*words, stdin=code + "\n")
            assert (taken.code, taken.error["error"]) == (5, "not_taken")
        with first.serving():
            wait_for(lambda: first.files.asking() is None, seconds=30)
            said = first.enrol("--cancel").last
            assert (said["enrolled"], said["problem"]) == (False, "not_taken")
        assert [one["status"] for one in called(world, first.name)] == ["revoked"]
