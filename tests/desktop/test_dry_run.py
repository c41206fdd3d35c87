"""`keyin login --dry-run` on a real desktop database: what it shows is what the login changes."""

from __future__ import annotations

import json
import subprocess
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

import pytest

from keyin.cli.processes import cloud_started
from tests.desktop.judge import variant
from tests.desktop.private import bus, environment, needs_desktop
from tests.enrolled import enrol
from tests.started import run, started
from tests.three_processes import requester_config

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = [pytest.mark.desktop, needs_desktop]

MAGNIFIER = "org.gnome.desktop.a11y.magnifier"
SWITCHES = "org.gnome.desktop.a11y.applications"
REGISTRY: dict[str, Any] = {
    MAGNIFIER: {
        "contexts": {"OS": [{"id": "linux"}]},
        "settingsHandlers": {
            "lens": {
                "type": "gpii.gsettings", "liveness": "live", "options": {"schema": MAGNIFIER},
            }
        },
        "launchHandlers": {
            "power": {
                "type": "gpii.gsettings.launch",
                "options": {"schema": SWITCHES, "key": "screen-magnifier-enabled"},
            }
        },
    }
}  # fmt: skip
PEOPLE: dict[str, dict[str, Any]] = {
    "ada": {
        "mag-factor": 1000,
        "screen-position": "nonsense",
        "lens-mode": "yes",
        "cross-hairs-length": 48,
        "show-cross-hairs": True,
        "invert-lightness": False,
    },
    "bela": {"mag-factor": 4, "cross-hairs-length": 64},
}
REFUSED = {"mag-factor", "screen-position", "lens-mode"}


def preferences(settings: dict[str, Any]) -> dict[str, Any]:
    uri = f"http://registry.gpii.net/applications/{MAGNIFIER}"
    return {"flat": {"contexts": {"gpii-default": {"preferences": {uri: settings}}}}}


class Desktop:
    """A person's session with keyin on it."""

    def __init__(self, env: dict[str, str]) -> None:
        self.env = env

    def values(self) -> dict[str, Any]:
        """Return what is set, and not the schema's own, under the name that keyin shows."""
        names = {"running": f"/{SWITCHES.replace('.', '/')}/screen-magnifier-enabled"}
        for settings in PEOPLE.values():
            names |= {key: f"/{MAGNIFIER.replace('.', '/')}/{key}" for key in settings}
        said = {name: self._read(path) for name, path in names.items()}
        return {name: variant(text) for name, text in said.items() if text}

    def _read(self, path: str) -> str:
        done = subprocess.run(
            ["dconf", "read", path], env=self.env, check=True, capture_output=True, text=True
        )
        return done.stdout.strip()

    def keyin(self, *words: str, key: str = "") -> dict[str, Any]:
        """Run `keyin WORDS --json` as this person."""
        done = run(*words, "--json", environment=self.env, stdin=key)
        assert done.returncode == 0, done.stdout + done.stderr
        answer: dict[str, Any] = json.loads(done.stdout)
        return answer

    def foretold(self, key: str) -> dict[str, tuple[Any, Any]]:
        """Return what a dry run shows, by setting."""
        before = self.values()
        rows = self.keyin("login", "-", "--dry-run", key=key)["differences"]
        assert self.values() == before
        return {row["setting"]: (row.get("now"), row.get("then")) for row in rows}


@pytest.fixture(scope="module")
def desktop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desktop]:
    folder = tmp_path_factory.mktemp("desktop")
    registry, people = folder / "linux.json5", folder / "people"
    registry.write_text(json.dumps(REGISTRY))
    people.mkdir()
    for name, settings in PEOPLE.items():
        (people / f"{name}.json5").write_text(json.dumps(preferences(settings)))
    (folder / "home").mkdir()
    (folder / "requester").mkdir(mode=0o700)
    (folder / "device.json").write_text(json.dumps([{"id": MAGNIFIER}]))
    imported = run(
        *("cloud", "import", "--data", folder / "cloud", "--as", "user"),
        *("--solutions", registry, people),
    )
    assert imported.returncode == 0, imported.stderr
    enrol(folder / "cloud", folder / "requester" / "credential.json")
    env = environment(folder / "home")
    with ExitStack() as stack:
        env["DBUS_SESSION_BUS_ADDRESS"] = stack.enter_context(bus(env))
        cloud = stack.enter_context(cloud_started("--data", folder / "cloud"))
        config = requester_config(folder, cloud.url)
        stack.enter_context(started("requester", "serve", "--config", config))
        stack.enter_context(started(*_manager(folder, cloud.url), environment=env))
        yield Desktop(env)


def _manager(folder: Path, cloud: str) -> tuple[object, ...]:
    return (
        "flow-manager", "serve", "--cloud", cloud, "--requester", folder / "requester" / "socket",
        "--device-report", folder / "device.json", "--solutions", folder / "linux.json5",
    )  # fmt: skip


def changed(before: dict[str, Any], after: dict[str, Any]) -> dict[str, tuple[Any, Any]]:
    return {
        name: (before.get(name), after.get(name))
        for name in before | after
        if before.get(name) != after.get(name)
    }


def test_a_dry_run_shows_what_the_login_changes_and_no_value_that_is_refused(
    desktop: Desktop,
) -> None:
    """Nobody is in, then ada; for bela what ada's key-out puts back is shown with the rest."""
    start = desktop.values()
    for key in ("ada", "bela", "noUser"):
        told, before = desktop.foretold(key), desktop.values()
        login = desktop.keyin("login", "-", key=key)
        assert told == changed(before, desktop.values())
        assert told
        if key == "ada":
            assert not REFUSED & set(told)
            assert login["settings"] == len(told)
        if key == "bela":
            assert told["show-cross-hairs"] == (True, None)
            assert told["cross-hairs-length"] == (48, 64)
    assert desktop.values() == start
