"""An application, a person's yes and a token, over HTTP to a started cloud (P7-P10, P16, P53)."""

from __future__ import annotations

import re
import sqlite3
from concurrent.futures import ThreadPoolExecutor
from html import unescape
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlsplit

import pytest

from tests.cloud_process import Cloud, Reply, serving
from tests.oauth_application import (
    BACK,
    NATIVE_BACK,
    Application,
    Person,
    account,
    application,
    hidden,
    pair,
    told,
)
from tests.oauth_client import ISSUER, now

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

LOOPBACK = "http://127.0.0.1:51004/back"
OWN_SCHEME = "com.example.planner:/back"


class Place:
    """A store with an application of each kind and a person; a cloud on it."""

    def __init__(self, data: Path) -> None:
        self.data = data
        self.person = account(data)
        self.web = application(data, "client_secret_basic")
        self.direct = application(data, "client_secret_post", "--without-par")
        self.keyed = application(data, "private_key_jwt")
        self.native = application(data, "none", "--native", back=NATIVE_BACK)
        self.other = application(data, "client_secret_basic")
        self.schemed = application(data, "client_secret_basic", "--native", back=OWN_SCHEME)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Place:
    return Place(tmp_path_factory.mktemp("code") / "data")


@pytest.fixture(scope="module")
def cloud(place: Place) -> Iterator[Cloud]:
    proxy = ("--trusted-proxy", "127.0.0.0/8")
    with serving(place.data, "--issuer", ISSUER, *proxy) as running:
        place.person.sign_in(running)
        yield running


def error(reply: Reply) -> tuple[int, str]:
    assert reply.headers["cache-control"] == "no-store"
    return reply.status, reply.json["error"]


def account_of(app: Application, cloud: Cloud, token: str, *, bound: bool = False) -> int:
    return app.get(cloud, "/api/v1/account", token, bound=bound).status


@pytest.mark.parametrize("kind", ["web", "keyed", "native", "direct"])
@pytest.mark.parametrize("bound", [False, True])
def test_a_person_lets_an_application_read_their_name(
    cloud: Cloud, place: Place, kind: str, *, bound: bool
) -> None:
    app: Application = getattr(place, kind)
    code, verifier = app.code(cloud, place.person, bound=bound)
    given = app.redeem(cloud, code, verifier, bound=bound)
    assert given.status == 200, given.body
    token = given.json["access_token"]
    kept = {name: value for name, value in given.json.items() if name != "access_token"}
    assert kept == {
        "token_type": "DPoP" if bound else "Bearer",
        "expires_in": 900,
        "scope": "account:read",
    }
    reply = app.get(cloud, "/api/v1/account", token, bound=bound)
    assert reply.status == 200, reply.body
    assert set(reply.json) == {"sub", "name"}
    assert reply.json["name"] == place.person.name
    assert reply.headers["cache-control"] == "no-store"


def test_an_application_without_par_asks_with_what_is_in_the_address(
    cloud: Cloud, place: Place
) -> None:
    verifier, challenge = pair()
    answer = place.person.approve(cloud, place.direct.direct_path(challenge))
    assert place.direct.redeem(cloud, answer["code"], verifier).status == 200


def test_p07_a_code_is_good_once_and_its_second_use_takes_back_what_the_first_gave(
    cloud: Cloud, place: Place
) -> None:
    app = place.web
    code, verifier = app.code(cloud, place.person)
    token = app.redeem(cloud, code, verifier).json["access_token"]
    assert account_of(app, cloud, token) == 200
    assert error(app.redeem(cloud, code, verifier)) == (400, "invalid_grant")
    assert account_of(app, cloud, token) == 401
    assert error(app.redeem(cloud, code, verifier)) == (400, "invalid_grant")


def test_p07_of_many_uses_at_once_at_most_one_is_answered_and_nothing_is_left(
    cloud: Cloud, place: Place
) -> None:
    app = place.web
    code, verifier = app.code(cloud, place.person)
    with ThreadPoolExecutor(8) as pool:
        replies = list(pool.map(lambda _: app.redeem(cloud, code, verifier), range(8)))
    good = [reply for reply in replies if reply.status == 200]
    assert len(good) == 1
    assert account_of(app, cloud, good[0].json["access_token"]) == 401


def test_p07_what_a_code_was_made_for_is_all_that_it_is_good_for(
    cloud: Cloud, place: Place
) -> None:
    other_verifier, _ = pair()
    wrong: list[dict[str, Any]] = [
        {"redirect_uri": BACK + "/"},
        {"redirect_uri": "https://application.example/other"},
        {"code_verifier": other_verifier},
        {"code_verifier": "short"},
    ]
    for changes in wrong:
        code, verifier = place.web.code(cloud, place.person)
        refused = place.web.redeem(cloud, code, verifier, **changes)
        assert error(refused) == (400, "invalid_grant"), changes
        assert error(place.web.redeem(cloud, code, verifier)) == (400, "invalid_grant")


def test_p07_a_code_of_another_application_is_none_and_stays_as_it_is(
    cloud: Cloud, place: Place
) -> None:
    code, verifier = place.web.code(cloud, place.person)
    assert error(place.other.redeem(cloud, code, verifier)) == (400, "invalid_grant")
    assert place.web.redeem(cloud, code, verifier).status == 200


def test_p07_a_code_that_was_asked_for_with_a_key_needs_that_key(
    cloud: Cloud, place: Place
) -> None:
    app = place.web
    for attempt in ("no proof", "another key"):
        code, verifier = app.code(cloud, place.person, bound=True)
        thief = Application(app.client_id, app.method, secret=app.secret, nonce=app.nonce)
        reply = thief.redeem(cloud, code, verifier, bound=attempt == "another key")
        assert error(reply) == (400, "invalid_grant"), attempt


def test_p08_without_a_fresh_s256_challenge_nobody_is_asked(cloud: Cloud, place: Place) -> None:
    _, challenge = pair()
    weak: list[dict[str, Any]] = [
        {"code_challenge": None},
        {"code_challenge": "", "code_challenge_method": "S256"},
        {"code_challenge_method": "plain"},
        {"code_challenge_method": None},
        {"code_challenge_method": "s256"},
        {"code_challenge": challenge[:-1]},
        {"code_challenge": challenge + "A"},
        {"code_challenge": challenge[:-1] + "="},
    ]
    for changes in weak:
        assert error(place.web.push(cloud, challenge, **changes)) == (400, "invalid_request")
        reply = place.person.get(cloud, place.direct.direct_path(challenge, **changes))
        assert told(reply)["error"] == "invalid_request", changes
    assert place.web.push(cloud, challenge).status == 201
    assert error(place.web.push(cloud, challenge)) == (400, "invalid_request")


def test_p08_a_challenge_that_never_changes_is_good_once_for_who_proves_nothing_too(
    cloud: Cloud, place: Place
) -> None:
    """Remembered at the person's yes: what anybody may send would fill the store."""
    verifier, challenge = pair()
    answers = []
    for _ in range(2):
        uri = place.native.push(cloud, challenge).json["request_uri"]
        question = place.person.ask(cloud, place.native.authorize_path(uri))
        answers.append(told(place.person.answer(cloud, question)))
    assert place.native.redeem(cloud, answers[0]["code"], verifier).status == 200
    assert answers[1]["error"] == "invalid_request"
    assert "code" not in answers[1]


def test_p84_who_proves_nothing_leaves_so_many_wishes_and_holds_nobody_up(
    cloud: Cloud, place: Place
) -> None:
    came = {"X-Forwarded-For": "203.0.113.9"}
    replies = [
        place.native.post(cloud, "/oauth2/par", place.native.wish(pair()[1]), headers=came)
        for _ in range(320)
    ]
    refused = [reply for reply in replies if reply.status == 429]
    assert 0 < len(refused) <= 20
    assert {reply.json["error"] for reply in refused} == {"rate_limited"}
    assert all(int(reply.headers["retry-after"]) > 0 for reply in refused)
    wish = place.web.wish(pair()[1])
    assert place.web.post(cloud, "/oauth2/par", wish, headers=came).status == 201
    assert place.native.push(cloud, pair()[1]).status == 201  # from elsewhere


def test_p08_a_verifier_is_needed_and_none_fits_a_code_without_a_challenge(
    cloud: Cloud, place: Place
) -> None:
    code, verifier = place.web.code(cloud, place.person)
    assert error(place.web.redeem(cloud, code, None)) == (400, "invalid_request")
    assert place.web.redeem(cloud, code, verifier).status == 200
    # There is no way to such a code; were there one in the store, a verifier would not open it.
    code, verifier = place.web.code(cloud, place.person)
    connection = sqlite3.connect(place.data / "keyin.sqlite3")
    with connection:
        assert connection.execute("UPDATE codes SET code_challenge = '' WHERE used = 0").rowcount
    connection.close()
    assert error(place.web.redeem(cloud, code, verifier)) == (400, "invalid_grant")


def test_p09_every_answer_says_who_answers(cloud: Cloud, place: Place) -> None:
    for approve in (True, False):
        _, challenge = pair()
        pushed = place.web.push(cloud, challenge).json["request_uri"]
        question = place.person.ask(cloud, place.web.authorize_path(pushed))
        answer = told(place.person.answer(cloud, question, approve=approve))
        assert answer["iss"] == ISSUER
        assert answer["state"] == "state-of-mine"
        assert ("code" in answer, answer.get("error")) == (
            (True, None) if approve else (False, "access_denied")
        )
    for mistake, code in (
        ({"response_type": "token"}, "unsupported_response_type"),
        ({"response_type": None}, "invalid_request"),
        ({"response_mode": "fragment"}, "invalid_request"),
        ({"scope": "settings:read"}, "invalid_scope"),
        ({"scope": "installations:read"}, "invalid_scope"),
        ({"resource": "https://other.example"}, "invalid_target"),
        ({"request": "e30.e30."}, "request_not_supported"),
    ):
        _, challenge = pair()
        reply = place.person.get(cloud, place.direct.direct_path(challenge, **mistake))
        answer = told(reply)
        assert reply.headers["location"].startswith(BACK + "?")
        assert (answer["error"], answer["iss"], answer["state"]) == (
            *(code, ISSUER, "state-of-mine"),
        ), mistake
        assert error(place.web.push(cloud, challenge, **mistake)) == (400, code)


def test_p10_a_pushed_request_is_good_once_and_for_its_own_application(
    cloud: Cloud, place: Place
) -> None:
    _, challenge = pair()
    pushed = place.web.push(cloud, challenge)
    assert 0 < pushed.json["expires_in"] <= 90
    uri = pushed.json["request_uri"]
    stolen = place.person.get(cloud, place.other.authorize_path(uri))
    assert (stolen.status // 100, stolen.headers.get("location")) == (4, None)
    assert place.person.ask(cloud, place.web.authorize_path(uri)).status == 200
    again = place.person.get(cloud, place.web.authorize_path(uri))
    assert (again.status // 100, again.headers.get("location")) == (4, None)


def test_p10_a_request_that_waits_for_a_sign_in_is_used_up_too(cloud: Cloud, place: Place) -> None:
    _, challenge = pair()
    path = place.web.authorize_path(place.web.push(cloud, challenge).json["request_uri"])
    slow = Person()
    led = slow.get(cloud, path)
    assert (led.status, led.headers["location"].startswith("/login?")) == (303, True)
    for somebody in (slow, Person(), place.person):
        again = somebody.get(cloud, path)
        assert (again.status // 100, again.headers.get("location")) == (4, None)
    _older(place, "pushed_requests", 91_000)  # they are for the way to us
    shown = slow.get(cloud, led.headers["location"])
    form = {**hidden(shown), "name": slow.name, "password": slow.password}
    signed = slow.post(cloud, "/login", form)
    question = slow.get(cloud, signed.headers["location"])
    assert question.status == 200
    assert "code" in told(slow.answer(cloud, question))
    assert slow.get(cloud, signed.headers["location"]).status // 100 == 4


def _older(place: Place, table: str, by_ms: int) -> None:
    connection = sqlite3.connect(place.data / "keyin.sqlite3")
    with connection:
        connection.execute(f"UPDATE {table} SET expires = expires - ?", (by_ms,))  # noqa: S608 - ours
    connection.close()


def test_p10_a_question_is_answered_once(cloud: Cloud, place: Place) -> None:
    _, challenge = pair()
    uri = place.web.push(cloud, challenge).json["request_uri"]
    question = place.person.ask(cloud, place.web.authorize_path(uri))
    assert "code" in told(place.person.answer(cloud, question))
    again = place.person.answer(cloud, question)
    assert (again.status // 100, again.headers.get("location")) == (4, None)


def test_p10_a_request_that_was_not_pushed_is_put_to_nobody(cloud: Cloud, place: Place) -> None:
    for app in (place.web, place.keyed, place.native):
        _, challenge = pair()
        page = place.person.get(cloud, app.direct_path(challenge))
        assert (page.status // 100, page.headers.get("location")) == (4, None)


def test_p10_what_is_old_is_worth_nothing(cloud: Cloud, place: Place) -> None:
    """Both lives are short in the store; there they are made shorter, instead of waiting."""
    _, challenge = pair()
    uri = place.web.push(cloud, challenge).json["request_uri"]
    code, verifier = place.web.code(cloud, place.person)
    connection = sqlite3.connect(place.data / "keyin.sqlite3")
    with connection:
        newest = connection.execute("SELECT max(expires) - ?  FROM codes", (now(),)).fetchone()[0]
        assert newest <= 60_000
        pushed = "SELECT max(expires) - ? FROM pushed_requests"
        assert connection.execute(pushed, (now(),)).fetchone()[0] <= 90_000
        connection.execute("UPDATE codes SET expires = expires - 61000")
        connection.execute("UPDATE pushed_requests SET expires = expires - 91000")
    connection.close()
    page = place.person.get(cloud, place.web.authorize_path(uri))
    assert (page.status // 100, page.headers.get("location")) == (4, None)
    assert error(place.web.redeem(cloud, code, verifier)) == (400, "invalid_grant")


def test_p53_nothing_here_answers_another_origin(cloud: Cloud, place: Place) -> None:
    origin = {"Origin": "https://evil.example", "Access-Control-Request-Method": "POST"}
    paths = ("/oauth2/authorize", "/oauth2/token", "/oauth2/par", "/oauth2/revoke")
    for path in (*paths, "/oauth2/introspect", "/oauth2/authorize/decision", "/api/v1/account"):
        for method in ("OPTIONS", "GET", "POST"):
            reply = cloud.request(method, path, headers=origin)
            assert not [name for name in reply.headers if name.startswith("access-control")]
    _, challenge = pair()
    reply = place.web.post(cloud, "/oauth2/par", place.web.wish(challenge), headers=origin)
    assert reply.status == 201
    assert not [name for name in reply.headers if name.startswith("access-control")]


def test_p74_an_answer_goes_only_where_the_record_says(cloud: Cloud, place: Place) -> None:
    wrong = [
        BACK + "/", BACK + "?a=b", BACK + "#a", BACK.upper(), BACK.replace("https", "http"),
        BACK + "%2e", BACK.replace("back", "./back"), "https://application.example:443/back",
        "https://application.example.evil.example/back", "https://evil.example/back",
        "https://application.example@evil.example/back", "//application.example/back", "/back",
        "", "javascript:alert(1)", "http://127.0.0.1/back", LOOPBACK, "https://[::1]/back",
    ]  # fmt: skip
    for uri in wrong:
        _, challenge = pair()
        assert error(place.web.push(cloud, challenge, redirect_uri=uri)) == (
            400,
            "invalid_request",
        ), uri
        page = place.person.get(cloud, place.direct.direct_path(challenge, redirect_uri=uri))
        assert page.status // 100 == 4, uri
        assert "location" not in page.headers, uri


def test_p74_only_the_port_of_a_native_loopback_is_free(cloud: Cloud, place: Place) -> None:
    for port in ("", ":1", ":8080", ":65535"):
        _, challenge = pair()
        back = f"http://127.0.0.1{port}/back"
        pushed = place.native.push(cloud, challenge, redirect_uri=back)
        assert pushed.status == 201, (back, pushed.body)
    for back in (
        "http://localhost/back", "http://127.0.0.2/back", "http://[::1]:80/back",
        "https://127.0.0.1/back", "http://127.0.0.1:80/other", "http://127.0.0.1:80/back?x=1",
        "http://127.0.0.1:80/back#x", "http://127.0.0.1:0/back", "http://127.0.0.1:65536/back",
        "http://127.0.0.1:/back", "http://127.0.0.1:8a/back", "http://127.0.0.1:80@evil.example/back",
        "http://127.0.0.1.evil.example/back", "http://127.1/back", "http://0x7f.0.0.1/back",
        "http://127.0.0.1:80\\@evil.example/back", "http://127.0.0.1:٣/back",
    ):  # fmt: skip
        _, challenge = pair()
        reply = place.native.push(cloud, challenge, redirect_uri=back)
        assert error(reply) == (400, "invalid_request"), back


def test_p74_the_answer_of_a_native_application_goes_to_the_port_it_named(
    cloud: Cloud, place: Place
) -> None:
    verifier, challenge = pair()
    pushed = place.native.push(cloud, challenge, redirect_uri=LOOPBACK)
    question = place.person.ask(cloud, place.native.authorize_path(pushed.json["request_uri"]))
    reply = place.person.answer(cloud, question)
    assert urlsplit(reply.headers["location"]).netloc == "127.0.0.1:51004"
    code = told(reply)["code"]
    assert place.native.redeem(cloud, code, verifier, redirect_uri=LOOPBACK).status == 200


def test_p74_a_native_application_is_answered_at_its_own_scheme_exactly(
    cloud: Cloud, place: Place
) -> None:
    """RFC 8252 §7.1. The page has a link: no policy of a form can name such an address."""
    for wrong in (
        "com.example.planner:/", "com.example.planner:/back/", "com.example.planner://back",
        "com.example.planner:/back?x=1", "COM.EXAMPLE.PLANNER:/back", "com.example.planner2:/back",
        "evil.com.example.planner:/back", "com.example.planner:back", "http://127.0.0.1/back",
    ):  # fmt: skip
        _, challenge = pair()
        reply = place.schemed.push(cloud, challenge, redirect_uri=wrong)
        assert error(reply) == (400, "invalid_request"), wrong
    for proves, status in ((False, 400), (True, 200)):  # another program may have the scheme too
        verifier, challenge = pair()
        uri = place.schemed.push(cloud, challenge).json["request_uri"]
        question = place.person.ask(cloud, place.schemed.authorize_path(uri))
        assert b"<dd>com.example.planner</dd>" in question.body
        page = place.person.answer(cloud, question)
        (link,) = re.findall(r'href="(com\.example\.planner:[^"]*)"', page.body.decode())
        where, _, query = unescape(link).partition("?")
        answer = dict(parse_qsl(query, strict_parsing=True))
        assert (page.status, where, answer["iss"]) == (200, OWN_SCHEME, ISSUER)
        proof = verifier if proves else pair()[0]
        assert place.schemed.redeem(cloud, answer["code"], proof).status == status


def test_p99_a_parameter_that_comes_twice_is_refused_on_the_way(cloud: Cloud, place: Place) -> None:
    _, challenge = pair()
    path = place.direct.direct_path(challenge)
    for name in ("state=2", "redirect_uri=https://evil.example", "client_id=x", "scope=a"):
        page = place.person.get(cloud, f"{path}&{name}")
        assert page.status // 100 == 4
        assert "location" not in page.headers


def test_p100_codes_and_request_uris_are_not_kept(cloud: Cloud, place: Place) -> None:
    _, challenge = pair()
    pushed = place.web.push(cloud, challenge)
    assert pushed.headers["cache-control"] == "no-store"
    question = place.person.ask(cloud, place.web.authorize_path(pushed.json["request_uri"]))
    reply = place.person.answer(cloud, question)
    assert (reply.status, reply.headers["cache-control"]) == (303, "no-store")
    assert reply.headers["referrer-policy"] == "no-referrer"


def test_another_persons_question_is_not_mine_to_answer(cloud: Cloud, place: Place) -> None:
    mallory = account(place.data, "mallory", "another long word of mine")
    mallory.sign_in(cloud)
    _, challenge = pair()
    uri = place.web.push(cloud, challenge).json["request_uri"]
    hers = mallory.ask(cloud, place.web.authorize_path(uri))
    assert hers.status == 200
    _, challenge = pair()
    uri = place.web.push(cloud, challenge).json["request_uri"]
    mine = place.person.ask(cloud, place.web.authorize_path(uri))
    form = {**hidden(mine), "question": hidden(hers)["question"], "decision": "approve"}
    reply = place.person.post(cloud, "/oauth2/authorize/decision", form)
    assert (reply.status // 100, reply.headers.get("location")) == (4, None)
    assert "code" in told(mallory.answer(cloud, hers))
