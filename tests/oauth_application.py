"""An application of the cloud, and a person at a browser, made freely: nothing but HTTP."""

from __future__ import annotations

import json
import re
from base64 import b64encode
from dataclasses import dataclass, field
from hashlib import sha256
from html import unescape
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlencode, urlsplit

from keyin.domain.secret import AccessToken
from keyin.stores.host import SystemEntropy
from keyin.wire import client_assertions, dpop_proofs
from keyin.wire.jose import wrapped
from keyin.wire.signing_key import SigningKey, new_key
from tests.oauth_client import ISSUER, fresh, now
from tests.started import run
from tests.stored import change

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from tests.cloud_process import Cloud, Reply

BACK = "https://application.example/back"
NATIVE_BACK = "http://127.0.0.1/back"
NAME, PASSWORD = "ada", "seven green kettles on the roof"
SECRET_METHODS = ("client_secret_basic", "client_secret_post")


def pair() -> tuple[str, str]:
    """Return a new verifier and its challenge (RFC 7636 §4.1, §4.2)."""
    verifier = wrapped(SystemEntropy().token_bytes(32))
    return verifier, wrapped(sha256(verifier.encode()).digest())


@dataclass
class Application:
    """One registered application; what it sends can be changed in every part."""

    client_id: str
    method: str
    secret: str | None = None
    key: SigningKey | None = None
    back: str = BACK
    sender: SigningKey = field(default_factory=lambda: new_key(SystemEntropy()))
    nonce: str | None = None

    def assertion(self, header: Mapping[str, Any] | None = None, **changes: Any) -> str:
        assert self.key
        seconds = now() // 1000
        claims = {
            "iss": self.client_id,
            "sub": self.client_id,
            "aud": ISSUER,
            "iat": seconds,
            "exp": seconds + 60,
            "jti": fresh(),
            **changes,
        }
        usual = {"typ": client_assertions.TYPE, "kid": self.key.public.thumbprint}
        made = {**usual, **(header or {})}
        return self.key.sign({name: value for name, value in made.items() if value}, claims)

    def proving(self) -> tuple[dict[str, str], dict[str, str]]:
        """Return parameters and headers that prove the client in its own way."""
        if self.method == "client_secret_basic":
            both = b64encode(f"{self.client_id}:{self.secret}".encode()).decode()
            return {}, {"Authorization": f"Basic {both}"}
        if self.method == "client_secret_post":
            return {"client_id": self.client_id, "client_secret": self.secret or ""}, {}
        if self.method == "private_key_jwt":
            type_ = client_assertions.ASSERTION_TYPE
            return {"client_assertion_type": type_, "client_assertion": self.assertion()}, {}
        return {"client_id": self.client_id}, {}

    def post(
        self,
        cloud: Cloud,
        path: str,
        form: Mapping[str, str | None],
        *,
        bound: bool = False,
        headers: Mapping[str, str] | None = None,
    ) -> Reply:
        """Send a form, proven; `bound`: with a proof of the sender's key."""
        proving, more = self.proving()
        given = {**proving, **form}
        proof = {"DPoP": self.proof("POST", ISSUER + path)} if bound else {}
        reply = cloud.form(
            path,
            {name: value for name, value in given.items() if value is not None},
            {**more, **proof, **(headers or {})},
        )
        knew, self.nonce = self.nonce, reply.headers.get("dpop-nonce", self.nonce)
        if bound and self.nonce != knew and reply.json.get("error") == "use_dpop_nonce":
            return self.post(cloud, path, form, bound=bound, headers=headers)
        return reply

    def proof(self, method: str, url: str, token: str | None = None) -> str:
        return dpop_proofs.make(
            self.sender,
            method=method,
            url=url,
            jti=fresh(),
            now=now(),
            token=AccessToken(token) if token else None,
            nonce=self.nonce,
        )

    def wish(self, challenge: str, **changes: str | None) -> dict[str, str | None]:
        return {
            "response_type": "code",
            "client_id": self.client_id,
            "redirect_uri": self.back,
            "scope": "account:read",
            "state": "state-of-mine",
            "code_challenge": challenge,
            "code_challenge_method": "S256",
            **changes,
        }

    def push(
        self, cloud: Cloud, challenge: str, *, bound: bool = False, **changes: str | None
    ) -> Reply:
        return self.post(cloud, "/oauth2/par", self.wish(challenge, **changes), bound=bound)

    def authorize_path(self, request_uri: str) -> str:
        named = {"client_id": self.client_id, "request_uri": request_uri}
        return f"/oauth2/authorize?{urlencode(named)}"

    def direct_path(self, challenge: str, **changes: str | None) -> str:
        wish = self.wish(challenge, **changes)
        given = {name: value for name, value in wish.items() if value is not None}
        return f"/oauth2/authorize?{urlencode(given)}"

    def code(
        self, cloud: Cloud, person: Person, *, bound: bool = False, **changes: str | None
    ) -> tuple[str, str]:
        """Go the whole way; return the code and its verifier."""
        verifier, challenge = pair()
        pushed = self.push(cloud, challenge, bound=bound, **changes)
        assert pushed.status == 201, pushed.body
        answer = person.approve(cloud, self.authorize_path(pushed.json["request_uri"]))
        return answer["code"], verifier

    def redeem(
        self,
        cloud: Cloud,
        code: str,
        verifier: str | None,
        *,
        bound: bool = False,
        **more: str | None,
    ) -> Reply:
        form: dict[str, str | None] = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": self.back,
            "code_verifier": verifier,
            **more,
        }
        return self.post(cloud, "/oauth2/token", form, bound=bound)

    def get(self, cloud: Cloud, path: str, token: str, *, bound: bool = False) -> Reply:
        """Ask a resource with a token."""
        if not bound:
            return cloud.request("GET", path, headers={"Authorization": f"Bearer {token}"})
        proof = self.proof("GET", ISSUER + path.partition("?")[0], token)
        return cloud.request("GET", path, headers={"Authorization": f"DPoP {token}", "DPoP": proof})


@dataclass
class Person:
    """Somebody at a browser: cookies, forms and buttons, no more."""

    name: str = NAME
    password: str = PASSWORD
    cookies: dict[str, str] = field(default_factory=dict)

    def get(self, cloud: Cloud, path: str) -> Reply:
        return self._sent(cloud, "GET", path, None)

    def post(self, cloud: Cloud, path: str, form: Mapping[str, str]) -> Reply:
        return self._sent(cloud, "POST", path, urlencode(form))

    def sign_in(self, cloud: Cloud) -> None:
        page = self.get(cloud, "/login")
        form = {**hidden(page), "name": self.name, "password": self.password}
        assert self.post(cloud, "/login", form).status == 303

    def ask(self, cloud: Cloud, path: str) -> Reply:
        """Come from an application; sign in on the way where that is asked."""
        page = self.get(cloud, path)
        if page.status == 303 and page.headers["location"].startswith("/login"):
            form = {"name": self.name, "password": self.password}
            shown = self.get(cloud, page.headers["location"])
            signed = self.post(cloud, "/login", {**hidden(shown), **form})
            assert signed.status == 303, signed.body
            page = self.get(cloud, signed.headers["location"])
        return page

    def answer(self, cloud: Cloud, question: Reply, *, approve: bool = True) -> Reply:
        decision = "approve" if approve else "deny"
        form = {**hidden(question), "decision": decision}
        return self.post(cloud, "/oauth2/authorize/decision", form)

    def approve(self, cloud: Cloud, path: str) -> dict[str, str]:
        """Say yes; return what the application is told."""
        question = self.ask(cloud, path)
        assert question.status == 200, (question.status, question.body)
        return told(self.answer(cloud, question))

    def _sent(self, cloud: Cloud, method: str, path: str, body: str | None) -> Reply:
        headers = {"Cookie": "; ".join(f"{name}={value}" for name, value in self.cookies.items())}
        if body is not None:
            headers |= {
                "Content-Type": "application/x-www-form-urlencoded",
                "Sec-Fetch-Site": "same-origin",
                "Origin": ISSUER,
            }
        reply = cloud.request(method, path, headers=headers, body=body)
        for cookie in reply.cookies:
            name, _, value = cookie.partition(";")[0].partition("=")
            self.cookies[name] = value
        return reply


def hidden(page: Reply) -> dict[str, str]:
    """Return the hidden fields of the page's own form: the last one, after any for signing out."""
    forms = page.body.decode().split("<form")
    found = re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', forms[-1])
    return {name: unescape(value) for name, value in found}


def told(reply: Reply) -> dict[str, str]:
    """Return what a redirect tells the application."""
    assert reply.status == 303, (reply.status, reply.body)
    return dict(parse_qsl(urlsplit(reply.headers["location"]).query, strict_parsing=True))


def application(
    data: Path, method: str = "client_secret_basic", *more: object, back: str | None = None
) -> Application:
    """Register an application for the code grant, or for what `more` says.

    One that proves nothing is of a store from before that was refused.
    """
    if method == "none":
        return _of_before(data, *more, back=back)
    key = new_key(SystemEntropy()) if method == "private_key_jwt" else None
    given: list[object] = ["--auth-method", method, *more]
    if "--grant" not in more:
        given += ["--grant", "code"]
    if "code" in given:
        given += ["--redirect-uri", back or BACK]
    if key is not None:
        file = data.parent / f"{key.public.thumbprint}.json"
        file.write_bytes(key.public.jwk)
        given += ["--public-key", file]
    done = run("application", "create", "Pages of mine", *given, "--data", data, "--json")
    assert done.returncode == 0, done.stderr
    made = json.loads(done.stdout)
    return Application(
        made["client_id"], method, secret=made.get("client_secret"), key=key, back=back or BACK
    )


def _of_before(data: Path, *more: object, back: str | None) -> Application:
    made = application(data, "client_secret_post", *more, back=back)
    change(
        data,
        "UPDATE applications SET auth_method = 'none' WHERE credential_id = "
        "(SELECT id FROM credentials WHERE oauth2_client_id = ?)",
        made.client_id,
    )
    made.method, made.secret = "none", None
    return made


def account(data: Path, name: str = NAME, password: str = PASSWORD) -> Person:
    """Make an account for a person."""
    done = run("account", "create", name, "--data", data, stdin=password + "\n")
    assert done.returncode == 0, done.stderr
    return Person(name, password)
