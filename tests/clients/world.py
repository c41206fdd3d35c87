"""A cloud over TLS with one client of each kind, as strangers' libraries find it."""

from __future__ import annotations

import json
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import trustme

from keyin.cli.processes import cloud_started
from keyin.stores.host import SystemEntropy
from keyin.wire.signing_key import new_key
from tests.clients.person import Person
from tests.cloud_documents import everything
from tests.cloud_process import import_documents
from tests.started import run

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

PERSON, PASSWORD = "ada", "violet tram and gravel"
SITE = "Main library"
WEB = {"redirect_uri": "https://application.example/back"}
JOB = "client-credentials"
BACK = ("--redirect-uri", WEB["redirect_uri"])
WEBS = (*BACK, "--plain-typ")
JOBS = ("--site", SITE, "--plain-typ")


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
    import_documents(data, everything())
    told = {
        "gpii_key": "alice",
        "person": PERSON,
        "computer": _with_key(data, "client", "create", "--site", SITE),
        "web": WEB | _with_key(data, *_application("web", "private_key_jwt", "code", *WEBS)),
        "job": _with_key(data, *_application("job", "private_key_jwt", JOB, *JOBS)),
        "plain": WEB | _with_secret(data),
    }
    made = run("account", "create", PERSON, "--data", data, stdin=PASSWORD + "\n")
    assert made.returncode == 0, made.stderr
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


def _application(name: str, method: str, *grants: str) -> tuple[str, ...]:
    """Return the verb that registers an application."""
    return ("application", "create", name, "--auth-method", method, "--grant", *grants)


def _with_secret(data: Path) -> dict[str, Any]:
    verb = _application("plain", "client_secret_basic", "code", "--grant", JOB, *BACK, *JOBS[:2])
    made = _made(*verb, "--without-par", "--data", data, "--json")
    return {"client_id": made["client_id"], "secret": made["client_secret"]}


def _with_key(data: Path, *verb: object) -> dict[str, Any]:
    key = new_key(SystemEntropy())
    file = data.parent / f"{key.public.thumbprint}.json"
    file.write_bytes(key.public.jwk)
    made = _made(*verb, "--public-key", file, "--data", data, "--json")
    return {
        "client_id": made["client_id"],
        "kid": key.public.thumbprint,
        "jwk": key.private_jwk(),
    }


def _made(*verb: object) -> dict[str, Any]:
    done = run(*verb)
    assert done.returncode == 0, done.stderr
    made: dict[str, Any] = json.loads(done.stdout)
    return made
