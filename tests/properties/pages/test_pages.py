"""What the pages promise, asked over the wire as a browser asks (P50-P53, P55, P76, P32)."""

from __future__ import annotations

import re
import secrets
from html import unescape
from html.parser import HTMLParser
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
from argon2 import extract_parameters
from argon2.low_level import Type

from keyin.cloud import routes
from tests.page_place import NAME, PASSWORD
from tests.person import BEFORE, SESSION, Person, fields
from tests.properties.pages.conftest import CALLBACK, MARKUP

if TYPE_CHECKING:
    from tests.cloud_process import Reply

PAGE_ROUTES = (*routes.PAGES, *routes.OWN, *routes.DEVICE_PAGES)
CROSS_SITE = [
    {"Sec-Fetch-Site": "cross-site"},
    {"Sec-Fetch-Site": "same-site"},
    {"Sec-Fetch-Site": "none"},
    {"Sec-Fetch-Site": "same-origin", "Origin": "https://evil.example"},
    {"Sec-Fetch-Site": "-", "Origin": "https://evil.example"},
    {"Sec-Fetch-Site": "-", "Origin": "null"},
    {"Sec-Fetch-Site": "-"},
    {"Sec-Fetch-Site": "-", "Referer": "https://evil.example/"},
]


class Elements(HTMLParser):
    """What a browser would make of a page."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes |= {name for name, _ in attrs}


def policy(reply: Reply) -> str:
    return reply.headers["content-security-policy"]


def question(person: Person, client_id: str = "planner") -> Reply:
    """Sign in and stand before the consent page."""
    if SESSION not in person.cookies:
        assert person.sign_in().status == 303
    page = person.follow(person.get(person.place.wish(client_id, code_challenge=challenge())))
    assert page.status == 200, page.body
    return page


def challenge() -> str:
    """Return one that was never used."""
    return secrets.token_urlsafe(32)


def every_page(person: Person) -> list[Reply]:
    """Walk over every page that there is."""
    seen = [
        person.get("/login"),
        person.get("/logout"),
        person.get("/static/keyin.css"),
        person.get("/oauth2/authorize?client_id=nobody"),
        person.get("/account"),
        person.post("/login", {}),
        person.post("/login", {**fields(person.get("/login")), "name": "x", "password": "y"}),
        person.sign_in(),
        person.get("/account"),
        person.get("/device"),
        person.post("/device", {**fields(person.get("/device")), "code": "BCDF-GHJK"}),
        person.post("/oauth2/authorize/decision", {}),
        question(person),
    ]
    assert {reply.status for reply in seen} == {200, 303, 400, 403}
    return seen


def test_p50_every_page_carries_strict_headers(person: Person) -> None:
    for reply in every_page(person):
        assert policy(reply).startswith(
            "default-src 'none'; style-src 'self'; frame-ancestors 'none'; base-uri 'none'; "
            "form-action 'self'"
        )
        assert reply.headers["x-content-type-options"] == "nosniff"
        assert reply.headers["referrer-policy"] == "no-referrer"
        assert reply.headers["cross-origin-opener-policy"] == "same-origin"
        assert reply.headers["cross-origin-resource-policy"] == "same-origin"
        assert reply.headers["cache-control"] == "no-store"
        assert not {"server", "x-powered-by", "access-control-allow-origin"} & set(reply.headers)
        if reply.status != 303:
            assert "script" not in policy(reply)
            assert "unsafe" not in policy(reply)


@pytest.mark.parametrize(
    ("client_id", "target"),
    [("planner", CALLBACK), ("evil", "https://evil.example/cb%3Ba%2Cb")],
)
def test_p50_a_form_leads_to_the_approved_address_and_nowhere_else(
    person: Person, client_id: str, target: str
) -> None:
    assert policy(question(person, client_id)).endswith(f"form-action 'self' {target}")
    others = [reply for reply in every_page(Person(person.place))[:-1] if reply.status != 303]
    assert all(policy(reply).endswith("form-action 'self'") for reply in others)


def test_p51_the_session_cookie_is_for_this_host_alone_and_new_at_every_sign_in(
    person: Person,
) -> None:
    person.get("/login")
    before = person.cookies[BEFORE]
    planted = "A" * 43
    person.cookies[SESSION] = planted
    assert person.sign_in().status == 303
    first = person.cookies[SESSION]
    assert first not in {planted, before}
    person.place.age_sessions(6)
    assert person.sign_in().status == 303
    assert person.cookies[SESSION] not in {planted, before, first}
    old = Person(person.place, cookies={SESSION: first})
    assert old.get("/account").status == 303
    for text in person.set_cookies:
        name, *attributes = re.split("; *", text)
        assert name.startswith("__Host-")
        assert {"Secure", "HttpOnly", "SameSite=Lax", "Path=/"} <= set(attributes)
        assert not any(part.startswith("Domain") for part in attributes)


def test_p51_a_session_ends_when_the_person_says_so(person: Person) -> None:
    person.sign_in()
    kept = dict(person.cookies)
    elsewhere = Person(person.place)
    elsewhere.sign_in()
    page = person.get("/account")
    assert person.post("/logout", fields(page)).status == 303
    assert Person(person.place, cookies=kept).get("/account").status == 303
    assert elsewhere.get("/account").status == 303


def test_p51_signing_out_here_leaves_the_session_elsewhere(person: Person) -> None:
    person.sign_in()
    elsewhere = Person(person.place)
    elsewhere.sign_in()
    form = fields(person.get("/account"))
    del form["everywhere"]
    person.post("/logout", form)
    assert person.get("/account").status == 303
    assert elsewhere.get("/account").status == 200


@pytest.mark.parametrize("headers", CROSS_SITE)
def test_p52_a_form_of_another_site_changes_nothing(
    person: Person, headers: dict[str, str]
) -> None:
    page = person.get("/login")
    form = {**fields(page), "name": NAME, "password": PASSWORD}
    assert person.post("/login", form, **headers).status == 403
    assert SESSION not in person.cookies
    asked = fields(question(person))
    refused = person.post("/oauth2/authorize/decision", {**asked, "decision": "approve"}, **headers)
    assert refused.status == 403
    assert person.post("/logout", fields(person.get("/account")), **headers).status == 403
    code = {**fields(person.get("/device")), "code": "BCDF-GHJK"}
    assert person.post("/device", code, **headers).status == 403
    assert person.get("/account").status == 200
    assert person.post("/oauth2/authorize/decision", {**asked, "decision": "deny"}).status == 303


@pytest.mark.parametrize("proof", ["", "x", "0" * 73, None, "another's"])
def test_p52_a_form_without_the_proof_of_this_browser_changes_nothing(
    person: Person, proof: str | None
) -> None:
    other = Person(person.place)
    other.sign_in()
    stolen = fields(other.get("/account"))["form_proof"]

    def spoiled(form: dict[str, str]) -> dict[str, str]:
        form.pop("form_proof")
        return form if proof is None else {**form, "form_proof": proof.replace("another's", stolen)}

    page = spoiled(fields(person.get("/login")))
    assert person.post("/login", {**page, "name": NAME, "password": PASSWORD}).status == 403
    assert SESSION not in person.cookies
    asked = fields(question(person))
    wrong = {**spoiled(dict(asked)), "decision": "approve"}
    assert person.post("/oauth2/authorize/decision", wrong).status == 403
    assert person.post("/logout", spoiled(fields(person.get("/account")))).status == 403
    assert person.get("/account").status == 200


def test_p52_a_browser_of_before_sec_fetch_site_says_where_a_form_comes_from(
    person: Person,
) -> None:
    person.headers = {}
    page = fields(person.get("/login"))
    form = {**page, "name": NAME, "password": PASSWORD}
    assert person.post("/login", form).status == 403
    assert person.post("/login", form, Origin=person.place.issuer).status == 303


def test_p52_looking_changes_nothing(person: Person) -> None:
    person.sign_in()
    tables = ("accounts", "sessions", "sign_in_failures", "audit", "questions", "codes")
    there = {name for (name,) in person.place.query("SELECT name FROM sqlite_master")}
    kept = [table for table in tables if table in there]

    def everything() -> list[object]:
        return [person.place.query(f"SELECT * FROM {table}") for table in kept]  # noqa: S608 - our own names

    before = everything()
    for path in ("/login", "/logout", "/account", "/device", "/device?user_code=BCDF-GHJK"):
        person.get(path)
        assert person._send("HEAD", path, {}, None).status == 404
    for path in ("/logout", "/device/decision", "/oauth2/authorize/decision"):
        person.get(f"{path}?decision=approve&everywhere=yes")
    assert everything() == before


def test_p53_no_page_answers_to_another_origin(person: Person) -> None:
    origin = {"Origin": "https://evil.example"}
    for route in PAGE_ROUTES:
        reply = person._send(route.method, route.template, origin, "")
        preflight = {**origin, "Access-Control-Request-Method": route.method}
        asked = person._send("OPTIONS", route.template, preflight, None)
        assert asked.status == 404
        for answer in (reply, asked):
            assert not [name for name in answer.headers if name.startswith("access-control")]
            assert "vary" not in answer.headers


def test_p55_a_question_needs_a_sign_in_of_the_last_five_minutes(person: Person) -> None:
    person.sign_in()
    person.place.age_sessions(6)
    first = person.get(person.place.wish(code_challenge=challenge()))
    assert first.headers["location"].startswith("/login?next=")
    assert "Reading room planner" in person.follow(first).body.decode()
    page = person.follow(person.sign_in(first.headers["location"]))
    assert b"Let it in" in page.body


def test_p55_an_answer_needs_it_too_and_the_question_waits(person: Person) -> None:
    asked = fields(question(person))
    person.place.age_sessions(6)
    late = person.post("/oauth2/authorize/decision", {**asked, "decision": "approve"})
    assert late.headers["location"].startswith("/login?next=")
    again = person.follow(person.sign_in(late.headers["location"]))
    assert b"Reading room planner" in again.body
    assert policy(again).endswith(CALLBACK)
    form = {**fields(again), "decision": "approve"}
    answer = person.post("/oauth2/authorize/decision", form)
    assert answer.status == 303
    assert answer.headers["location"].startswith(CALLBACK + "?code=")


def pushed(person: Person) -> str:
    """Push a wish, and return the address that the person is sent to."""
    asked = person.place.applications["planner"].request(code_challenge=challenge())
    answer = person.place.cloud.form("/oauth2/par", asked)
    assert answer.status == 201, answer.body
    named = {"client_id": "planner", "request_uri": answer.json["request_uri"]}
    return f"/oauth2/authorize?{urlencode(named)}"


def test_who_needs_minutes_to_sign_in_is_asked_all_the_same(person: Person) -> None:
    path = pushed(person)
    first = person.get(path)
    person.place.query("UPDATE questions SET expires = expires - ?", 15 * 60_000)
    assert not person.place.query("SELECT 1 FROM pushed_requests")
    signed_in = person.sign_in(first.headers["location"])
    page = person.follow(signed_in)
    assert b"Let it in" in page.body
    answer = person.post("/oauth2/authorize/decision", {**fields(page), "decision": "approve"})
    assert "code=" in answer.headers["location"]
    assert person.get(path).status == 400
    assert person.get(signed_in.headers["location"]).status == 400


def test_what_was_held_too_long_or_is_somebody_elses_is_put_to_nobody(person: Person) -> None:
    first = person.get(pushed(person))
    page = person.follow(person.sign_in(first.headers["location"]))
    other = Person(person.place)
    assert other.follow(other.sign_in(first.headers["location"])).status == 400
    assert b"Let it in" in page.body
    late = Person(person.place)
    second = late.get(pushed(late))
    person.place.query("UPDATE questions SET expires = expires - ?", 21 * 60_000)
    assert late.follow(late.sign_in(second.headers["location"])).status == 400


@pytest.mark.parametrize("by_par", [True, False])
def test_who_does_not_want_to_sign_in_can_go_back(person: Person, *, by_par: bool) -> None:
    wish = pushed(person) if by_par else person.place.wish(code_challenge=challenge())
    page = person.follow(person.get(wish)).body.decode()
    (link,) = re.findall('<a href="(https:[^"]*)"', page)
    told = parse_qs(urlsplit(unescape(link)).query)
    assert unescape(link).startswith(CALLBACK + "?")
    assert (told["error"], told["state"]) == (["access_denied"], ["st-1"])
    assert told["iss"] == [person.place.issuer]


def test_p55_another_account_cannot_answer_the_question(person: Person) -> None:
    asked = fields(question(person))
    other = Person(person.place)
    other.sign_in()
    form = {**fields(other.get("/account")), "question": asked["question"], "decision": "approve"}
    answer = other.post("/oauth2/authorize/decision", form)
    assert answer.status in {303, 400}
    used = person.post("/oauth2/authorize/decision", {**asked, "decision": "approve"})
    assert {answer.status, used.status} == {303, 400}  # one question, one answer


@pytest.mark.parametrize("decision", ["approve", "deny"])
def test_the_answer_goes_back_to_the_application(person: Person, decision: str) -> None:
    form = {**fields(question(person)), "decision": decision}
    answer = person.post("/oauth2/authorize/decision", form)
    assert answer.status == 303
    place = urlsplit(answer.headers["location"])
    told = {name: value[0] for name, value in parse_qs(place.query).items()}
    assert place._replace(query="").geturl() == CALLBACK
    assert told["state"] == "st-1"
    assert told["iss"] == person.place.issuer
    assert ("code" in told) == (decision == "approve")
    assert told.get("error") == (None if decision == "approve" else "access_denied")
    assert person.post("/oauth2/authorize/decision", form).status == 400


def test_p76_names_with_markup_are_inert_on_every_page(person: Person) -> None:
    first = person.get(person.place.wish("evil", code_challenge=challenge()))
    signing_in = person.follow(first)
    wrong = person.post(
        "/login", {**fields(signing_in), "name": MARKUP, "password": "wrong password"}
    )
    page = person.follow(person.sign_in(first.headers["location"]))
    for reply in (signing_in, wrong, page):
        text = reply.body.decode()
        assert "&lt;script&gt;alert(1)&lt;/script&gt;" in text
        elements = Elements()
        elements.feed(text)
        assert not {"script", "b"} & elements.tags
        assert not [name for name in elements.attributes if name.startswith("on")]
    for reply in (signing_in, page):
        assert "\u202e" not in reply.body.decode()


def test_p76_what_a_browser_says_comes_back_inert(person: Person) -> None:
    headers = {"Accept-Language": MARKUP.encode("ascii", "replace").decode(), "User-Agent": "<b>"}
    reply = person.get(f"/login?next={'%3Cscript%3E'}", **headers)
    assert b"<script" not in reply.body
    assert reply.body.startswith(b'<!doctype html>\n<html lang="en">')


@pytest.mark.parametrize(
    "onward",
    ["https://evil.example/", "//evil.example", "/\\evil.example", "e30.x", "", "a.b.c", "é"],
)
def test_signing_in_leads_to_no_other_site(person: Person, onward: str) -> None:
    page = fields(person.get("/login"))
    form = {**page, "next": onward, "name": NAME, "password": PASSWORD}
    assert person.post("/login", form).headers["location"] == "/account"


@pytest.mark.parametrize(
    "query",
    [
        "client_id=planner&client_id=planner", "client_id=nobody", "", "client_id[]=planner",
        "client_id=planner&request_uri=urn:ietf:params:oauth:request_uri:x",
        "client_id=planner&response_type=code&redirect_uri=https://evil.example/",
        "client_id=planner&state=" + "x" * 7000,
    ],
)  # fmt: skip
def test_p99_a_request_that_is_not_in_order_is_shown_and_sent_nowhere(
    person: Person, query: str
) -> None:
    for _ in range(2):
        reply = person.get(f"/oauth2/authorize?{query}")
        assert reply.status == 400
        assert "location" not in reply.headers
        assert b"evil.example" not in reply.body
        person.sign_in()


def test_p32_a_password_is_kept_as_argon2id_and_nowhere_else(person: Person) -> None:
    person.sign_in()
    rows = person.place.query("SELECT password FROM accounts")
    for (kept,) in rows:
        assert extract_parameters(kept).type is Type.ID
    dump = (person.place.cloud.data / "keyin.sqlite3").read_bytes()
    assert PASSWORD.encode() not in dump
    assert person.cookies[SESSION].encode() not in dump
    assert PASSWORD not in person.place.cloud.process.output


def test_unknown_and_wrong_are_one_answer(person: Person) -> None:
    answers = []
    for name in (NAME, "zoe"):
        form = {**fields(person.get("/login")), "name": name, "password": "wrong password"}
        reply = person.post("/login", form)
        text = re.sub(r'(value="|lang=")[^"]*"', "", reply.body.decode())
        headers = {k: v for k, v in reply.headers.items() if k not in {"date", "x-request-id"}}
        answers.append((reply.status, headers, text))
    assert answers[0] == answers[1]


def test_too_many_wrong_passwords_make_everybody_wait(person: Person) -> None:
    for _ in range(5):
        form = {**fields(person.get("/login")), "name": "mia", "password": "wrong password"}
        assert person.post("/login", form).status == 403
    form = {**fields(person.get("/login")), "name": "MIA", "password": "wrong password"}
    reply = person.post("/login", form)
    assert reply.status == 429
    assert 0 < int(reply.headers["retry-after"]) <= 900


def test_what_is_too_large_is_said_in_a_page(person: Person) -> None:
    form = {**fields(person.get("/login")), "name": "x" * 40_000, "password": "y"}
    reply = person.post("/login", form)
    assert reply.status in {400, 413}
    assert reply.body.startswith(b"<!doctype html>")
