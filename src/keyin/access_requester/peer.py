"""Who may ask: uids, groups, and whoever sits at this computer now. Deny first.

Root is an account like any other here: it may ask if it is on the list. The list is read once; the
groups and the active session are looked up at every question. Linux only; elsewhere the kernel's
word on who is at the socket is another one, and `active-session` is refused at start.
"""

from __future__ import annotations

import grp
import os
import pwd
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final, Protocol

import msgspec

from keyin.domain.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from keyin.remote.ipc import Peer

ACTIVE_SESSION: Final = "active-session"
_LOGIND: Final = Path("/run/systemd")


class Sessions(Protocol):
    """Knows who sits at this computer."""

    def active_uids(self) -> frozenset[int]:
        """Return the uids of the people whose session is in the foreground of a local seat."""
        ...


class LogindSessions:
    """The state files of systemd-logind, `/run/systemd/{seats,sessions}`, root's own."""

    def __init__(self, root: Path = _LOGIND) -> None:
        self._root = root

    def active_uids(self) -> frozenset[int]:
        """Return the active uid of each seat, unless its session is a login screen's."""
        try:
            seats = [_variables(path) for path in (self._root / "seats").iterdir()]
        except OSError:
            return frozenset()
        return frozenset(
            int(seat["ACTIVE_UID"])
            for seat in seats
            if seat.get("ACTIVE_UID", "").isdecimal() and self._is_person(seat.get("ACTIVE", ""))
        )

    def _is_person(self, session: str) -> bool:
        if not session or "/" in session:
            return False
        try:
            return _variables(self._root / "sessions" / session).get("CLASS") == "user"
        except OSError:
            return False


class UnsupportedSessions:
    """For systems whose sessions we cannot ask about: says so instead of guessing."""

    def active_uids(self) -> frozenset[int]:
        """Raise ConfigurationError."""
        raise ConfigurationError(
            "this system does not say who sits at it, so `active-session` cannot be used",
            next_step="name accounts or groups in `allow` instead",
        )


class AllowList(msgspec.Struct, frozen=True, kw_only=True):
    """Decides by uid alone; nobody is on it who was not put there."""

    uids: frozenset[int]
    groups: frozenset[int]
    sessions: Sessions | None

    def __call__(self, peer: Peer) -> bool:
        """Tell whether this caller may ask."""
        return (
            peer.uid in self.uids
            or bool(self.groups and self.groups & _groups_of(peer.uid))
            or (self.sessions is not None and peer.uid in self.sessions.active_uids())
        )

    def only(self, uid: int) -> bool:
        """Tell whether nobody else can ever be allowed."""
        return self.uids <= {uid} and not self.groups and self.sessions is None


def host_sessions() -> Sessions:
    """Return this system's way to ask who sits at it."""
    return LogindSessions() if sys.platform == "linux" else UnsupportedSessions()


def read_allow_list(entries: Iterable[int | str], sessions: Sessions) -> AllowList:
    """Return the list. Raises ConfigurationError for an entry that names nothing here."""
    entries = list(entries)
    if ACTIVE_SESSION in entries:
        sessions.active_uids()  # a system that cannot tell says so now
    named = [_read_entry(entry) for entry in entries if entry != ACTIVE_SESSION]
    return AllowList(
        uids=frozenset(number for kind, number in named if kind == "user"),
        groups=frozenset(number for kind, number in named if kind == "group"),
        sessions=sessions if ACTIVE_SESSION in entries else None,
    )


def _read_entry(entry: int | str) -> tuple[str, int]:
    kind, _, name = str(entry).partition(":")
    try:
        if isinstance(entry, int) and entry >= 0:
            return "user", entry
        if kind == "user":
            return kind, pwd.getpwnam(name).pw_uid
        if kind == "group":
            return kind, grp.getgrnam(name).gr_gid
    except (KeyError, ValueError):
        pass  # the account or group does not exist: as wrong as any other text
    raise ConfigurationError(
        "`allow` has an entry that is no account, no group and not active-session: %(entry)s",
        next_step="write a uid as a number, `user:NAME`, `group:NAME` or `active-session`",
        entry=str(entry),
    )


def _groups_of(uid: int) -> frozenset[int]:
    """Return the primary and supplementary groups of an account, by the user database.

    Not the caller's own gid: a setgid program would carry its group in.
    """
    try:
        account = pwd.getpwuid(uid)
        return frozenset(os.getgrouplist(account.pw_name, account.pw_gid))
    except (KeyError, OverflowError):
        return frozenset()


def _variables(path: Path) -> dict[str, str]:
    lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
    return {
        name: value.strip('"') for line in lines for name, eq, value in [line.partition("=")] if eq
    }
