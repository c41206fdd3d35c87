"""The data that the benchmark runs on: one client, one person, three Linux solutions."""

from __future__ import annotations

import json
import secrets
import subprocess
import sys
from base64 import b64encode
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.error import HTTPError
from urllib.parse import quote, urlencode
from urllib.request import Request as HttpRequest
from urllib.request import urlopen

import pyjson5
from load import Request
from signed import Installation, Signer

if TYPE_CHECKING:
    from email.message import Message

SHARED = Path(__file__).resolve().parents[2] / "shared" / "gpii-data"
REGISTRIES = SHARED / "solutions"
REAL_SOLUTIONS = (
    "org.gnome.desktop.a11y.magnifier",
    "org.gnome.orca",
    "org.gnome.desktop.interface",
)
CREATED = "2026-01-01T00:00:00.000Z"


ISSUER = "http://127.0.0.1:8081"
FORM = (("Content-Type", "application/x-www-form-urlencoded"),)
LIMITS = """
[limits]
failed_keys_burst = 1_000_000
failed_keys_a_minute = 60_000
site_failed_keys_burst = 1_000_000
site_failed_keys_a_minute = 60_000
weak_key_cost = 1
failed_logins_burst = 1_000_000
failed_logins_a_minute = 60_000
address_failed_logins_burst = 1_000_000
address_failed_logins_a_minute = 60_000
"""
"""So wide that no refusal is the cheap one of a limit."""


@dataclass(frozen=True)
class Fixture:
    """A loaded store and what to ask of it."""

    config: Path
    computer: Installation
    job: tuple[str, str]
    """An application's client id and secret."""
    data: Path
    store: tuple[object, ...]
    """Where the store is, as the command's words."""
    description: str
    client_id: str
    client_secret: str
    person: str
    solutions: tuple[str, ...]

    def token_request(self, secret: str = "") -> Request:
        """Return the password grant; `secret` in place of the right one."""
        body = urlencode(
            {
                "grant_type": "password",
                "client_id": self.client_id,
                "client_secret": secret or self.client_secret,
                "username": self.person,
                "password": "dummy",
            }
        )
        return Request("/access_token", "POST", FORM, body)

    def exchange(self, url: str, count: int, person: str = "") -> Request:
        """Return token exchanges, each signed for itself, good for the minute to come."""
        stock = self.computer.exchanges(person or self.person, count, self._nonce(url))
        return Request("/oauth2/token", "POST", FORM, stock=stock)

    def introspection(self, url: str) -> Request:
        """Return the question of a job about its own token."""
        basic = b64encode(":".join(self.job).encode()).decode()
        headers = (*FORM, ("Authorization", f"Basic {basic}"))
        grant = Request("/oauth2/token", "POST", headers, "grant_type=client_credentials")
        body = f"token={asked(url, grant)[1]['access_token']}"
        return Request("/oauth2/introspect", "POST", headers, body)

    def token(self, url: str) -> str:
        """Get one access token."""
        return str(asked(url, self.token_request())[1]["access_token"])

    def _nonce(self, url: str) -> str:
        ((proof, body),) = self.computer.exchanges(self.person, 1, None)
        headers, _ = asked(url, Request("/oauth2/token", "POST", (*FORM, ("DPoP", proof)), body))
        return headers["DPoP-Nonce"]

    def save_request(self, token: str, document: str) -> Request:
        """Return the request that saves a document, the same each time."""
        headers = (("Authorization", f"Bearer {token}"), ("Content-Type", "application/json"))
        return Request(f"/{quote(self.person, safe='')}/settings", "PUT", headers, document)

    def windows_request(self, token: str) -> Request:
        """Return the request of a Windows computer that has every solution of its registry."""
        registry = REGISTRIES / "win32.json5"
        solutions = tuple(pyjson5.decode(registry.read_text(encoding="utf-8")))
        return self.settings_request(token, "win32", solutions)

    def settings_request(
        self, token: str, system: str = "linux", solutions: tuple[str, ...] = ()
    ) -> Request:
        """Return the request for this person's settings on a computer."""
        named = [{"id": each} for each in solutions or self.solutions]
        device = {"OS": {"id": system}, "solutions": named}
        described = quote(json.dumps(device, separators=(",", ":")), safe="")
        path = f"/{quote(self.person, safe='')}/settings/{described}"
        return Request(path, headers=(("Authorization", f"Bearer {token}"),))


def prepare(folder: Path, database: str = "") -> Fixture:
    """Make a store in `folder`, or in a database, through the command line, as an operator would.

    A second database gets the same secrets: `folder`s of one parent share them.
    """
    folder.mkdir(exist_ok=True)
    data, documents = folder / "cloud", folder / "client.json"
    secrets_place = ("--secrets", folder.parent / "secrets")
    store = ("--database", database, *secrets_place) if database else ("--data", data)
    client_id, client_secret = "bench", secrets.token_urlsafe(32)
    documents.write_text(json.dumps(installation(client_id, client_secret)))
    person, solutions, sources, description = person_and_registry()
    keyin("cloud", "import", *store, *sources, documents)
    signer, public, config = Signer(), folder / "public.jwk", folder / "cloud.toml"
    public.write_text(json.dumps(signer.jwk))
    config.write_text(LIMITS)
    computer = keyin("client", "create", "--public-key", public, *store, "--json")
    method = ("--auth-method", "client_secret_basic", "--grant", "client-credentials")
    job = keyin("application", "create", "job", *method, *store, "--json")
    return Fixture(
        config=config,
        computer=Installation(ISSUER, json.loads(computer)["client_id"], signer),
        job=(json.loads(job)["client_id"], json.loads(job)["client_secret"]),
        data=data,
        store=store,
        description=description,
        client_id=client_id,
        client_secret=client_secret,
        person=person,
        solutions=solutions,
    )


def keyin(*arguments: object) -> str:
    """Run the command; return what it says."""
    words = [sys.executable, "-m", "keyin", *(str(argument) for argument in arguments)]
    return subprocess.run(words, check=True, stdout=subprocess.PIPE, text=True).stdout


def asked(url: str, request: Request) -> tuple[Message, dict[str, Any]]:
    """Send one request; return headers and JSON, refused or not."""
    one = HttpRequest(  # noqa: S310 - our own loopback server
        url + request.path,
        data=request.body.encode() or None,
        headers=dict(request.headers),
        method=request.method,
    )
    try:
        with urlopen(one, timeout=10) as answer:  # noqa: S310 - our own loopback server
            return answer.headers, json.load(answer)
    except HTTPError as refused:
        with refused:
            return refused.headers, json.load(refused)


def person_and_registry() -> tuple[str, tuple[str, ...], list[str], str]:
    """Return a key, three solutions, the import's arguments, and a word on where they are from."""
    if SHARED.is_dir():
        sources = ["--solutions", str(SHARED / "solutions"), str(SHARED / "preferences")]
        return "li", REAL_SOLUTIONS, sources, "real registries and preference sets; person li"
    package = Path(__file__).resolve().parents[1] / "src" / "keyin" / "data"
    people = sorted((package / "people").glob("*.json5"))
    sources = ["--solutions", str(package / "solutions"), str(package / "people")]
    return people[0].stem, (), sources, f"the package's own sample data; person {people[0].stem}"


def installation(client_id: str, client_secret: str) -> list[dict[str, Any]]:
    """Return the original's two documents for one installation."""
    return [
        {
            "_id": "bench-client",
            "type": "gpiiAppInstallationClient",
            "schemaVersion": "0.2",
            "name": "benchmark",
            "computerType": "public",
            "timestampCreated": CREATED,
            "timestampUpdated": None,
        },
        {
            "_id": "bench-credential",
            "type": "clientCredential",
            "schemaVersion": "0.2",
            "clientId": "bench-client",
            "oauth2ClientId": client_id,
            "oauth2ClientSecret": client_secret,
            "allowedIPBlocks": None,
            "allowedPrefsToWrite": None,
            "isCreateGpiiKeyAllowed": False,
            "isCreatePrefsSafeAllowed": False,
            "revoked": False,
            "revokedReason": None,
            "timestampCreated": CREATED,
            "timestampRevoked": None,
        },
    ]
