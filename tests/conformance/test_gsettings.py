"""What every `GSettings` role does: the real GIO under a bus of its own, and the one in memory."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

from keyin.domain.absent import ABSENT, Absent, Value
from keyin.domain.errors import HandlerFailed
from keyin.handlers.memory import Key, MemoryGSettings
from tests.conformance.gsettings_child import dump, load
from tests.desktop.private import BUS, environment, needs_desktop
from tests.shared_data import REPOSITORY

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from keyin.handlers.system import GSettings

MAGNIFIER = "org.gnome.desktop.a11y.magnifier"
INTERFACE = "org.gnome.desktop.interface"
SOURCES = "org.gnome.desktop.input-sources"
SCHEMAS = {
    MAGNIFIER: {
        "mag-factor": Key(kind="d", low=0.1, high=32.0),
        "lens-mode": Key(kind="b"),
        "cross-hairs-length": Key(kind="i", low=20, high=4096),
        "cross-hairs-color": Key(kind="s"),
        "mouse-tracking": Key(kind="s", choices=("none", "centered", "proportional", "push")),
    },
    SOURCES: {"xkb-options": Key(kind="as")},
    "org.gnome.desktop.session": {"idle-delay": Key(kind="u")},
}


class Remote:
    """The real role, in a process inside a private desktop session."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    def _ask(self, op: str, *args: object) -> Any:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps({"op": op, "args": [dump(a) for a in args]}) + "\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        assert line, "the process that holds the real GIO has ended"
        answer = json.loads(line)
        if "failed" in answer:
            raise HandlerFailed(answer["failed"].replace("%", "%%"))
        return load(answer["result"])

    def keys(self, schema: str) -> frozenset[str] | None:
        found: frozenset[str] | None = self._ask("keys", schema)
        return found

    def read(self, schema: str, key: str) -> Value | Absent:
        value: Value | Absent = self._ask("read", schema, key)
        return value

    def fit(self, schema: str, key: str, value: Value) -> Value | Absent:
        fitting: Value | Absent = self._ask("fit", schema, key, value)
        return fitting

    def write(self, schema: str, values: Mapping[str, Value | Absent]) -> None:
        self._ask("write", schema, dict(values))


@pytest.fixture(scope="module")
def remote(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Remote]:
    home = tmp_path_factory.mktemp("home")
    process = subprocess.Popen(
        [*BUS, sys.executable, "-m", "tests.conformance.gsettings_child"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        cwd=REPOSITORY,
        env=environment(home),
    )
    with process:
        yield Remote(process)
        assert process.stdin is not None
        process.stdin.close()
        process.wait(timeout=20)


@pytest.fixture(
    params=[
        "memory",
        pytest.param("real", marks=[pytest.mark.desktop, needs_desktop]),
    ]
)
def gsettings(request: pytest.FixtureRequest) -> GSettings:
    if request.param == "memory":
        return MemoryGSettings(SCHEMAS)
    remote: Remote = request.getfixturevalue("remote")
    for schema, keys in SCHEMAS.items():
        remote.write(schema, dict.fromkeys(keys, ABSENT))
    return remote


def test_a_schema_names_its_keys_and_an_unknown_one_is_none(gsettings: GSettings) -> None:
    assert set(SCHEMAS[MAGNIFIER]) <= (gsettings.keys(MAGNIFIER) or set())
    assert gsettings.keys("org.gnome.shell.overrides") is None
    assert gsettings.keys(MAGNIFIER + "\0") is None
    assert gsettings.keys("\udc80") is None
    assert gsettings.keys("") is None


def test_a_schema_without_a_place_of_its_own_is_not_there(gsettings: GSettings) -> None:
    assert gsettings.keys("org.gnome.desktop.app-folders.folder") is None


def test_what_nobody_set_is_absent(gsettings: GSettings) -> None:
    assert gsettings.read(MAGNIFIER, "mag-factor") is ABSENT
    assert gsettings.read(MAGNIFIER, "no-such-key") is ABSENT
    assert gsettings.read("no.such.schema", "mag-factor") is ABSENT


@pytest.mark.parametrize(
    ("schema", "key", "value"),
    [
        (MAGNIFIER, "mag-factor", 2.5),
        (MAGNIFIER, "lens-mode", True),
        (MAGNIFIER, "lens-mode", False),
        (MAGNIFIER, "cross-hairs-length", 20),
        (MAGNIFIER, "cross-hairs-color", "Grüße, 'x' \"y\" \\z\n%s"),
        (MAGNIFIER, "cross-hairs-color", ""),
        (MAGNIFIER, "mouse-tracking", "push"),
        (SOURCES, "xkb-options", []),
        (SOURCES, "xkb-options", ["ctrl:nocaps", "ü"]),
        ("org.gnome.desktop.session", "idle-delay", 2**32 - 1),
    ],
)
def test_a_value_reads_as_it_was_written_and_resets(
    gsettings: GSettings, schema: str, key: str, value: Value
) -> None:
    assert gsettings.fit(schema, key, value) == value
    gsettings.write(schema, {key: value})
    assert gsettings.read(schema, key) == value
    assert type(gsettings.read(schema, key)) is type(value)
    gsettings.write(schema, {key: ABSENT})
    assert gsettings.read(schema, key) is ABSENT


def test_the_default_written_is_not_the_default_unset(gsettings: GSettings) -> None:
    gsettings.write(MAGNIFIER, {"lens-mode": False})
    assert gsettings.read(MAGNIFIER, "lens-mode") is False


@pytest.mark.parametrize(
    ("key", "given", "held"),
    [
        ("mag-factor", 2, 2.0),
        ("mag-factor", 0.1, 0.1),
        ("mag-factor", 32, 32.0),
        ("cross-hairs-length", 569.9999999999999, 570),
        ("cross-hairs-length", 20.5, 21),
        ("cross-hairs-length", 4096, 4096),
    ],
)
def test_a_number_takes_the_type_of_the_key(
    gsettings: GSettings, key: str, given: Value, held: Value
) -> None:
    fitting = gsettings.fit(MAGNIFIER, key, given)
    assert fitting == held
    assert type(fitting) is type(held)
    gsettings.write(MAGNIFIER, {key: fitting})
    assert gsettings.read(MAGNIFIER, key) == held


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("mag-factor", 32.1),
        ("mag-factor", 0),
        ("mag-factor", "2"),
        ("mag-factor", True),
        ("mag-factor", None),
        ("mag-factor", [2]),
        ("mag-factor", 10**400),
        ("lens-mode", 1),
        ("lens-mode", "true"),
        ("lens-mode", None),
        ("cross-hairs-length", 19),
        ("cross-hairs-length", 2**40),
        ("cross-hairs-length", False),
        ("cross-hairs-color", 7),
        ("cross-hairs-color", "a\0b"),
        ("cross-hairs-color", "\ud800"),
        ("cross-hairs-color", {"r": 1}),
        ("mouse-tracking", "sideways"),
        ("mouse-tracking", 0),
        ("no-such-key", 1),
    ],
)
def test_what_does_not_fit_is_refused_and_the_process_lives_on(
    gsettings: GSettings, key: str, value: Value
) -> None:
    assert gsettings.fit(MAGNIFIER, key, value) is ABSENT
    with pytest.raises(HandlerFailed):
        gsettings.write(MAGNIFIER, {key: value})
    assert gsettings.read(MAGNIFIER, key) is ABSENT


@pytest.mark.parametrize("value", [["a", 1], [None], "a", {"0": "a"}, ["\0"]])
def test_a_list_of_texts_takes_nothing_else(gsettings: GSettings, value: Value) -> None:
    assert gsettings.fit(SOURCES, "xkb-options", value) is ABSENT


def test_one_misfit_keeps_the_whole_write_from_happening(gsettings: GSettings) -> None:
    with pytest.raises(HandlerFailed):
        gsettings.write(MAGNIFIER, {"lens-mode": True, "mag-factor": 99})
    assert gsettings.read(MAGNIFIER, "lens-mode") is ABSENT


def test_an_unknown_schema_cannot_be_written(gsettings: GSettings) -> None:
    with pytest.raises(HandlerFailed):
        gsettings.write("no.such.schema", {"a": 1})
    gsettings.write("no.such.schema", {})
