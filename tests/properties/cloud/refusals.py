"""Every way in which a request to a route that is not public can lack the right to it (P1).

The rules go by what the table of routes says that a route asks for: one without a rule is an error.
"""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final
from urllib.parse import urlencode

from keyin.domain.environment import Millis
from keyin.oauth.dpop import Dpop
from keyin.stores.opening import open_data
from tests.cloud_documents import FREE, SECRET
from tests.cloud_process import Cloud, copied, serving
from tests.oauth_client import ISSUER, Computer, now, registered

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    from keyin.cloud.routes import Route

FILLED: Final = {
    "{key}": "alice",
    "{device}": "%7B%7D",
    "{digest}": "0" * 64,
    "{id}": "gai_x",
    "{client_id}": "gai_x",
}
NOBODYS_DIGEST: Final = "0" * 8 + ":" + "0" * 64
FORM: Final = {"Content-Type": "application/x-www-form-urlencoded"}

GENEROUS: Final = """
[limits]
keys_an_hour = { public = 1000000 }
failed_keys_burst = 1000000
site_failed_keys_burst = 1000000
failed_logins_burst = 1000000
address_failed_logins_burst = 1000000
"""
"""Throttling has tests of its own; here it would hide what is looked for."""


@dataclass(frozen=True)
class Lacking:
    """One request, the only thing that is wrong with it, and the status that it must get."""

    why: str
    headers: Mapping[str, str]
    body: str = ""
    status: int = 401


@dataclass(frozen=True)
class Prepared:
    """A store, a computer, and tokens with one defect each."""

    data: Path
    computer: Computer
    tokens: Mapping[str, str]

    def bound(self, route: Route, token: str, thief: Computer | None = None) -> dict[str, str]:
        """Present a token as it must be: with a fresh proof for this route."""
        sender = thief or self.computer
        proof = sender.proof(route.method, ISSUER + path_of(route), token)
        return {"Authorization": f"DPoP {token}", "DPoP": proof}

    def learn_nonce(self) -> None:
        """Work the nonce of this minute out from the store's own secrets."""
        opened = open_data(self.data, None, exclusive=False)
        self.computer.nonce = Dpop(peppers=opened.secrets).nonce(now())
        opened.close()


def path_of(route: Route) -> str:
    path = route.template
    for name, value in FILLED.items():
        path = path.replace(name, value)
    assert "{" not in path, f"say in FILLED what {route.template} is tried with"
    return path


def lacking(route: Route, prepared: Prepared) -> list[Lacking]:
    """Return every way to be refused at a route. Raises KeyError where no rule is known."""
    return list(RULES[route.access.name](route, prepared))


def _no_settings_token(route: Route, prepared: Prepared) -> Iterator[Lacking]:
    tokens, bound = prepared.tokens, prepared.bound
    right, bearer = tokens["right"], tokens["legacy"]
    yield Lacking("no token", {})
    for text in ("", "Bearer", "DPoP ", "Bearer  "):
        yield Lacking("empty", {"Authorization": text})
    proven = bound(route, right)
    for text in (f"Basic {right}", f"Bearer {right}", right, f"DPoP {bearer}", f"Token {bearer}"):
        yield Lacking("wrong scheme", {**proven, "Authorization": text})
    unknown = right[:-1] + ("A" if right[-1] != "A" else "B")
    yield Lacking("unknown", bound(route, unknown))
    yield Lacking("unknown", {"Authorization": f"Bearer {unknown}"})
    for why in ("expired", "revoked", "wrong audience", "no key"):
        yield Lacking(why, bound(route, tokens[why]))
    if "{key}" in route.template:
        yield Lacking("wrong key", bound(route, tokens["wrong key"]))
    other = "settings:write" if route.scope == "settings:read" else "settings:read"
    yield Lacking("wrong scope", bound(route, tokens[other]), status=403)
    thief = Computer(prepared.computer.client_id, prepared.computer.key)
    thief.nonce = prepared.computer.nonce
    yield Lacking("wrong proof", bound(route, right, thief))
    for proof in ("", "a.b.c", prepared.computer.proof(route.method, ISSUER + "/other", right)):
        yield Lacking("wrong proof", {**proven, "DPoP": proof})


def _no_other_token(route: Route, prepared: Prepared) -> Iterator[Lacking]:
    """Tokens of other classes, spoilt in every way, are tried in test_other_tokens."""
    right, bearer = prepared.tokens["right"], prepared.tokens["legacy"]
    yield Lacking("no token", {})
    for text in ("", "Bearer", "DPoP ", "Bearer  "):
        yield Lacking("empty", {"Authorization": text})
    for text in (f"Basic {right}", right, f"Token {bearer}"):
        yield Lacking("wrong scheme", {"Authorization": text})
    for unknown in ("A" * 48, "x"):
        yield Lacking("unknown", {"Authorization": f"Bearer {unknown}"})
    yield Lacking("wrong audience", {"Authorization": f"Bearer {bearer}"})
    for name in ("right", "settings:read", "expired", "revoked"):
        yield Lacking("wrong audience", prepared.bound(route, prepared.tokens[name]))


def _no_client(route: Route, prepared: Prepared) -> Iterator[Lacking]:
    desk = prepared.computer
    grant = {"grant_type": "password", "username": "alice", "password": "x", "token": "x"}
    stranger = Computer("gai_nobody", desk.sender)
    other = Computer(desk.client_id, desk.sender)
    for why, form in (
        ("no client", {}),
        ("empty", {"client_id": "", "client_secret": ""}),
        ("unknown", {"client_id": "nobody", "client_secret": SECRET}),
        ("wrong secret", {"client_id": FREE, "client_secret": "wrong"}),
        ("of another method", {"client_id": desk.client_id, "client_secret": "-"}),
        ("an unknown client's key", stranger.form("alice")),
        ("another's key", other.form("alice")),
        ("no token of a client", {"client_id": FREE, "access_token": prepared.tokens["legacy"]}),
    ):
        given = {**grant, **form}
        if route.template == "/access_token":
            given["grant_type"] = "password"
        yield Lacking(why, FORM, urlencode(given))


def _no_registration(route: Route, prepared: Prepared) -> Iterator[Lacking]:
    """Tokens of registering, spoilt in every way, are tried in test_registration."""
    json = {"Content-Type": "application/json"}
    yield Lacking("no token", json)
    for text in ("", "Bearer", "DPoP ", "Bearer x", "Basic eDp4", "DPoP a.b.c"):
        yield Lacking("no such token", {**json, "Authorization": text})
    for prefix in ("iat_", "rat_"):
        unknown = prefix + "A" * 43
        yield Lacking("unknown", {**json, "Authorization": f"Bearer {unknown}"})
        yield Lacking("unknown", {**json, **prepared.bound(route, unknown)})
    for name in ("right", "expired"):
        yield Lacking("a settings token", {**json, **prepared.bound(route, prepared.tokens[name])})


def _no_session(_route: Route, _prepared: Prepared) -> Iterator[Lacking]:
    for why, cookie in (("no cookie", ""), ("unknown", "__Host-sid=nonsense")):
        yield Lacking(why, {**FORM, "Cookie": cookie}, status=303)


def _nothing(_route: Route, _prepared: Prepared) -> Iterator[Lacking]:
    yield from ()


RULES: Final[Mapping[str, Callable[[Route, Prepared], Iterator[Lacking]]]] = {
    "PUBLIC": _nothing,
    "CLIENT": _no_client,
    "BEARER": _no_settings_token,
    "OTHER_TOKEN": _no_other_token,
    "SESSION": _no_session,
    "REGISTRATION": _no_registration,
}


def prepare(imported: Path, data: Path) -> Prepared:
    """Get tokens as they are got, then spoil them in the store."""
    copied(imported, data)
    desk = registered(data)
    with serving(data, "--issuer", ISSUER) as cloud:
        tokens = {
            name: desk.token(cloud, "bob" if name == "wrong key" else "alice", scope=scope)
            for name, scope in {
                **dict.fromkeys(("right", "wrong key", *_SPOILT), "settings:read settings:write"),
                "settings:read": "settings:read",
                "settings:write": "settings:write",
            }.items()
        }
        tokens["legacy"] = cloud.token("alice", (FREE, SECRET)).json["access_token"]
        _revoke(cloud, desk, tokens["revoked"])
    _spoil(data, tokens)
    return Prepared(data, desk, tokens)


_SPOILT: Final = {
    "expired": ("expires", Millis(1)),
    "revoked": None,
    "wrong audience": ("audience", "account"),
    "no key": ("key_digest", NOBODYS_DIGEST),
}


def _revoke(cloud: Cloud, desk: Computer, token: str) -> None:
    form = {
        name: value
        for name, value in desk.form("alice").items()
        if name.startswith("client_assertion")
    }
    assert cloud.form("/oauth2/revoke", {**form, "token": token}).status == 200


def _spoil(data: Path, tokens: Mapping[str, str]) -> None:
    opened = open_data(data, None, exclusive=False)
    digests = {name: opened.secrets.digests("token", token)[0] for name, token in tokens.items()}
    opened.close()
    connection = sqlite3.connect(data / "keyin.sqlite3")
    with connection:
        for name, change in _SPOILT.items():
            if change is not None:
                column, value = change
                changed = connection.execute(
                    f"UPDATE tokens SET {column} = ? WHERE digest = ?",  # noqa: S608 - our names
                    (value, digests[name]),
                )
                assert changed.rowcount == 1
    connection.close()
