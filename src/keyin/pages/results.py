"""`/enrolled`: where a browser ends after it carried an enrolment (M10). Nothing secret gets here.

The computer's own listener sends the browser here, with one of a few words. A word says nothing of
what really happened: whoever wants to be sure looks at the computer, or at their list.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec

from keyin.domain.errors import msgid

if TYPE_CHECKING:
    from keyin.pages.desk import Desk
    from keyin.wire.pages import Page, PageRequest


class Result(msgspec.Struct, frozen=True):
    """A heading, what it means, and the next step."""

    heading: str
    text: str
    step: str


_DONE: Final = Result(
    msgid("You can close this page"),
    msgid("Your answer has reached the computer. It goes on by itself, which takes seconds."),
    msgid("The window on the computer says when it is ready."),
)
_FAILED: Final = Result(
    msgid("The computer is not enrolled"),
    msgid("Something did not go as it should."),
    msgid("Look at the window on the computer, and begin there again."),
)
RESULTS: Final = {
    "access_denied": Result(
        msgid("The computer was not let in"),
        msgid("You chose not to let it in. Nothing was changed."),
        msgid("If that was a mistake, begin at the computer again."),
    ),
    "expired": Result(
        msgid("This took too long"),
        msgid("An approval holds for a minute. Nothing was changed."),
        msgid("Begin at the computer again. If you have signed in, it is quicker."),
    ),
    "used": Result(
        msgid("This was done already"),
        msgid("An approval can be used once. If you did not use it twice, look at your computers."),
        msgid("Revoke what you do not know, and begin at the computer again."),
    ),
    "mismatch": Result(
        msgid("This answer is for another computer"),
        msgid("The window on the computer and this browser do not belong together."),
        msgid("Close this page, and open the address that the computer shows now."),
    ),
}


class Results(msgspec.Struct, frozen=True):
    """See above."""

    desk: Desk

    async def show(self, request: PageRequest) -> Page:
        """Say how it ended."""
        query = request.query or {}
        error = query.get("error")
        result = _DONE if error is None and query.get("ok") == "1" else _FAILED
        result = RESULTS.get(error or "", result)
        who = await self.desk.who(request)
        return self.desk.shown(
            "enrolled", request, who, result=result, support_code=request.request_id
        )
