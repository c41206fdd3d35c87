"""The journal on disk: durable lines, torn tails, one holder."""

from __future__ import annotations

import json
import os
import stat
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from keyin.domain.absent import ABSENT, Absent
from keyin.domain.errors import ConfigurationError, StoreUnavailable
from keyin.session.fingerprints import fingerprint
from keyin.session.records import (
    Entry,
    FileForeseen,
    FileKept,
    FileMixed,
    FileState,
    Intended,
    Opened,
    SessionId,
    Settled,
    Touched,
    Undone,
    armoured,
    bare,
)
from keyin.stores.journal import JournalDirectory
from tests.json_values import json_values

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

ONE = SessionId("0000000000001-aa")
ENTRIES: tuple[Entry, ...] = (
    Opened(at=5),
    Touched(solution="s", record={"start": ["launchers.x"], "settingsHandlers": {}}),
    FileKept(
        state=FileState(path="/x", content=b"\x00\xff", mode=0o640, uid=1, gid=2, modified_ns=3)
    ),
    FileKept(state=FileState(path="/y", content=None, missing_parents=("/a/b", "/a"))),
    FileForeseen(path="/x", digest="00"),
    Intended(
        solution="s",
        block="settings.x",
        type="t",
        options={"filename": "/x"},
        old={"a": "", "b": "null", "c": '{"d": [1.5]}'},
        new={"a": "ff"},
    ),
    Settled(solution="s", block="settings.x", new={"a": "ee"}),
    FileMixed(path="/x"),
    Undone(solution="s"),
)


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[JournalDirectory]:
    opened = JournalDirectory.open(tmp_path / "journal")
    yield opened
    opened.release()


def only_file(folder: Path) -> Path:
    (found,) = folder.glob("journal/*.journal")
    return found


async def test_what_was_appended_is_found_again(journal: JournalDirectory, tmp_path: Path) -> None:
    await journal.append(ONE, *ENTRIES[:2])
    await journal.append(ONE, *ENTRIES[2:])
    (found,) = await journal.unfinished()
    assert (found.session, found.entries) == (ONE, ENTRIES)
    path = only_file(tmp_path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    await journal.close(ONE)
    assert await journal.unfinished() == []


async def test_any_torn_tail_loses_only_what_was_never_promised(
    journal: JournalDirectory, tmp_path: Path
) -> None:
    await journal.append(ONE, ENTRIES[0])
    whole = only_file(tmp_path).read_bytes()
    await journal.append(ONE, ENTRIES[1])
    longer = only_file(tmp_path).read_bytes()
    for length in range(len(whole), len(longer)):
        only_file(tmp_path).write_bytes(longer[:length])
        (found,) = await journal.unfinished()
        assert found.entries == ENTRIES[:1]
        await journal.append(ONE, ENTRIES[1])
        (found,) = await journal.unfinished()
        assert found.entries == ENTRIES[:2]


async def test_a_damaged_line_is_left_out(journal: JournalDirectory, tmp_path: Path) -> None:
    await journal.append(ONE, *ENTRIES[:3])
    path = only_file(tmp_path)
    lines = path.read_bytes().splitlines(keepends=True)
    lines[1] = lines[1].replace(b"launchers", b"Launchers")
    path.write_bytes(b"".join(lines))
    (found,) = await journal.unfinished()
    assert found.entries == (ENTRIES[0], ENTRIES[2])


async def test_sessions_come_oldest_first(journal: JournalDirectory) -> None:
    two = SessionId("0000000000002-00")
    await journal.append(two, ENTRIES[0])
    await journal.append(ONE, ENTRIES[0])
    assert [found.session for found in await journal.unfinished()] == [ONE, two]


def test_one_process_holds_the_folder(tmp_path: Path) -> None:
    first = JournalDirectory.open(tmp_path)
    with pytest.raises(ConfigurationError, match="another flow manager"):
        JournalDirectory.open(tmp_path)
    first.release()
    JournalDirectory.open(tmp_path).release()


def test_a_folder_that_is_no_folder(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigurationError):
        JournalDirectory.open(tmp_path / "file")


async def test_a_full_disk_is_told_and_leaves_no_half_line(
    journal: JournalDirectory, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    await journal.append(ONE, ENTRIES[0])
    before = only_file(tmp_path).read_bytes()
    real = os.write

    def full(handle: int, data: bytes) -> int:
        if len(data) > 4:
            return real(handle, data[:4])
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "write", full)
    with pytest.raises(StoreUnavailable, match="No space"):
        await journal.append(ONE, ENTRIES[1])
    monkeypatch.undo()
    assert only_file(tmp_path).read_bytes() == before


@given(json_values())
@settings(max_examples=50)
def test_values_keep_their_fingerprint_and_their_armour(value: object) -> None:
    made = bare(armoured(value))  # type: ignore[arg-type]  # any JSON value
    assert json.dumps(made) == json.dumps(value)
    assert fingerprint(ONE, made) == fingerprint(ONE, value)  # type: ignore[arg-type]  # as above


@given(st.integers(min_value=-(2**50), max_value=2**50))
def test_one_number_has_one_fingerprint(number: int) -> None:
    assert fingerprint(ONE, number) == fingerprint(ONE, float(number))


def test_what_is_not_the_same_has_not() -> None:
    values: tuple[object, ...] = (ABSENT, None, 0, False, "", [], {}, 1, True, "1")
    marks = {fingerprint(ONE, value) for value in values}  # type: ignore[arg-type]  # as above
    assert len(marks) == len(values)
    assert isinstance(bare(armoured(ABSENT)), Absent)
