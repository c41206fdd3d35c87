"""Mails notices, beside everything else: a few at a time, again when the server had none of it.

Which are due stands in the store, so that a restart loses none. One that a server took without our
learning of it may go twice, under the same name. A notice that is older than `LATE_MS` when it is
looked at for the first time is not mailed: it stands on the account's page anyway.
"""

from __future__ import annotations

import asyncio
from itertools import groupby
from typing import TYPE_CHECKING, Final, Protocol

import msgspec
import structlog

from keyin.cloud.letters import Letters
from keyin.domain.environment import Millis
from keyin.domain.errors import StoreUnavailable
from keyin.remote.mail import NotTaken
from keyin.stores.host import SystemClock

if TYPE_CHECKING:
    from collections.abc import Sequence

    from keyin.cloud.mail_config import MailConfig
    from keyin.domain.environment import Clock
    from keyin.oauth.notice_ports import Due, Outbox
    from keyin.remote.mail import Letter

_MINUTE_MS: Final = 60_000
LATE_MS: Final = 3 * 24 * 60 * _MINUTE_MS
CLAIM_MS: Final = 10 * _MINUTE_MS
"""Nobody else tries meanwhile; longer than handing all of one claim over can take."""
AGAIN_MS: Final = tuple(_MINUTE_MS * minutes for minutes in (1, 5, 30, 120, 480, 960))
"""How long to wait after each try; after the last of these no more."""
MOST: Final = 20
REST_S: Final = 5.0

_log: Final = structlog.get_logger()


class Hands(Protocol):
    """Takes letters; blocks, and so works in a thread of its own."""

    def hand_over(self, letter: Letter) -> None:
        """Hand a letter over. Raises NotTaken."""
        ...


class Mailer(msgspec.Struct, frozen=True, kw_only=True):
    """The job; it ends when it is cancelled, and by nothing else."""

    store: Outbox
    server: Hands
    letters: Letters
    clock: Clock

    async def run(self) -> None:
        """Mail for ever."""
        while True:
            try:
                await self.once()
            except StoreUnavailable as error:
                _log.warning("mail_waits", code=error.code)
            await self.clock.sleep(REST_S)

    async def once(self) -> int:
        """Mail what is due; return the number of letters. Raises StoreUnavailable."""
        now = self.clock.now()
        due = await self.store.claim_mail(now=now, until=Millis(now + CLAIM_MS), most=MOST)
        sent = 0
        for _, group in groupby(sorted(due, key=_whose), key=_whose):
            sent += await self._one_letter(list(group), now)
        return sent

    async def _one_letter(self, due: Sequence[Due], now: Millis) -> int:
        wanted = [one for one in due if one.tries > 1 or now - one.notice.at <= LATE_MS]
        to = due[0].email
        if to is None or not wanted:
            await self._later(due, None)
            return 0
        await self._later([one for one in due if one not in wanted], None)
        notices = [one.notice for one in wanted]
        letter = self.letters.write(notices, to=to, language=due[0].language)
        try:
            await asyncio.to_thread(self.server.hand_over, letter)
        except NotTaken as error:
            await self._not_taken(wanted, error)
            return 0
        for one in wanted:
            await self.store.note_mailed(one.notice.id, now=now)
        _log.info("mailed", count=len(wanted))
        return 1

    async def _not_taken(self, due: Sequence[Due], error: NotTaken) -> None:
        _log.warning("mail_not_taken", reason=error.why, count=len(due))
        for one in due:
            last = error.for_ever or one.tries > len(AGAIN_MS)
            wait = None if last else AGAIN_MS[one.tries - 1]
            await self._later([one], wait)

    async def _later(self, due: Sequence[Due], wait_ms: int | None) -> None:
        at = None if wait_ms is None else Millis(self.clock.now() + wait_ms)
        for one in due:
            await self.store.mail_again(one.notice.id, at=at)


def mailer(config: MailConfig, issuer: str, store: Outbox) -> Mailer:
    """Put the job together. Raises ConfigurationError."""
    return Mailer(
        store=store,
        server=config.mail_server(),
        letters=Letters(issuer=issuer.rstrip("/"), language=config.language),
        clock=SystemClock(),
    )


def _whose(due: Due) -> str:
    return due.notice.account_id
