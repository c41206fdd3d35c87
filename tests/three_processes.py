"""Cloud, access requester and flow manager as real processes, with one small solution.

The solution is a JSON file; the person's preference is its text size. Everything lies in a folder
of the test's own and listens where the system says.
"""

from __future__ import annotations

import json
import os
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from keyin.cli.processes import cloud_started
from tests.enrolled import enrol
from tests.started import Started, run, started

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

KEY = "key-of-a-person-4d3a9f10"
SECRET = "secret-of-this-installation-0c2e77b1"
CLIENT_ID = "installation-one"
SOLUTION = "net.example.reader"
SIZE = "http://registry.gpii.net/common/fontSize"

REGISTRY: dict[str, Any] = {
    SOLUTION: {
        "name": "Reader",
        "contexts": {"OS": [{"id": "linux"}]},
        "settingsHandlers": {
            "file": {
                "type": "gpii.settingsHandlers.JSONSettingsHandler",
                "liveness": "live",
                "options": {"filename": "${{environment}.XDG_CONFIG_HOME}/reader.json"},
                "supportedSettings": {"size": {}},
                "capabilitiesTransformations": {
                    "size": "http://registry\\.gpii\\.net/common/fontSize"
                },
            }
        },
    }
}
PREFERENCES: dict[str, Any] = {
    "contexts": {"gpii-default": {"name": "Default", "preferences": {SIZE: 24}}}
}


def documents(key: str, secret: str, preferences: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return what the cloud must hold for one installation of the original's and one person."""
    made = {"schemaVersion": "0.2", "timestampCreated": "2026-01-01T00:00:00.000Z"}
    return [
        {"_id": "client-1", "type": "gpiiAppInstallationClient", "name": "One", **made},
        {
            "_id": "credential-1",
            "type": "clientCredential",
            "clientId": "client-1",
            "oauth2ClientId": CLIENT_ID,
            "oauth2ClientSecret": secret,
            "allowedIPBlocks": None,
            "allowedPrefsToWrite": None,
            "isCreateGpiiKeyAllowed": False,
            "isCreatePrefsSafeAllowed": False,
            "revoked": False,
            "revokedReason": None,
            "timestampRevoked": None,
            **made,
        },
        {
            "_id": "safe-1",
            "type": "prefsSafe",
            "prefsSafeType": "user",
            "name": None,
            "password": None,
            "email": None,
            "preferences": {"flat": preferences},
            **made,
        },
        {
            "_id": key,
            "type": "gpiiKey",
            "prefsSafeId": "safe-1",
            "prefsSetId": "gpii-default",
            "revoked": False,
            "revokedReason": None,
            "timestampRevoked": None,
            **made,
        },
    ]


@dataclass
class Computer:
    """A person's account and the three processes behind it."""

    folder: Path
    environment: dict[str, str]
    cloud: Started
    requester: Started
    flow_manager: Started

    @property
    def settings(self) -> Path:
        """The solution's file."""
        return self.folder / "config" / "reader.json"

    def keyin(self, *arguments: str, key: str = "") -> Any:
        """Run `keyin ...` as this person; `key` goes in on stdin."""
        return run(*arguments, environment=self.environment, stdin=key)


def person(folder: Path) -> dict[str, str]:
    """Make a home folder; return the environment that says where it is."""
    environment = {"HOME": str(folder)}
    for name, place in (
        ("XDG_CONFIG_HOME", "config"),
        ("XDG_STATE_HOME", "state"),
        ("XDG_CACHE_HOME", "cache"),
        ("XDG_RUNTIME_DIR", "run"),
    ):
        (folder / place).mkdir(mode=0o700)
        environment[name] = str(folder / place)
    return environment


@contextmanager
def cloud_and_requester(
    folder: Path,
    *options: object,
    key: str = KEY,
    secret: str = SECRET,
    preferences: Mapping[str, Any] = PREFERENCES,
    registry: Mapping[str, Any] = REGISTRY,
) -> Iterator[tuple[Started, Started, Path]]:
    """Start both; yield them and the requester's socket. `options` are further ones of the cloud.

    The file of documents, with key, secret and preferences in it, is gone once it is imported.
    The requester has a key of its own, which the cloud knows; the secret is another computer's, of
    the time before.
    """
    data = folder / "cloud"
    (folder / "linux.json5").write_text(json.dumps(registry))
    (folder / "documents.json").write_text(json.dumps(documents(key, secret, preferences)))
    imported = run(
        "cloud", "import", "--data", data, "--solutions", folder / "linux.json5",
        folder / "documents.json",
    )  # fmt: skip
    assert imported.returncode == 0, imported.stderr
    (folder / "documents.json").unlink()
    (folder / "requester").mkdir(mode=0o700)
    enrol(data, folder / "requester" / "credential.json")
    with ExitStack() as stack:
        listeners = 1 + ("--ops-listen" in options)
        cloud = stack.enter_context(cloud_started("--data", data, *options, listeners=listeners))
        config = requester_config(folder, cloud.url)
        requester = stack.enter_context(started("requester", "serve", "--config", config))
        yield cloud, requester, folder / "requester" / "socket"


@contextmanager
def three_processes(folder: Path, *options: object) -> Iterator[Computer]:
    """Start all three; `options` are further ones of the flow manager."""
    environment = person(folder)
    with cloud_and_requester(folder) as (cloud, requester, socket), started(
        *serve(folder, cloud.url, socket), *options,
        environment=environment, listeners=1 + ("--listen" in options),
    ) as flow_manager:  # fmt: skip
        yield Computer(folder, environment, cloud, requester, flow_manager)


def serve(folder: Path, cloud: str, socket: Path) -> tuple[object, ...]:
    """Return the flow manager's arguments."""
    report = folder / "device.json"
    report.write_text(json.dumps([{"id": SOLUTION}]))
    return (
        "flow-manager", "serve", "--cloud", cloud, "--requester", socket,
        "--device-report", report, "--solutions", folder / "linux.json5",
    )  # fmt: skip


def requester_config(folder: Path, cloud: str) -> Path:
    """Write the access requester's configuration."""
    config = folder / "requester" / "requester.toml"
    config.write_text(
        f'cloud = "{cloud}"\ncredential = "credential.json"\nsocket = "socket"\n'
        f"allow = [{os.geteuid()}]\n"
        "[limits]\nrequests_per_minute = 6000\nburst = 1000\n"
    )
    return config
