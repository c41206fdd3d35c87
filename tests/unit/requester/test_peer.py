"""Who may ask: accounts, groups, and whoever sits at the computer, by logind's files."""

from __future__ import annotations

import grp
import os
import pwd
from typing import TYPE_CHECKING

import pytest

from keyin.access_requester.peer import LogindSessions, UnsupportedSessions, read_allow_list
from keyin.domain.errors import ConfigurationError
from keyin.remote.ipc import Peer

if TYPE_CHECKING:
    from pathlib import Path

SEAT = "# This is private data. Do not parse.\nIS_SEAT0=1\nACTIVE=c2\nACTIVE_UID={uid}\n"


def peer(uid: int) -> Peer:
    return Peer(1, uid, 0)  # the gid is the caller's own say-so (setgid) and decides nothing


def logind(root: Path, *, uid: int = 1000, kind: str = "user") -> LogindSessions:
    for folder, name, text in (
        ("seats", "seat0", SEAT.format(uid=uid)),
        ("sessions", "c2", f"UID={uid}\nCLASS={kind}\n"),
    ):
        (root / folder).mkdir(exist_ok=True)
        (root / folder / name).write_text(text)
    return LogindSessions(root)


def test_the_person_at_the_computer_may_ask_and_only_while_they_are_there(tmp_path: Path) -> None:
    sessions = logind(tmp_path)
    allow = read_allow_list(["active-session"], sessions)
    assert allow(peer(1000))
    assert not allow(peer(1001))
    assert not allow(peer(0))
    logind(tmp_path, uid=1001)
    assert not allow(peer(1000))
    assert allow(peer(1001))


def test_a_login_screen_is_nobody(tmp_path: Path) -> None:
    assert logind(tmp_path, uid=110, kind="greeter").active_uids() == frozenset()


def test_without_logind_or_with_torn_files_nobody_sits_here(tmp_path: Path) -> None:
    assert LogindSessions(tmp_path / "none").active_uids() == frozenset()
    sessions = logind(tmp_path)
    (tmp_path / "sessions" / "c2").unlink()
    assert sessions.active_uids() == frozenset()
    for torn in ("", "ACTIVE_UID=\n", "ACTIVE_UID=1000\n", "ACTIVE=../x\nACTIVE_UID=1000\n", "\0"):
        (tmp_path / "seats" / "seat0").write_text(torn)
        assert sessions.active_uids() == frozenset()


def test_a_system_that_cannot_tell_says_so() -> None:
    with pytest.raises(ConfigurationError, match="active-session"):
        read_allow_list(["active-session"], UnsupportedSessions())
    assert read_allow_list([1000], UnsupportedSessions())(peer(1000))


def test_accounts_and_groups_by_number_and_name(tmp_path: Path) -> None:
    sessions = LogindSessions(tmp_path)
    nobody = pwd.getpwnam("nobody")
    group = grp.getgrgid(nobody.pw_gid).gr_name
    for entry in (nobody.pw_uid, "user:nobody", f"group:{group}"):
        allow = read_allow_list([entry], sessions)
        assert allow(peer(nobody.pw_uid))
        assert not allow(peer(nobody.pw_uid - 1))
    for uid in (0, os.geteuid(), 4_000_000_000):
        assert not read_allow_list([], sessions)(peer(uid))


def test_a_supplementary_group_counts(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    nobody = pwd.getpwnam("nobody")
    allow = read_allow_list(["group:daemon"], LogindSessions(tmp_path))
    assert not allow(peer(nobody.pw_uid))
    daemon = grp.getgrnam("daemon").gr_gid
    monkeypatch.setattr(os, "getgrouplist", lambda *_: [nobody.pw_gid, daemon])
    assert allow(peer(nobody.pw_uid))


@pytest.mark.parametrize(
    "entry", [-1, "", "1000", "root", "user:", "user:no-such", "group:no-such"]
)
def test_an_entry_that_names_nobody_is_refused(tmp_path: Path, entry: int | str) -> None:
    with pytest.raises(ConfigurationError, match="allow"):
        read_allow_list([entry], LogindSessions(tmp_path))
