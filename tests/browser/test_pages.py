"""Every page in a real browser, by keyboard alone, looked at by axe: two languages, all schemes."""

from __future__ import annotations

import re
import secrets
from typing import TYPE_CHECKING

import pytest

from tests.page_place import NAME, PASSWORD

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Request

    from tests.browser.application import Returning
    from tests.browser.keyboard import Keyboard
    from tests.page_place import Place

pytestmark = pytest.mark.browser


def wish(place: Place, client_id: str = "planner") -> str:
    return place.wish(client_id, code_challenge=secrets.token_urlsafe(32))


@pytest.fixture(autouse=True)
def nothing_from_elsewhere(desk: Keyboard, place: Place) -> Iterator[None]:
    """Hold every page to asking nobody but us, and running into nothing that a policy forbids."""
    asked: list[str] = []
    said: list[str] = []

    def note(request: Request) -> None:
        if not request.is_navigation_request():
            asked.append(request.url)

    desk.page.on("request", note)
    desk.page.on("console", lambda message: said.append(message.text))
    yield
    assert [url for url in asked if not url.startswith(place.issuer + "/static/")] == []
    expected = ("Failed to load resource", 'Content Security Policy directive: "form-action')
    assert [text for text in said if not any(one in text for one in expected)] == []


def test_signing_in_and_out(desk: Keyboard) -> None:
    desk.goto("/login")
    desk.looks_right()
    desk.sign_in()
    assert desk.page.url.endswith("/account")
    desk.looks_right()
    desk.tab_to(tag="A", href="#content")
    desk.follow_fragment()
    assert desk.focused()["id"] == "content"
    desk.goto("/account")
    desk.tab_to(tag="BUTTON")
    desk.press()
    assert desk.page.url.endswith("/logout")
    desk.looks_right()
    desk.goto("/account")
    assert "/login" in desk.page.url


def test_what_is_missing_is_said_at_the_top_and_at_the_field(desk: Keyboard) -> None:
    desk.goto("/login")
    desk.type("name", NAME)
    desk.tab_to(tag="BUTTON")
    desk.press()
    desk.begins_at_the_summary()
    assert re.match("(Error|Fehler): ", desk.page.title())
    desk.looks_right()
    desk.tab_to(tag="A", href="#password")
    desk.follow_fragment()
    assert desk.focused()["id"] == "password"
    field = desk.page.locator("#password")
    assert field.get_attribute("aria-invalid") == "true"
    described = field.get_attribute("aria-describedby") or ""
    assert desk.page.locator(f"#{described}").inner_text()
    assert desk.page.locator("#name").input_value() == NAME
    desk.page.keyboard.type(PASSWORD)
    desk.press()
    assert desk.page.url.endswith("/account")


def test_a_wrong_password_is_said_and_many_make_one_wait(desk: Keyboard, place: Place) -> None:
    name = f"nobody-{desk.language}"
    desk.goto("/login")
    desk.sign_in(name, "wrong password")
    assert desk.page.locator("[role=alert] a").get_attribute("href") == "#name"
    desk.looks_right()
    place.query("UPDATE sign_in_failures SET count = count + 12")
    desk.sign_in(name, "wrong password")
    assert desk.page.locator("[role=alert] a").count() == 0
    assert desk.page.locator("[role=alert] p").inner_text()
    place.query("DELETE FROM sign_in_failures")
    desk.looks_right()


@pytest.mark.parametrize("decision", ["approve", "deny"])
def test_an_application_is_let_in_or_not(
    desk: Keyboard, place: Place, planner: Returning, decision: str
) -> None:
    desk.goto(wish(place))
    assert "Reading room planner" in desk.page.locator("main").inner_text()
    desk.looks_right()
    desk.sign_in()
    assert "Reading room planner" in desk.page.locator("h1").inner_text()
    assert desk.focused()["tag"] == "BODY"  # nothing is chosen for the person
    desk.looks_right()
    desk.tab_to(name="decision", value="deny")
    if decision == "approve":
        desk.tab_to(name="decision", value="approve")
    desk.press()
    assert desk.page.locator("h1").inner_text() == "You are back"
    assert desk.page.url.startswith(f"http://127.0.0.1:{planner.port}/callback?")
    assert ("code=" in planner.came[-1]) == (decision == "approve")
    assert ("error=access_denied" in planner.came[-1]) == (decision == "deny")


def test_where_a_policy_cannot_name_the_way_back_a_link_leads_there(
    desk: Keyboard, place: Place
) -> None:
    desk.goto(wish(place, "native"))
    desk.sign_in()
    desk.tab_to(name="decision", value="approve")
    desk.press()
    desk.looks_right()
    link = desk.page.locator("main a").get_attribute("href") or ""
    assert link.startswith("http://[::1]:7777/callback?code=")


def test_p50_a_form_that_was_changed_leads_nowhere_else(
    desk: Keyboard, place: Place, planner: Returning
) -> None:
    """The browser itself refuses: it is told where forms of this page may lead."""
    desk.goto(wish(place))
    desk.sign_in()
    before = list(planner.came)
    other = f"http://localhost:{planner.port}/stolen"
    desk.page.locator("form.choices").evaluate("(form, to) => { form.action = to }", other)
    desk.tab_to(name="decision", value="approve")
    desk.page.keyboard.press("Enter")
    desk.page.wait_for_timeout(300)
    assert planner.came == before
    assert "/oauth2/authorize" in desk.page.url


def test_a_late_answer_asks_to_sign_in_and_shows_the_question_again(
    desk: Keyboard, place: Place
) -> None:
    desk.goto(wish(place))
    desk.sign_in()
    place.age_sessions(6)
    desk.tab_to(name="decision", value="approve")
    desk.press()
    assert "/login" in desk.page.url
    desk.sign_in()
    desk.tab_to(name="decision", value="approve")
    desk.press()
    assert "code=" in desk.page.url


def test_a_device_is_let_in(desk: Keyboard, place: Place) -> None:
    begun = place.cloud.form("/oauth2/device_authorization", {"client_id": "planner"})
    assert begun.status == 200, begun.body
    desk.goto("/device")
    desk.sign_in()
    desk.looks_right()
    desk.type("code", "BCDF GHJK")
    desk.press()
    desk.begins_at_the_summary()
    desk.looks_right()
    desk.type("code", begun.json["user_code"].lower())
    desk.press()
    assert "127.0.0.1" in desk.page.locator("dl").inner_text()
    desk.looks_right()
    desk.tab_to(name="decision", value="approve")
    desk.press()
    desk.looks_right()


@pytest.mark.parametrize(
    "path",
    [
        "/oauth2/authorize?client_id=nobody",
        "/oauth2/authorize?client_id=planner&client_id=planner",
        "/oauth2/authorize?client_id=planner&request_uri=urn:ietf:params:oauth:request_uri:none",
    ],
)
def test_what_does_not_work_is_said_with_a_next_step(desk: Keyboard, path: str) -> None:
    desk.goto(path)
    assert desk.page.locator("main p").count() >= 3
    desk.looks_right()
