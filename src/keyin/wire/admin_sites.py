"""The administrator's ops on sites and on versions of software."""

from __future__ import annotations

import msgspec

from keyin.wire.admin import PAGE, Changed, Look, Op, Reason, Word


class SiteLine(msgspec.Struct, frozen=True, kw_only=True):
    """A site, and how many clients stand there. Times are milliseconds since 1970."""

    name: str
    status: str
    reason: str | None
    clients: int
    updated: int | None


class SitePage(msgspec.Struct, frozen=True, kw_only=True):
    """Some sites, by name; `more`: the next page begins after the last of these."""

    sites: tuple[SiteLine, ...]
    more: bool


class ListSites(Look[SitePage], frozen=True, kw_only=True, tag="site.list"):
    """Name sites: those that were created, and those that clients stand at."""

    after: str = ""
    most: int = PAGE


class CreateSite(Op[Changed], frozen=True, kw_only=True, tag="site.create"):
    """Note a site before it has a client."""

    site: Word


class SuspendSite(Op[Changed], frozen=True, kw_only=True, tag="site.suspend"):
    """Stop every client of a site until it is resumed; their tokens end for ever."""

    site: Word
    reason: Reason = "other"


class ResumeSite(Op[Changed], frozen=True, kw_only=True, tag="site.resume"):
    """Let a suspended site's clients ask again."""

    site: Word


class RevokeSite(Op[Changed], frozen=True, kw_only=True, tag="site.revoke"):
    """Stop every client of a site for ever."""

    site: Word
    reason: Reason = "other"


class SoftwareLine(msgspec.Struct, frozen=True, kw_only=True):
    """A version of a software, and how many clients run it."""

    id: str
    version: str
    status: str
    reason: str | None
    clients: int
    updated: int | None


class SoftwarePage(msgspec.Struct, frozen=True, kw_only=True):
    """Some versions, by id and version; `more`: the next page begins after the last of these."""

    software: tuple[SoftwareLine, ...]
    more: bool


class ListSoftware(Look[SoftwarePage], frozen=True, kw_only=True, tag="software.list"):
    """Name versions: those that clients run, and those that were stopped."""

    after: tuple[str, str] = ("", "")
    most: int = PAGE


class StopSoftware(Op[Changed], frozen=True, kw_only=True, tag="software.stop"):
    """Stop every client that runs a version; their tokens end for ever."""

    software: Word
    version: Word
    reason: Reason = "other"
    unseen: bool = False
    """Also where no client runs it yet."""


class ResumeSoftware(Op[Changed], frozen=True, kw_only=True, tag="software.resume"):
    """Let the clients of a stopped version ask again."""

    software: Word
    version: Word
