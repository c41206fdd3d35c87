"""A person at a browser, by HTTP alone: cookies, links and forms as the pages give them."""

from __future__ import annotations

import ssl
from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import TYPE_CHECKING, Self
from urllib.parse import urljoin, urlsplit

import httpx

if TYPE_CHECKING:
    from pathlib import Path

MOST_STEPS = 12
BROWSER = {"Sec-Fetch-Site": "same-origin", "Sec-Fetch-Mode": "navigate", "Accept-Language": "en"}


@dataclass
class Form:
    """One form of a page: where it goes, what it carries, which buttons it has."""

    action: str
    fields: dict[str, str] = field(default_factory=dict)
    buttons: list[tuple[str, str]] = field(default_factory=list)


class _Forms(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[Form] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        named = {name: value or "" for name, value in attrs}
        if tag == "form" and named.get("method") == "post":
            self.found.append(Form(named["action"]))
        elif tag == "input" and self.found and "name" in named:
            self.found[-1].fields[named["name"]] = named.get("value", "")
        elif tag == "button" and self.found and "name" in named:
            self.found[-1].buttons.append((named["name"], named["value"]))


class Person:
    """Signs in where asked, and says yes."""

    def __init__(self, name: str, password: str, *, ca: Path) -> None:
        self.name = name
        self._password = password
        context = ssl.create_default_context(cafile=str(ca))
        self._browser = httpx.Client(verify=context, headers=BROWSER, trust_env=False)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._browser.close()

    def visit(self, url: str, *, yes: bool = True) -> str:
        """Go there and on, until the way leads back to an application; return that address."""
        home = urlsplit(url).netloc
        page = self._browser.get(url)
        for _ in range(MOST_STEPS):
            if not page.is_redirect:
                page = self._fill_in(page, yes=yes)
                continue
            onward = urljoin(str(page.url), page.headers["location"])
            if urlsplit(onward).netloc != home:
                return onward
            page = self._browser.get(onward)
        raise AssertionError("the pages lead nowhere")

    def _fill_in(self, page: httpx.Response, *, yes: bool) -> httpx.Response:
        forms = _Forms()
        forms.feed(page.text)
        assert page.status_code == 200, (page.status_code, page.text)
        wanted = [form for form in forms.found if not form.action.endswith("/logout")]
        assert wanted, page.text
        form = wanted[0]
        if "password" in form.fields:
            form.fields |= {"name": self.name, "password": self._password}
        answer = "approve" if yes else "deny"
        pressed = {name: value for name, value in form.buttons if value == answer}
        place = urljoin(str(page.url), form.action)
        origin = "{0.scheme}://{0.netloc}".format(urlsplit(place))
        return self._browser.post(place, data=form.fields | pressed, headers={"Origin": origin})
