"""P86: clocks that are wrong, with the real cloud, and processes that go by another time.

What a person would see: the clock is named in plain words, nothing is lost, and once it is set
right work goes on by itself.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.enrolling_world import World, fill, world_at
from tests.moved_clock import MovedClock, moved_clock
from tests.page_place import free_port
from tests.properties.requester.place import wait_for
from tests.properties.requester.test_p85_killed_while_enrolling import killed_after, stands
from tests.properties.requester.test_ways_in import status

if TYPE_CHECKING:
    from pathlib import Path

    from tests.properties.requester.bare import Bare

HOUR, DAY = 3600, 86_400
OFF = {"a day behind": -26 * HOUR, "an hour ahead": HOUR, "years behind": -20 * 365 * DAY}


@pytest.fixture
def clock(tmp_path: Path) -> MovedClock:
    return moved_clock(tmp_path)


def named(bare: Bare, seconds: int) -> bool:
    """Tell whether the computer says that its clock is so far off, and that nothing else is."""
    told = bare.standing().fields.get("seconds", 0)
    return abs(int(told) - seconds) < 120 and bare.complains("clock_skew")


@pytest.mark.parametrize("off", OFF.values(), ids=OFF)
def test_p86_a_command_under_a_wrong_clock_names_it_and_goes_on_when_it_is_set(
    world: World, bare: Bare, clock: MovedClock, off: int
) -> None:
    clock.move(off)
    with (
        bare.serving(clock.environment()),
        bare.enrolling("--cloud", world.url, screen=False) as said,
    ):
        wait_for(lambda: "clock" in said.complaint())
        assert "seconds away" in said.complaint()
        assert bare.client_id is None
        clock.move(0)
        world.type_code(said.until("begun")["user_code"])
        said.until("enrolled", seconds=60)
        assert said.end()[0] == 0
    assert status(world, bare.client_id) == "active"


def test_p86_a_code_that_was_typed_under_a_wrong_clock_is_not_lost(
    world: World, bare: Bare, clock: MovedClock
) -> None:
    code = world.code(bare.name)
    words = ("enrol", "--cloud", world.url, "--code", "-", "--patience", "1")
    clock.move(-DAY)
    with bare.serving(clock.environment()):
        done = bare.keyin(*words, stdin=code + "\n")
        assert done.returncode == 5
        assert "this computer's clock is" in done.stderr
        assert "Next step: set this computer's clock" in done.stderr
        clock.move(0)
        wait_for(lambda: bare.client_id is not None, seconds=60)
    assert status(world, bare.client_id) == "active"


def test_p86_the_first_start_of_a_copy_waits_for_its_clock(
    world: World, bare: Bare, clock: MovedClock
) -> None:
    """Its battery is empty: it wakes up long before the cloud was made."""
    file = world.file(bare.folder / "site.iat", uses=1)
    bare.configure("file = 'site.iat'\n", cloud=world.url)
    clock.move(-20 * 365 * DAY)
    with bare.serving(clock.environment()):
        wait_for(lambda: named_or_enrolled(bare), seconds=30)
        assert (bare.client_id, file.exists()) == (None, True)
        clock.move(0)
        wait_for(lambda: bare.client_id is not None and not file.exists(), seconds=60)
    assert status(world, bare.client_id) == "active"


def named_or_enrolled(bare: Bare) -> bool:
    return bare.client_id is not None or bare.complains("clock_skew")


@pytest.mark.parametrize("off", OFF.values(), ids=OFF)
def test_p86_an_enrolled_computer_keeps_its_identity_through_a_wrong_clock(
    world: World, bare: Bare, clock: MovedClock, off: int
) -> None:
    with bare.serving():
        code = world.code(bare.name)
        assert bare.enrol("--cloud", world.url, "--code", "-", stdin=code + "\n").code == 0
    before = bare.files.held()
    clock.move(off)
    with bare.serving(clock.environment()):
        wait_for(lambda: named(bare, off), seconds=30)
        assert bare.files.held() == before
        clock.move(0)
        wait_for(bare.is_known, seconds=60)
    assert bare.files.held() == before


def test_p86_a_half_changed_key_is_brought_to_its_end_once_the_clock_is_right(
    world: World, bare: Bare, clock: MovedClock
) -> None:
    with bare.serving():
        code = world.code(bare.name)
        assert bare.enrol("--cloud", world.url, "--code", "-", stdin=code + "\n").code == 0
        client_id = bare.client_id
        killed_after(bare, 20, "rotate")
    clock.move(-DAY)
    with bare.serving(clock.environment()):
        wait_for(lambda: named(bare, -DAY), seconds=30)
        clock.move(0)
        wait_for(lambda: stands(bare), seconds=60)
    assert bare.client_id == client_id


def test_a_year_and_a_half_without_power_by_every_clock_ends_in_one_click(
    tmp_path: Path, bare: Bare, clock: MovedClock
) -> None:
    data, port = fill(tmp_path), free_port()
    with world_at(data, port, clock.environment()) as world, bare.serving(clock.environment()):
        file = world.file(bare.folder / "desks.iat", uses=2)
        assert bare.enrol("--cloud", world.url, "--iat-file", file).code == 0
    client_id = bare.client_id
    clock.move(550 * DAY)
    with world_at(data, port, clock.environment()) as world:
        wait_for(lambda: status(world, client_id) == "expired", seconds=40)
        with bare.serving(clock.environment()):
            wait_for(bare.awaits, seconds=30)
            approved = world.keyin("client", "approve", client_id)
            assert approved.returncode == 0, approved.stderr
            wait_for(bare.is_known, seconds=60)
    assert bare.client_id == client_id


def test_p86_a_cloud_whose_clock_was_behind_loses_none_of_its_computers(
    tmp_path: Path, bare: Bare, clock: MovedClock
) -> None:
    data, port = fill(tmp_path), free_port()
    with world_at(data, port, clock.environment()) as world, bare.serving():
        file = world.file(bare.folder / "desks.iat", uses=2)
        assert bare.enrol("--cloud", world.url, "--iat-file", file).code == 0
        before = bare.files.held()
    clock.move(-HOUR)
    with world_at(data, port, clock.environment()) as world, bare.serving():
        wait_for(lambda: named(bare, HOUR), seconds=30)
        clock.move(0)
        wait_for(bare.is_known, seconds=60)
        assert status(world, bare.client_id) == "active"
    assert bare.files.held() == before
