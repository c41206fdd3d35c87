"""A real Chromium for the tests of this folder: where there is none they fail, none is skipped.

Its driver keeps a loop in this thread, so it ends with each module: others have loops of their own.
"""

from __future__ import annotations

import os
import shutil
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import sync_playwright

from tests.browser.application import Returning, returning
from tests.browser.keyboard import Keyboard
from tests.page_place import Place, TestApplication, page_place

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser, Playwright

NATIVE = "http://[::1]:7777/callback"


@pytest.fixture(scope="module")
def playwright() -> Iterator[Playwright]:
    with sync_playwright() as started:
        yield started


def launched(playwright: Playwright, *more: str) -> Browser:
    program = shutil.which("chromium")
    assert program, "these tests need chromium: scripts/test installs Debian's"
    as_root = ["--no-sandbox"] if os.geteuid() == 0 else []
    return playwright.chromium.launch(executable_path=program, args=[*as_root, *more])


@pytest.fixture(scope="module")
def browser(playwright: Playwright) -> Iterator[Browser]:
    one = launched(playwright)
    yield one
    one.close()


@pytest.fixture(scope="module")
def planner() -> Iterator[Returning]:
    """Give the application that people come from and go back to."""
    with returning() as server:
        yield server


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory, planner: Returning) -> Iterator[Place]:
    with page_place(
        tmp_path_factory.mktemp("browser"),
        TestApplication(redirect_uri=f"http://127.0.0.1:{planner.port}/callback"),
        TestApplication(client_id="native", redirect_uri=NATIVE, native=True),
        device_code=True,
    ) as served:
        yield served


@pytest.fixture(params=["en", "de"])
def desk(request: pytest.FixtureRequest, browser: Browser, place: Place) -> Iterator[Keyboard]:
    """Give somebody at a keyboard, in each language."""
    with browser.new_context(base_url=place.issuer, locale=request.param) as context:
        yield Keyboard(context.new_page(), request.param)
