"""GPII documents into the store: judge each, make records, enrol them; safe to repeat.

Nothing a person has changed since is overwritten. What is refused is refused alone, and told. Some
are written at a time, each before what refers to it: an import that was killed is run again, and
takes up what is missing.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Final, Protocol

import msgspec

from keyin.cloud.import_credentials import doubts, with_secrets
from keyin.cloud.import_records import Making
from keyin.cloud.import_sources import Doubt, Found, Place, Refusal, refusing
from keyin.domain.errors import InvalidDocument
from keyin.domain.events import ADMINISTRATOR, Act, Event
from keyin.domain.installation import is_published_secret
from keyin.domain.records import Unrestricted
from keyin.domain.reserved_keys import reserved
from keyin.domain.secret import ClientSecret, GpiiKey
from keyin.oauth.ports import Enrolment, Enrolments, Keys, Tokens
from keyin.settings.ports import Registries
from keyin.wire.documents import (
    AuthorizationDocument,
    ClientDocument,
    CredentialDocument,
    Document,
    GpiiKeyDocument,
    PrefsSafeDocument,
    head,
    read_document,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from keyin.cloud.import_records import Secrets
    from keyin.domain.environment import Millis
    from keyin.domain.records import Credential, Digest, Key, SafeId, Token

_ONE_COMMIT: Final = 1000
KINDS: Final = ("clients", "credentials", "safes", "keys", "tokens")
_KIND: Final = {
    "gpiiAppInstallationClient": "clients",
    "clientCredential": "credentials",
    "prefsSafe": "safes",
    "gpiiKey": "keys",
    "gpiiAppInstallationAuthorization": "tokens",
}


class Store(Enrolments, Keys, Tokens, Registries, Protocol):
    """What an import reads and writes."""


class Options(msgspec.Struct, frozen=True, kw_only=True):
    """What the operator said."""

    now: Millis
    legacy_until: Millis
    allow_test_credentials: bool = False


class Report(msgspec.Struct, kw_only=True):
    """What became of everything; `given` less `written` was there already."""

    given: dict[str, int] = msgspec.field(default_factory=lambda: dict.fromkeys(KINDS, 0))
    written: dict[str, int] = msgspec.field(default_factory=lambda: dict.fromkeys(KINDS, 0))
    weak_keys: int = 0
    unrestricted: int = 0
    """Credentials that may ask from everywhere, or write everything."""
    registries: list[str] = msgspec.field(default_factory=list)
    refusals: list[Refusal] = msgspec.field(default_factory=list)
    doubts: list[Doubt] = msgspec.field(default_factory=list)
    views: int = 0


def _nobody(_kind: str, _done: int, _of: int) -> None:
    """Tell nobody how far it is."""


async def import_found(
    found: Found,
    store: Store,
    secrets: Secrets,
    options: Options,
    progress: Callable[[str, int, int], None] = _nobody,
) -> Report:
    """Write all that is in order; `progress` is told kind, done and all after each commit.

    Raises StoreUnavailable; what was written until then stays.
    """
    making = Making(secrets=secrets, now=options.now, legacy_until=options.legacy_until)
    importing = _Importing(store=store, making=making, options=options)
    importing.report.refusals += found.refusals
    importing.report.views = found.views
    for os_id, content in found.registries.items():
        await store.put_registry(os_id, content)
        importing.report.registries.append(os_id)
    for kind, documents in importing.read(found.documents).items():
        for start in range(0, len(documents), _ONE_COMMIT):
            await importing.enrol(kind, documents[start : start + _ONE_COMMIT])
            progress(kind, min(start + _ONE_COMMIT, len(documents)), len(documents))
    return importing.report


class _Importing(msgspec.Struct, kw_only=True):
    """What is known so far."""

    store: Store
    making: Making
    options: Options
    report: Report = msgspec.field(default_factory=Report)
    _holds_test_credentials: bool = False
    _refused_credentials: set[str] = msgspec.field(default_factory=set)

    def read(self, documents: Iterable[tuple[Place, Any]]) -> dict[str, list[Any]]:
        """Return them by kind, each with what it is: the kinds in the order in which they refer."""
        read: dict[str, list[Any]] = {kind: [] for kind in KINDS}
        for place, value in documents:
            with refusing(self.report.refusals, place):
                _, type_ = head(value)
                if not isinstance(type_, str) or type_ not in _KIND:
                    raise InvalidDocument("it is none of the five types of document")
                read[_KIND[type_]].append((place, value))
        read["credentials"] = with_secrets(self._credentials(read["credentials"]))
        return read

    def _credentials(
        self, documents: Iterable[tuple[Place, Any]]
    ) -> list[tuple[Place, CredentialDocument]]:
        read = []
        for place, value in documents:
            with refusing(self.report.refusals, place):
                document = read_document(value)
                if isinstance(document, CredentialDocument):
                    read.append((place, document))
        return read

    async def enrol(self, kind: str, documents: Sequence[tuple[Place, Any]]) -> None:
        """Write some of one kind, in one commit."""
        found = await asyncio.gather(*(self._taken(place, value) for place, value in documents))
        records: list[Any] = [one for one in found if one is not None]
        if not records:
            return
        batch = Enrolment(
            **{kind: records},
            holds_test_credentials=self._holds_test_credentials,
        )
        event = _imported(kind, len(records), self.options.now)
        self.report.given[kind] += len(records)
        self.report.written[kind] += (await self.store.enrol(batch, event=event))[kind]

    async def _taken(self, place: Place, value: object) -> object | None:
        """Make the record of a document, or refuse it; many at once share their lookups."""
        taken = None
        with refusing(self.report.refusals, place):
            document = value if isinstance(value, CredentialDocument) else read_document(value)
            taken = await self._record(place, document)
        return taken  # noqa: RET504 - a refusal leaves the block

    async def _record(self, place: Place, document: Document) -> object:
        """Make the record, which finds what it refers to. Raises InvalidDocument."""
        match document:
            case ClientDocument():
                return self.making.client(document)
            case CredentialDocument():
                return self._credential(place, document)
            case PrefsSafeDocument():
                return self.making.safe(document, await self._safe_id(document.id))
            case GpiiKeyDocument():
                return await self._key(document)
            case AuthorizationDocument():
                return await self._token(document)

    def _credential(self, place: Place, document: CredentialDocument) -> Credential:
        """Refuse what everybody knows, unless the operator asked for it."""
        secret = ClientSecret(document.oauth2_client_secret)
        if is_published_secret(document.oauth2_client_id, secret):
            if not self.options.allow_test_credentials:
                self._refused_credentials.add(document.id)
                raise InvalidDocument("it is a test credential whose secret is published")
            self._holds_test_credentials = True
        made = self.making.credential(document)
        limits = (made.policy.networks, made.policy.writable)
        self.report.unrestricted += any(isinstance(one, Unrestricted) for one in limits)
        self.report.doubts += [Doubt(place=place, reason=one) for one in doubts(document)]
        return made

    async def _key(self, document: GpiiKeyDocument) -> Key:
        _refuse_reserved(document.id)
        digest, _ = await self._key_digest(document.id)
        safe_id = await self._safe_id(document.prefs_safe_id) if document.prefs_safe_id else None
        made = self.making.key(document, digest, safe_id)
        self.report.weak_keys += made.low_entropy
        return made

    async def _token(self, document: AuthorizationDocument) -> Token:
        if document.client_credential_id in self._refused_credentials:
            raise InvalidDocument("the token was issued with a credential that was refused")
        _refuse_reserved(document.gpii_key)
        digest, exists = await self._key_digest(document.gpii_key)
        epoch = await self.store.store_epoch()
        return self.making.token(document, digest, key_exists=exists, epoch=epoch)

    async def _key_digest(self, key: str) -> tuple[Digest, bool]:
        """Return the digest that the key has or will have, and whether there is such a key."""
        digests = self.making.secrets.digests("key", key)
        known = await self.store.find_key(digests)
        return (digests[0], False) if known is None else (known.digest, True)

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
