"""What the events after a backup come to: what was taken back since, and what is simply gone.

A reduction of events, in their order: somebody who was stopped and let go on again is not stopped.
Nothing here is a decision to give anything: what was granted, made or loosened since the backup is
listed for a person to look at. Reads no store and no file.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Final

import msgspec

from keyin.domain.events import Act, Event
from keyin.domain.records import Status

if TYPE_CHECKING:
    from collections.abc import Callable

_OVER_ANYHOW: Final = frozenset(
    {
        *(Act.TOKEN_ISSUED, Act.TOKEN_REFUSED, Act.TOKEN_REVOKED),
        *(Act.SIGNED_IN, Act.SIGN_IN_REFUSED, Act.SIGNED_OUT),
        *(Act.CONSENT_GIVEN, Act.CONSENT_DENIED, Act.CONSENT_REPORTED),
        *(Act.CLIENT_ACTIVATED, Act.CLIENT_EXPIRED, Act.REGISTRATION_REFUSED),
        *(Act.ADMINISTRATOR_ASKED, Act.EPOCH_MOVED, Act.ALERT),
    }
)
"""Of tokens and sessions, which all end with the restore, or of nothing that lasts."""
_MADE: Final = frozenset(
    {
        *(Act.CLIENT_REGISTERED, Act.CLIENT_RETURNED, Act.CLIENT_KEY_ADDED, Act.KEY_CREATED),
        *(Act.INITIAL_ACCESS_MADE, Act.ACCOUNT_CREATED, Act.IMPORTED),
    }
)
_BOTH_WAYS: Final = {"suspended": Status.SUSPENDED, "resumed": Status.ACTIVE}


class Left(msgspec.Struct, frozen=True):
    """Something that the restore does not bring about by itself."""

    act: str
    about: str
    """Whose record; empty: the event does not say."""
    why: str
    """A word of a closed list: see `cli.cloud_restored`."""


class Stopped(msgspec.Struct, frozen=True):
    """What was said of somebody last, and why."""

    status: Status
    reason: str | None


class Birth(msgspec.Struct, frozen=True):
    """A computer that registered itself since the backup; it has a certificate of that."""

    client_id: str
    """What it calls itself by (`sub` of its certificate)."""
    site: str | None


Stops = dict[str, Stopped]


class SinceBackup(msgspec.Struct):
    """Told of every event after the backup, in order."""

    clients: Stops = msgspec.field(default_factory=dict)
    sites: Stops = msgspec.field(default_factory=dict)
    software: Stops = msgspec.field(default_factory=dict)
    """By id and version, with a space between."""
    accounts: Stops = msgspec.field(default_factory=dict)
    passwords: set[str] = msgspec.field(default_factory=set)
    """Accounts whose password was taken from them: the one in the backup may be known."""
    keys: dict[str, str | None] = msgspec.field(default_factory=dict)
    """Pseudonyms of GPII keys that were revoked, and why."""
    client_keys: dict[str, str | None] = msgspec.field(default_factory=dict)
    credentials: dict[str, str | None] = msgspec.field(default_factory=dict)
    access: dict[str, str | None] = msgspec.field(default_factory=dict)
    """Initial access tokens that were revoked, and why."""
    access_with_all: set[str] = msgspec.field(default_factory=set)
    """Those of them that took with them what was born from them."""
    members: dict[tuple[str, str], str] = msgspec.field(default_factory=dict)
    """What an account is at a site, as was said last; "none": nothing."""
    births: dict[str, Birth] = msgspec.field(default_factory=dict)
    """By the client's record."""
    uses: dict[str, list[str]] = msgspec.field(default_factory=dict)
    """The clients that were born from an initial access token."""
    left: list[Left] = msgspec.field(default_factory=list)
    made: Counter[str] = msgspec.field(default_factory=Counter)
    """How many records of each kind came since, and went with the disk."""

    def note(self, event: Event) -> None:
        """Take the next event."""
        if event.act in _OVER_ANYHOW:
            return
        if event.act in _MADE:
            self.made[event.act.value] += 1
            _born(self, event)
            return
        _READ.get(event.act, _unknown)(self, event)

    @property
    def taken_back(self) -> list[tuple[str, Birth]]:
        """Return who was born since and taken back since: their certificates must open nothing."""
        with_all = {id_ for name in self.access_with_all for id_ in self.uses.get(name, ())}
        return [
            (id_, birth)
            for id_, birth in self.births.items()
            if id_ in with_all or id_ in self.clients
        ]

    def note_unreadable(self, act: str) -> None:
        """Take one that this version does not know, or that is no event."""
        self.left.append(Left(act, "", "unknown_act"))


def _born(since: SinceBackup, event: Event) -> None:
    access = _detail(event, "initial_access")
    if event.client is not None and (access or event.act is Act.CLIENT_RETURNED):
        since.births[event.client] = Birth(event.actor, event.site)
        since.uses.setdefault(access, []).append(event.client)


def _access(since: SinceBackup, event: Event) -> None:
    name = _detail(event, "initial_access")
    if not name:
        _unknown(since, event)
        return
    since.access[name] = event.reason
    if _detail(event, "descendants") != "no":
        since.access_with_all.add(name)


def _member(since: SinceBackup, event: Event) -> None:
    account, role = _detail(event, "account"), _detail(event, "role")
    if account and role and event.site is not None:
        since.members[account, event.site] = role
    else:
        _unknown(since, event)


def _registration(since: SinceBackup, event: Event) -> None:
    if _detail(event, "what") != "told again":
        since.left.append(Left(event.act, event.client or "", "old_registration"))


def _stop(stops: Stops, since: SinceBackup, event: Event, name: str, status: Status) -> None:
    """Remember what was said; to let somebody go on who was stopped before is left to a person."""
    if status is not Status.ACTIVE:
        stops[name] = Stopped(status, event.reason)
    elif name in stops:
        del stops[name]
    else:
        since.left.append(Left(event.act, name, "was_let_go_on"))


def _client(status: Status) -> Callable[[SinceBackup, Event], None]:
    def read(since: SinceBackup, event: Event) -> None:
        if event.client is None:
            _unknown(since, event)
        else:
            _stop(since.clients, since, event, event.client, status)

    return read


def _site(since: SinceBackup, event: Event) -> None:
    status = _said(event)
    if status is None or event.site is None:
        _unknown(since, event)
    else:
        _stop(since.sites, since, event, event.site, status)


def _software(since: SinceBackup, event: Event) -> None:
    name, status = _detail(event, "software"), _said(event)
    if status is None or not name:
        _unknown(since, event)
    else:
        _stop(since.software, since, event, name, status)


def _account(since: SinceBackup, event: Event) -> None:
    name, what = _detail(event, "account"), _detail(event, "what")
    if what in {"hash", "sessions"}:  # the same password, hashed anew; sessions end anyhow
        return
    if name and what in _BOTH_WAYS:
        _stop(since.accounts, since, event, name, _BOTH_WAYS[what])
        return
    if name and what == "password":
        since.passwords.add(name)
    else:
        since.left.append(Left(event.act, name, "by_hand"))


def _key(since: SinceBackup, event: Event) -> None:
    if event.key is None:
        _unknown(since, event)
    else:
        since.keys[event.key] = event.reason


def _client_key(since: SinceBackup, event: Event) -> None:
    kid = _detail(event, "kid")
    if kid:
        since.client_keys[kid] = event.reason
    else:
        _unknown(since, event)


def _credential(since: SinceBackup, event: Event) -> None:
    name = _detail(event, "credential")
    if name:
        since.credentials[name] = event.reason
    else:
        _unknown(since, event)


def _policy(since: SinceBackup, event: Event) -> None:
    since.left.append(Left(event.act, event.key or "", "old_policy"))


def _unknown(since: SinceBackup, event: Event) -> None:
    about = event.client or event.site or event.key or ""
    since.left.append(Left(event.act, str(about), "by_hand"))


def _said(event: Event) -> Status | None:
    found = _detail(event, "status")
    return Status(found) if found in set(Status) else None


def _detail(event: Event, name: str) -> str:
    return (event.detail or {}).get(name, "")


_READ: Final[dict[Act, Callable[[SinceBackup, Event], None]]] = {
    Act.CLIENT_SUSPENDED: _client(Status.SUSPENDED),
    Act.CLIENT_RESUMED: _client(Status.ACTIVE),
    Act.CLIENT_REVOKED: _client(Status.REVOKED),
    Act.SITE_CHANGED: _site,
    Act.SOFTWARE_CHANGED: _software,
    Act.ACCOUNT_CHANGED: _account,
    Act.KEY_REVOKED: _key,
    Act.CLIENT_KEY_REVOKED: _client_key,
    Act.CREDENTIAL_REVOKED: _credential,
    Act.POLICY_CHANGED: _policy,
    Act.INITIAL_ACCESS_REVOKED: _access,
    Act.MEMBERSHIP_CHANGED: _member,
    Act.REGISTRATION_CHANGED: _registration,
}
