"""What each page is for, takes and gives, in words and JSON Schema; see `api_words`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from keyin.cloud.words import (
    ASKED_OF_A_PERSON,
    ENROLMENT_FILE,
    HTML,
    PICTURE,
    PROOF,
    STRING,
    Words,
    an_object,
    text,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

REASONS: Final = ("lost", "sold", "compromised", "replaced", "other")
TYPES: Final = ("public", "private", "staff")
ABOUT_A_COMPUTER: Final = dict.fromkeys(("client_name", "computer_type", "site"), STRING)
"""Besides, where the question is about a computer."""
ID: Final = (404,)
"""Refused with, where the path names something."""

PAGE_WORDS: Final[Mapping[str, Words]] = {
    "GET /oauth2/authorize": Words(
        summary="An application asks; the person signs in and is asked",
        query=dict.fromkeys((*ASKED_OF_A_PERSON, "request_uri"), False),
        as_=HTML,
        ok=(200, 303),
    ),
    "GET /oauth2/authorize/question": Words(
        summary="The same question again, after a sign-in",
        query={"question": False, "held": False},
        as_=HTML,
        ok=(200, 303),
    ),
    "POST /oauth2/authorize/decision": Words(
        summary="The person's answer",
        takes=an_object(
            {"question": STRING, "decision": text("approve", "deny", "report", "code", "change")}
            | PROOF,
            **ABOUT_A_COMPUTER,
        ),
        as_=HTML,
        ok=(200, 303),
    ),
    "GET /login": Words(
        summary="The form for signing in", query={"next": False}, as_=HTML, ok=(200, 303)
    ),
    "POST /login": Words(
        summary="Sign in",
        takes=an_object({"name": STRING, "password": STRING} | PROOF, next=STRING),
        as_=HTML,
        ok=(303,),
        refusals=(429,),
    ),
    "GET /logout": Words(summary="Signed out", as_=HTML, ok=(200, 303)),
    "POST /logout": Words(
        summary="Sign out, here or everywhere",
        takes=an_object(PROOF, everywhere=text("yes")),
        as_=HTML,
        ok=(200, 303),
    ),
    "GET /account": Words(summary="The person's own page", as_=HTML, ok=(200, 303)),
    "GET /device": Words(
        summary="Where a person types in a device's code", as_=HTML, ok=(200, 303)
    ),
    "POST /device": Words(
        summary="Look a typed code up",
        takes=an_object({"code": STRING} | PROOF),
        as_=HTML,
        ok=(200, 303),
        refusals=(429,),
    ),
    "POST /device/decision": Words(
        summary="The person's answer to a device",
        takes=an_object(
            {"code": STRING, "decision": text("approve", "deny", "report", "change")} | PROOF,
            **ABOUT_A_COMPUTER,
        ),
        as_=HTML,
        ok=(200, 303),
    ),
    "GET /static/keyin.css": Words(summary="The one style sheet", as_="text/css"),
    "POST /login/code": Words(
        summary="The second step of a sign-in",
        takes=an_object({"half": STRING, "code": STRING} | PROOF, next=STRING),
        as_=HTML,
        ok=(303,),
        refusals=(429,),
    ),
    "GET /account/password": Words(
        summary="The form for another password", as_=HTML, ok=(200, 303)
    ),
    "POST /account/password": Words(
        summary="Take another password; every session ends",
        takes=an_object({"password": STRING, "again": STRING} | PROOF),
        as_=HTML,
        ok=(303,),
    ),
    "GET /account/email": Words(
        summary="Where news of one's computers is mailed to", as_=HTML, ok=(200, 303)
    ),
    "POST /account/email": Words(
        summary="Mail it there, in this language, or nowhere",
        takes=an_object({"email": STRING, "language": text("", "en", "de")} | PROOF),
        as_=HTML,
        ok=(303,),
    ),
    "GET /account/second-step": Words(
        summary="Whether signing in has a second step",
        query={"needed": False},
        as_=HTML,
        ok=(200, 303),
    ),
    "POST /account/second-step": Words(
        summary="Begin to set one up", takes=an_object(PROOF), as_=HTML, ok=(303,)
    ),
    "GET /account/second-step/new": Words(
        summary="The secret for a telephone, as text", as_=HTML, ok=(200, 303), refusals=(409,)
    ),
    "POST /account/second-step/new": Words(
        summary="A first code: from now on it counts; the codes for paper, this once",
        takes=an_object({"code": STRING} | PROOF),
        as_=HTML,
        ok=(200, 303),
        refusals=(409,),
    ),
    "GET /account/second-step/picture": Words(
        summary="The secret for a telephone, as a picture",
        as_=PICTURE,
        ok=(200, 303),
        refusals=(409,),
    ),
    "POST /account/second-step/off": Words(
        summary="End the second step", takes=an_object(PROOF), as_=HTML, ok=(303,)
    ),
    "GET /enrolled": Words(
        summary="How an enrolment ended, for the browser that it went through",
        query={"ok": False, "error": False},
        as_=HTML,
    ),
    "GET /manage/installations": Words(
        summary="My computers: those within my reach, the newest first",
        query=dict.fromkeys(("text", "status", "site", "before"), False),
        as_=HTML,
        ok=(200, 303),
    ),
    "GET /manage/installations/new": Words(
        summary="The ways to add a computer", as_=HTML, ok=(200, 303)
    ),
    "GET /manage/installations/{id}": Words(
        summary="All about one computer", as_=HTML, ok=(200, 303), refusals=ID
    ),
    "GET /manage/installations/{id}/edit": Words(
        summary="What a computer is called, and where it stands",
        as_=HTML,
        ok=(200, 303),
        refusals=ID,
    ),
    "POST /manage/installations/{id}/edit": Words(
        summary="Give a computer another name, type or site",
        takes=an_object(
            {"name": STRING, "type": STRING, "site": STRING, "version": STRING} | PROOF
        ),
        as_=HTML,
        ok=(200, 303),
        refusals=(404, 409),
    ),
    "GET /manage/installations/{id}/suspend": Words(
        summary="What stopping a computer for a while means", as_=HTML, ok=(200, 303), refusals=ID
    ),
    "POST /manage/installations/{id}/suspend": Words(
        summary="Stop a computer for a while",
        takes=an_object({"reason": text(*REASONS)} | PROOF),
        as_=HTML,
        ok=(200, 303),
        refusals=(404, 409),
    ),
    "GET /manage/installations/{id}/revoke": Words(
        summary="What taking a computer out for ever means",
        as_=HTML,
        ok=(200, 303),
        refusals=ID,
    ),
    "POST /manage/installations/{id}/revoke": Words(
        summary="Take a computer out for ever",
        takes=an_object({"reason": text(*REASONS), "sure": text("yes")} | PROOF),
        as_=HTML,
        ok=(200, 303),
        refusals=(404, 409),
    ),
    "POST /manage/installations/{id}/resume": Words(
        summary="Let a stopped computer go on",
        takes=an_object(PROOF),
        as_=HTML,
        ok=(303,),
        refusals=(404, 409),
    ),
    "POST /manage/installations/{id}/approve": Words(
        summary="Let a computer in again that came back",
        takes=an_object(PROOF),
        as_=HTML,
        ok=(303,),
        refusals=(404, 409),
    ),
    "POST /manage/notices": Words(
        summary="Note that notices were read",
        takes=an_object(PROOF, seen=STRING),
        as_=HTML,
        ok=(303,),
    ),
    "GET /manage/enrolment-codes/new": Words(
        summary="The form for a one-time code",
        query=dict.fromkeys(("name", "type", "site", "life"), False),
        as_=HTML,
        ok=(200, 303),
    ),
    "POST /manage/enrolment-codes": Words(
        summary="Make a one-time code, and show it once",
        takes=an_object(
            {"name": STRING, "type": text(*TYPES), "life": text("10", "60", "1440")} | PROOF,
            site=STRING,
        ),
        as_=HTML,
        ok=(200, 303),
    ),
    "GET /manage/initial-access-tokens": Words(
        summary="Enrolment files and codes within my reach",
        query={"after": False},
        as_=HTML,
        ok=(200, 303),
    ),
    "GET /manage/initial-access-tokens/new": Words(
        summary="The form for an enrolment file",
        query=dict.fromkeys(("label", "type", "site", "uses", "days", "networks"), False),
        as_=HTML,
        ok=(200, 303),
    ),
    "POST /manage/initial-access-tokens": Words(
        summary="Make an enrolment file, and download it once",
        takes=an_object(
            {"label": STRING, "type": text(*TYPES), "uses": STRING, "days": STRING} | PROOF,
            site=STRING,
            networks=STRING,
        ),
        as_=ENROLMENT_FILE,
        ok=(200, 303),
    ),
    "GET /manage/initial-access-tokens/{id}": Words(
        summary="All about one file or code, and the computers that came with it",
        as_=HTML,
        ok=(200, 303),
        refusals=ID,
    ),
    "GET /manage/initial-access-tokens/{id}/revoke": Words(
        summary="What ending a file or code means", as_=HTML, ok=(200, 303), refusals=ID
    ),
    "POST /manage/initial-access-tokens/{id}/revoke": Words(
        summary="End a file or code, with all that came with it or without",
        takes=an_object({"descendants": text("yes", "no")} | PROOF),
        as_=HTML,
        ok=(200, 303),
        refusals=(404, 409),
    ),
}
