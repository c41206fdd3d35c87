"""The ladder of `keyin requester enrol`: a browser here, else one elsewhere, else a code.

Shows what a person has to see and compare, and waits with them. Decides nothing about identities:
all of that is the access requester's.
"""

from __future__ import annotations

import asyncio
import os
import select
import sys
import time
from typing import TYPE_CHECKING, Final, TypeVar

import click
import msgspec

from keyin.cli.exits import complain, spoken
from keyin.cli.persons_browser import can_open, open_browser, person
from keyin.cli.texts import _
from keyin.domain.errors import KeyinError, Refused
from keyin.remote.requester_admin import known
from keyin.wire.enrolment_code import EnrolmentCode, token_of
from keyin.wire.requester import ErrorCode
from keyin.wire.requester_admin import LONGEST_CODE, Stage, StandingAnswer
from keyin.wire.requester_trouble import Trouble, trouble

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from keyin.remote.requester_admin import RequesterAdministrator
    from keyin.wire.requester_admin import BegunAnswer

CODE_PAGE: Final = "/manage/enrolment-codes/new"
_POLL_S: Final = 0.25
_CLOCK_S: Final = 3.0
_Answer = TypeVar("_Answer")
_OVER: Final = frozenset({Stage.ENROLLED, Stage.FAILED})


class Enrolling(msgspec.Struct):
    """One command's enrolment."""

    requester: RequesterAdministrator
    cloud: str
    as_json: bool
    patience: float
    """Seconds to wait for a person, or for a clock to be set."""
    browser: bool = True
    device: bool = False
    _told: str | None = None

    async def ladder(self) -> StandingAnswer:
        """Enrol in the first way that works here. Raises KeyinError."""
        if self.device:
            return await self._shown(
                await self._when_the_clock_is_right(self.requester.enrol_device)
            )
        whose = person(os.environ)
        if self.browser and whose is not None and can_open(whose, os.environ):
            try:
                begun = await self._when_the_clock_is_right(self.requester.enrol)
            except Refused as exc:
                if exc.code not in {Trouble.NO_PORT, Trouble.NOT_OFFERED}:
                    raise
            else:
                opened = open_browser(whose, begun.url, os.environ)
                return await self._shown(begun, opened=opened)
        try:
            begun = await self._when_the_clock_is_right(self.requester.enrol_device)
        except Refused as exc:
            if exc.code != Trouble.NOT_OFFERED:
                raise
            return await self._with_typed_code()
        return await self._shown(begun)

    async def with_code(self, code: str) -> StandingAnswer:
        """Enrol with a one-time code. Raises KeyinError."""
        if token_of(EnrolmentCode(code)) is None:
            raise trouble(Trouble.CODE_WRONG)
        return await self._when_the_clock_is_right(lambda: self.requester.enrol_code(code))

    async def with_file(self, content: str) -> StandingAnswer:
        """Enrol with an enrolment file. Raises KeyinError."""
        return await self._when_the_clock_is_right(lambda: self.requester.enrol_file(content))

    async def _with_typed_code(self) -> StandingAnswer:
        page = self.cloud + CODE_PAGE
        if not sys.stdin.isatty():
            raise Refused(
                Trouble.NOT_OFFERED,
                "no browser can be opened here, and the cloud does not offer to use one elsewhere",
                next_step="get a one-time code at %(page)s, then: keyin requester enrol --code -",
                page=page,
            )
        self._say(_("On any computer, open %(url)s and get a one-time code."), url=page)
        code = await asyncio.to_thread(click.prompt, _("The code"), hide_input=True)
        return await self.with_code(code)

    async def _shown(self, begun: BegunAnswer, *, opened: bool = False) -> StandingAnswer:
        """Show what is to be compared and done, and wait for it to be done."""
        if self.as_json:
            self._event("begun", msgspec.to_builtins(begun))
        elif begun.user_code is not None:
            self._say(_("On any computer, open %(url)s"), url=begun.url)
            self._say(_("and type there: %(code)s"), code=begun.user_code)
        elif opened:
            self._say(_("Your browser opens. If it does not, open: %(url)s"), url=begun.url)
        else:
            self._say(_("Open in a browser of this computer: %(url)s"), url=begun.url)
        self._say(_("Fingerprint, to compare there: %(mark)s"), mark=begun.fingerprint)
        if begun.user_code is None and sys.stdin.isatty():
            self._say(_("If the page shows a code instead, paste it here."))
        return await self._waited()

    async def _waited(self) -> StandingAnswer:
        ends = asyncio.get_running_loop().time() + self.patience
        while True:
            standing = await self.requester.standing()
            self._progress(standing)
            if standing.stage in _OVER:
                return _or_raise(standing)
            if asyncio.get_running_loop().time() > ends:
                await self.requester.cancel()
                raise trouble(Trouble.EXPIRED)
            code = await asyncio.to_thread(_pasted, _POLL_S)
            if code and standing.stage is Stage.WAITING:
                try:
                    return await self.with_code(code)
                except Refused as exc:
                    if exc.code != Trouble.CODE_WRONG:
                        raise
                    self._complain(exc)

    async def _when_the_clock_is_right(self, act: Callable[[], Awaitable[_Answer]]) -> _Answer:
        """Do it; where this computer's clock is wrong, say so, and go on once it is set."""
        ends = asyncio.get_running_loop().time() + self.patience
        while True:
            try:
                return await act()
            except Refused as exc:
                late = asyncio.get_running_loop().time() > ends
                if exc.code != ErrorCode.CLOCK_SKEW or late:
                    raise
                self._complain(exc)
            await asyncio.sleep(_CLOCK_S)

    def _complain(self, error: KeyinError) -> None:
        """Say once what is waited for."""
        said = spoken(error.message, error)
        if said != self._told:
            self._told = said
            complain(error)

    def _progress(self, standing: StandingAnswer) -> None:
        word = f"{standing.stage} {standing.problem}"
        if word == self._told:
            return
        self._told = word
        if self.as_json:
            self._event("progress", {"stage": standing.stage, "problem": standing.problem})
        elif standing.stage is Stage.WAITING:
            self._say(_("Waiting for somebody to approve this computer ..."))
        elif standing.stage in {Stage.REGISTERING, Stage.PROVING}:
            self._say(_("Approved; getting this computer's own credential ..."))
        if standing.problem is not None and standing.stage not in _OVER:
            self._complain(known(standing.problem, standing.fields))

    def _say(self, text: str, **fields: str) -> None:
        if not self.as_json:
            click.echo(text % fields if fields else text)

    def _event(self, event: str, fields: dict[str, object]) -> None:
        click.echo(msgspec.json.encode({"event": event, **fields}).decode())


def _or_raise(standing: StandingAnswer) -> StandingAnswer:
    if standing.stage is Stage.FAILED:
        raise known(standing.problem or "", standing.fields)
    return standing


def _pasted(seconds: float) -> str | None:
    """Wait for a line of somebody at a terminal; None where nothing came."""
    watched = [sys.stdin] if sys.stdin.isatty() else []
    ready, _w, _x = select.select(watched, [], [], seconds)
    line = sys.stdin.readline(LONGEST_CODE) if ready else ""
    if ready and not line:  # somebody has closed it: it is ready for ever
        time.sleep(seconds)
    return line.strip() or None
