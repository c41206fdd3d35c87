"""The data that the benchmark runs on: one client, one person, three Linux solutions."""

from __future__ import annotations

import json
import secrets
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode
from urllib.request import Request as HttpRequest
from urllib.request import urlopen

from load import Request

SHARED = Path(__file__).resolve().parents[2] / "shared" / "gpii-data"
REAL_SOLUTIONS = (
    "org.gnome.desktop.a11y.magnifier",
    "org.gnome.orca",
    "org.gnome.desktop.interface",
)
CREATED = "2026-01-01T00:00:00.000Z"


@dataclass(frozen=True)
class Fixture:
    """A loaded store and what to ask of it."""

    data: Path
    description: str
    client_id: str
    client_secret: str
    person: str
    solutions: tuple[str, ...]

    def token_request(self) -> Request:
        """Return the grant that the access requester asks for."""
        body = urlencode(
            {
                "grant_type": "password",
                "client_id": self.client_id,
                "client_secret": self.client_secret,
                "username": self.person,
                "password": "dummy",
            }
        )
        form = (("Content-Type", "application/x-www-form-urlencoded"),)
        return Request("/access_token", "POST", form, body)

    def token(self, url: str) -> str:
        """Get one access token."""
        request = self.token_request()
        asked = HttpRequest(  # noqa: S310 - our own loopback server
            url + request.path, request.body.encode(), dict(request.headers)
        )
        with urlopen(asked, timeout=10) as answer:  # noqa: S310 - our own loopback server
            return str(json.load(answer)["access_token"])

    def settings_request(self, token: str) -> Request:
        """Return the request for this person's settings on a Linux computer."""
        device = {"OS": {"id": "linux"}, "solutions": [{"id": each} for each in self.solutions]}
        described = quote(json.dumps(device, separators=(",", ":")), safe="")
        path = f"/{quote(self.person, safe='')}/settings/{described}"
        return Request(path, headers=(("Authorization", f"Bearer {token}"),))


def prepare(folder: Path) -> Fixture:
    """Make a store in `folder` through the command line, as an operator would."""
    data, documents = folder / "cloud", folder / "client.json"
    client_id, client_secret = "bench", secrets.token_urlsafe(32)
    documents.write_text(json.dumps(installation(client_id, client_secret)))
    person, solutions, sources, description = person_and_registry()
    command = [sys.executable, "-m", "keyin", "cloud", "import", "--data", str(data)]
    subprocess.run([*command, *sources, str(documents)], check=True, stdout=subprocess.DEVNULL)
    return Fixture(data, description, client_id, client_secret, person, solutions)


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
