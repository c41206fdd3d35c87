"""What a page says where something does not work: a closed set (P27), and words for each scope."""

from __future__ import annotations

from enum import StrEnum
from typing import Final

import msgspec

from keyin.domain.errors import msgid


class Trouble(StrEnum):
    """What can go wrong, as far as a person is told."""

    REQUEST = "page_request"
    FORM = "page_form"
    APPLICATION = "page_application"
    EXPIRED = "page_expired"
    NOT_THERE = "page_not_there"
    NOT_YOURS = "page_not_yours"
    OVER = "page_over"
    UNAVAILABLE = "page_unavailable"
    INTERNAL = "page_internal"


class Problem(msgspec.Struct, frozen=True):
    """Its status, heading, explanation and next step."""

    status: int
    heading: str
    text: str
    step: str


PROBLEMS: Final = {
    Trouble.REQUEST: Problem(
        400,
        msgid("This address does not work"),
        msgid("Something in the address of this page is missing or wrong."),
        msgid("Go back to where you came from and begin again."),
    ),
    Trouble.FORM: Problem(
        403,
        msgid("Nothing was changed"),
        msgid("This page was open for too long, or was not sent from this site."),
        msgid("Go back, load the page again, and try once more."),
    ),
    Trouble.APPLICATION: Problem(
        400,
        msgid("This application cannot be let in"),
        msgid("It is not registered here, or what it asks for is not in order."),
        msgid("Tell those who look after the application, with the code below."),
    ),
    Trouble.EXPIRED: Problem(
        400,
        msgid("This took too long, or was done already"),
        msgid("A request of an application holds for a short time and can be answered once."),
        msgid("Go back to the application and begin again. If you have signed in, it is quicker."),
    ),
    Trouble.NOT_THERE: Problem(
        404,
        msgid("This is not here"),
        msgid("It may have been removed, or it belongs to somebody else."),
        msgid("Go to your computers and look there."),
    ),
    Trouble.NOT_YOURS: Problem(
        403,
        msgid("You can look, but not change this"),
        msgid("It belongs to a site of which you are a viewer."),
        msgid("Ask an owner or a manager of the site."),
    ),
    Trouble.OVER: Problem(
        409,
        msgid("This cannot be changed any more"),
        msgid("It has ended, or somebody else was quicker."),
        msgid("Go back and look how it stands now."),
    ),
    Trouble.UNAVAILABLE: Problem(
        503,
        msgid("Please wait a moment"),
        msgid("The service cannot answer just now. Nothing was changed."),
        msgid("Try again in a few minutes."),
    ),
    Trouble.INTERNAL: Problem(
        500,
        msgid("Something went wrong here"),
        msgid("It is not your fault."),
        msgid("Try again. If it happens again, tell us the code below."),
    ),
}

NEEDS_SECOND: Final = msgid(
    "Computers of a site are added by who signs in with a second step. Set it up on the page of "
    "your account first, or choose no site."
)

SCOPES: Final = {
    "account:read": msgid("See the name of your account"),
    "installations:read": msgid("See the computers of its site"),
    "client:register": msgid("Register a computer in your name"),
}
"""What an application will be able to do, in words; another scope is shown as it is."""


def plain(name: str) -> str:
    """Return a name without characters that turn the text around it or are not to be seen."""
    return "".join(letter for letter in name if letter.isprintable())
