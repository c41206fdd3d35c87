"""A person lets a computer in, in a real browser: by keyboard alone, looked at by axe (M9, M10)."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlsplit

import pytest

from tests.browser.test_pages import nothing_from_elsewhere
from tests.new_computer import NewComputer

if TYPE_CHECKING:
    from tests.browser.application import Returning
    from tests.browser.keyboard import Keyboard
    from tests.page_place import Place

pytestmark = pytest.mark.browser
__all__ = ["nothing_from_elsewhere"]  # every page here, too, asks nobody but us


@pytest.fixture
def computer(place: Place, planner: Returning) -> NewComputer:
    back = f"http://127.0.0.1:{planner.port}/oauth2/callback"
    return NewComputer(place.cloud, place.issuer, back=back)


def led_back(desk: Keyboard) -> dict[str, str]:
    query = parse_qs(urlsplit(desk.page.url).query)
    return {name: values[0] for name, values in query.items()}


def test_a_computer_is_compared_named_and_approved(
    desk: Keyboard, computer: NewComputer, planner: Returning
) -> None:
    desk.goto(computer.address())
    desk.sign_in()
    assert desk.focused()["tag"] == "BODY"  # nothing is chosen for the person
    desk.looks_right()
    assert desk.page.locator("p.compare code").inner_text() == computer.fingerprint
    desk.type("client_name", "By the window")
    desk.press()  # Enter in a field decides nothing
    assert "By the window" in desk.page.locator("h1").inner_text()
    desk.tab_to(name="decision", value="deny")
    desk.tab_to(name="decision", value="code")
    desk.tab_to(name="decision", value="approve")
    desk.press()
    assert desk.page.locator("h1").inner_text() == "You are back"
    assert desk.page.url.startswith(f"http://127.0.0.1:{planner.port}/oauth2/callback?")
    said = led_back(desk)
    assert (said["state"], said["iss"]) == ("state-of-mine", computer.issuer)
    token = computer.redeem(said["code"])
    assert token.json["authorization_details"][0]["client_name"] == "By the window"


def test_cancel_leads_back_and_lets_nothing_in(desk: Keyboard, computer: NewComputer) -> None:
    desk.goto(computer.address())
    desk.sign_in()
    desk.tab_to(name="decision", value="deny")
    desk.press()
    assert led_back(desk)["error"] == "access_denied"
    assert "code" not in led_back(desk)


def test_what_was_not_begun_by_the_person_is_reported_and_leads_nowhere(
    desk: Keyboard, computer: NewComputer, planner: Returning
) -> None:
    before = list(planner.came)
    desk.goto(computer.address())
    desk.sign_in()
    desk.tab_to(name="decision", value="report")
    desk.press()
    assert desk.page.url.endswith("/oauth2/authorize/decision")
    assert "127.0.0.1" in desk.page.locator("main").inner_text()
    desk.looks_right()
    assert planner.came == before
    desk.tab_to(href="/account/password")
    desk.tab_to(href="/manage/installations")
    desk.press()
    assert desk.page.url.endswith("/manage/installations")


def test_a_code_is_shown_where_the_computer_cannot_be_reached(
    desk: Keyboard, computer: NewComputer, planner: Returning
) -> None:
    before = list(planner.came)
    desk.goto(computer.address())
    desk.sign_in()
    desk.tab_to(name="decision", value="code")
    desk.press()
    assert desk.page.locator("#code").input_value().startswith("keyin-1.")
    desk.looks_right()
    assert planner.came == before


def test_what_is_wrong_is_said_at_the_top_and_at_the_field(
    desk: Keyboard, computer: NewComputer
) -> None:
    desk.goto(computer.address())
    desk.sign_in()
    desk.type("client_name", " ")
    desk.tab_to(name="decision", value="approve")
    desk.press()
    desk.begins_at_the_summary()
    desk.looks_right()
    desk.tab_to(tag="A", href="#client_name")
    desk.follow_fragment()
    assert desk.focused()["id"] == "client_name"
    assert desk.page.locator("#client_name").get_attribute("aria-invalid") == "true"


def test_a_computer_that_shows_a_code_is_let_in(desk: Keyboard, computer: NewComputer) -> None:
    begun = computer.ask_as_device().json
    desk.goto("/device")
    desk.sign_in()
    desk.type("code", begun["user_code"])
    desk.press()
    assert desk.page.locator("p.compare code").inner_text() == computer.fingerprint
    desk.looks_right()
    desk.tab_to(name="decision", value="approve")
    desk.press()
    assert computer.poll(begun["device_code"]).status == 200


def test_where_a_policy_cannot_name_the_way_back_a_link_leads_there(
    desk: Keyboard, place: Place
) -> None:
    computer = NewComputer(place.cloud, place.issuer, back="http://[::1]:7777/oauth2/callback")
    desk.goto(computer.address())
    desk.sign_in()
    desk.tab_to(name="decision", value="approve")
    desk.press()
    desk.looks_right()
    link = desk.page.locator("main a").get_attribute("href") or ""
    assert link.startswith("http://[::1]:7777/oauth2/callback?code=")


def test_an_address_that_was_used_leads_nowhere_and_says_so(
    desk: Keyboard, computer: NewComputer
) -> None:
    address = computer.address()
    desk.goto(address)
    desk.sign_in()
    desk.goto(address)
    assert desk.page.locator("main p").count() >= 3
    desk.looks_right()
