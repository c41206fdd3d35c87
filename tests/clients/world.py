"""A cloud over TLS with one client of each kind, as strangers' libraries find it."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import trustme

from keyin.cli.processes import cloud_started
from tests.clients.person import Person
from tests.clients.registered import PASSWORD, PERSON, registered

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@dataclass(frozen=True)
class World:
    """What the scripts are told, and what their test needs besides."""

    issuer: str
    told: dict[str, Any]
    ca: Path

    def visit(self, url: str) -> str:
        with Person(PERSON, PASSWORD, ca=self.ca) as person:
            return person.visit(url)


@contextmanager
def running(folder: Path) -> Iterator[World]:
    data, ca = folder / "cloud", folder / "ca.pem"
    told = registered(data)
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(ca))
    pair = authority.issue_cert("127.0.0.1")
    certificate, key = folder / "cert.pem", folder / "key.pem"
    certificate.write_bytes(b"".join(blob.bytes() for blob in pair.cert_chain_pems))
    key.touch(mode=0o600)
    key.write_bytes(pair.private_key_pem.bytes())
    tls = ("--tls-cert", certificate, "--tls-key", key)
    with cloud_started("--data", data, *tls) as cloud:
        yield World(cloud.url, told | {"issuer": cloud.url}, ca)
