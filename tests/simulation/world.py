"""What is simulated: people, their settings, the solutions, and the papers the cloud imports.

Every value that a person wants is that person's alone, so that a setting tells whose it is.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from keyin.cloud.import_sources import Found, Place
from keyin.cloud.importing import Options, import_found
from keyin.domain.environment import Millis
from keyin.handlers.memory import Key, MemoryGSettings
from keyin.oauth.registration import Wish, register
from keyin.wire.signing_key import SigningKey, new_key
from tests.simulation.virtual_time import BEGIN

if TYPE_CHECKING:
    from random import Random

    from keyin.cloud.importing import Store
    from keyin.domain.environment import Entropy
    from keyin.oauth.ports import Enrolment
    from keyin.stores.secrets_directory import SecretsDirectory

COMMON = "http://registry.gpii.net/common"
READER, MAGNIFIER = "net.example.reader", "net.example.magnifier"
SCHEMA = "net.example.magnifier"
FILE = Path("/home/person/.config/reader.json")
SETTINGS = ("size", "language", "note", "mag-factor", "mode")
"""All that a key-in may change; the first three are in the file."""
IN_FILE = SETTINGS[:3]
DEVICE: dict[str, Any] = {
    "OS": {"id": "linux", "version": "6.1"},
    "solutions": [{"id": READER}, {"id": MAGNIFIER}],
}
REGISTRY: dict[str, Any] = {
    READER: {
        "name": "Reader",
        "contexts": {"OS": [{"id": "linux"}]},
        "settingsHandlers": {
            "file": {
                "type": "gpii.settingsHandlers.JSONSettingsHandler",
                "liveness": "live",
                "options": {"filename": str(FILE)},
                "supportedSettings": {"size": {}, "language": {}, "note": {}},
                "capabilitiesTransformations": {
                    "size": "http://registry\\.gpii\\.net/common/fontSize",
                    "language": "http://registry\\.gpii\\.net/common/language",
                },
            }
        },
    },
    MAGNIFIER: {
        "name": "Magnifier",
        "contexts": {"OS": [{"id": "linux"}]},
        "settingsHandlers": {
            "desktop": {
                "type": "gpii.gsettings",
                "liveness": "live",
                "options": {"schema": SCHEMA},
                "supportedSettings": {"mag-factor": {}, "mode": {}},
                "capabilitiesTransformations": {
                    "mag-factor": "http://registry\\.gpii\\.net/common/magnification"
                },
            }
        },
    },
}


@dataclass(frozen=True)
class Person:
    """A number, a key, and what this person wants of the five settings."""

    number: int
    key: str
    wants: dict[str, Any]

    @classmethod
    def make(cls, number: int, random: Random) -> Person:
        own = {
            "size": 100 + number,
            "language": f"language-{number}",
            "note": f"note-{number}",
            "mag-factor": 50.5 + number,
            "mode": f"mode-{number}",
        }
        chosen = random.sample(SETTINGS, random.randint(2, len(SETTINGS)))
        key = f"key-{number}-{random.randbytes(8).hex()}"
        return cls(number, key, {name: own[name] for name in SETTINGS if name in chosen})

    @property
    def preferences(self) -> dict[str, Any]:
        """Return the preference set: some as common terms, some of one application."""
        common = {
            "size": f"{COMMON}/fontSize",
            "language": f"{COMMON}/language",
            "mag-factor": f"{COMMON}/magnification",
        }
        flat: dict[str, Any] = {
            term: self.wants[name] for name, term in common.items() if name in self.wants
        }
        for name, solution in (("note", READER), ("mode", MAGNIFIER)):
            if name in self.wants:
                place = f"http://registry.gpii.net/applications/{solution}"
                flat[place] = {name: self.wants[name]}
        return {"contexts": {"gpii-default": {"name": "Default", "preferences": flat}}}


def desktop() -> MemoryGSettings:
    """Return a desktop on which a person has set one of the two keys."""
    settings = MemoryGSettings({SCHEMA: {"mag-factor": Key(kind="d"), "mode": Key(kind="s")}})
    settings.write(SCHEMA, {"mode": "as-it-was"})
    return settings


_MADE = {"schemaVersion": "0.2", "timestampCreated": "2026-01-01T00:00:00.000Z"}
_ACTIVE = {"revoked": False, "revokedReason": None, "timestampRevoked": None}


def person_papers(person: Person, *, revoked: bool = False) -> list[dict[str, Any]]:
    """Return a key and its safe."""
    return [
        {
            "_id": f"safe-{person.number}",
            "type": "prefsSafe",
            "prefsSafeType": "user",
            "name": None,
            "password": None,
            "email": None,
            "preferences": {"flat": person.preferences},
            **_MADE,
        },
        {
            "_id": person.key,
            "type": "gpiiKey",
            "prefsSafeId": f"safe-{person.number}",
            "prefsSetId": "gpii-default",
            **_MADE,
            **_ACTIVE,
            "revoked": revoked,
        },
    ]


def new_computer(number: int, entropy: Entropy, now: Millis) -> tuple[str, SigningKey, Enrolment]:
    """Make a computer: its client id, its key, and what the cloud keeps of it."""
    key = new_key(entropy)
    wish = Wish(name=f"Computer {number}")
    client_id, records = register(key.public, wish, entropy=entropy, now=now)
    return client_id, key, records


async def bring_in(
    store: Store, secrets: SecretsDirectory, papers: list[dict[str, Any]], now: Millis
) -> None:
    """Import documents as `keyin cloud import` does; a paper that says revoked revokes."""
    found = Found(
        documents=[(Place("papers", number), paper) for number, paper in enumerate(papers, 1)],
        registries={"linux": json.dumps(REGISTRY).encode()},
    )
    options = Options(now=now, legacy_until=Millis(BEGIN * 2))
    report = await import_found(found, store, secrets, options)
    assert report.refusals == []
