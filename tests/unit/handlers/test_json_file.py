"""The JSON file handler: what it changes, what it keeps, and what it refuses to touch."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from keyin.domain.absent import ABSENT, Absent
from keyin.domain.errors import HandlerFailed
from keyin.handlers.host import RealSystem
from keyin.handlers.json_file import JsonFileHandler
from keyin.handlers.memory import MemorySystem
from keyin.handlers.no_settings import NoSettingsHandler
from tests.shared_data import CASES, needs_shared
from tests.unit.handlers.blocks import json_block

FILE = Path("/home/person/settings.json")


def handler(content: bytes | None = None) -> tuple[JsonFileHandler, MemorySystem]:
    system = MemorySystem()
    if content is not None:
        system.files.content[FILE] = content
    return JsonFileHandler(system), system


def cases(kind: str) -> list[Any]:
    path = CASES / "local.json"
    if not path.exists():
        return []
    listed = json.loads(path.read_text())["cases"]
    wanted = [c for c in listed if c.get("format") == "json" and c["kind"] == kind]
    return [pytest.param(case, id=case["id"]) for case in wanted]


def bare(value: Any) -> Any:
    return ABSENT if value == {"$undefined": True} else value


@needs_shared
def test_the_recorded_cases_are_here() -> None:
    assert len(cases("settings-file")) >= 4


@needs_shared
@pytest.mark.parametrize("case", cases("settings-file"))
async def test_recorded_case(case: dict[str, Any]) -> None:
    before = None if case["before"] is None else case["before"].encode()
    json_file, system = handler(before)
    settings = {name: bare(value) for name, value in case["set"].items()}
    block = json_block(FILE, settings, **case["options"])
    changes = {change.setting: change for change in await json_file.write(block)}
    for name, expected in case["reply"].items():
        assert changes[name].old == bare(expected["oldValue"])
        assert changes[name].new == bare(expected["newValue"])
    assert json.loads(system.files.content[FILE]) == json.loads(case["after"])


@needs_shared
@pytest.mark.parametrize("case", cases("settings-file-get"))
async def test_recorded_reading(case: dict[str, Any]) -> None:
    json_file, _ = handler(case["content"].encode())
    block = json_block(FILE, dict.fromkeys(case["keys"], ABSENT), **case["options"])
    expected = {name: bare(value) for name, value in case["expected"].items()}
    assert await json_file.read(block) == expected


async def test_written_with_four_spaces_and_everything_else_in_its_order() -> None:
    json_file, system = handler('{"z": 1, "a": {"y": "ü", "b": 2}, "n": 1.50}'.encode())
    await json_file.write(json_block(FILE, {"a.b": 3}))
    text = system.files.content[FILE].decode()
    assert text == (
        '{\n    "z": 1,\n    "a": {\n        "y": "ü",\n        "b": 3\n    },\n    "n": 1.5\n}'
    )


async def test_a_file_that_already_says_so_keeps_its_bytes() -> None:
    raw = b'{"a":1,\t"b": 2.0 }\n'
    json_file, system = handler(raw)
    block = json_block(FILE, {"a": 1, "c": ABSENT})
    assert await json_file.foresee(block) == {FILE: raw}
    changes = await json_file.write(block)
    assert system.files.content[FILE] == raw
    assert [change.old for change in changes] == [1, ABSENT]


async def test_foresee_names_exactly_the_bytes_of_the_write() -> None:
    json_file, system = handler(b'{"a": 1}')
    block = json_block(FILE, {"a": 2, "b.c": "x"})
    foreseen = await json_file.foresee(block)
    await json_file.write(block)
    assert foreseen == system.files.content
    assert json_file.footprint(block) == (FILE,)


async def test_removing_from_a_file_that_is_not_there_makes_none() -> None:
    json_file, system = handler()
    block = json_block(FILE, {"a": ABSENT})
    assert await json_file.foresee(block) == {}
    await json_file.write(block)
    assert system.files.content == {}


async def test_what_was_read_can_be_written_back() -> None:
    json_file, system = handler(b'{"a": null, "b": [1, {"c": false}], "d": {}}')
    block = json_block(FILE, {"a": 1, "b.1.c": True, "d.e": "new", "f": [1]})
    old = await json_file.read(block)
    assert old == {"a": None, "b.1.c": False, "d.e": ABSENT, "f": ABSENT}
    await json_file.write(block)
    await json_file.write(json_block(FILE, old))
    assert json.loads(system.files.content[FILE]) == {"a": None, "b": [1, {"c": False}], "d": {}}


async def test_true_and_one_are_two_values() -> None:
    json_file, system = handler(b'{"a": 1}')
    await json_file.write(json_block(FILE, {"a": True}))
    assert json.loads(system.files.content[FILE])["a"] is True


@pytest.mark.parametrize(
    ("encoding", "codec", "mark"),
    [("utf-8", "utf-8", "\ufeff"), ("utf16le", "utf-16-le", "\ufeff"), ("UTF-8", "utf-8", "")],
)
async def test_encoding_and_byte_order_mark_stay(encoding: str, codec: str, mark: str) -> None:
    json_file, system = handler((mark + '{"ä": 1}').encode(codec))
    await json_file.write(json_block(FILE, {"ä": 2}, encoding=encoding))
    assert system.files.content[FILE].decode(codec) == mark + '{\n    "ä": 2\n}'


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"{",
        b'{"a": 1} x',
        b"42",
        b"null",
        b'"text"',
        b'{"a": NaN}',
        b'{"a": 1e999}',
        b'{"a": 1, "a": 2}',
        b'{"a": "\xff"}',
        b'{"a": "\\ud800"}',
        b"[" * 100_000,
        b'{"a": ' * 20_000 + b"1" + b"}" * 20_000,
        b'{"a": ' + b"9" * 5000 + b"}",
        b"// comment\n{}",
    ],
    ids=range(15),
)
async def test_a_file_that_is_no_plain_json_is_refused_and_left(raw: bytes) -> None:
    json_file, system = handler(raw)
    block = json_block(FILE, {"a": 1})
    for work in (json_file.read, json_file.write, json_file.foresee):
        with pytest.raises(HandlerFailed) as failed:
            await work(block)
        assert failed.value.next_step
        assert str(FILE) in str(failed.value)
    assert system.files.content[FILE] == raw


@pytest.mark.parametrize("name", ["a.b", "a.b.c", "l.5", "l.x", "", "n.x"])
async def test_a_plain_value_of_the_persons_never_gives_way(name: str) -> None:
    raw = b'{"a": 5, "l": [1], "n": null}'
    json_file, system = handler(raw)
    with pytest.raises(HandlerFailed):
        await json_file.write(json_block(FILE, {"fine": 1, name: 2}))
    assert system.files.content[FILE] == raw


@pytest.mark.parametrize(
    ("filename", "options"),
    [
        ("", {}),
        ("relative.json", {}),
        (str(FILE), {"encoding": "rot13"}),
        (str(FILE), {"encoding": 1}),
    ],
)
async def test_a_registrys_mistake_is_named(filename: str, options: dict[str, Any]) -> None:
    json_file, _ = handler(b"{}")
    with pytest.raises(HandlerFailed, match=r"a\.reader"):
        await json_file.write(json_block(filename, {"a": 1}, **options))


@pytest.mark.parametrize("value", [float("inf"), "\ud800"])
async def test_a_value_that_is_no_json_is_refused(value: Any) -> None:
    json_file, system = handler(b"{}")
    with pytest.raises((HandlerFailed, ValueError)):
        await json_file.write(json_block(FILE, {"a": value}))
    assert system.files.content[FILE] == b"{}"


async def test_no_settings_takes_everything_and_keeps_nothing() -> None:
    nothing = NoSettingsHandler()
    block = json_block(FILE, {"a": 1, "b": ABSENT})
    assert await nothing.read(block) == {"a": ABSENT, "b": ABSENT}
    changes = await nothing.write(block)
    assert [(c.setting, c.old, c.new) for c in changes] == [
        ("a", ABSENT, 1),
        ("b", ABSENT, ABSENT),
    ]
    assert nothing.footprint(block) == ()
    assert await nothing.foresee(block) == {}


async def test_on_a_real_disk_mode_and_a_link_stay(tmp_path: Path) -> None:
    target = tmp_path / "real.json"
    target.write_text('{"a": 1}')
    target.chmod(0o640)
    link = tmp_path / "settings.json"
    link.symlink_to("real.json")
    system = RealSystem()
    json_file = JsonFileHandler(system)
    await json_file.write(json_block(link, {"a": 2}))
    system.close()
    assert link.is_symlink()
    assert json.loads(target.read_text()) == {"a": 2}
    assert target.stat().st_mode & 0o7777 == 0o640
    assert sorted(os.listdir(tmp_path)) == ["real.json", "settings.json"]  # noqa: PTH208 - names only


def test_absent_stays_the_one_mark() -> None:
    assert isinstance(bare({"$undefined": True}), Absent)
