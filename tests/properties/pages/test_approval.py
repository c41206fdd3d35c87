"""A person approves a computer: what is shown, what it needs, what comes of it (P7-P10, P54)."""

from __future__ import annotations

import json
import re
from html import unescape
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest

from keyin.domain.enrolment import NoticeKind
from keyin.domain.secret import Secret
from keyin.wire.enrolment_code import EnrolmentCode, is_initial_access_token, token_of
from tests import audit_log
from tests.new_computer import BACK, NewComputer
from tests.page_place import NAME
from tests.person import SESSION, Person, fields
from tests.started import run

if TYPE_CHECKING:
    from tests.cloud_process import Reply
    from tests.page_place import Place

DECISION = "/oauth2/authorize/decision"
MARKUP = '<script>alert(1)</script><b onmouseover="x()">'


@pytest.fixture
def ada(place: Place) -> Person:
    """Give somebody who has just signed in, whose sites are two."""
    place.query(
        "INSERT OR IGNORE INTO memberships SELECT id, site.column1, 'manager', 0 "
        "FROM accounts, (VALUES ('Annexe'), ('Main library')) AS site WHERE name = ?",
        NAME,
    )
    person = Person(place)
    assert person.sign_in().status == 303
    return person


def asked(person: Person, computer: NewComputer, **changes: Any) -> Reply:
    page = person.follow(person.get(computer.address(**changes)))
    assert page.status == 200, page.body
    return page


def text(page: Reply) -> str:
    return " ".join(unescape(re.sub(r"<[^>]*>", " ", page.body.decode())).split())


def decided(person: Person, page: Reply, decision: str, **changes: str) -> Reply:
    form = {**fields(page), "client_name": "Desk 3", "computer_type": "public", "site": ""}
    return person.post(DECISION, {**form, "decision": decision, **changes})


def told(reply: Reply) -> dict[str, str]:
    assert reply.status == 303, (reply.status, reply.body)
    query = parse_qs(urlsplit(reply.headers["location"]).query, strict_parsing=True)
    return {name: values[0] for name, values in query.items()}


def approved(person: Person, computer: NewComputer, **changes: str) -> str:
    return told(decided(person, asked(person, computer), "approve", **changes))["code"]


def test_p54_the_question_names_computer_key_software_place_rights_and_life(
    ada: Person, computer: NewComputer
) -> None:
    page = asked(ada, computer)
    said = text(page)
    for part in (
        *("Desk 3", computer.fingerprint, "net.keyin 0.5.0", "127.0.0.1", "the same network"),
        *("Get the settings of people who key in", "Change what people have saved"),
        *("Until you revoke it", "lapses by itself", "If you did not start an installation"),
    ):
        assert part in said, part
    body = page.body.decode()
    assert "autofocus" not in body
    assert body.index('value="deny"') < body.index('value="approve"')
    assert all(site in body for site in ("Annexe", "Main library"))


def test_p54_nothing_is_remembered(ada: Person, computer: NewComputer) -> None:
    approved(ada, computer)
    assert 'value="approve"' in asked(ada, computer).body.decode()


def test_p55_a_sign_in_that_is_old_answers_nothing_and_what_was_typed_stays(
    ada: Person, computer: NewComputer, place: Place
) -> None:
    page = asked(ada, computer)
    place.age_sessions(6)
    late = decided(ada, page, "approve", client_name="By the window", site="Annexe")
    assert late.headers["location"].startswith("/login?")
    sign_in = ada.get(late.headers["location"])
    form = {**fields(sign_in), "name": NAME, "password": "violet tram and gravel"}
    again = ada.follow(ada.post("/login", form))
    assert 'value="By the window"' in again.body.decode()
    assert '<option value="Annexe" selected>' in again.body.decode()
    answer = decided(ada, again, "approve", client_name="By the window", site="Annexe")
    token = computer.redeem(told(answer)["code"])
    assert token.json["authorization_details"][0]["client_name"] == "By the window"


def test_a_question_that_is_loaded_again_is_the_same_question(
    ada: Person, computer: NewComputer
) -> None:
    led = ada.get(computer.address())
    assert led.headers["location"].startswith("/oauth2/authorize/question?")
    first, again = ada.follow(led), ada.follow(led)
    assert computer.fingerprint in text(again)
    assert "code" in told(decided(ada, again, "approve"))
    assert decided(ada, first, "approve").status == 400


def test_p09_every_answer_says_who_gives_it_and_to_which_request(
    ada: Person, computer: NewComputer, place: Place
) -> None:
    for decision in ("approve", "deny"):
        answer = decided(ada, asked(ada, computer), decision)
        assert answer.headers["location"].startswith(f"{BACK}?")
        assert answer.headers["referrer-policy"] == "no-referrer"
        said = told(answer)
        assert (said["state"], said["iss"]) == ("state-of-mine", place.issuer)
        assert ("code" in said) == (decision == "approve")
        assert (said.get("error") == "access_denied") == (decision == "deny")


def test_a_code_gives_a_token_for_the_approved_computer_and_its_key(
    ada: Person, computer: NewComputer, place: Place
) -> None:
    code = approved(ada, computer, client_name="Attic", computer_type="staff", site="Annexe")
    reply = computer.redeem(code)
    assert reply.status == 200, reply.body
    given = reply.json
    assert is_initial_access_token(given["access_token"])
    assert reply.headers["cache-control"] == "no-store"
    assert (given["token_type"], given["expires_in"], given["scope"]) == (
        "DPoP", 300, "client:register",
    )  # fmt: skip
    assert given["authorization_details"] == [
        computer.details(client_name="Attic", computer_type="staff")
    ]
    ((kind, owner, site, jkt, uses),) = place.query(
        "SELECT kind, owner, site, bound_jkt, max_uses FROM initial_access WHERE label = ?",
        "Attic",
    )
    ((account,),) = place.query("SELECT id FROM accounts WHERE name = ?", NAME)
    assert (kind, owner, site, jkt, uses) == ("browser", account, "Annexe", computer.jkt, 1)


def test_p08_no_question_without_a_challenge_of_its_own(ada: Person, computer: NewComputer) -> None:
    table: list[dict[str, Any]] = [
        {"code_challenge": None},
        {"code_challenge_method": None},
        {"code_challenge_method": "plain"},
        {"code_challenge": "short"},
    ]
    for changes in table:
        reply = computer.push(**changes)
        assert (reply.status, reply.json["error"]) == (400, "invalid_request"), changes
    same = "c" * 43
    first = decided(ada, asked(ada, computer, code_challenge=same), "approve")
    assert "code" in told(first)
    again = decided(ada, asked(ada, computer, code_challenge=same), "approve")
    assert told(again)["error"] == "invalid_request"


def test_p08_a_code_is_of_no_use_without_its_verifier_or_its_key(
    ada: Person, computer: NewComputer
) -> None:
    table: list[tuple[dict[str, Any], bool]] = [
        ({"code_verifier": None}, True),
        ({"code_verifier": "w" * 43}, True),
        ({"redirect_uri": BACK.replace("51004", "51005")}, True),
        ({}, False),
    ]
    for changes, proven in table:
        reply = computer.redeem(approved(ada, computer), proven=proven, **changes)
        assert reply.status == 400, (changes, reply.body)
        assert reply.json["error"] in {"invalid_grant", "invalid_request"}
    stolen, thief = approved(ada, computer), NewComputer(computer.cloud, computer.issuer)
    thief.verifier = computer.verifier
    assert thief.redeem(stolen).json["error"] == "invalid_grant"


def test_p10_a_code_lives_a_minute_and_a_pushed_wish_ninety_seconds_and_once(
    ada: Person, computer: NewComputer, place: Place
) -> None:
    code = approved(ada, computer)
    ((longest,),) = place.query("SELECT max(expires - ?) FROM codes", now_of(place))
    assert longest <= 60_000
    place.query("UPDATE codes SET expires = expires - 61000")
    assert computer.redeem(code).json["error"] == "invalid_grant"
    address = computer.address()
    assert ada.follow(ada.get(address)).status == 200
    assert ada.get(address).status == 400
    late = computer.address()
    place.query("UPDATE pushed_requests SET expires = expires - 91000")
    assert ada.get(late).status == 400


def now_of(place: Place) -> int:
    ((newest,),) = place.query("SELECT max(at) FROM audit")
    return int(newest)


def test_p10_only_what_was_pushed_is_asked(ada: Person, computer: NewComputer) -> None:
    reply = ada.get(f"/oauth2/authorize?{urlencode(computer.wish())}")
    assert reply.status == 400
    assert "location" not in reply.headers


@pytest.mark.parametrize(
    "changes",
    [
        {"authorization_details": None},
        {"authorization_details": "[]"},
        {"authorization_details": "nothing"},
        {"authorization_details": '[{"type":"payment"}]'},
    ],
)
def test_details_must_be_of_one_computer(computer: NewComputer, changes: dict[str, Any]) -> None:
    reply = computer.push(**changes)
    assert (reply.status, reply.json["error"]) == (400, "invalid_authorization_details")


@pytest.mark.parametrize(
    "details",
    [
        {"jkt": "j" * 43},
        {"jkt": None},
        {"client_name": ""},
        {"client_name": "n" * 81},
        {"client_name": "two\nlines"},
        {"client_name": "\u202eevil"},
        {"computer_type": "No Type"},
        {"installation_id": "short"},
        {"more": "members"},
    ],
)
def test_details_must_be_proper_and_of_the_proofs_key(
    computer: NewComputer, details: dict[str, Any]
) -> None:
    for one in (computer.push, computer.ask_as_device):
        reply = one(authorization_details=json.dumps([computer.details(**details)]))
        assert reply.json["error"] == "invalid_authorization_details", reply.body
    two = json.dumps([computer.details(), computer.details()])
    assert computer.push(authorization_details=two).status == 400


def test_a_wish_needs_a_proof_of_the_computers_key(computer: NewComputer) -> None:
    for send in (computer.push, computer.ask_as_device):
        assert send(proven=False).json["error"] == "invalid_dpop_proof"
    named = computer.push(proven=False, dpop_jkt=computer.jkt)
    assert named.json["error"] == "invalid_dpop_proof"


def test_the_enrolment_client_may_ask_for_nothing_else(computer: NewComputer) -> None:
    for scope in ("account:read", "client:register account:read", "settings:read"):
        assert computer.push(scope=scope).json["error"] == "invalid_scope"
    assert computer.push(resource="https://elsewhere.example").json["error"] == "invalid_target"
    assert computer.push(resource=computer.issuer).status == 201
    form = {"client_id": "keyin-enrol", "grant_type": "client_credentials"}
    assert computer.post("/oauth2/token", form).json["error"] == "unauthorized_client"


LOOPBACK = [
    ("http://127.0.0.1:1/oauth2/callback", True),
    ("http://127.0.0.1/oauth2/callback", True),
    ("http://[::1]:65535/oauth2/callback", True),
    ("http://127.0.0.1:51004/oauth2/callback?x=1", False),
    ("http://127.0.0.1:51004/oauth2/callback?", False),
    ("http://127.0.0.1:51004/oauth2/callback/", False),
    ("http://127.0.0.1:51004/oauth2/callback#x", False),
    ("http://127.0.0.1:51004/OAUTH2/callback", False),
    ("http://127.0.0.1:51004/", False),
    ("http://127.0.0.1:51004/oauth2/../oauth2/callback", False),
    ("http://127.0.0.1:0/oauth2/callback", False),
    ("http://127.0.0.1:65536/oauth2/callback", False),
    ("http://127.0.0.1:/oauth2/callback", False),
    ("https://127.0.0.1:51004/oauth2/callback", False),
    ("http://localhost:51004/oauth2/callback", False),
    ("http://127.0.0.2:51004/oauth2/callback", False),
    ("http://127.1:51004/oauth2/callback", False),
    ("http://[::ffff:127.0.0.1]:51004/oauth2/callback", False),
    ("http://127.0.0.1:51004@evil.example/oauth2/callback", False),
    ("http://127.0.0.1.evil.example/oauth2/callback", False),
    ("HTTP://127.0.0.1:51004/oauth2/callback", False),
    ("javascript:alert(1)", False),
]


@pytest.mark.parametrize(("uri", "fits"), LOOPBACK)
def test_p74_only_the_port_of_the_loopback_address_is_free(
    computer: NewComputer,
    uri: str,
    fits: bool,  # noqa: FBT001 - of the table
) -> None:
    reply = computer.push(redirect_uri=uri)
    assert reply.status == (201 if fits else 400), reply.body


def test_p74_a_client_that_is_no_native_one_has_no_free_port(place: Place) -> None:
    planner = place.applications["planner"]
    moved = planner.redirect_uri.replace("planner.example", "planner.example:8443")
    form = planner.request(redirect_uri=moved)
    assert place.cloud.form("/oauth2/par", form).status == 400


def test_p07_a_code_that_comes_twice_takes_token_and_computer_back_and_tells_the_owner(
    ada: Person, computer: NewComputer, place: Place
) -> None:
    code = approved(ada, computer, client_name="Twice")
    token = computer.redeem(code).json["access_token"]
    assert computer.redeem(code).json["error"] == "invalid_grant"
    ((status, why),) = place.query(
        "SELECT status, revoked_reason FROM initial_access WHERE label = 'Twice'"
    )
    assert (status, why) == ("revoked", "code_used_twice")
    computer.redeem(code)
    ((kind, name, address),) = place.query(
        "SELECT kind, name, address FROM notices WHERE name = 'Twice'"
    )
    assert (kind, name, address) == (NoticeKind.CODE_USED_TWICE, "Twice", "127.0.0.1")
    assert token not in str(place.query("SELECT event FROM audit"))


def test_p07_whoever_takes_a_code_first_leaves_a_trace(
    ada: Person, computer: NewComputer, place: Place
) -> None:
    """Without verifier and key it gives nothing; but the computer's own use is then the second."""
    code = approved(ada, computer, client_name="Burnt")
    thief = NewComputer(computer.cloud, computer.issuer)
    assert thief.redeem(code, code_verifier="w" * 43).json["error"] == "invalid_grant"
    assert computer.redeem(code).json["error"] == "invalid_grant"
    assert len(place.query("SELECT 1 FROM notices WHERE name = 'Burnt'")) == 1


def test_p50_the_page_lets_its_form_lead_to_this_loopback_address_and_no_other(
    ada: Person, computer: NewComputer
) -> None:
    policy = asked(ada, computer).headers["content-security-policy"]
    (forms,) = [part for part in policy.split("; ") if part.startswith("form-action")]
    assert forms == f"form-action 'self' {BACK}"
    assert "script" not in policy


def test_p52_no_answer_counts_that_was_not_sent_from_the_page(
    ada: Person, computer: NewComputer
) -> None:
    page = asked(ada, computer)
    assert decided(ada, page, "approve", form_proof="0" * 73).status == 403
    form = {**fields(page), "client_name": "Desk 3", "decision": "approve"}
    crossed = ada.post(DECISION, form, Sec_Fetch_Site="cross-site")
    assert crossed.status == 403
    assert "code" in told(decided(ada, page, "approve"))


def test_p54_a_question_is_for_the_person_and_the_browser_it_was_put_to(
    ada: Person, computer: NewComputer, place: Place
) -> None:
    page = asked(ada, computer)
    elsewhere = Person(place)
    elsewhere.sign_in()
    other = fields(elsewhere.get("/account"))["form_proof"]
    assert decided(elsewhere, page, "approve", form_proof=other).status in {303, 400}
    assert place.query("SELECT count(*) FROM questions") != [(0,)]
    assert SESSION in elsewhere.cookies
    stranger = decided(Person(place), page, "approve")
    assert stranger.headers["location"].startswith("/login")


@pytest.mark.parametrize(
    ("place_", "value"),
    [
        ("client_name", ""),
        ("client_name", "   "),
        ("client_name", "n" * 81),
        ("client_name", "\u202eevil"),
        ("computer_type", "throne"),
        ("site", "Somebody else's"),
    ],
)
def test_p96_what_cannot_be_is_said_at_its_field_and_nothing_is_decided(
    ada: Person, computer: NewComputer, place_: str, value: str
) -> None:
    page = asked(ada, computer)
    for decision in ("approve", "code"):
        page = decided(ada, page, decision, **{place_: value})
        assert page.status == 400
        assert f'href="#{place_}"' in page.body.decode()
        assert f'id="{place_}-wrong"' in page.body.decode()
    assert "code" in told(decided(ada, page, "approve"))


def test_p54_who_did_not_begin_it_says_so_and_it_is_over_noted_and_told(
    ada: Person, computer: NewComputer, place: Place
) -> None:
    page = asked(ada, computer)
    assert "choose “This was not me”" in text(page)
    said = decided(ada, page, "report", client_name="")
    assert (said.status, "location" in said.headers) == (200, False)
    assert "It asked from the network address 127.0.0.1" in text(said)
    assert decided(ada, page, "approve").status == 400
    events = audit_log.events(place.cloud.data)
    (event,) = [one for one in events if one["act"] == "consent.reported"]
    assert event["outcome"] == "refused"
    assert event["address"] == "127.0.0.1"
    assert event["detail"]["fingerprint"] == computer.fingerprint
    notices = place.query("SELECT name, address FROM notices WHERE kind = 'reported'")
    assert notices == [("Desk 3", "127.0.0.1")]
    assert "A computer asked in your name, and you reported it." in text(
        ada.get("/manage/installations")
    )


def test_changes_are_shown_before_they_are_approved(ada: Person, computer: NewComputer) -> None:
    changed = decided(ada, asked(ada, computer), "change", client_name="Hall", site="Annexe")
    assert changed.status == 200
    assert "Let the computer Hall in?" in text(changed)
    assert "a computer of Annexe" in text(changed)
    assert "code" in told(decided(ada, changed, "approve", client_name="Hall", site="Annexe"))


def test_p76_what_a_computer_is_called_is_text_and_nothing_else(
    ada: Person, computer: NewComputer, place: Place
) -> None:
    computer.name = MARKUP
    details = computer.details(software_id=MARKUP, software_version='"><img src=x>')
    page = asked(ada, computer, authorization_details=json.dumps([details]))
    body = page.body.decode()
    assert "<script" not in body
    assert "<img" not in body
    assert "<b " not in body
    changed = decided(ada, page, "change", client_name=MARKUP)
    assert "<script" not in changed.body.decode()
    shown = decided(ada, page, "code", client_name=MARKUP)
    assert shown.status == 200
    assert "<script" not in shown.body.decode()
    place.query("DELETE FROM initial_access WHERE label = ?", MARKUP)


def test_a_code_is_shown_instead_once_and_is_of_use_at_that_computer_alone(
    ada: Person, computer: NewComputer, place: Place
) -> None:
    page = asked(ada, computer)
    shown = decided(ada, page, "code", client_name="Reached by hand")
    assert shown.status == 200
    assert "location" not in shown.headers
    assert shown.headers["cache-control"] == "no-store"
    (code,) = re.findall(r"keyin-1\.[A-Za-z0-9_.-]+", shown.body.decode())
    token = token_of(EnrolmentCode(code))
    assert isinstance(token, Secret)
    ((kind, jkt, uses, life),) = place.query(
        "SELECT kind, bound_jkt, max_uses, expires - created FROM initial_access "
        "WHERE label = 'Reached by hand'"
    )
    assert (kind, jkt, uses, life) == ("code", computer.jkt, 1, 15 * 60_000)
    for decision in ("code", "approve"):
        assert decided(ada, page, decision).status == 400
    assert code not in str(place.query("SELECT * FROM initial_access"))


def test_an_enrolment_client_that_is_suspended_asks_nobody(
    computer: NewComputer, place: Place
) -> None:
    done = run("client", "suspend", "keyin-enrol", "--reason", "other", "--data", place.cloud.data)
    assert done.returncode == 0, done.stderr
    try:
        assert computer.push().status == 401
    finally:
        done = run("client", "resume", "keyin-enrol", "--data", place.cloud.data)
        assert done.returncode == 0, done.stderr
    assert computer.push().status == 201
