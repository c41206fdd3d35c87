"""The second copy's file: completed after a crash, gone on with after a rotation."""

from __future__ import annotations

from pathlib import Path

import pytest

from keyin.domain.environment import Millis
from keyin.domain.events import Act, Event
from keyin.stores.audit_copy import AuditCopy, copied_lines
from keyin.wire.audit_chain import Head, Row, beginning, rows
from keyin.wire.audit_evidence import Evidence
from keyin.wire.audit_lines import row_line

CHAIN = [
    *rows(
        beginning("main"),
        [Event(act=Act.ALERT, at=Millis(n), actor="é" * 40) for n in range(1000)],
    )
]


def head(row: Row) -> dict[str, Head]:
    return {"main": Head("main", row.seq, row.hash)}


def opened(path: Path) -> AuditCopy:
    copy = AuditCopy(path)
    copy.prepare()
    return copy


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "audit.jsonl"


def test_the_file_is_its_owners_and_knows_how_far_it_goes(path: Path) -> None:
    copy = opened(path)
    assert copy.heads == {}
    copy.append(CHAIN[:600])
    copy.append(CHAIN[600:])
    copy.close()
    assert path.stat().st_mode & 0o777 == 0o600
    assert opened(path).heads == head(CHAIN[-1])
    assert path.read_bytes() == b"".join(map(row_line, CHAIN))


@pytest.mark.parametrize("torn_at", [1, 30, -1])
def test_a_torn_line_is_completed(path: Path, torn_at: int) -> None:
    path.write_bytes(row_line(CHAIN[0]) + row_line(CHAIN[1])[:torn_at])
    copy = opened(path)
    assert copy.heads == head(CHAIN[0])
    copy.append(CHAIN[1:3])
    assert path.read_bytes() == b"".join(map(row_line, CHAIN[:3]))


def test_a_torn_line_of_something_else_is_ended(path: Path) -> None:
    path.write_bytes(row_line(CHAIN[0]) + b'{"checkpoint":"ey')
    opened(path).append(CHAIN[1:2])
    assert list(copied_lines(path))[1] == b'{"checkpoint":"ey\n'
    evidence = Evidence({})
    evidence.add_copy(copied_lines(path))
    assert evidence.about("main").end() is not None  # the rows are not there, the copy says
    assert opened(path).heads == head(CHAIN[1])


def test_a_file_that_was_moved_away_is_gone_on_with_in_a_new_one(path: Path) -> None:
    copy = opened(path)
    copy.append(CHAIN[:3])
    path.rename(path.with_suffix(".1"))
    copy.prepare()
    copy.append(CHAIN[3:5])
    old, new = path.with_suffix(".1").read_bytes(), path.read_bytes()
    assert old == b"".join(map(row_line, CHAIN[:3]))
    assert new.startswith(b'{"chain":"main","seq":3,')
    assert new.endswith(b"".join(map(row_line, CHAIN[3:5])))
    copy.close()
    assert opened(path).heads == head(CHAIN[4])
    evidence = Evidence({})
    for file in (path.with_suffix(".1"), path):
        evidence.add_copy(copied_lines(file))
    trial = evidence.about("main")
    assert all(trial.step(row) for row in CHAIN)
    assert trial.end() is None


def test_a_disk_that_takes_only_a_part_loses_nothing(path: Path) -> None:
    copy = opened(path)
    copy.append(CHAIN[:2])
    whole = row_line(CHAIN[2]) + row_line(CHAIN[3])
    with path.open("ab") as file:
        file.write(whole[: len(whole) - 7])
    copy.close()
    copy.prepare()
    assert copy.heads == head(CHAIN[2])
    copy.append(CHAIN[3:5])
    assert path.read_bytes() == b"".join(map(row_line, CHAIN[:5]))


def test_what_is_no_regular_file_is_refused() -> None:
    with pytest.raises(OSError, match="no regular file"):
        opened(Path("/dev/null"))


def test_the_heads_of_several_chains_are_found_again(path: Path) -> None:
    """A store in PostgreSQL has one to a worker; none is written a second time after a restart."""
    other = [*rows(beginning("main.2"), [Event(act=Act.ALERT, at=Millis(1), actor="other")])]
    copy = opened(path)
    copy.append(CHAIN[:3])
    copy.append(other)
    copy.append(CHAIN[3:9])
    copy.close()
    again = AuditCopy(path)
    again.prepare(["main", "main.2", "main.3"])
    assert again.heads == head(CHAIN[8]) | {"main.2": Head("main.2", 1, other[0].hash)}
    path.rename(path.with_suffix(".1"))
    again.prepare(["main", "main.2"])
    assert len(path.read_bytes().splitlines()) == 2
    assert again.heads.keys() == {"main", "main.2"}
