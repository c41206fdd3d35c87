"""Registration certificates: what the cloud itself once said of a client, so that it may come back.

A cloud that was restored from yesterday does not know who registered today, and one that a computer
did not speak to for a year has let it go. The certificate says what was registered, under the
cloud's own signature; with a proof by the certified key it brings the computer back (ADR on
enrolment). It opens nothing else, and nothing at all for a client that was revoked.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import msgspec

from keyin.domain.enrolment import Template  # noqa: TC001 - msgspec looks at the annotations
from keyin.wire.enrolment import CERTIFICATE_TYPE
from keyin.wire.jose import LARGEST, InvalidSignature, parse, verify

if TYPE_CHECKING:
    from collections.abc import Sequence

    from keyin.domain.environment import Millis
    from keyin.wire.signing_key import SigningKey

_PARAMETERS: Final = frozenset({"alg", "typ", "kid"})


class Certificate(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The claims."""

    iss: str
    sub: str
    """The `client_id`."""
    jkt: str
    iat: int
    name: str | None = None
    computer_type: str | None = None
    owner: str | None = None
    site: str | None = None
    software_id: str | None = None
    software_version: str | None = None
    installation_id: str | None = None
    initial_access: str | None = None
    channel: str | None = None
    scopes: tuple[str, ...] = ()
    template: Template


class Certificates(msgspec.Struct, frozen=True, kw_only=True):
    """Issues and reads them."""

    issuer: str
    keys: Sequence[SigningKey]
    """Newest first: the first signs, each verifies."""

    def issue(self, content: Certificate) -> str | None:
        """Sign one; None where it would be longer than we would read."""
        key = self.keys[0]
        claims: dict[str, Any] = msgspec.to_builtins(content)
        text = key.sign({"typ": CERTIFICATE_TYPE, "kid": key.public.thumbprint}, claims)
        return text if len(text) <= LARGEST else None

    def read(self, text: str) -> Certificate | None:
        """Return what a certificate says, if this cloud signed it."""
        try:
            jws = parse(text, parameters=_PARAMETERS)
            if jws.header.get("typ") != CERTIFICATE_TYPE:
                return None
            if not any(verify(jws, key.public) for key in self.keys):
                return None
            content = msgspec.convert(dict(jws.claims), Certificate)
        except (InvalidSignature, msgspec.ValidationError):
            return None
        return content if content.iss == self.issuer else None


def seconds(moment: Millis) -> int:
    """Return a NumericDate (RFC 7519 §2)."""
    return moment // 1000
