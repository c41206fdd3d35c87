"""`/login/code`: the second step of a sign-in, where an account asks for one (P101).

That the password was right stands under our seal in the form, for five minutes and for this browser
alone; nothing of it is remembered here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import msgspec

from keyin.domain.errors import msgid
from keyin.domain.records import RecordId
from keyin.oauth.accounts import FRESH
from keyin.oauth.sign_in import NotSignedIn
from keyin.pages.answers import cookie, no_cookie, see_other
from keyin.pages.desk import visit
from keyin.pages.guard import BEFORE, SESSION
from keyin.pages.seals import ACCOUNT, Onward
from keyin.pages.texts import Trouble

if TYPE_CHECKING:
    from collections.abc import Mapping

    from keyin.domain.environment import Millis
    from keyin.oauth.sign_in import Halfway
    from keyin.pages.desk import Desk
    from keyin.wire.pages import Header, Page, PageRequest

WRONG: Final = msgid("This code is not right, or was used before. Wait for the next one.")
NO_CODE: Final = msgid("Enter a code.")
_MINUTE: Final = 60_000


class Half(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Whose password was right, when, and in which browser."""

    account: str
    epoch: int
    at: int
    proof: str


class SecondStep(msgspec.Struct, frozen=True):
    """See above."""

    desk: Desk

    def ask(self, request: PageRequest, onward: Onward, before: str, halfway: Halfway) -> Page:
        """Ask for a code, after the password."""
        account = halfway.account
        proof = self.desk.guard.proof(before)
        half = Half(account=account.id, epoch=account.epoch, at=request.now, proof=proof)
        return self._form(request, onward, before, self.desk.seals.seal(half))

    async def take(self, request: PageRequest) -> Page:
        """Check the code; a new session takes the place of any before."""
        desk, form = self.desk, request.form or {}
        before = desk.guard.before(request)
        if before is None or not desk.guard.holds(request, before):
            return desk.trouble(Trouble.FORM, request, None)
        onward = desk.seals.opened(form.get("next", ""), Onward) or ACCOUNT
        text, code = form.get("half", ""), form.get("code", "")
        half = desk.seals.opened(text, Half)
        if half is None or not self._holds(half, before, request.now):
            return desk.to_sign_in(onward)
        if not code.strip():
            return self._form(request, onward, before, text, status=400, errors={"code": NO_CODE})
        outcome = await desk.services.sign_in.finish(
            (RecordId(half.account), half.epoch),
            code,
            before=desk.guard.session(request),
            visit=visit(request),
        )
        if isinstance(outcome, NotSignedIn):
            headers, context = refused(outcome, {"code": WRONG})
            return self._form(request, onward, before, text, *headers, **context)
        cookies = (cookie(SESSION, outcome.token.reveal()), no_cookie(BEFORE))
        return see_other(onward.path(), *cookies)

    def _holds(self, half: Half, before: str, now: Millis) -> bool:
        ours = half.proof in self.desk.guard.proofs(before)
        return ours and 0 <= now - half.at <= FRESH

    def _form(
        self,
        request: PageRequest,
        onward: Onward,
        before: str,
        half: str,
        *more: Header,
        **context: Any,  # noqa: ANN401 - whatever the template shows
    ) -> Page:
        return self.desk.shown(
            "second_step",
            request,
            None,
            *more,
            **{
                "onward": self.desk.seals.seal(onward),
                "half": half,
                "errors": {},
                "minutes": 0,
                **context,
                "proof": self.desk.guard.proof(before),
            },
        )


def refused(
    outcome: NotSignedIn, errors: Mapping[str, str]
) -> tuple[tuple[Header, ...], dict[str, Any]]:
    """Return the headers and the words for who may not go on; `errors` for a wrong answer."""
    if outcome.wait is None:
        return (), {"status": 403, "errors": errors}
    retry_after = (b"retry-after", str(-(-outcome.wait // 1000)).encode())
    return (retry_after,), {"status": 429, "minutes": -(-outcome.wait // _MINUTE)}
