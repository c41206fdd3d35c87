"""A computer that registers itself, made freely: nothing but HTTP, every part can be changed."""

from __future__ import annotations

import json
import sqlite3
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from keyin.domain.secret import AccessToken
from keyin.stores.host import SystemEntropy
from keyin.wire import client_assertions, dpop_proofs
from keyin.wire.enrolment_code import EnrolmentCode, token_of
from keyin.wire.signing_key import SigningKey, new_key
from tests.oauth_client import ISSUER, fresh, now
from tests.started import run

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from tests.cloud_process import Cloud, Reply

PLACE = "/oauth2/register"
JSON = {"Content-Type": "application/json"}


def made(data: Path, *words: object, label: str = "Desk") -> dict[str, Any]:
    """Let the administrator make something to enrol with; return what the command said."""
    done = run("token", "create", label, "--data", data, "--json", "--issuer", ISSUER, *words)
    assert done.returncode == 0, done.stderr
    told: dict[str, Any] = json.loads(done.stdout)
    return told


def code(data: Path, *words: object, label: str = "Desk") -> str:
    """Return a new token for one computer."""
    token = token_of(EnrolmentCode(made(data, *words, label=label)["code"]))
    assert token
    return token.reveal()


def file_token(data: Path, *words: object, label: str = "Desks") -> tuple[str, str]:
    """Return id and token of a new enrolment file."""
    place = data.parent / f"{fresh()}.iat"
    told = made(data, "--file", place, *words, label=label)
    return told["id"], json.loads(place.read_bytes())["iat"]


_TIMES = {
    "initial_access": ("not_before", "expires", "created", "last_used"),
    "registrations": ("activate_by", "created"),
    "clients": ("created", "updated"),
    "client_keys": ("added", "last_used"),
}


def aged(data: Path, *, seconds: int) -> None:
    """Let time have passed for what registering remembers, while nobody serves."""
    connection = sqlite3.connect(data / "keyin.sqlite3")
    with connection:
        for table, columns in _TIMES.items():
            earlier = ", ".join(f"{name} = {name} - {seconds * 1000}" for name in columns)
            connection.execute(f"UPDATE {table} SET {earlier}")  # noqa: S608 - names of ours
    connection.close()


@dataclass
class Newcomer:
    """A computer before, while and after it registers."""

    key: SigningKey = field(default_factory=lambda: new_key(SystemEntropy()))
    name: str = field(default_factory=lambda: f"Desk {fresh()}")
    nonce: str | None = None
    told: dict[str, Any] = field(default_factory=dict)

    def wish(self, **changes: Any) -> dict[str, Any]:
        jwk = json.loads(self.key.public.jwk)
        usual = {
            "client_name": self.name,
            "application_type": "native",
            "token_endpoint_auth_method": "private_key_jwt",
            "jwks": {"keys": [{**jwk, "use": "sig", "kid": self.key.public.thumbprint}]},
            "grant_types": ["urn:ietf:params:oauth:grant-type:token-exchange"],
            "response_types": [],
            "redirect_uris": [],
            "scope": "settings:read settings:write",
            "dpop_bound_access_tokens": True,
        }
        given = {**usual, **changes}
        return {name: value for name, value in given.items() if value is not None}

    def proof(
        self, method: str, path: str, token: str | None = None, key: SigningKey | None = None
    ) -> str:
        return dpop_proofs.make(
            key or self.key,
            method=method,
            url=ISSUER + path,
            jti=fresh(),
            now=now(),
            token=AccessToken(token) if token else None,
            nonce=self.nonce,
        )

    def send(
        self,
        cloud: Cloud,
        method: str,
        path: str,
        *,
        token: str | None,
        scheme: str = "DPoP",
        body: Mapping[str, Any] | bytes | None = None,
        key: SigningKey | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Reply:
        """Send a request with token and proof, once more where a nonce is wanted."""
        while True:
            bound = token if scheme == "DPoP" else None
            shown = {"Authorization": f"{scheme} {token}"} if token is not None else {}
            reply = cloud.request(
                method,
                path,
                headers={
                    **JSON,
                    **shown,
                    "DPoP": self.proof(method, path, bound, key),
                    **(headers or {}),
                },
                body=body if isinstance(body, bytes | None) else json.dumps(body),
            )
            knew, self.nonce = self.nonce, reply.headers.get("dpop-nonce", self.nonce)
            if knew == self.nonce or reply.json.get("error") != "use_dpop_nonce":
                return reply

    def register(
        self, cloud: Cloud, token: str | None, *, scheme: str = "DPoP", **changes: Any
    ) -> Reply:
        reply = self.send(
            cloud, "POST", PLACE, token=token, scheme=scheme, body=self.wish(**changes)
        )
        if reply.status == 201:
            self.told = reply.json
        return reply

    @property
    def client_id(self) -> str:
        return str(self.told["client_id"])

    @property
    def path(self) -> str:
        return f"{PLACE}/{self.client_id}"

    def assertion(self, key: SigningKey | None = None) -> dict[str, str]:
        made_now = client_assertions.make(
            key or self.key, client_id=self.client_id, issuer=ISSUER, jti=fresh(), now=now()
        )
        return {
            "client_assertion_type": client_assertions.ASSERTION_TYPE,
            "client_assertion": made_now,
        }

    def prove(self, cloud: Cloud, key: SigningKey | None = None) -> Reply:
        """Authenticate once, harmlessly: what makes a pending client active."""
        return cloud.form("/oauth2/revoke", {"token": "x", **self.assertion(key)})

    def ask(self, cloud: Cloud, gpii_key: str, key: SigningKey | None = None) -> Reply:
        """Ask for a key's token."""
        while True:
            reply = cloud.form(
                "/oauth2/token",
                {
                    "grant_type": "urn:ietf:params:oauth:grant-type:token-exchange",
                    "subject_token": gpii_key,
                    "subject_token_type": "urn:gpii:params:oauth:token-type:gpii-key",
                    **self.assertion(key),
                },
                {"DPoP": self.proof("POST", "/oauth2/token", key=key)},
            )
            knew, self.nonce = self.nonce, reply.headers.get("dpop-nonce", self.nonce)
            if knew == self.nonce or reply.json.get("error") != "use_dpop_nonce":
                return reply

    def read(self, cloud: Cloud, **changes: Any) -> Reply:
        return self.send(cloud, "GET", self.path, token=self._rat, **changes)

    def replace(self, cloud: Cloud, *, new: SigningKey | None = None, **changes: Any) -> Reply:
        """PUT; with `new`, that key beside the old one, and a proof by it."""
        body = self.wish(client_id=self.client_id, **changes)
        if new is not None:
            keys = body["jwks"]["keys"]
            body["jwks"] = {"keys": [*keys, json.loads(new.public.jwk)]}
            if self.nonce is None:
                self.read(cloud)
            body["keyin_key_proofs"] = [self.proof("PUT", self.path, self._rat, new)]
        return self.send(cloud, "PUT", self.path, token=self._rat, body=body)

    def leave(self, cloud: Cloud) -> Reply:
        return self.send(cloud, "DELETE", self.path, token=self._rat)

    @property
    def _rat(self) -> str:
        return str(self.told["registration_access_token"])
