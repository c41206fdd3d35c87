"""What a person is mailed: a few lines in their language, no secret, no link that acts (P92).

The one address in a letter is that of the page where everything stands, and where something can be
done about it after signing in.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

import msgspec

from keyin.domain.enrolment import NoticeKind
from keyin.domain.errors import msgid
from keyin.remote.mail import Letter
from keyin.stores.catalogues import ENGLISH, catalogues

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from gettext import NullTranslations

    from keyin.domain.enrolment import Notice
    from keyin.domain.environment import Millis

PAGE: Final = "/manage/installations"
MOST: Final = 20
"""Notices that one letter tells in full."""
_LONGEST: Final = 100
SUBJECT: Final = msgid("keyin: news of your computers")
WARNING: Final = msgid("keyin: please look at your computers")
_SAID: Final = {
    NoticeKind.REGISTERED: msgid("A computer was enrolled in your name."),
    NoticeKind.REVOKED: msgid("A computer of yours was revoked."),
    NoticeKind.RETURNED: msgid("A computer of yours came back by itself."),
    NoticeKind.AWAITING: msgid("A computer asks to come back, and waits for your yes."),
    NoticeKind.SAME_INSTALLATION: msgid(
        "A second computer says that it is the same installation. It may be a copy."
    ),
    NoticeKind.CODE_USED_TWICE: msgid(
        "The answer to an enrolment was used twice: somebody may have copied it. "
        "What came of it was taken back."
    ),
    NoticeKind.TOKEN_USED_TWICE: msgid(
        "A one-time code was used twice: somebody may have copied it. "
        "What came of it was taken back."
    ),
    NoticeKind.TOKEN_MADE: msgid("A code or a file for enrolling computers was made."),
    NoticeKind.TOKEN_USED_UP: msgid("A file for enrolling computers is used up."),
    NoticeKind.NEW_NETWORK: msgid("A computer of yours asked from a network that is new."),
    NoticeKind.REPORTED: msgid(
        "A computer asked to be let in in your name, and you reported it. It was not let in."
    ),
}
OTHER: Final = msgid("Something happened to a computer of yours.")
_SERIOUS: Final = frozenset(
    {
        NoticeKind.AWAITING,
        NoticeKind.SAME_INSTALLATION,
        NoticeKind.CODE_USED_TWICE,
        NoticeKind.TOKEN_USED_TWICE,
        NoticeKind.NEW_NETWORK,
        NoticeKind.REPORTED,
    }
)
NAME: Final = msgid("Name: %(name)s")
WHEN: Final = msgid("Time: %(time)s")
WHENCE: Final = msgid("Network address: %(address)s")
MORE: Final = msgid("There is more; the page has it all.")
WHERE: Final = msgid("Sign in and see all your computers here:")
NOT_YOU: Final = msgid(
    "If that was not you, revoke the computer there. Nobody who writes to you in our name asks "
    "for a password or a code."
)


class Letters(msgspec.Struct, frozen=True, kw_only=True):
    """Writes letters about one cloud."""

    issuer: str
    language: str
    """Of who has chosen none."""
    _known: Mapping[str, NullTranslations] = msgspec.field(default_factory=catalogues)

    def write(self, notices: Sequence[Notice], *, to: str, language: str | None) -> Letter:
        """Return one letter about all of these, which are of one account."""
        known = self._known.get(language or self.language, self._known[ENGLISH])
        say = known.gettext
        serious = any(one.kind in _SERIOUS for one in notices)
        newest = max(one.at for one in notices)
        more = [say(MORE)] if len(notices) > MOST else []
        told = [_told(one, say) for one in notices[:MOST]]
        ending = f"{say(WHERE)}\n{self.issuer}{PAGE}"
        return Letter(
            to=to,
            subject=say(WARNING if serious else SUBJECT),
            text="\n\n".join([*told, *more, ending, say(NOT_YOU)]) + "\n",
            name=notices[0].id,
            at=_moment(newest),
        )


def _told(notice: Notice, say: Callable[[str], str]) -> str:
    lines = [say(_SAID.get(notice.kind, OTHER))]
    if notice.name:
        lines.append(say(NAME) % {"name": _plain(notice.name)})
    lines.append(say(WHEN) % {"time": f"{_moment(notice.at):%Y-%m-%d %H:%M} UTC"})
    if notice.address:
        lines.append(say(WHENCE) % {"address": _plain(notice.address)})
    return "\n".join(lines)


def _plain(text: str) -> str:
    """Return a name on one line, which cannot pass for another line or for a link."""
    seen = "".join(letter for letter in text if letter.isprintable())[:_LONGEST]
    return seen.replace("://", ": //").replace("www.", "www ")


def _moment(at: Millis) -> datetime:
    return datetime.fromtimestamp(at // 1000, UTC)
