"""A bare computer that wants to be enrolled, as the cloud sees it: what it sends, made freely."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from keyin.domain.secret import AccessToken
from keyin.stores.host import SystemEntropy
from keyin.wire import client_assertions, dpop_proofs
from keyin.wire.jose import wrapped
from keyin.wire.key_fingerprint import key_fingerprint
from keyin.wire.signing_key import SigningKey, new_key
from tests.oauth_application import pair
from tests.oauth_client import fresh, now

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tests.cloud_process import Cloud, Reply

BACK = "http://127.0.0.1:51004/oauth2/callback"
CLIENT = "keyin-enrol"
DEVICE = "urn:ietf:params:oauth:grant-type:device_code"


@dataclass
class NewComputer:
    cloud: Cloud
    issuer: str
    name: str = "Desk 3"
    back: str = BACK
    key: SigningKey = field(default_factory=lambda: new_key(SystemEntropy()))
    nonce: str | None = None
    verifier: str = ""
    headers: dict[str, str] = field(default_factory=dict)
    installation: str = field(default_factory=lambda: wrapped(SystemEntropy().token_bytes(32)))

    @property
    def jkt(self) -> str:
        return self.key.public.thumbprint

    @property
    def fingerprint(self) -> str:
        return key_fingerprint(self.jkt)

    def details(self, **changes: Any) -> dict[str, Any]:
        made = {
            "type": "gpii_installation",
            "client_name": self.name,
            "computer_type": "public",
            "software_id": "net.keyin",
            "software_version": "0.5.0",
            "installation_id": self.installation,
            "jkt": self.jkt,
            **changes,
        }
        return {name: value for name, value in made.items() if value is not None}

    def wish(self, **changes: Any) -> dict[str, str]:
        self.verifier, challenge = pair()
        made: dict[str, str | None] = {
            "client_id": CLIENT,
            "response_type": "code",
            "scope": "client:register",
            "redirect_uri": self.back,
            "state": "state-of-mine",
            "code_challenge": challenge,
            "code_challenge_method": "S256",
            "resource": f"{self.issuer}/oauth2/register",
            "authorization_details": json.dumps([self.details()]),
            **changes,
        }
        return {name: value for name, value in made.items() if value is not None}

    def push(self, *, proven: bool = True, **changes: Any) -> Reply:
        return self.post("/oauth2/par", self.wish(**changes), proven=proven)

    def address(self, **changes: Any) -> str:
        """Push, and return where the browser is sent to."""
        pushed = self.push(**changes)
        assert pushed.status == 201, pushed.body
        named = {"client_id": CLIENT, "request_uri": pushed.json["request_uri"]}
        return f"/oauth2/authorize?{urlencode(named)}"

    def redeem(self, code: str, *, proven: bool = True, **changes: Any) -> Reply:
        form: dict[str, str | None] = {
            "client_id": CLIENT,
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": self.back,
            "code_verifier": self.verifier,
            **changes,
        }
        given = {name: value for name, value in form.items() if value is not None}
        return self.post("/oauth2/token", given, proven=proven)

    def ask_as_device(self, *, proven: bool = True, **changes: Any) -> Reply:
        form: dict[str, str | None] = {
            "client_id": CLIENT,
            "scope": "client:register",
            "authorization_details": json.dumps([self.details()]),
            **changes,
        }
        given = {name: value for name, value in form.items() if value is not None}
        return self.post("/oauth2/device_authorization", given, proven=proven)

    def poll(self, device_code: str, *, proven: bool = True) -> Reply:
        form = {"client_id": CLIENT, "grant_type": DEVICE, "device_code": device_code}
        return self.post("/oauth2/token", form, proven=proven)

    def register(self, token: str, *, scheme: str = "DPoP", **changes: Any) -> Reply:
        body = {
            "client_name": self.name,
            "token_endpoint_auth_method": "private_key_jwt",
            "jwks": {"keys": [json.loads(self.key.public.jwk)]},
            "grant_types": ["urn:ietf:params:oauth:grant-type:token-exchange"],
            "scope": "settings:read settings:write",
            **changes,
        }
        path = "/oauth2/register"
        headers = {
            "Authorization": f"{scheme} {token}",
            "Content-Type": "application/json",
            "DPoP": self.proof("POST", path, token),
        }
        reply = self.cloud.request("POST", path, headers=headers, body=json.dumps(body))
        if self._has_learnt(reply) and reply.status in {400, 401}:
            return self.register(token, scheme=scheme, **changes)
        return reply

    def proof(self, method: str, path: str, token: str | None = None) -> str:
        return dpop_proofs.make(
            self.key,
            method=method,
            url=self.issuer + path,
            jti=fresh(),
            now=now(),
            token=AccessToken(token) if token else None,
            nonce=self.nonce,
        )

    def assertion(self, client_id: str) -> dict[str, str]:
        """Return the parameters that prove the client that it became."""
        seconds = now() // 1000
        claims: dict[str, Any] = {
            "iss": client_id, "sub": client_id, "aud": self.issuer,
            "iat": seconds, "exp": seconds + 60, "jti": fresh(),
        }  # fmt: skip
        header = {"typ": client_assertions.TYPE, "kid": self.jkt}
        return {
            "client_assertion_type": client_assertions.ASSERTION_TYPE,
            "client_assertion": self.key.sign(header, claims),
        }

    def post(self, path: str, form: Mapping[str, str], *, proven: bool = True) -> Reply:
        proof = {"DPoP": self.proof("POST", path)} if proven else {}
        reply = self.cloud.form(path, dict(form), {**self.headers, **proof})
        if proven and self._has_learnt(reply) and reply.json.get("error") == "use_dpop_nonce":
            return self.post(path, form)
        return reply

    def _has_learnt(self, reply: Reply) -> bool:
        knew, self.nonce = self.nonce, reply.headers.get("dpop-nonce", self.nonce)
        return self.nonce != knew
