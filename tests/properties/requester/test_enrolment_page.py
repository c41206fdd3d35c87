"""docs/enrolment.md: its commands, one after the other, on computers of the test's own."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
from functools import partial
from typing import TYPE_CHECKING

from keyin.cli.processes import command
from keyin.wire.requester_trouble import TROUBLE_TEXTS
from tests.house.sources import ROOT
from tests.properties.requester.bare import Bare, new_bare
from tests.properties.requester.place import needs_other_account, wait_for

if TYPE_CHECKING:
    from pathlib import Path

    from tests.enrolling_world import World

PAGE = (ROOT / "docs" / "enrolment.md").read_text(encoding="utf-8")
BLOCKS = [
    line.strip()
    for block in re.findall(r" *```sh\n(.*?)```", PAGE, re.DOTALL)
    for line in block.strip().splitlines()
]
FILE, SEAL, BROWSER, CODE, STATUS, ROTATE, LEAVE = BLOCKS


def typed(
    bare: Bare, world: World, line: str, usb: Path, stdin: str = ""
) -> subprocess.CompletedProcess[str]:
    """Run a line of the page, with addresses and folders of our own."""
    places = {
        "https://cloud.example": world.url,
        "/media/usb": str(usb),
        "/etc/keyin": str(bare.folder),
    }
    for old, new in places.items():
        line = line.replace(old, new)
    words = shlex.split(line.removeprefix("sudo "))
    if words[:2] == ["keyin", "requester"]:
        own = ["--socket", str(bare.folder / "s.sock")] if words[2] == "status" else []
        words = [*command(*words[1:]), *(own or ["--config", str(bare.config)])]
    return subprocess.run(
        words, check=False, capture_output=True, text=True, input=stdin, timeout=90,
        env=bare.environment(screen=False),
    )  # fmt: skip


def test_many_computers_one_by_one_and_what_comes_later(world: World, tmp_path: Path) -> None:
    world.file(tmp_path / "reading-room.iat")
    for number in range(2):
        with new_bare(name=f"Reading room {number}") as bare, bare.serving():
            bare.machine(f"{number + 1}" * 32)
            for _ in range(2):
                done = typed(bare, world, FILE, tmp_path)
                assert (done.returncode, done.stderr) == (0, "")
                assert "This computer is enrolled." in done.stdout
            for line in (STATUS, ROTATE, LEAVE):
                done = typed(bare, world, line, tmp_path)
                assert (done.returncode, done.stderr) == (0, ""), line


def is_gone(file: Path) -> bool:
    return not file.exists()


@needs_other_account
def test_an_image(world: World, tmp_path: Path) -> None:
    world.file(tmp_path / "reading-room.iat")
    with new_bare(name="Image") as bare, bare.serving():
        done = typed(bare, world, FILE, tmp_path)
        assert (done.returncode, done.stderr) == (0, ""), "it was tried out before"
        (toml,) = re.findall(r"```toml\n(.*?)```", PAGE, re.DOTALL)
        section = toml.partition("[enrolment]\n")[2].replace("/etc/keyin", str(bare.folder))
        bare.configure(section, cloud=world.url)
        first = bare.client_id
        done = typed(bare, world, SEAL, tmp_path)
        assert (done.returncode, done.stderr, bare.client_id) == (0, "", None)
        for number in (2, 3):
            with new_bare(name="Image") as copy:
                for name in ("site.iat", "credential.json.sealed"):
                    shutil.copyfile(bare.folder / name, copy.folder / name)
                copy.configure("file = 'site.iat'\n", cloud=world.url)
                copy.machine(f"{number}" * 32, boot=number)
                with copy.serving():
                    wait_for(copy.files.credential.exists)
                    wait_for(partial(is_gone, copy.folder / "site.iat"))
                    assert copy.client_id not in {None, first}


def test_one_computer_without_a_browser(world: World, tmp_path: Path) -> None:
    with new_bare(name="Kiosk") as bare, bare.serving():
        code = world.code("Kiosk")
        done = typed(bare, world, CODE, tmp_path, stdin=code + "\n")
        assert (done.returncode, done.stderr) == (0, "")
        assert bare.enrol().last["stage"] == "enrolled"
    assert CODE.removesuffix(" --code -") == BROWSER


def test_what_the_page_quotes_is_what_is_said() -> None:
    table = PAGE.partition("## When something is wrong")[2]
    said = [row.split(" | ")[0].strip("| ") for row in table.splitlines() if row.startswith("| ")]
    texts = [text.message for text in TROUBLE_TEXTS.values()]
    from keyin.oauth import registration_refusals  # noqa: PLC0415 - for one text
    from keyin.wire.requester import ERROR_TEXTS  # noqa: PLC0415 - as above

    texts += [text.message for text in ERROR_TEXTS.values()]
    texts += [str(registration_refusals.NAME_TAKEN)]
    for row in said[1:]:
        start = row.split("…")[0].strip()
        assert any(start.lower() in text.lower().replace("%(seconds)s", "…") for text in texts), row
