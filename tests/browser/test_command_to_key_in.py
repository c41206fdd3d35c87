"""From a fresh computer to a working key-in, for each way in: how long, and how many acts.

`scripts/ways-in` shows the table. Seconds are the machine's: nobody thinks, types or walks here, so
what a person takes comes on top. An act is one thing that somebody decides to do.
"""

from __future__ import annotations

import json
import re
import time
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pytest

from tests.browser.keyboard import Keyboard
from tests.enrolling_world import World, enrolling_world
from tests.properties.requester.bare import Bare, new_bare
from tests.properties.requester.place import needs_other_account, wait_for
from tests.started import run, started
from tests.three_processes import KEY, person, serve

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from playwright.sync_api import Browser

pytestmark = [pytest.mark.browser, needs_other_account]
MOST_SECONDS = 60


@dataclass
class Way:
    """What was done on the way, by whom."""

    name: str
    acts: list[str] = field(default_factory=list)
    seconds: float = 0.0

    def act(self, what: str) -> None:
        self.acts.append(what)

    def __str__(self) -> str:
        told = "; ".join(self.acts) or "none"
        return f"{self.name:24} {self.seconds:6.1f} s   {len(self.acts)} acts: {told}"


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with enrolling_world(tmp_path_factory.mktemp("world")) as one:
        yield one


@pytest.fixture(scope="module")
def table() -> Iterator[list[Way]]:
    ways: list[Way] = []
    yield ways
    print("\n" + "\n".join(map(str, ways)))  # noqa: T201 - what the script is for


@pytest.fixture
def home(tmp_path: Path) -> Path:
    (tmp_path / "home").mkdir()
    return tmp_path / "home"


@contextmanager
def timed(table: list[Way], name: str, *, most_acts: int) -> Iterator[Way]:
    way, began = Way(name), time.monotonic()
    yield way
    way.seconds = time.monotonic() - began
    table.append(way)
    assert way.seconds <= MOST_SECONDS, way
    assert len(way.acts) <= most_acts, way


def key_in(world: World, bare: Bare, home: Path) -> None:
    """Key a person in at the computer, as the desktop does: their settings are there."""
    environment = person(home)
    (home / "linux.json5").write_bytes((world.data.parent / "linux.json5").read_bytes())
    with started(*serve(home, world.url, bare.folder / "s.sock"), environment=environment):
        done = run("login", "-", environment=environment, stdin=KEY)
        assert done.returncode == 0, done.stderr
        assert json.loads((home / "config" / "reader.json").read_text())["size"] == 24


def test_with_a_browser_of_this_computer(
    world: World, browser: Browser, home: Path, table: list[Way]
) -> None:
    with ExitStack() as stack:
        bare = stack.enter_context(new_bare(name="By browser"))
        stack.enter_context(bare.serving())
        context = stack.enter_context(browser.new_context(locale="en"))
        with timed(table, "browser", most_acts=3) as way:
            way.act("type the command")
            said = stack.enter_context(bare.enrolling("--cloud", world.url))
            said.until("begun")
            wait_for(lambda: bool(bare.opened.read_text()))
            desk = Keyboard(context.new_page(), "en")
            desk.goto(bare.opened.read_text().strip())
            way.act("sign in")
            desk.sign_in()
            way.act("compare and approve")
            desk.tab_to(name="decision", value="approve")
            desk.press()
            said.until("enrolled")
            key_in(world, bare, home)


def test_with_a_code_from_another_computer(
    world: World, browser: Browser, home: Path, table: list[Way]
) -> None:
    with ExitStack() as stack:
        bare = stack.enter_context(new_bare(name="By code"))
        stack.enter_context(bare.serving())
        context = stack.enter_context(browser.new_context(locale="en"))
        with timed(table, "pasted code", most_acts=3) as way:
            desk = Keyboard(context.new_page(), "en")
            way.act("sign in elsewhere")
            desk.goto(f"{world.url}/manage/enrolment-codes/new")
            desk.sign_in()
            way.act("get a code")
            desk.page.fill("[name=name]", "By code")
            desk.page.locator("[name=type]").first.check()
            desk.page.locator("main form button").last.click()
            (code,) = re.findall(r"keyin-1\.[\w-]{43}\.[\w-]{6}", desk.page.content())
            way.act("type the command and paste the code")
            done = bare.enrol("--cloud", world.url, "--code", "-", stdin=code + "\n", screen=False)
            assert done.code == 0, done
            key_in(world, bare, home)


def test_with_a_browser_of_another_computer(world: World, home: Path, table: list[Way]) -> None:
    with ExitStack() as stack:
        bare = stack.enter_context(new_bare(name="By device code"))
        stack.enter_context(bare.serving())
        with timed(table, "device code", most_acts=4) as way:
            way.act("type the command")
            said = stack.enter_context(bare.enrolling("--cloud", world.url, screen=False))
            begun = said.until("begun")
            way.act("sign in elsewhere")
            way.act("type the code")
            way.act("compare and approve")
            world.type_code(begun["user_code"])
            said.until("enrolled", seconds=50)
            key_in(world, bare, home)


def test_with_a_file(world: World, home: Path, table: list[Way]) -> None:
    with ExitStack() as stack:
        bare = stack.enter_context(new_bare(name="By file"))
        stack.enter_context(bare.serving())
        file = world.file(bare.folder / "desks.iat")
        with timed(table, "file, each computer", most_acts=1) as way:
            way.act("type the command")
            done = bare.enrol("--cloud", world.url, "--iat-file", file)
            assert done.code == 0, done
            key_in(world, bare, home)


def test_in_an_image(world: World, home: Path, table: list[Way]) -> None:
    with ExitStack() as stack:
        bare = stack.enter_context(new_bare(name="By image"))
        world.file(bare.folder / "site")
        bare.configure("file = 'site'\n", cloud=world.url)
        with timed(table, "image, each computer", most_acts=1) as way:
            way.act("switch it on")
            stack.enter_context(bare.serving())
            wait_for(lambda: bare.client_id is not None)
            key_in(world, bare, home)
