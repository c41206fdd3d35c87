"""A publisher of software and its statements (RFC 7591 §2.3), for clouds that know it."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path

    from keyin.wire.signing_key import SigningKey

PUBLISHER = "https://publisher.example"
SOFTWARE = "net.keyin.requester"


def known(publisher: SigningKey, folder: Path) -> str:
    """Return the section of a cloud's configuration that makes the publisher known."""
    file = folder / "publisher.json"
    file.write_bytes(publisher.public.jwk)
    return (
        f'[[enrolment.publishers]]\nissuer = "{PUBLISHER}"\n'
        f'keys = ["{file}"]\nsoftware_ids = ["{SOFTWARE}"]\n'
    )


def statement(publisher: SigningKey, **changes: Any) -> str:
    claims = {
        "iss": PUBLISHER,
        "iat": int(time.time()),
        "exp": int(time.time()) + 600,
        "software_id": SOFTWARE,
        "software_version": "3",
        **changes,
    }
    header = {"typ": "JWT", "kid": publisher.public.thumbprint}
    return publisher.sign(header, {n: v for n, v in claims.items() if v is not None})
