"""The enrolment file: one initial access token for many computers, signed by the cloud it is for.

Its signature is a compact JWS over the canonical form of everything else in it, with the content
left out (RFC 7515, appendix F), by a key of `/oauth2/jwks`. Whoever reads it knows whose it is and
that nobody changed it; whether the token still opens anything, the cloud says.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Literal, Protocol

import msgspec
from msgspec.structs import replace

from keyin.domain.errors import InvalidDocument
from keyin.wire.enrolment_code import InitialAccessToken, is_initial_access_token
from keyin.wire.jose import InvalidSignature, parse, verify, wrapped
from keyin.wire.strict_json import decode
from keyin.wire.utc_text import millis_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from keyin.domain.absent import Value
    from keyin.domain.environment import Millis
    from keyin.wire.jose import PublicKey

MEDIA_TYPE: Final = "application/vnd.keyin.enrolment+json"
SUFFIX: Final = ".iat"
"""How the name of such a file ends."""
TYPE: Final = "keyin-enrolment+jws"
LARGEST: Final = 8192
"""Bytes of a whole file."""
_PARAMETERS: Final = frozenset({"alg", "typ", "kid"})


class Signs(Protocol):
    """A private key, wherever it is."""

    @property
    def public(self) -> PublicKey:
        """Return the public half."""
        ...

    def sign(self, header: Mapping[str, Value], claims: Mapping[str, Value]) -> str:
        """Return a compact JWS."""
        ...


class EnrolmentFile(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What stands in the file; `sig` "" while it is being made."""

    v: Literal[1] = 1
    issuer: str
    iat: str
    site: str | None
    label: str
    expires_at: str
    """RFC 3339, UTC."""
    max_uses: int
    sig: str = ""

    def __repr__(self) -> str:
        return f"<EnrolmentFile {self.label!r} of {self.issuer!r}>"

    @property
    def token(self) -> InitialAccessToken:
        """Return what a computer registers with."""
        return InitialAccessToken(self.iat)

    @property
    def expires(self) -> Millis:
        """Return the time it ends."""
        return millis_of(self.expires_at)


def write(content: EnrolmentFile, key: Signs) -> bytes:
    """Sign a file's content and return the file's bytes."""
    header: Mapping[str, Value] = {"typ": TYPE, "kid": key.public.thumbprint}
    signed = key.sign(header, _rest(content))
    before, _, after = signed.split(".")
    whole = replace(content, sig=f"{before}..{after}")
    return msgspec.json.format(msgspec.json.encode(whole), indent=2) + b"\n"


def read(text: bytes) -> EnrolmentFile:
    """Read a file; its signature is not looked at yet. Raises InvalidDocument."""
    if len(text) > LARGEST:
        raise InvalidDocument("the enrolment file is too large")
    try:
        found = msgspec.convert(decode(text), EnrolmentFile)
        millis_of(found.expires_at)
    except (msgspec.ValidationError, ValueError):
        # without its cause, which may quote the token
        raise InvalidDocument("this is no enrolment file") from None
    if not is_initial_access_token(found.iat):
        raise InvalidDocument("this is no enrolment file")
    return found


def key_id(content: EnrolmentFile) -> str | None:
    """Return the name of the key that is said to have signed."""
    try:
        kid = parse(_whole(content), parameters=_PARAMETERS).header.get("kid")
    except InvalidSignature:
        return None
    return kid if isinstance(kid, str) else None


def is_genuine(content: EnrolmentFile, key: PublicKey) -> bool:
    """Tell whether this key signed exactly this."""
    try:
        jws = parse(_whole(content), parameters=_PARAMETERS)
    except InvalidSignature:
        return False
    return jws.header.get("typ") == TYPE and verify(jws, key)


def _rest(content: EnrolmentFile) -> dict[str, Value]:
    """Return everything but the signature, in the order of the names: its canonical form."""
    named = msgspec.structs.asdict(content)
    return {name: named[name] for name in sorted(named) if name != "sig"}


def _whole(content: EnrolmentFile) -> str:
    before, _, after = content.sig.partition("..")
    return f"{before}.{wrapped(msgspec.json.encode(_rest(content)))}.{after}"
