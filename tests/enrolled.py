"""A computer whose key the cloud knows: made as a person makes it, but for the private file."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from keyin.stores.credential_file import file_content
from keyin.stores.host import SystemEntropy
from keyin.wire.signing_key import new_key
from tests.started import run

if TYPE_CHECKING:
    from pathlib import Path

    from keyin.wire.signing_key import SigningKey


def enrol(data: Path, credential: Path, *more: object) -> SigningKey:
    """Register a new key in the store, whose cloud does not run; write the credential's file."""
    key = new_key(SystemEntropy())
    public = data.parent / f"{key.public.thumbprint}.jwk"
    public.write_bytes(key.public.jwk)
    done = run("client", "create", "--public-key", public, "--data", data, "--json", *more)
    assert done.returncode == 0, done.stderr
    credential.write_bytes(file_content(key, json.loads(done.stdout)["client_id"]))
    credential.chmod(0o600)
    return key
