"""The pages for computers in a real browser, by keyboard alone, looked at by axe: as test_pages."""

from __future__ import annotations

import re
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from pyotp import TOTP

from tests.managed_place import ManagedPlace, managed_place

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Request

    from tests.browser.keyboard import Keyboard
    from tests.page_place import Place

pytestmark = pytest.mark.browser

LIST = "/manage/installations"
FILES = "/manage/initial-access-tokens"
STEP = "/account/second-step"


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ManagedPlace]:
    with managed_place(tmp_path_factory.mktemp("managing")) as served:
        yield served


@pytest.fixture(scope="module")
def place(scene: ManagedPlace) -> Place:
    return scene.place


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
    ours = (f"{place.issuer}/static/", f"{place.issuer}{STEP}/picture")
    assert [url for url in asked if not url.startswith(ours)] == []
    assert [text for text in said if "Failed to load resource" not in text] == []


def opened(desk: Keyboard, path: str) -> None:
    """Go to a page by way of the sign-in."""
    desk.goto(path)
    desk.sign_in()
    assert desk.page.url.partition("?")[0].endswith(path.partition("?")[0])


def mine(scene: ManagedPlace, desk: Keyboard, en: str, de: str) -> str:
    """Return the id of a computer that the other language leaves alone."""
    return scene.computers[en if desk.language == "en" else de]


def summary_is_read_first(desk: Keyboard) -> None:
    desk.begins_at_the_summary()
    assert re.match("(Error|Fehler): ", desk.page.title())
    desk.looks_right()


def test_the_list_is_read_searched_and_leads_to_a_computer(desk: Keyboard) -> None:
    opened(desk, LIST)
    assert desk.page.locator("tbody tr").count() >= 6
    assert desk.page.locator("[aria-current=page]").get_attribute("href") == LIST
    desk.looks_right()
    desk.type("text", "desk man")
    desk.press()
    assert desk.page.locator("tbody tr").count() == 1
    desk.looks_right()
    desk.tab_to(tag="A", text="Desk managed")
    desk.press()
    assert desk.page.locator("h1").inner_text() == "Desk managed"
    desk.looks_right()
    desk.goto(f"{LIST}?text=nothing+like+that")
    desk.looks_right()


def test_a_computer_is_stopped_and_goes_on(desk: Keyboard, scene: ManagedPlace) -> None:
    id_ = mine(scene, desk, "own", "own_too")
    opened(desk, f"{LIST}/{id_}")
    desk.tab_to(href=f"{LIST}/{id_}/suspend")
    desk.press()
    desk.looks_right()
    desk.tab_to(tag="BUTTON", name="", text=desk.page.locator("main button").inner_text())
    desk.press()
    summary_is_read_first(desk)
    desk.tab_to(name="reason", value="lost")
    desk.page.keyboard.press("Space")
    desk.tab_to(tag="BUTTON")
    desk.press()
    assert desk.page.locator(".status.suspended").count() == 1
    desk.looks_right()
    desk.tab_to(tag="BUTTON", text=desk.page.locator("main form button").first.inner_text())
    desk.press()
    assert desk.page.locator(".status.active").count() == 1


def test_a_computer_gets_another_name_and_site(desk: Keyboard, scene: ManagedPlace) -> None:
    id_ = mine(scene, desk, "own", "own_too")
    opened(desk, f"{LIST}/{id_}")
    desk.tab_to(href=f"{LIST}/{id_}/edit")
    desk.press()
    desk.looks_right()
    desk.type("name", "x" * 81)
    desk.press()
    summary_is_read_first(desk)
    desk.type("name", f"Desk in the {desk.language} room")
    desk.tab_to(id="site")
    desk.page.keyboard.press("M")
    assert desk.page.locator("#site").input_value() == "at:Main library"
    desk.tab_to(tag="BUTTON", text=desk.page.locator("main form button").inner_text())
    desk.press()
    assert desk.page.locator("h1").inner_text() == f"Desk in the {desk.language} room"
    assert "Main library" in desk.page.locator("main").inner_text()
    desk.looks_right()


def test_a_computer_is_taken_out_after_saying_so_twice(desk: Keyboard, scene: ManagedPlace) -> None:
    id_ = mine(scene, desk, "managed", "odd")
    opened(desk, f"{LIST}/{id_}/revoke")
    desk.looks_right()
    desk.tab_to(name="reason", value="lost")
    for _ in range(2):
        desk.page.keyboard.press("ArrowDown")
    desk.tab_to(tag="BUTTON")
    desk.press()
    summary_is_read_first(desk)
    assert desk.page.locator("input[value=compromised]").is_checked()
    desk.tab_to(id="sure")
    desk.page.keyboard.press("Space")
    desk.tab_to(tag="BUTTON")
    desk.press()
    assert desk.page.locator(".status.revoked").count() == 1
    desk.looks_right()


def test_one_click_lets_a_computer_in_again(desk: Keyboard, scene: ManagedPlace) -> None:
    id_ = mine(scene, desk, "waiting", "also_waiting")
    opened(desk, f"{LIST}?status=pending")
    form = desk.page.locator(f'form[action="{LIST}/{id_}/approve"]')
    desk.tab_to(tag="BUTTON", text=form.locator("button").inner_text().strip())
    desk.press()
    assert desk.page.url.endswith(id_)
    assert desk.page.locator(".status.active").count() == 1


def test_news_stand_above_the_list_until_they_were_read(desk: Keyboard, place: Place) -> None:
    place.query("UPDATE notices SET seen = NULL")
    opened(desk, LIST)
    assert desk.page.locator("section.notices li").count() == 1
    desk.tab_to(tag="BUTTON", text=desk.page.locator("section.notices button").inner_text())
    desk.press()
    assert desk.page.locator("section.notices").count() == 0


def test_a_code_is_made_and_shown_once(desk: Keyboard) -> None:
    opened(desk, f"{LIST}/new")
    desk.looks_right()
    desk.tab_to(href="/manage/enrolment-codes/new")
    desk.press()
    desk.looks_right()
    desk.tab_to(tag="BUTTON", text=desk.page.locator("main button").inner_text())
    desk.press()
    summary_is_read_first(desk)
    desk.tab_to(tag="A", href="#name")
    desk.follow_fragment()
    assert desk.focused()["id"] == "name"
    desk.page.keyboard.type("Desk 12 by the window")
    desk.tab_to(name="type", value="public")
    desk.page.keyboard.press("Space")
    desk.tab_to(id="site")
    desk.page.keyboard.type("Main")
    desk.tab_to(tag="BUTTON")
    desk.press()
    code = desk.page.locator("#code").input_value()
    assert re.fullmatch(r"keyin-1\.[\w-]{43}\.[\w-]{6}", code)
    desk.looks_right()
    desk.tab_to(id="code")
    desk.page.keyboard.press("ControlOrMeta+a")
    assert desk.page.evaluate("getSelection().toString()") == code
    desk.tab_to(tag="A")
    desk.press()
    assert FILES in desk.page.url
    assert code not in desk.page.content()
    assert desk.page.locator("dl").inner_text().count("Main library") == 1
    desk.looks_right()


def test_a_file_is_made_downloaded_and_ended(desk: Keyboard) -> None:
    opened(desk, FILES)
    desk.looks_right()
    desk.tab_to(href=f"{FILES}/new")
    desk.press()
    desk.looks_right()
    desk.type("label", f"Room {desk.language}")
    desk.type("uses", "0")
    desk.tab_to(name="type", value="public")
    desk.page.keyboard.press("Space")
    desk.tab_to(id="networks")
    desk.page.keyboard.type("192.0.2.0/24\nnonsense")
    desk.tab_to(tag="BUTTON")
    desk.press()
    summary_is_read_first(desk)
    assert desk.page.locator("[role=alert] li").count() == 2
    desk.type("uses", "40")
    desk.type("networks", "192.0.2.0/24")
    desk.tab_to(tag="BUTTON")
    with desk.page.expect_download() as waiting:
        desk.page.keyboard.press("Enter")
    file = waiting.value
    assert file.suggested_filename == f"keyin-enrol-Room-{desk.language}.iat"
    assert '"max_uses": 40' in Path(file.path()).read_text(encoding="utf-8")
    desk.goto(FILES)
    desk.tab_to(tag="A", text=f"Room {desk.language}")
    desk.press()
    desk.looks_right()
    desk.tab_to(
        tag="A", href=f"{desk.page.url.partition(desk.page.url.split('/manage')[0])[2]}/revoke"
    )
    desk.press()
    desk.looks_right()
    desk.tab_to(name="descendants", value="no")
    desk.page.keyboard.press("Space")
    desk.tab_to(tag="BUTTON")
    desk.press()
    assert desk.page.locator(".status.expired").count() == 1
    desk.looks_right()


@pytest.fixture
def no_second_step(place: Place) -> Iterator[None]:
    yield
    for table in ("second_factors", "recovery_codes", "sign_in_failures"):
        place.query(f"DELETE FROM {table}")  # noqa: S608 - our own names


@pytest.mark.usefixtures("no_second_step")
def test_a_second_step_is_set_up_and_asked_for(desk: Keyboard) -> None:
    opened(desk, f"{STEP}?needed=yes")
    desk.looks_right()
    desk.tab_to(tag="BUTTON", text=desk.page.locator("main button").inner_text())
    desk.press()
    picture = desk.page.locator("main img")
    assert picture.get_attribute("alt")
    assert picture.evaluate("one => one.naturalWidth") > 100
    desk.looks_right()
    desk.type("code", "000000")
    desk.press()
    summary_is_read_first(desk)
    telephone = TOTP(desk.page.locator(".typed code").inner_text().replace(" ", ""))
    now = int(time.time())
    desk.type("code", telephone.at(now - 30))
    desk.press()
    assert desk.page.locator("ol.codes li").count() == 10
    desk.looks_right()
    desk.goto(STEP)
    desk.looks_right()
    desk.tab_to(tag="BUTTON")
    desk.press()
    opened_again(desk, telephone.at(now))


def opened_again(desk: Keyboard, code: str) -> None:
    """Sign in with both steps."""
    desk.goto("/login")
    desk.sign_in()
    desk.looks_right()
    desk.type("code", "000000")
    desk.press()
    summary_is_read_first(desk)
    desk.type("code", code)
    desk.press()
    assert desk.page.url.endswith("/account")


@pytest.mark.parametrize(
    "path",
    ["/enrolled?ok=1", "/enrolled", *(f"/enrolled?error={one}" for one in ("expired", "used"))],
)
def test_how_an_enrolment_ended_is_said_with_a_next_step(desk: Keyboard, path: str) -> None:
    desk.goto(path)
    assert desk.page.locator("main p").count() >= 3
    desk.looks_right()


def test_what_is_not_there_or_not_theirs_is_said(desk: Keyboard, scene: ManagedPlace) -> None:
    opened(desk, f"{LIST}/{scene.computers['bens']}")
    desk.looks_right()
    desk.goto(f"{LIST}/{scene.computers['viewed']}/suspend")
    desk.looks_right()
    desk.goto(f"{LIST}/{scene.computers['viewed']}")
    assert desk.page.locator("main .button").count() == 0
    desk.looks_right()


def test_who_took_longer_than_five_minutes_finds_what_was_typed(
    desk: Keyboard, place: Place
) -> None:
    opened(desk, f"{FILES}/new")
    desk.type("label", "Room")
    place.age_sessions(6)
    desk.press()
    desk.sign_in()
    assert desk.page.locator("#label").input_value() == "Room"


def test_mail_and_password_are_looked_after(desk: Keyboard) -> None:
    opened(desk, "/account/email")
    desk.looks_right()
    desk.type("email", "nowhere")
    desk.press()
    summary_is_read_first(desk)
    desk.type("email", "")
    desk.page.keyboard.press("Backspace")
    desk.tab_to(tag="BUTTON")
    desk.press()
    assert desk.page.url.endswith("/account")
    desk.looks_right()
    desk.tab_to(href="/account/password")
    desk.press()
    desk.looks_right()
    desk.type("password", "password1234")
    desk.type("again", "password1234")
    desk.press()
    summary_is_read_first(desk)
    assert desk.page.locator("#password").input_value() == ""
