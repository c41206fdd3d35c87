"""A person's browser as far as the wire goes: cookies, forms, and what a browser says of itself."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from html import unescape
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from tests.cloud_process import send
from tests.page_place import NAME, PASSWORD

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tests.cloud_process import Reply
    from tests.page_place import Place

SESSION = "__Host-keyin-session"
BEFORE = "__Host-keyin-before"


@dataclass
class Person:
    place: Place
    cookies: dict[str, str] = field(default_factory=dict)
    set_cookies: list[str] = field(default_factory=list)
    headers: dict[str, str] = field(default_factory=lambda: {"Sec-Fetch-Site": "same-origin"})

    def get(self, path: str, **headers: str) -> Reply:
        return self._send("GET", path, headers, None)

    def post(self, path: str, form: Mapping[str, str], **headers: str) -> Reply:
        headers = {"Content-Type": "application/x-www-form-urlencoded", **headers}
        return self._send("POST", path, headers, urlencode(form))

    def follow(self, reply: Reply) -> Reply:
        """Go where the answer leads, within the site."""
        while reply.status == 303 and reply.headers["location"].startswith("/"):
            reply = self.get(reply.headers["location"])
        return reply

    def sign_in(self, path: str = "/login", name: str = NAME, password: str = PASSWORD) -> Reply:
        page = self.follow(self.get(path))
        return self.post("/login", {**fields(page), "name": name, "password": password})

    def _send(self, method: str, path: str, headers: Mapping[str, str], body: str | None) -> Reply:
        carried = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        every = {**self.headers, **({"Cookie": carried} if carried else {}), **headers}
        named = {name.replace("_", "-"): value for name, value in every.items() if value != "-"}
        reply = send(self.place.cloud.url, method, path, headers=named, body=body)
        for text in reply.cookies:
            self.set_cookies.append(text)
            name, _, value = text.partition(";")[0].partition("=")
            if "Max-Age=0" in text:
                self.cookies.pop(name, None)
            else:
                self.cookies[name] = value
        return reply


def fields(page: Reply) -> dict[str, str]:
    """Return the hidden fields of a page's last form."""
    form = page.body.decode().rpartition("<form")[2]
    found = re.findall(r'<input type="hidden" name="([^"]*)" value="([^"]*)">', form)
    assert found, page.body.decode()
    return {name: unescape(value) for name, value in found}
