"""Every way in which an enrolment can fail, and what a person is told of it; the list is closed."""

from __future__ import annotations

from enum import StrEnum
from typing import Final

from keyin.domain.errors import Refused, msgid
from keyin.wire.requester import ErrorText


class Trouble(StrEnum):
    """One word each, for programs."""

    NO_CLOUD = "no_cloud"
    BUSY = "busy"
    NOT_OFFERED = "not_offered"
    NO_PORT = "no_port"
    CODE_WRONG = "code_wrong"
    FILE_WRONG = "file_wrong"
    STATEMENT_WRONG = "statement_wrong"
    STATEMENT_NOT_TAKEN = "statement_not_taken"
    RELEASE_STOPPED = "release_stopped"
    DENIED = "denied"
    EXPIRED = "expired"
    INTERFERED = "interfered"
    NOT_TAKEN = "not_taken"
    NOT_ACCEPTED = "not_accepted"
    NOT_ENROLLED = "not_enrolled"
    BY_HAND = "by_hand"
    NO_FILE = "no_file"
    NOT_STORED = "not_stored"
    GIVEN_UP = "given_up"
    PENDING = "pending"
    TOO_FAST = "too_fast"
    AWAITING = "awaiting"


TROUBLE_TEXTS: Final[dict[Trouble, ErrorText]] = {
    Trouble.NO_CLOUD: ErrorText(
        msgid("this computer's configuration names no cloud"),
        msgid("name it: keyin requester enrol --cloud URL"),
    ),
    Trouble.BUSY: ErrorText(
        msgid("another enrolment of this computer is at work"),
        msgid("wait until it has ended, or end it: keyin requester enrol --cancel"),
    ),
    Trouble.NOT_OFFERED: ErrorText(
        msgid("the cloud does not offer this way to enrol"),
        msgid("use a one-time code from the cloud's pages: keyin requester enrol --code -"),
    ),
    Trouble.NO_PORT: ErrorText(
        msgid("this computer cannot listen for its browser's answer: %(reason)s"),
        msgid("use a one-time code from the cloud's pages: keyin requester enrol --code -"),
    ),
    Trouble.CODE_WRONG: ErrorText(
        msgid("this is no enrolment code; a character may be missing or wrong"),
        msgid("copy the whole code from the cloud's page, from keyin-1 to its end"),
    ),
    Trouble.FILE_WRONG: ErrorText(
        msgid("the enrolment file cannot be used: %(reason)s"),
        msgid("get a new file from the cloud's pages"),
    ),
    Trouble.STATEMENT_WRONG: ErrorText(
        msgid("the software statement of this computer cannot be used: %(reason)s"),
        msgid("put the package's own where [enrolment] software_statement says, or take that "
              "line out"),
    ),
    Trouble.STATEMENT_NOT_TAKEN: ErrorText(
        msgid("the cloud does not know who signed this computer's software statement, or its time "
              "is over"),
        msgid("install the package anew, or take [enrolment] software_statement out of the "
              "configuration"),
    ),
    Trouble.RELEASE_STOPPED: ErrorText(
        msgid("the cloud does not let this version of keyin in: it was stopped, or is not one "
              "that it takes"),
        msgid("install the version that your cloud's administrator names, then start again"),
    ),
    Trouble.DENIED: ErrorText(
        msgid("somebody said no to this computer on the cloud's page"),
        msgid("start again if that was a mistake"),
    ),
    Trouble.EXPIRED: ErrorText(
        msgid("nobody approved this computer in time"),
        msgid("start again"),
    ),
    Trouble.INTERFERED: ErrorText(
        msgid("some program or web page sends wrong answers to this computer; it was given up"),
        msgid("close the web pages that you do not need, then start again"),
    ),
    Trouble.NOT_TAKEN: ErrorText(
        msgid("the cloud did not take this: it was used already, is over, or was never its own"),
        msgid("start again with a new code or file"),
    ),
    Trouble.NOT_ACCEPTED: ErrorText(
        msgid("the cloud does not register this computer: %(reason)s"),
        msgid("ask whoever runs the cloud"),
    ),
    Trouble.NOT_ENROLLED: ErrorText(
        msgid("this computer has no identity"),
        msgid("enrol it: keyin requester enrol --cloud URL"),
    ),
    Trouble.BY_HAND: ErrorText(
        msgid("this computer's credential was put there by hand; the cloud's administrator "
              "changes it"),
        msgid("ask whoever runs the cloud, or enrol it: keyin requester enrol --cloud URL"),
    ),
    Trouble.NO_FILE: ErrorText(
        msgid("there is no enrolment file that copies of this computer could enrol with"),
        msgid("seal with --iat-file and the site's file, or with --without-file"),
    ),
    Trouble.NOT_STORED: ErrorText(
        msgid("this computer cannot keep its identity: %(reason)s"),
        msgid("see that the credential's directory belongs to the access requester's account, and "
              "that there is room"),
    ),
    Trouble.PENDING: ErrorText(
        msgid("nobody has approved this computer yet"),
        msgid("approve it on the cloud's page"),
    ),
    Trouble.TOO_FAST: ErrorText(
        msgid("the cloud was asked too often"),
        msgid("wait a moment"),
    ),
    Trouble.AWAITING: ErrorText(
        msgid("the owner has yet to let this computer back in"),
        msgid("the owner sees it on the cloud's page of computers, and says yes with one click"),
    ),
    Trouble.GIVEN_UP: ErrorText(
        msgid("it was given up"),
        msgid("start again"),
    ),
}  # fmt: skip


def trouble(code: Trouble, **fields: object) -> Refused:
    """Return the error of this code; `fields` fills the places of its text."""
    text = TROUBLE_TEXTS[code]
    return Refused(code, text.message, next_step=text.next_step, **fields)
