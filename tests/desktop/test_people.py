"""Real people's preferences on a real desktop database, through the three real processes.

Every set of the GPII project's that reaches the magnifier, keyboard, applications or interface
schemas is keyed in and out, one after the other, in one private desktop session. A program that
imports nothing of keyin judges (`tests/desktop/judge.py`); for four sets the expected values come
from a table made by hand.

With KEYIN_PEOPLE_REPORT=FILE the judge's report, set by set, is kept there.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from keyin.cli.processes import cloud_started, command, spawn
from tests.desktop.private import bus, environment, needs_desktop
from tests.enrolled import enrol
from tests.shared_data import GPII_DATA, REPOSITORY, needs_shared
from tests.started import Started, run, started
from tests.three_processes import requester_config

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = [pytest.mark.desktop, pytest.mark.timeout(600), needs_desktop, needs_shared]

REGISTRY = GPII_DATA / "solutions" / "linux.json5"
SETS = {
    path.stem: path
    for folder in ("preferences", "test-preferences")
    for path in sorted((GPII_DATA / folder).glob("*.json5"))
}
TABLE: dict[str, Any] = json.loads(
    (REPOSITORY / "tests" / "desktop" / "expected_values.json").read_text()
)
BY_HAND = [name for name in TABLE if name != "about"]
MAGNIFIER = "org.gnome.desktop.a11y.magnifier"
INTERFACE = "org.gnome.desktop.interface"


@dataclass
class Desktop:
    """A person's desktop session with keyin on it."""

    folder: Path
    home: Path
    env: dict[str, str]
    cloud: str = ""
    manager: Started | None = None

    def start_manager(self) -> None:
        """Start the flow manager; it is ready when what a crash left is put back."""
        words = command(
            *("flow-manager", "serve", "--cloud", self.cloud, "--solutions", REGISTRY),
            *("--device-report", self.folder / "device.json"),
            *("--requester", self.folder / "requester" / "socket"),
        )
        self.manager = spawn(words, environment=self.env)

    def end_manager(self) -> None:
        """End whichever flow manager runs last."""
        if self.manager is not None:
            self.manager.end()

    def ask(self, *words: object) -> str:
        """Run a command of the desktop's and return what it prints."""
        done = subprocess.run(
            [*map(str, words)], env=self.env, check=True, capture_output=True, text=True
        )
        return done.stdout

    def judge(self, verb: str, *words: object) -> tuple[int, str]:
        """Ask the judge; return the exit code and what it says."""
        done = subprocess.run(
            [sys.executable, "-m", "tests.desktop.judge", verb, *map(str, words)],
            env=self.env,
            cwd=REPOSITORY,
            check=False,
            capture_output=True,
            text=True,
        )
        return done.returncode, done.stdout + done.stderr

    def keyin(self, *words: str, key: str = "") -> dict[str, Any]:
        """Run `keyin WORDS --json` as this person."""
        done = run(*words, "--json", environment=self.env, stdin=key)
        assert done.returncode == 0, done.stdout + done.stderr
        answer: dict[str, Any] = json.loads(done.stdout)
        return answer

    @property
    def state(self) -> Path:
        return self.folder / "state.json"

    @property
    def report(self) -> Path:
        return self.folder / "report.jsonl"


@contextmanager
def cloud_with_everybody(folder: Path) -> Iterator[str]:
    """Serve the registry and every preference set; yield the cloud's URL."""
    for kind, name in (("snapset", "preferences"), ("user", "test-preferences")):
        imported = run(
            *("cloud", "import", "--data", folder / "cloud", "--as", kind),
            *("--solutions", REGISTRY, GPII_DATA / name),
        )
        assert imported.returncode == 0, imported.stderr
    (folder / "requester").mkdir(mode=0o700)
    credential = folder / "requester" / "credential.json"
    enrol(folder / "cloud", credential, "--computer-type", "public")  # many people an hour
    with cloud_started("--data", folder / "cloud") as cloud:
        yield cloud.url


def seed(desktop: Desktop) -> None:
    """Give the person settings and files of their own, some equal to the default."""
    for schema, key, value in (
        (MAGNIFIER, "mag-factor", "3.25"),
        (MAGNIFIER, "screen-position", "'left-half'"),
        (MAGNIFIER, "show-cross-hairs", "false"),
        (INTERFACE, "text-scaling-factor", "1.0"),
        (INTERFACE, "icon-theme", "'Papirus'"),
        ("org.gnome.desktop.a11y.applications", "screen-magnifier-enabled", "false"),
        ("org.gnome.desktop.input-sources", "xkb-options", "['ctrl:nocaps']"),
    ):
        desktop.ask("gsettings", "set", schema, key, value)
    settings = desktop.home / ".config" / "gtk-3.0" / "settings.ini"
    settings.parent.mkdir()
    settings.write_text("[Settings]\ngtk-theme-name=Mine\n")
    settings.chmod(0o640)


@pytest.fixture(scope="module")
def desktop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desktop]:
    folder = tmp_path_factory.mktemp("people")
    home = folder / "home"
    home.mkdir()
    env = environment(home)
    with ExitStack() as stack:
        env["DBUS_SESSION_BUS_ADDRESS"] = stack.enter_context(bus(env))
        desktop = Desktop(folder, home, env)
        seed(desktop)
        url = stack.enter_context(cloud_with_everybody(folder))
        stack.enter_context(
            started("requester", "serve", "--config", requester_config(folder, url))
        )
        device = folder / "device.json"
        device.write_text(json.dumps([{"id": name} for name in plan(desktop)["solutions"]]))
        stack.callback(desktop.end_manager)
        desktop.cloud = url
        desktop.start_manager()
        yield desktop


def plan(desktop: Desktop) -> dict[str, Any]:
    code, said = desktop.judge("plan", "--registry", REGISTRY, *SETS.values())
    assert code == 0, said
    planned: dict[str, Any] = json.loads(said)
    return planned


def key_in_and_out(desktop: Desktop, name: str) -> list[str]:
    """Key one set in and out; return what the judge found unlike it was before the first."""
    desktop.keyin("login", "-", key=name)
    during = desktop.judge(
        *("during", "--state", desktop.state, "--registry", REGISTRY),
        *("--report", desktop.report, SETS[name]),
    )
    desktop.keyin("logout")
    after = desktop.judge("after", "--state", desktop.state, "--home", desktop.home)
    return [said for code, said in (during, after) if code != 0]


def test_the_judge_imports_nothing_of_keyin() -> None:
    program = "import sys, tests.desktop.judge; print([m for m in sys.modules if 'keyin' in m])"
    done = subprocess.run(
        [sys.executable, "-S", "-c", program],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize("name", BY_HAND)
def test_values_from_the_table_made_by_hand(desktop: Desktop, name: str) -> None:
    before = desktop.ask("dconf", "dump", "/")
    desktop.keyin("login", "-", key=name)
    try:
        for place, expected in TABLE[name].items():
            text = desktop.ask("gsettings", "get", *place.split(" ")).strip()
            assert json.loads(text.replace("'", '"')) == pytest.approx(expected), place
    finally:
        desktop.keyin("logout")
    assert desktop.ask("dconf", "dump", "/") == before


def test_the_judge_and_the_table_made_by_hand_agree(desktop: Desktop) -> None:
    desktop.judge("before", "--state", desktop.state, "--home", desktop.home)
    report = desktop.folder / "compared.jsonl"
    for name in BY_HAND:
        desktop.judge(
            *("during", "--state", desktop.state, "--registry", REGISTRY),
            *("--report", report, SETS[name]),
        )
        entry = json.loads(report.read_text().splitlines()[-1])
        assert entry["set"] == name
        assert entry["expected"] == pytest.approx(TABLE[name])
        assert entry["faults"], "nobody is keyed in, so the judge must find fault"


def test_every_person_who_reaches_this_desktop_is_served_and_leaves_no_trace(
    desktop: Desktop,
) -> None:
    names = plan(desktop)["sets"]
    assert set(BY_HAND) <= set(names)
    assert len(names) >= 60
    desktop.judge("before", "--state", desktop.state, "--home", desktop.home)
    faults = {name: found for name in names if (found := key_in_and_out(desktop, name))}
    _, said = desktop.judge("summary", "--report", desktop.report)
    print(said)  # noqa: T201 - the report
    if "KEYIN_PEOPLE_REPORT" in os.environ:
        (REPOSITORY / os.environ["KEYIN_PEOPLE_REPORT"]).write_text(desktop.report.read_text())
    assert faults == {}
    assert len(desktop.report.read_text().splitlines()) == len(names)


@pytest.mark.parametrize("written", [1, 5, 9, 12])
def test_killed_during_a_key_in_the_desktop_is_as_before_at_the_next_start(
    desktop: Desktop, written: int
) -> None:
    desktop.judge("before", "--state", desktop.state, "--home", desktop.home)
    assert desktop.manager is not None
    before = set(desktop.ask("dconf", "dump", "/").splitlines())
    login = subprocess.Popen(
        command("login", "-"),
        env={**os.environ, **desktop.env},
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    with login:
        assert login.stdin is not None
        login.stdin.write("carla")
        login.stdin.close()
        deadline = time.monotonic() + 30
        while len(set(desktop.ask("dconf", "dump", "/").splitlines()) - before) < written:
            assert time.monotonic() < deadline
        desktop.manager.kill()
    desktop.start_manager()
    assert desktop.judge("after", "--state", desktop.state, "--home", desktop.home) == (0, "")
