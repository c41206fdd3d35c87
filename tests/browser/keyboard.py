"""Somebody who has a keyboard and no mouse, and an eye on how a page looks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from axe_playwright_python.base import (  # type: ignore[import-untyped] # no stubs
    AXE_SCRIPT,
    AxeResults,
)
from playwright.sync_api import ViewportSize

from tests.page_place import NAME, PASSWORD

if TYPE_CHECKING:
    from playwright.sync_api import Page

FARTHEST = 25
_FOCUSED = """() => {
  const one = document.activeElement, style = getComputedStyle(one);
  const box = one.getBoundingClientRect();
  return {tag: one.tagName, id: one.id, name: one.name || '', value: one.value || '',
    text: (one.innerText || '').trim(), href: one.getAttribute('href') || '',
    outline: style.outlineStyle === 'none' ? 0 : parseFloat(style.outlineWidth),
    width: box.width, height: box.height, inline: style.display === 'inline'};
}"""
_RULES = {"target-size": {"enabled": True}, "color-contrast-enhanced": {"enabled": True}}
_OPTIONS = {"resultTypes": ["violations"], "rules": _RULES}
_LOOK = "options => axe.run(options).then(found => ({violations: found.violations}))"
SCHEMES: tuple[dict[str, Any], ...] = (
    {"color_scheme": "light", "forced_colors": "none"},
    {"color_scheme": "dark", "forced_colors": "none"},
    {"color_scheme": "light", "forced_colors": "active"},
    {"color_scheme": "dark", "forced_colors": "active"},
)
NARROW = ViewportSize(width=320, height=256)  # 1280 by 1024 at 400 % (WCAG 2.2, 1.4.10)
WIDE = ViewportSize(width=1280, height=720)


@dataclass
class Keyboard:
    page: Page
    language: str

    def focused(self) -> dict[str, Any]:
        found: dict[str, Any] = self.page.evaluate(_FOCUSED)
        return found

    def begins_at_the_summary(self) -> None:
        """Wait until the focus is where the page says what went wrong: a reader begins there."""
        self.page.wait_for_function("document.activeElement.matches('.summary')", timeout=5000)

    def tab_to(self, **wanted: str) -> None:
        """Go on with Tab to the element with these features; each on the way shows its focus."""
        for _ in range(FARTHEST):
            self.page.keyboard.press("Tab")
            there = self.focused()
            if there["tag"] == "BODY":
                continue
            assert there["outline"] >= 2, there
            assert there["inline"] or (there["width"] >= 24 and there["height"] >= 24), there
            if all(there[name] == value for name, value in wanted.items()):
                return
        raise AssertionError(f"no Tab leads to {wanted} on {self.page.url}")

    def type(self, id_: str, text: str) -> None:
        self.tab_to(id=id_)
        self.page.keyboard.press("ControlOrMeta+a")
        self.page.keyboard.type(text)

    def press(self, key: str = "Enter") -> None:
        with self.page.expect_navigation():
            self.page.keyboard.press(key)

    def follow_fragment(self) -> None:
        """Press Enter on a link to a place on the same page."""
        self.page.keyboard.press("Enter")

    def sign_in(self, name: str = NAME, password: str = PASSWORD) -> None:
        self.type("name", name)
        self.type("password", password)
        self.press()

    def goto(self, path: str) -> None:
        self.page.goto(path)

    def looks_right(self) -> None:
        """Let axe look, in every colour scheme; then at 400 %."""
        assert self.page.locator("html").get_attribute("lang") == self.language
        self.page.evaluate(AXE_SCRIPT)
        for scheme in SCHEMES:
            self.page.emulate_media(**scheme)
            found = AxeResults(self.page.evaluate(_LOOK, _OPTIONS))
            assert found.violations_count == 0, f"{scheme}\n{found.generate_report()}"
        self.page.emulate_media(color_scheme="light", forced_colors="none")
        self.page.set_viewport_size(NARROW)
        self._fits()
        self.page.set_viewport_size(WIDE)

    def _fits(self) -> None:
        width = self.page.evaluate("document.scrollingElement.scrollWidth")
        assert width <= NARROW["width"], f"{self.page.url} is {width} wide at 400 %"
