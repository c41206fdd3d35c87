"""A person says yes or no to one computer (M9): over its browser, by a code shown, or as a device.

Asked anew each time, and never remembered (P54). What is approved may differ in name, type and site
from what the computer asked for; the site is one that the account looks after. Its software, its
key and its installation id are its own words, and stay.
"""

from __future__ import annotations

from enum import Enum, auto
from typing import TYPE_CHECKING, Final

import msgspec
from msgspec.structs import replace

from keyin.domain.address_text import address_text
from keyin.domain.enrolment import REGISTER_SCOPE, InitialAccessKind
from keyin.domain.events import Act, Event
from keyin.domain.membership import reach_of
from keyin.oauth.answering import Answering, Approved
from keyin.oauth.consent import Choice, Problem, Redirect, detail_of
from keyin.oauth.device import DevicePage, Unknown
from keyin.oauth.errors import Reason
from keyin.oauth.grants.computer_grants import Approval, ComputerGrants
from keyin.oauth.notices import of_report
from keyin.wire.enrolment_code import EnrolmentCode, code_of

if TYPE_CHECKING:
    from keyin.domain.authorization import Question
    from keyin.domain.enrolment import Computer
    from keyin.domain.records import Client, RecordId
    from keyin.oauth.accounts import Account
    from keyin.oauth.membership_ports import Memberships
    from keyin.oauth.sign_in import SignedIn, Visit

CODE_MS: Final = 15 * 60_000
"""How long a code lives that is shown instead: a person carries it to the computer by hand."""


class Answer(Enum):
    """What a person says."""

    APPROVE = auto()
    DENY = auto()
    REPORT = auto()
    """No, and it was not they who began it."""
    CODE = auto()
    """Yes, but the computer cannot be reached: a code is shown instead."""


NOES: Final = frozenset({Answer.DENY, Answer.REPORT})
ACTS: Final = {
    Answer.APPROVE: Act.CONSENT_GIVEN,
    Answer.CODE: Act.CONSENT_GIVEN,
    Answer.DENY: Act.CONSENT_DENIED,
    Answer.REPORT: Act.CONSENT_REPORTED,
}


class ShownCode(msgspec.Struct, frozen=True, kw_only=True):
    """A code for the computer that asked; it is shown this once."""

    code: EnrolmentCode
    minutes: int
    name: str


class Reported(msgspec.Struct, frozen=True):
    """It was written down; the browser is led nowhere, for whoever asked is not believed."""


class ComputerApproval(msgspec.Struct, frozen=True, kw_only=True):
    """Takes answers; each method raises StoreUnavailable."""

    answering: Answering
    grants: ComputerGrants
    memberships: Memberships

    async def sites(self, account: Account) -> tuple[str, ...]:
        """Name the sites to which this account may add a computer."""
        found = await self.memberships.memberships_of(account.id)
        return tuple(sorted(reach_of(account.id, found).changed))

    async def decide(
        self, txn: str, answer: Answer, choice: Choice, *, who: SignedIn, visit: Visit
    ) -> Redirect | ShownCode | Reported | Problem:
        """Answer the question about a computer once; `who` has the session it was asked in."""
        answerable = await self.answering.answerable(
            txn, account=who.account, session=who.session, now=visit.now
        )
        if isinstance(answerable, Problem):
            return answerable
        question, found = answerable
        computer = question.request.computer
        denied = answer in NOES
        if computer is None or not (denied or await self._may(choice, who.account)):
            return Problem(Reason.DETAILS)
        event = _event(answer, choice, who.account.id, visit, found.client, question)
        if answer is Answer.REPORT:
            return await self._reported(question, computer, event)
        if denied:
            return await self.answering.deny(question, event)
        approved = Approved(computer=choice.of(computer), site=choice.site)
        if answer is Answer.CODE:
            return await self._shown(question, approved, who.account, event)
        return await self.answering.approve(question, found, who.account, event, approved)

    async def decide_device(
        self,
        devices: DevicePage,
        user_code: str,
        answer: Answer,
        choice: Choice,
        *,
        who: SignedIn,
        visit: Visit,
    ) -> bool | Unknown:
        """Answer the computer that waits under this code once."""
        if answer not in NOES and not await self._may(choice, who.account):
            return Unknown()
        return await devices.decide(
            user_code,
            account=who.account,
            act=ACTS[answer],
            now=visit.now,
            address=address_text(visit.address),
            request_id=visit.request_id,
            choice=choice,
        )

    async def _reported(
        self, question: Question, computer: Computer, event: Event
    ) -> Reported | Problem:
        told = of_report(question.digest, computer.name, question.request.address, event)
        outcome = await self.answering.deny(question, event, [told])
        return outcome if isinstance(outcome, Problem) else Reported()

    async def _may(self, choice: Choice, account: Account) -> bool:
        return choice.site is None or choice.site in await self.sites(account)

    async def _shown(
        self, question: Question, approved: Approved, account: Account, event: Event
    ) -> ShownCode | Problem:
        """Put a code in the place of the redirect; it is of use with the computer's key only."""
        approval = Approval(
            computer=approved.computer,
            owner=account.id,
            site=approved.site,
            jkt=question.request.jkt,
        )
        minted = self.grants.mint(
            approval, InitialAccessKind.CODE, now=event.at, lifetime_ms=CODE_MS
        )
        detail = {**(event.detail or {}), "initial_access": minted.record.id}
        told = replace(event, detail=detail)
        if not await self.answering.store.decide(question.digest, minted.record, event=told):
            return Problem(Reason.REQUEST_URI)
        return ShownCode(
            code=code_of(minted.token),
            minutes=CODE_MS // 60_000,
            name=minted.record.label,
        )


def _event(
    answer: Answer,
    choice: Choice,
    account: RecordId,
    visit: Visit,
    client: Client,
    question: Question,
) -> Event:
    act, wish = ACTS[answer], question.request
    return Event(
        act=act,
        at=visit.now,
        actor=account,
        client=client.id,
        site=None if answer in NOES else choice.site,
        address=address_text(visit.address),
        request_id=visit.request_id,
        detail=detail_of(act, REGISTER_SCOPE, wish.jkt, wish.address),
    )
