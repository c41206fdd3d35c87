"""P101: a second step is offered, asked of who manages a site, used once, throttled, tells nothing.

The telephone here is somebody else's program for codes.
"""

from __future__ import annotations

import re
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

import pytest
from pyotp import TOTP

from keyin.cloud import routes
from tests.managed_place import OTHER, ManagedPlace, managed_place
from tests.new_computer import NewComputer
from tests.page_place import NAME, PASSWORD, Place, page_place
from tests.person import SESSION, Person, fields
from tests.properties.pages.test_managing import ACTS, HARMLESS, LOOKS, asked, ids, named
from tests.properties.pages.test_pages import policy
from tests.started import run

if TYPE_CHECKING:
    from collections.abc import Iterator

    from keyin.cloud.routes import Route
    from tests.cloud_process import Reply

STEP: Final = "/account/second-step"
WRONG: Final = "000000"
OTHERS: Final = "gravel and a violet tram"
MAIL: Final = {"email": "x@evil.example", "language": "en"}


@dataclass
class Telephone:
    """Makes codes; each further one is of the next half minute, since no code is good twice."""

    totp: TOTP
    at: float = field(default_factory=time.time)
    used: int = 0

    def code(self) -> str:
        """Return a code that was not used yet, and that is good now."""
        self.used += 1
        return self.totp.at(int(self.at) + 30 * (self.used - 2))


def begin(person: Person) -> Telephone:
    """Begin to set up a second step; return what the telephone was told."""
    proof = fields(person.get("/account"))
    reply = person.post(STEP, {"form_proof": proof["form_proof"]})
    assert reply.headers["location"] == f"{STEP}/new"
    page = person.get(f"{STEP}/new")
    assert policy(page).endswith("form-action 'self'; img-src 'self'")
    (secret,) = re.findall(r'class="typed"><code>([A-Z2-7 ]+)</code>', page.body.decode())
    return Telephone(TOTP(secret.replace(" ", "")))


def confirm(person: Person, telephone: Telephone) -> list[str]:
    """Show the first code; return the codes for paper."""
    proof = fields(person.get("/account"))["form_proof"]
    reply = person.post(f"{STEP}/new", {"form_proof": proof, "code": telephone.code()})
    assert reply.status == 200, reply.body
    return re.findall(r"<li><code>([a-z2-7-]+)</code></li>", reply.body.decode())


def halfway(place: Place, name: str = NAME) -> tuple[Person, Reply]:
    person = Person(place)
    reply = person.sign_in(name=name)
    assert reply.status == 200
    assert SESSION not in person.cookies
    return person, reply


def second(person: Person, page: Reply, code: str) -> Reply:
    return person.post("/login/code", {**fields(page), "code": code})


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    with page_place(tmp_path_factory.mktemp("p101")) as place:
        yield place


@pytest.fixture
def place(served: Place) -> Iterator[Place]:
    """Give one cloud to each test as it was at the beginning."""
    ((password,),) = served.query("SELECT password FROM accounts")
    yield served
    for table in ("second_factors", "recovery_codes", "sessions", "sign_in_failures"):
        served.query(f"DELETE FROM {table}")  # noqa: S608 - our own names
    served.query("UPDATE accounts SET password = ?", password)


@pytest.fixture
def telephone(place: Place) -> Telephone:
    """Set a second step up for ada."""
    person = Person(place)
    person.sign_in()
    made = begin(person)
    confirm(person, made)
    return made


@pytest.fixture(scope="module")
def strict(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ManagedPlace]:
    with managed_place(tmp_path_factory.mktemp("strict"), second_factor="managers") as served:
        yield served


@pytest.mark.parametrize("route", [*LOOKS, *ACTS], ids=named)
def test_p101_who_manages_a_site_needs_a_second_step_before_anything_is_done(
    strict: ManagedPlace, route: Route
) -> None:
    for name, of in ((NAME, "own"), (OTHER, "bens")):
        person = Person(strict.place)
        person.sign_in(name=name)
        before = strict.everything()
        reply = asked(person, route, ids(strict, route)[of])
        asks = route in ACTS and route.template not in HARMLESS
        if (
            asks
            or route.template.endswith(("/suspend", "/revoke", "/edit"))
            or "/new" in route.template[-4:]
        ):
            wanted = None if route.template.endswith("installations/new") else 303
            assert reply.status == (wanted or 200)
            assert wanted is None or reply.headers["location"] == f"{STEP}?needed=yes"
        else:
            assert reply.status == (303 if route in ACTS else 200)
        if asks:
            assert strict.everything() == before


def test_p101_a_computer_is_let_into_a_site_with_a_second_step_alone(
    strict: ManagedPlace,
) -> None:
    person = Person(strict.place)
    person.sign_in()
    before = strict.everything()
    computer = NewComputer(strict.place.cloud, strict.place.issuer)
    page = person.follow(person.get(computer.address()))
    form = {**fields(page), "client_name": "Desk 3", "computer_type": "public"}
    approved = {**form, "decision": "approve"}
    reply = person.post("/oauth2/authorize/decision", {**approved, "site": "Main library"})
    assert reply.status == 400
    assert b"second step" in reply.body
    assert strict.everything() == before
    again = {**approved, **fields(reply), "site": ""}
    answer = person.post("/oauth2/authorize/decision", again)
    assert answer.status == 303
    assert "code=" in answer.headers["location"]


def test_p101_once_it_is_set_up_everything_goes(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    with managed_place(tmp_path_factory.mktemp("goes"), second_factor="managers") as scene:
        person = Person(scene.place)
        person.sign_in()
        assert b'role="status"' not in person.get(f"{STEP}?needed=yes").body
        codes = confirm(person, begin(person))
        assert len(set(codes)) == 10
        assert all(re.fullmatch(r"[a-z2-7]{4}(-[a-z2-7]{4}){3}", one) for one in codes)
        (suspend,) = [one for one in ACTS if one.template.endswith("/suspend")]
        assert asked(person, suspend, scene.computers["managed"]).status == 303
        assert scene.status("managed") == "suspended"


@pytest.mark.parametrize(("rule", "asks"), [("optional", False), ("everybody", True)])
def test_p101_the_operator_says_of_whom_it_is_asked(
    tmp_path_factory: pytest.TempPathFactory, rule: str, *, asks: bool
) -> None:
    with page_place(tmp_path_factory.mktemp("rule"), second_factor=f'"{rule}"') as place:
        person = Person(place)
        person.sign_in()
        reply = person.get("/manage/enrolment-codes/new")
        assert (reply.status, reply.headers.get("location")) == (
            (303, f"{STEP}?needed=yes") if asks else (200, None)
        )


def test_p101_a_second_step_comes_after_the_password_and_before_a_session(
    place: Place, telephone: Telephone
) -> None:
    person, page = halfway(place)
    for wrong in ("", WRONG, "12345", "aaaa-bbbb-cccc-dddd", "x" * 5000):
        reply = second(person, page, wrong)
        assert reply.status in {400, 403}
        assert SESSION not in person.cookies
        assert person.get("/account").status == 303
        page = reply
    code = telephone.code()
    reply = second(person, page, f" {code[:3]} {code[3:]} ")
    assert (reply.status, reply.headers["location"]) == (303, "/account")
    assert person.get("/account").status == 200


def test_p101_a_code_is_good_for_one_sign_in(place: Place, telephone: Telephone) -> None:
    first, used = telephone.totp.at(int(telephone.at) - 30), telephone.code()
    person, page = halfway(place)
    assert second(person, page, first).status == 403  # it set the second step up
    assert second(person, page, used).status == 303
    again, page = halfway(place)
    assert second(again, page, used).status == 403
    assert second(again, page, first).status == 403


def test_p101_a_code_on_paper_lets_in_once(place: Place) -> None:
    person = Person(place)
    person.sign_in()
    codes = confirm(person, begin(person))
    other, page = halfway(place)
    assert second(other, page, codes[3].upper().replace("-", " ")).status == 303
    again, page = halfway(place)
    assert second(again, page, codes[3]).status == 403
    assert second(again, page, codes[4]).status == 303
    assert b"8 codes on paper" in again.get(STEP).body


def test_p101_wrong_codes_are_slowed_down(place: Place, telephone: Telephone) -> None:
    person, page = halfway(place)
    for _ in range(5):
        assert second(person, page, WRONG).status == 403
    reply = second(person, page, telephone.code())
    assert reply.status == 429
    assert 0 < int(reply.headers["retry-after"]) <= 900
    assert SESSION not in person.cookies
    place.query("UPDATE sign_in_failures SET last = last - ?", 1_000_000)
    assert second(person, page, telephone.totp.at(int(telephone.at) + 30)).status == 303


def test_p101_the_first_step_is_of_no_use_elsewhere_nor_after_a_change(
    place: Place, telephone: Telephone
) -> None:
    person, page = halfway(place)
    thief = Person(place)
    own = fields(thief.follow(thief.get("/login")))
    stolen = {**own, "half": fields(page)["half"], "code": telephone.code()}
    reply = thief.post("/login/code", stolen)
    assert reply.headers["location"].startswith("/login")
    forms = fields(page)
    for half in ("", "x", forms["half"][:-1], forms["half"] + "0", forms["next"]):
        reply = person.post("/login/code", {**forms, "half": half, "code": telephone.code()})
        assert reply.status == 303
        assert reply.headers["location"].startswith("/login")
    done = run(
        "account", "set-password", NAME, "--data", place.cloud.data, stdin="gravel violet tram 2\n"
    )
    assert done.returncode == 0, done.stderr
    telephone.used = 1
    assert second(person, page, telephone.code()).status == 403
    assert SESSION not in person.cookies | thief.cookies


@pytest.mark.usefixtures("telephone")
def test_p101_a_wrong_password_tells_nothing_of_a_second_step(place: Place) -> None:
    answers = []
    for name in (NAME, "zoe"):
        person = Person(place)
        form = {**fields(person.get("/login")), "name": name, "password": "wrong password"}
        reply = person.post("/login", form)
        text = re.sub(r'(value="|lang=")[^"]*"', "", reply.body.decode())
        answers.append((reply.status, sorted(reply.headers), text))
    assert answers[0] == answers[1]


def test_p101_the_secret_is_shown_until_it_counts_and_kept_under_seal(place: Place) -> None:
    person = Person(place)
    person.sign_in()
    telephone = begin(person)
    drawn = person.get(f"{STEP}/picture")
    assert (drawn.headers["content-type"], drawn.body[:4]) == ("image/png", b"\x89PNG")
    proof = fields(person.get("/account"))["form_proof"]
    wrong = person.post(f"{STEP}/new", {"form_proof": proof, "code": WRONG})
    assert wrong.status == 400
    assert person.get("/account").status == 200
    codes = confirm(person, telephone)
    for path in (f"{STEP}/new", f"{STEP}/picture"):
        assert person.get(path).status == 409
    wal = place.cloud.data / "keyin.sqlite3-wal"
    dump = (place.cloud.data / "keyin.sqlite3").read_bytes()
    dump += wal.read_bytes() if wal.exists() else b""
    secret = telephone.totp.secret
    for told in (secret, TOTP(secret).byte_secret().hex(), *codes):
        assert told.encode() not in dump
        assert told not in place.cloud.process.output
    assert TOTP(secret).byte_secret() not in dump


def test_p101_setting_it_up_ends_every_other_session(place: Place) -> None:
    person, elsewhere = Person(place), Person(place)
    for one in (person, elsewhere):
        one.sign_in()
    confirm(person, begin(person))
    assert person.get("/account").status == 200
    assert elsewhere.get("/account").status == 303


@pytest.mark.parametrize(
    "route",
    [one for one in routes.OWN if one.template != STEP or one.method == "POST"],
    ids=named,
)
def test_p55_how_one_signs_in_is_changed_after_a_sign_in_of_just_now(
    place: Place, route: Route
) -> None:
    person = Person(place)
    person.sign_in()
    begin(person)
    place.age_sessions(6)
    proof = fields(person.get("/account"))["form_proof"]
    tables = "accounts, second_factors"
    before = place.query(f"SELECT * FROM {tables}")  # noqa: S608 - our own names
    form = {"form_proof": proof, "code": WRONG, "password": OTHERS, "again": OTHERS, **MAIL}
    reply = (
        person.get(route.template) if route.method == "GET" else person.post(route.template, form)
    )
    assert reply.status == 303
    assert reply.headers["location"].startswith("/login?next=")
    assert place.query(f"SELECT * FROM {tables}") == before  # noqa: S608 - our own names


def test_p52_a_second_step_changes_by_a_form_of_ours_alone(place: Place) -> None:
    person = Person(place)
    person.sign_in()
    telephone = begin(person)
    before = place.query("SELECT * FROM second_factors")
    proof = fields(person.get("/account"))["form_proof"]
    for path in (STEP, f"{STEP}/new", f"{STEP}/off", "/account/password", "/account/email"):
        form = {"code": telephone.totp.now(), "password": OTHERS, "again": OTHERS, **MAIL}
        assert person.post(path, form).status == 403
        cross = {**form, "form_proof": proof}
        assert person.post(path, cross, **{"Sec-Fetch-Site": "cross-site"}).status == 403
        assert person.get(f"{path}?code={telephone.totp.now()}").status in {200, 404}
    assert place.query("SELECT * FROM second_factors") == before
    assert Person(place).sign_in().status == 303
    assert place.query("SELECT email FROM accounts") == [(None,)]


def test_p101_it_ends_in_the_pages_or_by_the_administrator(
    place: Place, telephone: Telephone
) -> None:
    person, page = halfway(place)
    assert second(person, page, telephone.code()).status == 303
    proof = fields(person.get("/account"))["form_proof"]
    assert person.post(f"{STEP}/off", {"form_proof": proof}).headers["location"] == STEP
    again = Person(place)
    assert again.sign_in().status == 303
    confirm(again, begin(again))
    data = place.cloud.data
    assert run("account", "reset-second-step", NAME, "--data", data, "--json").returncode == 0
    assert run("account", "reset-second-step", NAME, "--data", data).returncode == 5
    assert again.get("/account").status == 303
    assert Person(place).sign_in().status == 303


@pytest.mark.parametrize(
    "password",
    ["password1234", "qwertyuiop12", "letmeinletmein", "ada ada ada ada", "111111111111"],
)
def test_p101_a_password_that_is_tried_first_is_refused(place: Place, password: str) -> None:
    words = ("account", "set-password", NAME, "--data", place.cloud.data, "--json")
    done = run(*words, stdin=f"{password}\n")
    assert done.returncode == 5
    assert "weak_password" in done.stderr
    assert password not in done.stdout + done.stderr
    assert Person(place).sign_in(password=PASSWORD).status == 303


def test_p101_another_password_is_taken_and_every_session_ends(place: Place) -> None:
    person, elsewhere = Person(place), Person(place)
    for one in (person, elsewhere):
        one.sign_in()
    proof = fields(person.get("/account"))["form_proof"]

    def take(password: str, again: str) -> Reply:
        form = {"form_proof": proof, "password": password, "again": again}
        return person.post("/account/password", form)

    for easy in ("short", "password1234", "ada ada ada ada", "x" * 300):
        assert take(easy, easy).status == 400
    assert take(OTHERS, f"{OTHERS}.").status == 400
    assert elsewhere.get("/account").status == 200
    reply = take(OTHERS, OTHERS)
    assert (reply.status, reply.headers["location"]) == (303, "/login")
    assert SESSION not in person.cookies
    assert elsewhere.get("/account").status == 303
    assert person.sign_in().status == 403
    assert person.sign_in(password=OTHERS).status == 303
    assert OTHERS not in place.cloud.process.output


def test_news_goes_where_the_person_says(place: Place) -> None:
    person = Person(place)
    person.sign_in()
    proof = fields(person.get("/account"))["form_proof"]
    for email, language, status in (
        ("ada@example.org", "de", 303), ("ada", "de", 400), ("a@b\r\nBcc: c@d", "", 400),
        ("<b>@x", "en", 400), ("ada@example.org", "fr", 400), ("x" * 300 + "@y", "en", 400),
    ):  # fmt: skip
        form = {"form_proof": proof, "email": email, "language": language}
        assert person.post("/account/email", form).status == status
    assert b"ada@example.org" in person.get("/account").body
    assert b'value="ada@example.org"' in person.get("/account/email").body
    assert place.query("SELECT email, language FROM accounts") == [("ada@example.org", "de")]
    person.post("/account/email", {"form_proof": proof, "email": "", "language": ""})
    assert b"You get none." in person.get("/account").body
