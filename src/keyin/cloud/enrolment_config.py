"""The section `[enrolment]` of the cloud's configuration: how computers may register."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import msgspec

from keyin.domain.environment import Millis
from keyin.domain.errors import ConfigurationError
from keyin.oauth.births import Manners
from keyin.oauth.software_statements import Publisher
from keyin.wire.jose import InvalidSignature, PublicKey
from keyin.wire.signing_key import read_public

_MINUTE_MS = 60_000
_LONGEST = 16 * 1024


class PublisherConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Somebody whose software statements are believed (RFC 7591 §2.3)."""

    issuer: str
    """What stands in the statements' `iss`."""
    keys: tuple[str, ...]
    """Files with the public keys, PEM or JWK."""
    software_ids: tuple[str, ...]
    """Of which software; the publisher speaks for no other."""


class EnrolmentConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How computers register themselves."""

    registration: Literal["account", "open", "attested"] = "account"
    """Who may: `account`, who has a token that somebody with an account made; `open`, anybody."""
    unsafe_open_registration: bool = False
    """Has to be said besides where `registration` is `open`."""
    publishers: tuple[PublisherConfig, ...] = ()
    """Whose software statements are believed."""
    same_installation: Literal["allow", "replace", "deny"] = "allow"
    """What becomes of a second computer from one installed system; its owner is told anyway."""
    pending_minutes: Annotated[int, msgspec.Meta(ge=1, le=1440)] = 15
    """So long a new client may take to prove itself for the first time."""

    def manners(self) -> Manners:
        """Return them as the authorization server takes them. Raises ConfigurationError."""
        if self.registration == "attested":
            raise ConfigurationError(
                "registration by attestation is not built",
                next_step="Leave `registration` out: accounts vouch for computers. "
                "docs/adr says why, and what would have to be there.",
            )
        unsafe = self.registration == "open"
        if unsafe != self.unsafe_open_registration:
            raise ConfigurationError(
                "registration is open to anybody only where the configuration says so twice",
                next_step='Say registration = "open" and unsafe_open_registration = true, '
                "or neither.",
            )
        return Manners(
            pending_ms=Millis(self.pending_minutes * _MINUTE_MS),
            same_installation=self.same_installation,
            unsafe_open=unsafe,
        )

    def known_publishers(self) -> tuple[Publisher, ...]:
        """Read their keys. Raises ConfigurationError."""
        return tuple(
            Publisher(
                issuer=one.issuer,
                keys=tuple(_read(Path(path)) for path in one.keys),
                software_ids=one.software_ids,
            )
            for one in self.publishers
        )


def _read(path: Path) -> PublicKey:
    try:
        with path.open("rb") as file:
            return read_public(file.read(_LONGEST))
    except (OSError, InvalidSignature) as error:
        raise ConfigurationError(
            "the publisher's key %(path)s cannot be read",
            next_step="Give a file with a public key of P-256 or Ed25519, PEM or JWK.",
            path=path,
        ) from error
