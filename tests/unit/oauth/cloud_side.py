"""A token endpoint and a bearer check over a store in memory, at a time of our choosing."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from keyin.domain.environment import Millis
from keyin.domain.networks import parse_address
from keyin.domain.records import UNRESTRICTED, CredentialPolicy, RecordId
from keyin.domain.secret import GpiiKey
from keyin.oauth.auditing import Visit
from keyin.oauth.bearer import Bearer, Denial
from keyin.oauth.grants.password import Issued, PasswordGrant
from keyin.oauth.ports import Enrolment
from keyin.oauth.throttle import Rules
from keyin.oauth.token_endpoint import TokenEndpoint
from keyin.stores.host import SystemEntropy
from keyin.stores.memory import MemoryStore
from keyin.stores.secrets_directory import SecretsDirectory
from tests.fakes import records
from tests.fakes.counting import Counting
from tests.fakes.limits import Alarms, Limits
from tests.fakes.records import event

if TYPE_CHECKING:
    from keyin.domain.grant import Grant
    from keyin.oauth.errors import Refusal

SECRET = "a secret of an installation"
KEY = "alice"


@dataclass
class CloudSide:
    """Clients, credentials and keys are put in by the test."""

    store: MemoryStore = field(default_factory=MemoryStore)
    secrets: SecretsDirectory = field(
        default_factory=lambda: SecretsDirectory.in_memory(entropy=SystemEntropy())
    )
    calls: list[str] = field(default_factory=list)
    now: Millis = records.NOW
    address: str | None = "192.0.2.1"
    rules: Rules = field(default_factory=Rules)
    alarms: Alarms = field(default_factory=Alarms)

    def policy(self, **changes: Any) -> CredentialPolicy:
        made: dict[str, Any] = {
            "networks": UNRESTRICTED,
            "writable": UNRESTRICTED,
            "may_create_keys": False,
            "may_create_safes": False,
        }
        return CredentialPolicy(**(made | changes))

    async def enrol(
        self,
        *,
        client: dict[str, Any] | None = None,
        credential: dict[str, Any] | None = None,
        key: dict[str, Any] | None = None,
    ) -> None:
        later: dict[str, Any] = {"legacy_until": Millis(self.now + 10**9)}
        secret: dict[str, Any] = {
            "secret_digest": self.secrets.digests("secret", SECRET)[0],
            "policy": self.policy(),
        }
        digest = self.secrets.digests("key", KEY)[0]
        await self.store.enrol(
            Enrolment(
                clients=[records.client(**(later | (client or {})))],
                credentials=[records.credential(**(secret | (credential or {})))],
                keys=[records.key(digest, **(key or {}))],
            ),
            event=event(),
        )

    def parameters(self, **changes: object) -> dict[str, object]:
        made: dict[str, object] = {
            "grant_type": "password",
            "client_id": "main-hall",
            "client_secret": SECRET,
            "username": KEY,
            "password": "dummy",
        }
        merged = made | changes
        return {name: value for name, value in merged.items() if value is not ...}

    async def ask(self, **changes: object) -> Issued | Refusal:
        store, peppers = Counting(self.store, self.calls), Counting(self.secrets, self.calls)
        limits = Limits(store, peppers, self.rules, self.alarms)
        endpoint = TokenEndpoint(
            credentials=store,
            peppers=peppers,
            grant=PasswordGrant(
                door=limits.door, tokens=store, peppers=peppers, entropy=SystemEntropy()
            ),
            throttle=limits.throttle,
            trail=self.store,
        )
        address = parse_address(self.address) if self.address else None
        on = Visit(now=self.now, address=address, request_id="12345678")
        return await endpoint.answer(self.parameters(**changes), on)

    async def token(self, **changes: object) -> str:
        issued = await self.ask(**changes)
        assert isinstance(issued, Issued), issued
        return issued.token.reveal()

    async def use(
        self, header: str | None, key: str = KEY, *, scope: str | None = None
    ) -> Grant | Denial:
        bearer = Bearer(tokens=self.store, peppers=self.secrets, places=self.store)
        address = parse_address(self.address) if self.address else None
        return await bearer.identify(
            header, GpiiKey(key), address=address, now=self.now, scope=scope
        )


CLIENT_ID = RecordId("client-1")
CREDENTIAL_ID = RecordId("credential-1")
