"""One client of each kind, one person, a few keys: registered as an administrator does it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from keyin.stores.host import SystemEntropy
from keyin.wire.signing_key import new_key
from tests.cloud_documents import FONT_SIZE, everything
from tests.cloud_process import import_documents
from tests.started import run

if TYPE_CHECKING:
    from pathlib import Path

PERSON, PASSWORD = "ada", "violet tram and gravel"
SITE = "Main library"
WEB = {"redirect_uri": "https://application.example/back"}
JOB = "client-credentials"
BACK = ("--redirect-uri", WEB["redirect_uri"])
WEBS = (*BACK, "--plain-typ")
JOBS = ("--site", SITE, "--plain-typ")
COMPUTER = ("client", "create", "--site", SITE, "--name", "Desk 3", "--writable", FONT_SIZE)


def registered(data: Path) -> dict[str, Any]:
    """Fill a store; return what each client knows of itself."""
    import_documents(data, everything())
    told = {
        "gpii_key": "alice",
        "person": PERSON,
        "computer": _with_key(data, *COMPUTER),
        "web": WEB | _with_key(data, *_application("web", "private_key_jwt", "code", *WEBS)),
        "job": _with_key(data, *_application("job", "private_key_jwt", JOB, *JOBS)),
        "plain": WEB | _with_secret(data),
    }
    made = run("account", "create", PERSON, "--data", data, stdin=PASSWORD + "\n")
    assert made.returncode == 0, made.stderr
    return told


def _at(data: Path) -> tuple[object, ...]:
    return ("--data", data, "--json")


def _application(name: str, method: str, *grants: str) -> tuple[str, ...]:
    """Return the verb that registers an application."""
    return ("application", "create", name, "--auth-method", method, "--grant", *grants)


def _with_secret(data: Path) -> dict[str, Any]:
    verb = _application("plain", "client_secret_basic", "code", "--grant", JOB, *BACK, *JOBS[:2])
    made = _made(*verb, "--without-par", *_at(data))
    return {"client_id": made["client_id"], "secret": made["client_secret"]}


def _with_key(data: Path, *verb: object) -> dict[str, Any]:
    key = new_key(SystemEntropy())
    file = data.parent / f"{key.public.thumbprint}.json"
    file.write_bytes(key.public.jwk)
    made = _made(*verb, "--public-key", file, *_at(data))
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
