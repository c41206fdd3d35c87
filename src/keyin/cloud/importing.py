"""GPII documents into the store: judge each, make records, enrol them; safe to repeat.

Nothing a person has changed since is overwritten. What is refused is refused alone, and told.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, Protocol

from keyin.cloud.import_records import Making
from keyin.cloud.import_sources import Found, Place, Refusal, refusing
from keyin.domain.errors import InvalidDocument
from keyin.domain.events import ADMINISTRATOR, Act, Event
from keyin.domain.installation import is_published_secret
from keyin.domain.reserved_keys import reserved
from keyin.domain.secret import ClientSecret, GpiiKey
from keyin.oauth.ports import Enrolment, Enrolments, Keys, Tokens
from keyin.settings.ports import Registries
from keyin.wire.documents import (
    TYPES,
    AuthorizationDocument,
    ClientDocument,
    CredentialDocument,
    Document,
    GpiiKeyDocument,
    PrefsSafeDocument,
    read_document,
)

if TYPE_CHECKING:
    from collections.abc import Iterable

    from keyin.cloud.import_records import Secrets
    from keyin.domain.environment import Millis
    from keyin.domain.records import Client, Credential, Digest, Key, Safe, SafeId, Token

_ONE_COMMIT: Final = 1000
_ORDER: Final = (
    ClientDocument,
    CredentialDocument,
    PrefsSafeDocument,
    GpiiKeyDocument,
    AuthorizationDocument,
)
KINDS: Final = ("clients", "credentials", "safes", "keys", "tokens")


class Store(Enrolments, Keys, Tokens, Registries, Protocol):
    """What an import reads and writes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What the operator said."""

    now: Millis
    legacy_until: Millis
    allow_test_credentials: bool = False


@dataclass(slots=True, kw_only=True)
class Report:
    """What became of everything; `given` less `written` was there already."""

    given: dict[str, int] = field(default_factory=lambda: dict.fromkeys(KINDS, 0))
    written: dict[str, int] = field(default_factory=lambda: dict.fromkeys(KINDS, 0))
    weak_keys: int = 0
    registries: list[str] = field(default_factory=list)
    refusals: list[Refusal] = field(default_factory=list)
    views: int = 0


async def import_found(found: Found, store: Store, secrets: Secrets, options: Options) -> Report:
    """Write all that is in order. Raises StoreUnavailable; what was written until then stays."""
    making = Making(secrets=secrets, now=options.now, legacy_until=options.legacy_until)
    judged = _Judged(store=store, making=making, options=options)
    judged.report.refusals += found.refusals
    judged.report.views = found.views
    await judged.judge(judged.read(found.documents))
    await judged.enrol()
    for os_id, content in found.registries.items():
        await store.put_registry(os_id, content)
        judged.report.registries.append(os_id)
    return judged.report


@dataclass(slots=True, kw_only=True)
class _Judged:
    """The records made so far."""

    store: Store
    making: Making
    options: Options
    report: Report = field(default_factory=Report)
    clients: list[Client] = field(default_factory=list)
    credentials: list[Credential] = field(default_factory=list)
    safes: list[Safe] = field(default_factory=list)
    keys: list[Key] = field(default_factory=list)
    tokens: list[Token] = field(default_factory=list)
    holds_test_credentials: bool = False
    _refused_credentials: set[str] = field(default_factory=set)
    _new_keys: set[Digest] = field(default_factory=set)

    def read(self, documents: Iterable[tuple[Place, Any]]) -> list[tuple[Place, Document]]:
        """Return those documents that have the shape of their type."""
        read = []
        for place, value in documents:
            with refusing(self.report.refusals, place):
                if not isinstance(value, dict) or value.get("type") not in TYPES:
                    raise InvalidDocument("it is none of the five types of document")
                read.append((place, read_document(value)))
        return read

    async def judge(self, documents: list[tuple[Place, Document]]) -> None:
        """Make records, in an order in which each finds what it refers to."""
        for place, document in sorted(documents, key=lambda one: _ORDER.index(type(one[1]))):
            with refusing(self.report.refusals, place):
                match document:
                    case ClientDocument():
                        self.clients.append(self.making.client(document))
                    case CredentialDocument():
                        self.credentials.append(self._credential(document))
                    case PrefsSafeDocument():
                        id_ = await self._safe_id(document.id)
                        self.safes.append(self.making.safe(document, id_))
                    case GpiiKeyDocument():
                        await self._key(document)
                    case AuthorizationDocument():
                        await self._token(document)

    async def enrol(self) -> None:
        """Write them, many to a commit."""
        for kind in KINDS:
            records = getattr(self, kind)
            self.report.given[kind] = len(records)
            for start in range(0, len(records), _ONE_COMMIT):
                some = {kind: records[start : start + _ONE_COMMIT]}
                batch = Enrolment(**some, holds_test_credentials=self.holds_test_credentials)
                event = _imported(kind, len(some[kind]), self.options.now)
                self.report.written[kind] += (await self.store.enrol(batch, event=event))[kind]

    def _credential(self, document: CredentialDocument) -> Credential:
        """Refuse what everybody knows, unless the operator asked for it."""
        secret = ClientSecret(document.oauth2_client_secret)
        if is_published_secret(document.oauth2_client_id, secret):
            if not self.options.allow_test_credentials:
                self._refused_credentials.add(document.id)
                raise InvalidDocument("it is a test credential whose secret is published")
            self.holds_test_credentials = True
        return self.making.credential(document)

    async def _key(self, document: GpiiKeyDocument) -> None:
        _refuse_reserved(document.id)
        digest, _ = await self._key_digest(document.id)
        safe_id = await self._safe_id(document.prefs_safe_id) if document.prefs_safe_id else None
        made = self.making.key(document, digest, safe_id)
        self.keys.append(made)
        self._new_keys.add(digest)
        self.report.weak_keys += made.low_entropy

    async def _token(self, document: AuthorizationDocument) -> None:
        if document.client_credential_id in self._refused_credentials:
            raise InvalidDocument("the token was issued with a credential that was refused")
        _refuse_reserved(document.gpii_key)
        digest, exists = await self._key_digest(document.gpii_key)
        epoch = await self.store.store_epoch()
        self.tokens.append(self.making.token(document, digest, key_exists=exists, epoch=epoch))

    async def _key_digest(self, key: str) -> tuple[Digest, bool]:
        """Return the digest that the key has or will have, and whether there is such a key."""
        digests = self.making.secrets.digests("key", key)
        known = await self.store.find_key(digests)
        if known is not None:
            return known.digest, True
        return digests[0], digests[0] in self._new_keys

    async def _safe_id(self, original: str) -> SafeId:
        """Return the id that the safe has (perhaps under an older pepper) or will have."""
        ids = self.making.safe_ids(original)
        known = await self.store.known_safes(ids) if len(ids) > 1 else frozenset()
        return next((id_ for id_ in ids if id_ in known), ids[0])


def _imported(kind: str, count: int, now: Millis) -> Event:
    return Event(act=Act.IMPORTED, at=now, actor=ADMINISTRATOR, detail={kind: str(count)})


def _refuse_reserved(key: str) -> None:
    if reserved(GpiiKey(key)):
        raise InvalidDocument("its key is a reserved word, which is nobody's key")
