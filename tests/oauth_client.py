"""A computer with a key of its own, as the cloud sees it: what it sends, made freely."""

from __future__ import annotations

import itertools
import json
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from keyin.domain.environment import Millis
from keyin.domain.secret import AccessToken
from keyin.stores.host import SystemEntropy
from keyin.wire import client_assertions, dpop_proofs
from keyin.wire.signing_key import SigningKey, new_key
from tests.started import run

if TYPE_CHECKING:
    from pathlib import Path

    from tests.cloud_process import Cloud, Reply

ISSUER = "http://127.0.0.1:8081"
TOKEN_URL = ISSUER + "/oauth2/token"
EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange"
KEY_TYPE = "urn:gpii:params:oauth:token-type:gpii-key"
_NUMBERS = itertools.count()


def fresh() -> str:
    return f"jti-{next(_NUMBERS)}-{time.monotonic_ns()}"


def now() -> Millis:
    return Millis(int(time.time() * 1000))


@dataclass
class Computer:
    """One registered client."""

    client_id: str
    key: SigningKey
    sender: SigningKey = field(default_factory=lambda: new_key(SystemEntropy()))
    """The DPoP key."""
    nonce: str | None = None

    def assertion(self, **changes: Any) -> str:
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
        header = {"typ": client_assertions.TYPE, "kid": self.key.public.thumbprint}
        return self.key.sign(header, claims)

    def form(self, gpii_key: str, **changes: str | None) -> dict[str, str]:
        form: dict[str, str | None] = {
            "grant_type": EXCHANGE,
            "subject_token": gpii_key,
            "subject_token_type": KEY_TYPE,
            "scope": "settings:read settings:write",
            "client_assertion_type": client_assertions.ASSERTION_TYPE,
            "client_assertion": self.assertion(),
            **changes,
        }
        return {name: value for name, value in form.items() if value is not None}

    def proof(
        self,
        method: str = "POST",
        url: str = TOKEN_URL,
        token: str | None = None,
        jti: str | None = None,
    ) -> str:
        return dpop_proofs.make(
            self.sender,
            method=method,
            url=url,
            jti=jti or fresh(),
            now=now(),
            token=AccessToken(token) if token else None,
            nonce=self.nonce,
        )

    def learn_nonce(self, cloud: Cloud) -> None:
        reply = cloud.form("/oauth2/token", self.form("alice"), {"DPoP": self.proof()})
        self.nonce = reply.headers["dpop-nonce"]

    def exchange(self, cloud: Cloud, gpii_key: str = "alice", **changes: str | None) -> Reply:
        if self.nonce is None:
            self.learn_nonce(cloud)
        form = self.form(gpii_key, **changes)
        return cloud.form("/oauth2/token", form, {"DPoP": self.proof()})

    def token(self, cloud: Cloud, gpii_key: str = "alice", **changes: str | None) -> str:
        reply = self.exchange(cloud, gpii_key, **changes)
        assert reply.status == 200, reply.body
        return str(reply.json["access_token"])

    def settings(
        self,
        cloud: Cloud,
        gpii_key: str,
        token: str,
        *,
        scheme: str = "DPoP",
        proof: str | None = None,
    ) -> Reply:
        path = settings_path(gpii_key)
        made = proof or self.proof("GET", ISSUER + path, token)
        headers = {"Authorization": f"{scheme} {token}", **({"DPoP": made} if made != "-" else {})}
        return cloud.request("GET", path, headers=headers)


def settings_path(gpii_key: str) -> str:
    device = {"OS": {"id": "linux"}, "solutions": [{"id": "net.keyin.sample.reader"}]}
    return f"/{quote(gpii_key, safe='')}/settings/{quote(json.dumps(device), safe='')}"


def registered(data: Path, *more: object) -> Computer:
    key = new_key(SystemEntropy())
    file = data.parent / f"{key.public.thumbprint}.json"
    file.write_bytes(key.public.jwk)
    done = run("client", "create", "--public-key", file, "--data", data, "--json", *more)
    assert done.returncode == 0, done.stderr
    return Computer(json.loads(done.stdout)["client_id"], key)
