"""The cloud's own application in this process, at a time of our choosing, with its real store.

Requests go in as ASGI, so that what answers is what answers over a socket. The person's yes is
given to the service behind the pages.
"""

from __future__ import annotations

import asyncio
import json
from base64 import b64encode
from dataclasses import dataclass, field
from hashlib import sha256
from io import StringIO
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import parse_qsl, urlencode, urlsplit

from keyin.cloud.access_log import AccessLog
from keyin.cloud.administering import administration
from keyin.cloud.config import CloudConfig, LimitsConfig
from keyin.cloud.wiring import Cloud, build
from keyin.domain.applications import AUTHORIZATION_CODE, CLIENT_CREDENTIALS
from keyin.domain.environment import Millis
from keyin.domain.events import Act, Event
from keyin.domain.records import Digest, RecordId, Status
from keyin.domain.secret import AccessToken
from keyin.oauth.accounts import Account, PasswordHash, Session
from keyin.oauth.administration import Acting
from keyin.oauth.authorization import AuthorizationEndpoint
from keyin.oauth.consent import Consent, Problem, Redirect
from keyin.oauth.dpop import Dpop
from keyin.pages.site import Site
from keyin.stores.host import SystemEntropy
from keyin.stores.secrets_directory import SecretsDirectory
from keyin.stores.sqlite import open_store
from keyin.wire import client_assertions, dpop_proofs
from keyin.wire.admin_applications import RegisterApplication
from keyin.wire.admin_clients import RegisterClient
from keyin.wire.jose import wrapped
from keyin.wire.signing_key import SigningKey, new_key

if TYPE_CHECKING:
    from collections.abc import Coroutine, Mapping
    from pathlib import Path

    from keyin.wire.admin import Op

ISSUER = "http://127.0.0.1:8081"
BACK = "https://application.example/back"
MANY = 1_000_000
EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange"
KEY_TYPE = "urn:gpii:params:oauth:token-type:gpii-key"
Result = TypeVar("Result")


@dataclass
class VirtualClock:
    """Goes on when it is told to."""

    time: int = 1_800_000_000_000

    def now(self) -> Millis:
        return Millis(self.time)

    def monotonic(self) -> float:
        return self.time / 1000

    async def sleep(self, seconds: float) -> None:
        raise NotImplementedError


@dataclass(frozen=True)
class Answer:
    status: int
    body: Any

    @property
    def error(self) -> str | None:
        return self.body.get("error") if isinstance(self.body, dict) else None


@dataclass(frozen=True)
class Known:
    """A registered client: a computer with a key, or an application with a secret."""

    client_id: str
    secret: str | None = None
    key: SigningKey | None = None


@dataclass
class GrantWorld:
    """One store, one process, one clock."""

    folder: Path
    clock: VirtualClock = field(default_factory=VirtualClock)
    loop: asyncio.AbstractEventLoop = field(default_factory=asyncio.new_event_loop)
    sender: SigningKey = field(default_factory=lambda: new_key(SystemEntropy()))
    numbers: int = 0

    def __post_init__(self) -> None:
        self.entropy = SystemEntropy()
        self.secrets = SecretsDirectory.in_memory(entropy=self.entropy)
        self.open()

    def open(self) -> None:
        """Open the store, as a process that starts does."""
        self.store = open_store(self.folder / "store.sqlite3")
        limits = LimitsConfig(failed_logins_burst=MANY, address_failed_logins_burst=MANY)
        config = CloudConfig(issuer=ISSUER, limits=limits)
        self.cloud: Cloud = self.run(
            build(
                config,
                store=self.store,
                secrets=self.secrets,
                clock=self.clock,
                access_log=AccessLog(StringIO()),
                pages=Site.open,
            )
        )
        self.administration = administration(self.store, self.secrets, self.entropy)
        self.pages = AuthorizationEndpoint(
            store=self.store, peppers=self.secrets, entropy=self.entropy, issuer=ISSUER
        )

    def restart(self) -> None:
        self._end()
        self.open()

    def close(self) -> None:
        self._end()
        self.loop.close()

    def _end(self) -> None:
        """Let what was begun finish, as a process does that is told to end."""
        while pending := asyncio.all_tasks(self.loop):
            self.loop.run_until_complete(asyncio.wait(pending))
        self.store.close()

    def run(self, work: Coroutine[Any, Any, Result]) -> Result:
        return self.loop.run_until_complete(work)

    def fresh(self) -> str:
        self.numbers += 1
        return f"jti-{self.numbers}"

    # --- the administrator

    def order(self, op: Op[Any]) -> Any:
        return self.run(self.administration.answer(op, Acting(at=self.clock.now(), uid=0)))

    def computer(self, site: str) -> Known:
        key = new_key(self.entropy)
        made = self.order(RegisterClient(public_key=key.public.jwk.decode(), site=site))
        return Known(made.client_id, key=key)

    def application(self, site: str, grant: str) -> Known:
        code = grant == AUTHORIZATION_CODE
        made = self.order(
            RegisterApplication(
                name="Pages",
                auth_method="client_secret_basic",
                grant_types=(grant,),
                scopes=("account:read",) if code else ("installations:read",),
                redirect_uris=(BACK,) if code else (),
                site=site,
            )
        )
        return Known(made.client_id, secret=made.client_secret)

    def account(self, name: str) -> Account:
        made = Account(
            id=RecordId(f"ac_{name}"),
            name=name,
            name_key=name,
            password=PasswordHash("$argon2id$none"),
            status=Status.ACTIVE,
            epoch=0,
            created=self.clock.now(),
            updated=None,
        )
        event = Event(act=Act.ACCOUNT_CREATED, at=self.clock.now(), actor="administrator")
        assert self.run(self.store.add_account(made, event=event))
        return made

    # --- HTTP

    def ask(self, method: str, path: str, headers: Mapping[str, str], body: str = "") -> Answer:
        sent: list[dict[str, Any]] = []

        async def receive() -> dict[str, Any]:
            return {"type": "http.request", "body": body.encode(), "more_body": False}

        async def send(message: dict[str, Any]) -> None:
            sent.append(message)

        place, _, query = path.partition("?")
        scope = {
            "type": "http",
            "method": method,
            "raw_path": place.encode(),
            "query_string": query.encode(),
            "headers": [
                (b"host", b"127.0.0.1"),
                *((name.lower().encode(), text.encode()) for name, text in headers.items()),
            ],
            "client": ("127.0.0.1", 1),
        }
        self.run(self.cloud.app(scope, receive, send))  # type: ignore[arg-type]
        told = sent[1]["body"]
        return Answer(sent[0]["status"], json.loads(told) if told else None)

    def form(self, path: str, by: Known, given: Mapping[str, str], *, bound: bool) -> Answer:
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        proving: dict[str, str] = {}
        if by.secret is not None:
            both = b64encode(f"{by.client_id}:{by.secret}".encode()).decode()
            headers["Authorization"] = f"Basic {both}"
        elif by.key is not None:
            proving = {
                "client_assertion_type": client_assertions.ASSERTION_TYPE,
                "client_assertion": client_assertions.make(
                    by.key,
                    client_id=by.client_id,
                    issuer=ISSUER,
                    jti=self.fresh(),
                    now=self.clock.now(),
                ),
            }
        if bound:
            headers["DPoP"] = self.proof("POST", path)
        return self.ask("POST", path, headers, urlencode({**proving, **given}))

    def proof(self, method: str, path: str, token: str | None = None) -> str:
        now = self.clock.now()
        return dpop_proofs.make(
            self.sender,
            method=method,
            url=ISSUER + path,
            jti=self.fresh(),
            now=now,
            token=AccessToken(token) if token else None,
            nonce=Dpop(peppers=self.secrets).nonce(now),
        )

    # --- the grants

    def exchange(self, by: Known, key: str) -> Answer:
        given = {"grant_type": EXCHANGE, "subject_token": key, "subject_token_type": KEY_TYPE}
        return self.form("/oauth2/token", by, given, bound=True)

    def credentials(self, by: Known, *, bound: bool) -> Answer:
        return self.form("/oauth2/token", by, {"grant_type": CLIENT_CREDENTIALS}, bound=bound)

    def push(self, by: Known) -> tuple[Answer, str]:
        verifier = wrapped(self.entropy.token_bytes(32))
        given = {
            "response_type": "code",
            "redirect_uri": BACK,
            "code_challenge": wrapped(sha256(verifier.encode()).digest()),
            "code_challenge_method": "S256",
        }
        return self.form("/oauth2/par", by, given, bound=False), verifier

    def approve(self, by: Known, uri: str, account: Account) -> str | None:
        """Let a person say yes; return the code, if there is one."""
        now = self.clock.now()
        session = Session(
            digest=Digest("p:session"),
            account_id=account.id,
            account_epoch=account.epoch,
            signed_in=now,
            seen=now,
            expires=Millis(now + 1),
        )
        named = {"client_id": by.client_id, "request_uri": uri}
        shown = self.run(self.pages.begin(named, account=account, session=session, now=now))
        if not isinstance(shown, Consent):
            assert isinstance(shown, Problem)
            return None
        answer = self.run(
            self.pages.decide(shown.txn, account=account, session=session, approve=True, now=now)
        )
        assert isinstance(answer, Redirect)
        told = dict(parse_qsl(urlsplit(answer.url).query))
        assert told["iss"] == ISSUER
        return told["code"]

    def redeem(self, by: Known, code: str, verifier: str, *, bound: bool) -> Answer:
        given = {"grant_type": AUTHORIZATION_CODE, "code": code, "code_verifier": verifier}
        return self.form("/oauth2/token", by, given, bound=bound)

    def use(self, path: str, token: str, *, bound: bool) -> Answer:
        if not bound:
            return self.ask("GET", path, {"Authorization": f"Bearer {token}"})
        proof = self.proof("GET", path, token)
        return self.ask("GET", path, {"Authorization": f"DPoP {token}", "DPoP": proof})
