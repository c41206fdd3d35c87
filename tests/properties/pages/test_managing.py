"""What the pages for computers promise (P34, P50, P52, P53, P55, P76, P96), asked over the wire.

The routes come from the router: a page that is new and has no rule here fails.
"""

from __future__ import annotations

import json
import re
import sqlite3
from html import unescape
from typing import TYPE_CHECKING, Final

import pytest

from keyin.cloud import routes
from keyin.cloud.routes import Access, Route
from keyin.wire import enrolment_file
from keyin.wire.enrolment_code import EnrolmentCode, token_of
from tests import audit_log
from tests.managed_place import MARKUP, ManagedPlace, managed_place
from tests.new_computer import NewComputer
from tests.page_place import NAME
from tests.person import Person, fields
from tests.properties.pages.test_pages import CROSS_SITE, Elements, policy

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.cloud_process import Reply

COMPUTER, FILE = "/manage/installations/{id}", "/manage/initial-access-tokens/{id}"
FORMS: Final = {
    f"{COMPUTER}/edit": {"name": "Desk 9", "type": "stay", "site": "stay", "version": "0"},
    f"{COMPUTER}/suspend": {"reason": "lost"},
    f"{COMPUTER}/revoke": {"reason": "lost", "sure": "yes"},
    f"{COMPUTER}/resume": {},
    f"{COMPUTER}/approve": {},
    f"{FILE}/revoke": {"descendants": "yes"},
    "/manage/notices": {},
    "/manage/enrolment-codes": {"name": "Desk 9", "type": "public", "life": "60"},
    "/manage/initial-access-tokens": {
        "label": "Room", "type": "public", "uses": "40", "days": "7",
    },
}  # fmt: skip
"""What each act wants: a new one without a line here fails."""
HARMLESS: Final = {"/manage/notices"}
"""Acts that neither give away nor end anything."""
ACTS: Final = [one for one in routes.MANAGE if one.method == "POST"]
LOOKS: Final = [one for one in routes.MANAGE if one.method == "GET"]
WITH_ID: Final = [one for one in routes.MANAGE if "{id}" in one.template]


def named(route: Route) -> str:
    return f"{route.method} {route.template}"


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ManagedPlace]:
    with managed_place(tmp_path_factory.mktemp("managing")) as served:
        yield served


@pytest.fixture
def ada(scene: ManagedPlace) -> Person:
    person = Person(scene.place)
    assert person.sign_in().status == 303
    return person


def ids(scene: ManagedPlace, route: Route) -> dict[str, str]:
    return dict(scene.files if route.template.startswith(FILE) else scene.computers)


def asked(person: Person, route: Route, id_: str = "", **headers: str) -> Reply:
    path = route.template.replace("{id}", id_)
    if route.method == "GET":
        return person.get(path, **headers)
    proof = {"form_proof": fields(person.get("/account"))["form_proof"]}
    return person.post(path, {**FORMS[route.template], **proof}, **headers)


def plain(reply: Reply) -> str:
    """Return a page without what differs from request to request."""
    return re.sub(r"<code>[^<]*</code>", "", reply.body.decode())


@pytest.mark.parametrize("route", WITH_ID, ids=named)
def test_p96_what_is_not_within_reach_is_answered_as_what_is_not_there(
    scene: ManagedPlace, ada: Person, route: Route
) -> None:
    unknown = asked(ada, route, "c_unknown")
    assert unknown.status == 404
    before = scene.everything()
    others = [scene.computers[name] for name in ("bens", "bens_waiting", "nobodys")]
    others += [scene.files[name] for name in ("bens", "nobodys")]
    odd = [
        "%00",
        "%ff",
        "..",
        "%2e%2e",
        "%27",
        "c_own%00",
        "C_OWN",
        "ia_own%20",
        "x" * 300,
        "%E2%80%AE",
    ]
    of_another_kind = scene.computers if route.template.startswith(FILE) else scene.files
    for id_ in (*others, *odd, *of_another_kind.values()):
        reply = asked(ada, route, id_)
        assert reply.status == 404, (route, id_)
        assert plain(reply) == plain(unknown), (route, id_)
    assert scene.everything() == before


@pytest.mark.parametrize("route", [one for one in ACTS if one in WITH_ID], ids=named)
def test_p96_who_may_only_look_changes_nothing(
    scene: ManagedPlace, ada: Person, route: Route
) -> None:
    before = scene.everything()
    mine = ids(scene, route)
    for name in ("viewed", "viewed_waiting"):
        if name in mine:
            assert asked(ada, route, mine[name]).status == 403
    assert scene.everything() == before
    look = asked(
        ada,
        Route(method="GET", template=route.template.rpartition("/")[0], access=Access.SESSION),
        mine["viewed"],
    )
    assert look.status == 200
    assert b'href="/manage/' in look.body
    assert b"/suspend" not in look.body
    assert b"/revoke" not in look.body


def test_p96_the_lists_name_what_is_within_reach_and_nothing_else(
    scene: ManagedPlace, ada: Person
) -> None:
    page = ada.get("/manage/installations").body.decode()
    listed = set(re.findall(r'scope="row"><a href="/manage/installations/([^"]+)"', page))
    within = {"own", "own_too", "managed", "viewed", "waiting", "also_waiting", "viewed_waiting"}
    within.add("odd")
    assert listed == {scene.computers[name] for name in within}
    page = ada.get("/manage/initial-access-tokens").body.decode()
    listed = set(re.findall(r'scope="row"><a href="/manage/initial-access-tokens/([^"]+)"', page))
    assert {scene.files[name] for name in ("own", "managed", "viewed", "odd")} <= listed
    assert not {scene.files["bens"], scene.files["nobodys"]} & listed
    for query in (
        "?site=Cellar",
        "?text=%00",
        "?site=%00",
        "?text=%ff",
        "?text=bens",
        "?text=%25&status=active&site=Cellar",
    ):
        page = ada.get(f"/manage/installations{query}").body.decode()
        assert "Desk bens" not in page


def test_p96_nothing_is_made_for_a_site_that_one_does_not_manage(
    scene: ManagedPlace, ada: Person
) -> None:
    before = scene.everything()
    proof = {"form_proof": fields(ada.get("/account"))["form_proof"]}
    for path in ("/manage/enrolment-codes", "/manage/initial-access-tokens"):
        for site in ("Annexe", "Cellar", "Nowhere", "main library"):
            reply = ada.post(path, {**FORMS[path], **proof, "site": site})
            assert reply.status == 400
            assert "content-disposition" not in reply.headers
    assert scene.everything() == before


def test_p96_who_manages_no_site_any_more_reaches_nothing_of_it(scene: ManagedPlace) -> None:
    person = Person(scene.place)
    person.sign_in()
    assert person.get(f"/manage/installations/{scene.computers['managed']}").status == 200
    query = "UPDATE memberships SET site = ? WHERE site = ?"
    scene.place.query(query, "gone", "Main library")
    try:
        assert person.get(f"/manage/installations/{scene.computers['managed']}").status == 404
        assert person.get(f"/manage/initial-access-tokens/{scene.files['managed']}").status == 404
    finally:
        scene.place.query(query, "Main library", "gone")


@pytest.mark.parametrize("route", LOOKS, ids=named)
def test_p50_every_page_for_computers_carries_strict_headers(
    scene: ManagedPlace, ada: Person, route: Route
) -> None:
    for person, id_ in (
        (ada, ids(scene, route)["own"]), (ada, "none"), (Person(scene.place), "none"),
    ):  # fmt: skip
        reply = asked(person, route, id_)
        assert reply.status in {200, 303, 404}
        assert policy(reply) == (
            "default-src 'none'; style-src 'self'; frame-ancestors 'none'; base-uri 'none'; "
            "form-action 'self'"
        )
        assert reply.headers["x-content-type-options"] == "nosniff"
        assert reply.headers["referrer-policy"] == "no-referrer"
        assert reply.headers["cross-origin-opener-policy"] == "same-origin"
        assert reply.headers["cross-origin-resource-policy"] == "same-origin"
        assert reply.headers["cache-control"] == "no-store"


@pytest.mark.parametrize("route", ACTS, ids=named)
def test_p52_no_act_without_a_form_of_ours(scene: ManagedPlace, ada: Person, route: Route) -> None:
    before = scene.everything()
    id_ = ids(scene, route)["own"]
    for headers in CROSS_SITE:
        assert asked(ada, route, id_, **headers).status == 403
    stranger = Person(scene.place)
    stranger.sign_in()
    stolen = fields(stranger.get("/account"))["form_proof"]
    path = route.template.replace("{id}", id_)
    for proof in ({}, {"form_proof": ""}, {"form_proof": "0" * 73}, {"form_proof": stolen}):
        assert ada.post(path, {**FORMS[route.template], **proof}).status == 403
    assert ada.get(f"{path}?reason=lost&sure=yes&descendants=yes").status in {200, 404}
    assert ada._send("HEAD", path, {}, None).status == 404
    assert scene.everything() == before


@pytest.mark.parametrize("route", LOOKS, ids=named)
def test_p52_looking_at_computers_changes_nothing(
    scene: ManagedPlace, ada: Person, route: Route
) -> None:
    before = scene.everything()
    for name in ("own", "waiting"):
        asked(ada, route, ids(scene, route).get(name, "x"))
    assert scene.everything() == before


@pytest.mark.parametrize("route", routes.MANAGE, ids=named)
def test_p53_no_page_for_computers_answers_to_another_origin(ada: Person, route: Route) -> None:
    origin = {"Origin": "https://evil.example"}
    reply = ada._send(route.method, route.template, origin, "")
    preflight = {**origin, "Access-Control-Request-Method": route.method}
    options = ada._send("OPTIONS", route.template, preflight, None)
    assert options.status == 404
    for answer in (reply, options):
        assert not [name for name in answer.headers if name.startswith("access-control")]


@pytest.mark.parametrize("route", ACTS, ids=named)
def test_p55_acts_need_a_sign_in_of_the_last_five_minutes(
    scene: ManagedPlace, route: Route
) -> None:
    person = Person(scene.place)
    person.sign_in()
    scene.place.age_sessions(6)
    before = scene.everything()
    reply = asked(person, route, ids(scene, route)["own"])
    assert reply.status == 303
    if route.template in HARMLESS:
        assert reply.headers["location"] == "/manage/installations"
        return
    assert reply.headers["location"].startswith("/login?next=")
    assert scene.everything() == before
    page = person.follow(person.sign_in(reply.headers["location"]))
    assert page.status == 200
    assert scene.everything() == before


def test_p55_what_was_typed_is_there_again_after_signing_in(scene: ManagedPlace) -> None:
    person = Person(scene.place)
    person.sign_in()
    scene.place.age_sessions(6)
    proof = {"form_proof": fields(person.get("/account"))["form_proof"]}
    form = {"label": "Böcke & Co", "uses": "12", "networks": "192.0.2.0/24\r\n", **proof}
    reply = person.post("/manage/initial-access-tokens", form)
    page = person.follow(person.sign_in(reply.headers["location"])).body.decode()
    assert 'value="Böcke &amp; Co"' in page
    assert 'value="12"' in page
    assert "192.0.2.0/24" in page


@pytest.mark.parametrize("route", LOOKS, ids=named)
def test_p76_names_with_markup_are_inert_on_pages_for_computers(
    scene: ManagedPlace, ada: Person, route: Route
) -> None:
    for name in ("odd", "waiting"):
        text = asked(ada, route, ids(scene, route).get(name, "x")).body.decode()
        elements = Elements()
        elements.feed(text)
        assert not {"script", "b"} & elements.tags
        assert not [one for one in elements.attributes if one.startswith("on")]
        assert "\u202e" not in text


def test_p76_the_odd_names_are_really_there(scene: ManagedPlace, ada: Person) -> None:
    inert = "&lt;script&gt;alert(1)&lt;/script&gt;"
    for path in (
        "/manage/installations", "/manage/initial-access-tokens",
        f"/manage/installations/{scene.computers['odd']}",
        f"/manage/installations/{scene.computers['odd']}/revoke",
        f"/manage/initial-access-tokens/{scene.files['odd']}",
        f"/manage/initial-access-tokens/{scene.files['odd']}/revoke",
    ):  # fmt: skip
        assert inert in ada.get(path).body.decode()


def test_p76_what_is_typed_comes_back_inert(ada: Person) -> None:
    proof = {"form_proof": fields(ada.get("/account"))["form_proof"]}
    for path, form in FORMS.items():
        if "{id}" in path or not form:
            continue
        odd = {**dict.fromkeys(form, MARKUP), "site": MARKUP, "networks": MARKUP, **proof}
        reply = ada.post(path, odd)
        assert reply.status == 400
        elements = Elements()
        elements.feed(reply.body.decode())
        assert not {"script", "b"} & elements.tags


def test_the_one_click_lets_a_waiting_computer_in(tmp_path_factory: pytest.TempPathFactory) -> None:
    with managed_place(tmp_path_factory.mktemp("click")) as scene:
        person = Person(scene.place)
        person.sign_in()
        page = person.get("/manage/installations").body.decode()
        assert page.count("/approve") == 2
        form = page.partition(f"{scene.computers['waiting']}/approve")[2]
        (proof,) = re.findall(r'name="form_proof" value="([^"]+)"', form)[:1]
        path = f"/manage/installations/{scene.computers['waiting']}/approve"
        assert person.post(path, {"form_proof": unescape(proof)}).status == 303
        assert scene.status("waiting") == "active"
        assert person.post(path, {"form_proof": unescape(proof)}).status == 409
        assert asked(person, ACTS[ROUTE_OF["/approve"]], scene.computers["own"]).status == 409


ROUTE_OF: Final = {f"/{one.template.rpartition('/')[2]}": number for number, one in enumerate(ACTS)}


def test_a_computer_is_stopped_goes_on_and_is_taken_out(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    with managed_place(tmp_path_factory.mktemp("stop")) as scene:
        person = Person(scene.place)
        person.sign_in()
        path = f"/manage/installations/{scene.computers['managed']}"
        proof = {"form_proof": fields(person.get("/account"))["form_proof"]}
        for act, form, status in (
            ("suspend", {"reason": "lost"}, "suspended"),
            ("resume", {}, "active"),
            ("revoke", {"reason": "sold", "sure": "yes"}, "revoked"),
        ):
            reply = person.post(f"{path}/{act}", {**form, **proof})
            assert (reply.status, reply.headers.get("location")) == (303, path)
            assert scene.status("managed") == status
        for act, form in (("resume", {}), ("suspend", {"reason": "lost"})):
            assert person.post(f"{path}/{act}", {**form, **proof}).status == 409
        for form in ({}, {"reason": "lost"}, {"reason": "x", "sure": "yes"}):
            own = f"/manage/installations/{scene.computers['own']}/revoke"
            assert person.post(own, {**form, **proof}).status == 400
        assert scene.status("own") == "active"
        events = [json.loads(row[0]) for row in scene.place.query("SELECT event FROM audit")]
        acts = [one for one in events if one.get("client") == scene.computers["managed"]]
        assert [one["act"] for one in acts] == [
            "client.suspended", "client.resumed", "client.revoked",
        ]  # fmt: skip
        assert [one.get("reason") for one in acts] == ["lost", None, "sold"]
        (account,) = scene.place.query("SELECT id FROM accounts WHERE name = ?", NAME)
        assert {one["actor"] for one in acts} == {account[0]}


def test_p34_a_file_ends_with_everything_that_came_with_it(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    with managed_place(tmp_path_factory.mktemp("p34")) as scene:
        person = Person(scene.place)
        person.sign_in()
        proof = {"form_proof": fields(person.get("/account"))["form_proof"]}
        path = f"/manage/initial-access-tokens/{scene.files['own']}/revoke"
        before = {name: scene.status(name) for name in scene.computers}
        assert person.post(path, proof).status == 400
        assert person.post(path, {**proof, "descendants": "yes"}).status == 303
        assert scene.file_status("own") == "revoked"
        after = {name: scene.status(name) for name in scene.computers}
        changed = {name for name in after if after[name] != before[name]}
        assert changed == {"own", "own_too", "waiting", "also_waiting"}
        assert {after[name] for name in changed} == {"revoked"}


def test_a_file_is_downloaded_once_and_enrols_as_many_as_it_says(scene: ManagedPlace) -> None:
    person = Person(scene.place)
    person.sign_in()
    path = "/manage/initial-access-tokens"
    proof = {"form_proof": fields(person.get("/account"))["form_proof"]}
    form = {**FORMS[path], **proof, "label": "Böse/../Datei", "uses": "2", "site": "Main library"}
    reply = person.post(path, form)
    assert reply.status == 200
    assert reply.headers["cache-control"] == "no-store"
    name = 'attachment; filename="keyin-enrol-B-se----Datei.iat"'
    assert reply.headers["content-disposition"] == name
    content = enrolment_file.read(reply.body)
    assert (content.issuer, content.max_uses) == (scene.place.issuer, 2)
    assert content.site == "Main library"
    dump = (scene.place.cloud.data / "keyin.sqlite3").read_bytes()
    assert content.iat.encode() not in dump
    assert content.iat not in scene.place.cloud.process.output
    page = person.get(path).body.decode()
    assert content.iat not in page
    assert "0 of 2" in page


def test_a_code_is_shown_once_and_its_page_names_who_used_it(scene: ManagedPlace) -> None:
    person = Person(scene.place)
    person.sign_in()
    proof = {"form_proof": fields(person.get("/account"))["form_proof"]}
    form = {"name": "Desk 12", "type": "private", "life": "10", **proof}
    page = person.post("/manage/enrolment-codes", form).body.decode()
    (code,) = re.findall(r"keyin-1\.[\w-]{43}\.[\w-]{6}", page)
    (where,) = re.findall(r'href="(/manage/initial-access-tokens/ia_[^"]+)"', page)
    there = person.get(where).body.decode()
    assert code not in there
    assert "Not used yet." in there
    connection = sqlite3.connect(scene.place.cloud.data / "keyin.sqlite3")
    (uses, lives) = connection.execute(
        "SELECT max_uses, expires - created FROM initial_access ORDER BY seq DESC LIMIT 1"
    ).fetchone()
    connection.close()
    assert (uses, lives) == (1, 10 * 60_000)


def made_code(person: Person, name: str) -> tuple[str, str]:
    """Make a code on the page; return the token in it, and where its page is."""
    proof = {"form_proof": fields(person.get("/account"))["form_proof"]}
    form = {"name": name, "type": "public", "life": "60", "site": "Main library", **proof}
    page = person.post("/manage/enrolment-codes", form).body.decode()
    (code,) = re.findall(r"keyin-1\.[\w-]{43}\.[\w-]{6}", page)
    token = token_of(EnrolmentCode(code))
    assert token
    (where,) = re.findall(r'href="(/manage/initial-access-tokens/ia_[^"]+)"', page)
    return token.reveal(), where


def test_a_code_enrols_one_computer_and_its_page_says_which(
    scene: ManagedPlace, ada: Person
) -> None:
    token, where = made_code(ada, "Desk at the door")
    computer = NewComputer(scene.place.cloud, scene.place.issuer, name="what it says itself")
    told = computer.register(token, scheme="Bearer")
    assert told.status == 201, told.body
    assert (told.json["client_name"], told.json["gpii_site"]) == (
        "Desk at the door",
        "Main library",
    )
    page = ada.get(where).body.decode()
    assert "Desk at the door" in page
    assert computer.fingerprint in page
    (link,) = re.findall(r'href="(/manage/installations/c_[^"]+)"', page)
    detail = ada.get(link).body.decode()
    assert computer.fingerprint in detail
    assert "Not proven yet" in detail
    other = NewComputer(scene.place.cloud, scene.place.issuer)
    assert other.register(token, scheme="Bearer").status == 401


def test_a_computer_that_lapsed_comes_back_after_one_click(
    scene: ManagedPlace, ada: Person
) -> None:
    token, _ = made_code(ada, "Desk in the cellar")
    computer = NewComputer(scene.place.cloud, scene.place.issuer)
    told = computer.register(token, scheme="Bearer").json
    scene.place.query("UPDATE clients SET status = 'expired' WHERE name = ?", "Desk in the cellar")
    again = computer.register(told["keyin_registration_certificate"])
    assert again.status == 201, again.body
    page = ada.get("/manage/installations?text=cellar").body.decode()
    (path,) = re.findall(r'action="(/manage/installations/[^"]+/approve)"', page)
    assert "Waits for your yes" in page
    assert "Desk in the cellar" in ada.get("/manage/installations").body.decode()
    proof = {"form_proof": fields(ada.get("/account"))["form_proof"]}
    assert ada.post(path, proof).status == 303
    query = "SELECT status FROM clients WHERE id = ?"
    assert scene.place.query(query, path.split("/")[3]) == [("active",)]


TOLD: Final = (
    (f"{COMPUTER}/edit", "own", "registration.changed"),
    (f"{COMPUTER}/suspend", "own", "client.suspended"),
    (f"{COMPUTER}/resume", "own", "client.resumed"),
    (f"{COMPUTER}/revoke", "managed", "client.revoked"),
    (f"{COMPUTER}/approve", "waiting", "client.activated"),
    (f"{FILE}/revoke", "own", "initial_access.revoked"),
    ("/manage/enrolment-codes", "", "initial_access.made"),
    ("/manage/initial-access-tokens", "", "initial_access.made"),
)


def test_p90_each_act_in_the_pages_leaves_one_event(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    assert {path for path, _, _ in TOLD} | HARMLESS == {one.template for one in ACTS}
    with managed_place(tmp_path_factory.mktemp("p90")) as scene:
        person, data = Person(scene.place), scene.place.cloud.data
        person.sign_in()
        ((account,),) = scene.place.query("SELECT id FROM accounts WHERE name = ?", NAME)
        for path, name, act in TOLD:
            (route,) = [one for one in ACTS if one.template == path]
            before = audit_log.length(data)
            assert asked(person, route, ids(scene, route).get(name, "")).status in {200, 303}
            (event,) = audit_log.events(data, before)
            assert (event["act"], event["outcome"], event["actor"]) == (act, "done", account)
            assert event["address"] == "127.0.0.1"
            assert event["request_id"]
            assert event.get("reason") == {
                "client.suspended": "lost",
                "client.revoked": "lost",
            }.get(act, "compromised" if act == "initial_access.revoked" else None)


def test_a_long_list_is_walked_page_by_page(tmp_path_factory: pytest.TempPathFactory) -> None:
    with managed_place(tmp_path_factory.mktemp("long")) as scene:
        columns = "kind, computer_type, owner, site, origin, status, epoch, created"
        scene.place.query(
            f"WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 120) "  # noqa: S608 - our own names
            f"INSERT INTO clients (id, name, {columns}) SELECT 'c_' || i, 'Long ' || i, {columns} "
            "FROM n, clients WHERE clients.id = ?",
            scene.computers["own"],
        )
        person = Person(scene.place)
        person.sign_in()
        path, seen, pages = "/manage/installations?text=long&status=active", [], 0
        while path:
            page = person.get(path).body.decode()
            seen += re.findall(r'scope="row"><a href="/manage/installations/([^"]+)"', page)
            more = re.search(r'class="paging".*<a href="([^"]*before=[^"]*)"', page, re.DOTALL)
            path, pages = unescape(more[1]) if more else "", pages + 1
        assert seen == [f"c_{number}" for number in range(120, 0, -1)]
        assert pages == 3
        assert "128 computers" in person.get("/manage/installations?before=x").body.decode()
