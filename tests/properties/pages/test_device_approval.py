"""A computer without a browser shows a code; a person who stands there lets it in (P56)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from keyin.wire.enrolment_code import is_initial_access_token
from tests import audit_log
from tests.new_computer import NewComputer
from tests.page_place import page_place
from tests.person import Person, fields
from tests.properties.pages.test_approval import asked, decided, text

if TYPE_CHECKING:
    from pathlib import Path

    from tests.cloud_process import Reply
    from tests.page_place import Place


@pytest.fixture
def person(place: Place) -> Person:
    somebody = Person(place)
    assert somebody.sign_in().status == 303
    return somebody


def looked_up(person: Person, code: str) -> Reply:
    return person.post("/device", {**fields(person.get("/device")), "code": code})


def answered(person: Person, page: Reply, decision: str = "approve", **changes: str) -> Reply:
    form = {**fields(page), "client_name": "Desk 3", "computer_type": "public", "site": ""}
    return person.post("/device/decision", {**form, "decision": decision, **changes})


def test_p56_a_computer_waits_for_its_code_is_shown_and_let_in(
    person: Person, computer: NewComputer, place: Place
) -> None:
    begun = computer.ask_as_device().json
    assert begun["expires_in"] <= 600
    assert "verification_uri_complete" not in begun
    assert computer.poll(begun["device_code"]).json["error"] == "authorization_pending"
    assert computer.poll(begun["device_code"]).json["error"] == "slow_down"
    page = looked_up(person, begun["user_code"])
    said = text(page)
    for part in ("Desk 3", computer.fingerprint, "127.0.0.1", "If somebody sent you a code"):
        assert part in said, part
    assert 'value="code"' not in page.body.decode()
    done = answered(person, page, client_name="Kiosk")
    assert done.status == 200
    place.query("UPDATE device_requests SET polled = polled - 60000")
    given = computer.poll(begun["device_code"])
    assert given.status == 200, given.body
    assert is_initial_access_token(given.json["access_token"])
    assert given.json["authorization_details"] == [computer.details(client_name="Kiosk")]
    ((kind, jkt),) = place.query("SELECT kind, bound_jkt FROM initial_access WHERE label = 'Kiosk'")
    assert (kind, jkt) == ("device", computer.jkt)
    assert computer.poll(begun["device_code"]).json["error"] == "invalid_grant"


def test_p56_only_the_key_that_asked_gets_the_token(
    person: Person, computer: NewComputer, place: Place
) -> None:
    begun = computer.ask_as_device().json
    answered(person, looked_up(person, begun["user_code"]))
    thief = NewComputer(place.cloud, place.issuer)
    assert thief.poll(begun["device_code"]).json["error"] == "invalid_grant"
    assert computer.poll(begun["device_code"], proven=False).json["error"] == "invalid_grant"


def test_p56_a_no_is_final_and_a_mistake_decides_nothing(
    person: Person, computer: NewComputer
) -> None:
    begun = computer.ask_as_device().json
    page = looked_up(person, begun["user_code"])
    assert answered(person, page, client_name="").status == 400
    assert answered(person, page, site="Somebody else's").status == 400
    assert answered(person, page, "change", client_name="Hall").status == 200
    form = {**fields(page), "decision": "approve"}
    assert person.post("/device/decision", form).status == 400  # an application's answer
    assert answered(person, page, "deny").status == 200
    assert computer.poll(begun["device_code"]).json["error"] == "access_denied"


def test_p56_who_was_talked_into_typing_a_code_reports_it(
    person: Person, computer: NewComputer, place: Place
) -> None:
    computer.name = "Not mine"
    begun = computer.ask_as_device().json
    page = looked_up(person, begun["user_code"])
    said = answered(person, page, "report")
    assert "Reported: the computer was not let in" in text(said)
    assert answered(person, page, "approve").status == 400
    assert computer.poll(begun["device_code"]).json["error"] == "access_denied"
    notices = place.query("SELECT kind, address FROM notices WHERE name = 'Not mine'")
    assert notices == [("reported", "127.0.0.1")]


@pytest.mark.parametrize("way", ["browser", "device"])
def test_p56_a_report_says_in_the_log_from_where_the_computer_asked(
    tmp_path: Path, way: str
) -> None:
    proxy = ("--trusted-proxy", "127.0.0.0/8")
    with page_place(tmp_path, more=proxy, device_code=True) as place:
        person, computer = Person(place), NewComputer(place.cloud, place.issuer)
        person.headers["X-Forwarded-For"] = "198.51.100.7"
        computer.headers["X-Forwarded-For"] = "203.0.113.9"
        assert person.sign_in().status == 303
        for decision in ("deny", "report"):
            if way == "device":
                page = looked_up(person, computer.ask_as_device().json["user_code"])
                done = answered(person, page, decision, site="Somebody else's")
            else:
                page = asked(person, computer)
                done = decided(person, page, decision, site="Somebody else's")
            assert done.status in {200, 303}, done.body
        events = audit_log.events(place.cloud.data)
        told = {one["act"]: one for one in events if one["act"].startswith("consent.")}
        for event in told.values():
            assert (event["address"], event.get("site")) == ("198.51.100.7", None)
            assert event["detail"]["fingerprint"] == computer.fingerprint
        assert told["consent.reported"]["detail"]["asked_from"] == "203.0.113.9"
        assert "asked_from" not in told["consent.denied"]["detail"]


def test_p56_it_is_off_until_it_is_switched_on_also_for_computers(tmp_path: Path) -> None:
    with page_place(tmp_path) as place:
        computer = NewComputer(place.cloud, place.issuer)
        assert computer.ask_as_device().status == 404
        assert computer.poll("x").json["error"] == "unsupported_grant_type"
        assert computer.push().status == 201


def test_p56_where_only_the_own_network_counts_no_far_computer_is_let_in(tmp_path: Path) -> None:
    proxy = ("--trusted-proxy", "127.0.0.0/8")
    with page_place(tmp_path, more=proxy, device_code=True, device_code_same_network=True) as place:
        person, computer = Person(place), NewComputer(place.cloud, place.issuer)
        person.sign_in()
        begun = computer.ask_as_device().json
        place.query("UPDATE device_requests SET address = '203.0.113.9'")
        assert looked_up(person, begun["user_code"]).status == 400
