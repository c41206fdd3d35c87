"""Every way in, with cloud, access requester and command as processes of their own."""

from __future__ import annotations

import json
import os
import re
import shutil
import stat
from typing import TYPE_CHECKING

import pytest

from tests.cloud_process import send
from tests.properties.requester.bare import Bare, new_bare
from tests.properties.requester.place import needs_other_account, wait_for

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.enrolling_world import World


@pytest.fixture
def bare(request: pytest.FixtureRequest) -> Iterator[Bare]:
    with new_bare(name=request.node.name[:60]) as one, one.serving():
        yield one


def go(url: str) -> tuple[int, str]:
    """Go where a browser is sent."""
    place, _, path = url.removeprefix("http://").partition("/")
    answer = send(f"http://{place}", "GET", f"/{path}")
    return answer.status, answer.headers.get("location", "")


def status(world: World, client_id: str | None) -> str:
    shown = world.keyin("client", "show", client_id, "--json")
    assert shown.returncode == 0, shown.stderr
    found: str = json.loads(shown.stdout)["client"]["status"]
    return found


@needs_other_account
def test_in_by_a_browser_of_this_computer(world: World, bare: Bare) -> None:
    with bare.enrolling("--cloud", world.url) as said:
        begun = said.until("begun")
        back = world.answer(begun["url"], client_name="Library desk 3")
        assert go(back) == (303, f"{world.url}/enrolled?ok=1")
        enrolled = said.until("enrolled")
        assert said.end() == (0, "")
    assert (enrolled["name"], enrolled["client_id"]) == ("Library desk 3", bare.client_id)
    assert status(world, bare.client_id) == "active"
    assert bare.keyin("rotate").returncode == 0
    assert bare.keyin("leave").returncode == 0


@needs_other_account
def test_a_no_on_the_page_is_said_here(world: World, bare: Bare) -> None:
    with bare.enrolling("--cloud", world.url) as said:
        back = world.answer(said.until("begun")["url"], "deny")
        assert go(back) == (303, f"{world.url}/enrolled?error=access_denied")
        code, complaint = said.end()
    assert (code, json.loads(complaint)["error"]) == (5, "denied")


@needs_other_account
def test_in_by_a_code_that_the_page_shows_instead(world: World, bare: Bare) -> None:
    with bare.enrolling("--cloud", world.url) as said:
        shown = world.answer(said.until("begun")["url"], "code")
        (code,) = re.findall(r"keyin-1\.[\w-]{43}\.[\w-]{6}", shown)
        done = bare.enrol("--code", "-", stdin=code + "\n")
        assert done.code == 0, done
        assert said.until("enrolled")["client_id"] == bare.client_id
    assert status(world, bare.client_id) == "active"


def test_in_by_a_pasted_code(world: World, bare: Bare) -> None:
    code = world.code(bare.name)
    done = bare.enrol("--cloud", world.url, "--code", "-", stdin=code + "\n", screen=False)
    assert (done.code, done.last["client_id"]) == (0, bare.client_id), done
    assert status(world, bare.client_id) == "active"


@needs_other_account
def test_in_by_a_pasted_code_while_a_browser_is_waited_for(world: World, bare: Bare) -> None:
    with bare.enrolling("--cloud", world.url) as said:
        said.until("begun")
        done = bare.enrol("--code", "-", stdin=world.code(bare.name) + "\n")
        assert done.code == 0, done
        said.until("enrolled")


def test_in_by_a_browser_elsewhere(world: World, bare: Bare) -> None:
    with bare.enrolling("--cloud", world.url, screen=False) as said:
        begun = said.until("begun")
        assert begun["url"] == f"{world.url}/device"
        world.type_code(begun["user_code"])
        said.until("enrolled", seconds=60)
    assert status(world, bare.client_id) == "active"


def test_in_by_a_file_of_many(world: World) -> None:
    with new_bare(name="First of many") as first, first.serving():
        file = world.file(first.folder / "desks.iat", uses=1)
        done = first.enrol("--cloud", world.url, "--iat-file", file)
        assert (done.code, done.last["client_id"]) == (0, first.client_id), done
        with new_bare(name="Second of many") as second, second.serving():
            second.machine("b" * 32)
            refused = second.enrol("--cloud", world.url, "--iat-file", file)
            assert (refused.code, refused.error["error"]) == (5, "not_taken")


def test_in_by_a_file_in_an_image_which_is_sealed(world: World) -> None:
    with new_bare(name="In an image") as bare:
        site = world.file(bare.folder / "site.iat", uses=3)
        stick = shutil.copyfile(site, bare.folder / "stick.iat")
        bare.configure("file = 'site.iat'\n", cloud=world.url)
        with bare.serving():
            wait_for(lambda: bare.client_id is not None and not site.exists())
            first = bare.client_id
            done = bare.keyin("seal", "--iat-file", stick, "--json")
            assert json.loads(done.stdout)["told_cloud"], (done.stdout, done.stderr)
            status_ = site.stat()
            assert (stat.S_IMODE(status_.st_mode), status_.st_uid) == (0o600, os.geteuid())
        bare.machine("c" * 32, boot=2)
        with bare.serving():
            wait_for(lambda: bare.client_id not in {None, first} and not site.exists())
        assert status(world, bare.client_id) == "active"
