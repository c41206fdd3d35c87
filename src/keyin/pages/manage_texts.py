"""Words on the pages for computers: closed sets, each with its text."""

from __future__ import annotations

from typing import Final

from keyin.domain.enrolment import InitialAccessKind, NoticeKind
from keyin.domain.errors import msgid
from keyin.domain.events import Act
from keyin.domain.records import Origin, Status, StoppedBy

STATUSES: Final = {
    Status.PENDING: msgid("Not proven yet"),
    Status.ACTIVE: msgid("Active"),
    Status.SUSPENDED: msgid("Suspended"),
    Status.REVOKED: msgid("Revoked"),
    Status.EXPIRED: msgid("Lapsed"),
}
AWAITING: Final = msgid("Waits for your yes")
TYPES: Final = {
    "public": msgid("Public: many people use it"),
    "private": msgid("Private: one person or family uses it"),
    "staff": msgid("Staff: those who work there use it"),
}
SHORT_TYPES: Final = {
    "public": msgid("Public"),
    "private": msgid("Private"),
    "staff": msgid("Staff"),
}
REASONS: Final = {
    "lost": msgid("It was lost or stolen"),
    "sold": msgid("It was sold or given away"),
    "compromised": msgid("Somebody else may have got at it"),
    "replaced": msgid("Another one takes its place"),
    "other": msgid("Another reason"),
}
STOPPED: Final = {
    StoppedBy.SITE: msgid("Its site is stopped."),
    StoppedBy.SOFTWARE: msgid("Its version of the software is stopped."),
}
KINDS: Final = {
    InitialAccessKind.BROWSER: msgid("Approved in a browser"),
    InitialAccessKind.DEVICE: msgid("Approved with a device code"),
    InitialAccessKind.CODE: msgid("One-time code"),
    InitialAccessKind.FILE: msgid("Enrolment file"),
    InitialAccessKind.BUNDLE: msgid("File beside a package"),
    InitialAccessKind.CHANNEL: msgid("Release channel"),
}
ORIGINS: Final = {
    Origin.IMPORTED: msgid("Imported"),
    Origin.ADMINISTRATOR: msgid("Made by an administrator"),
}
DESCENDANTS: Final = {
    "no": msgid("They stay"),
    "yes": msgid("They end with it: somebody else may have had the file"),
}
LIVES: Final = {
    "10": msgid("10 minutes"),
    "60": msgid("1 hour"),
    "1440": msgid("24 hours"),
}
"""How long a code lives, in minutes."""
NOTICES: Final = {
    NoticeKind.REGISTERED: msgid("A new computer was enrolled."),
    NoticeKind.REVOKED: msgid("A computer was revoked."),
    NoticeKind.RETURNED: msgid("A computer came back by itself."),
    NoticeKind.AWAITING: msgid("A computer came back and waits for your yes."),
    NoticeKind.SAME_INSTALLATION: msgid(
        "A second computer says that it is the same installation. It may be a copy."
    ),
    NoticeKind.CODE_USED_TWICE: msgid(
        "An approval was used twice. What it had made was revoked; somebody may have copied it."
    ),
    NoticeKind.TOKEN_USED_TWICE: msgid(
        "A one-time code was used twice. What it had made was revoked; somebody may have copied it."
    ),
    NoticeKind.TOKEN_MADE: msgid("An enrolment file was made."),
    NoticeKind.TOKEN_USED_UP: msgid("An enrolment file is used up."),
    NoticeKind.NEW_NETWORK: msgid("A computer was used from a network that is new."),
    NoticeKind.REPORTED: msgid("A computer asked in your name, and you reported it."),
}
ACTS: Final = {
    Act.CLIENT_REGISTERED: msgid("Enrolled"),
    Act.CLIENT_ACTIVATED: msgid("Counts from now on"),
    Act.CLIENT_RETURNED: msgid("Came back by itself"),
    Act.CLIENT_SUSPENDED: msgid("Stopped for a while"),
    Act.CLIENT_RESUMED: msgid("Let go on"),
    Act.CLIENT_REVOKED: msgid("Taken out for ever"),
    Act.CLIENT_EXPIRED: msgid("Lapsed by itself"),
    Act.REGISTRATION_CHANGED: msgid("Its record was changed"),
    Act.REGISTRATION_REFUSED: msgid("A change of its record was refused"),
    Act.CLIENT_KEY_ADDED: msgid("Got another key"),
    Act.CLIENT_KEY_REVOKED: msgid("A key of it was ended"),
    Act.CREDENTIAL_REVOKED: msgid("A proof of it was ended"),
}
"""What was done with a computer; of tokens its owner sees the days and the networks."""
ACT: Final = msgid("Something else was done")
NOTICE: Final = msgid("Something happened to a computer.")
"""For a kind that has no words of its own."""
