"""A throw-away library computer and a throw-away cloud, for the demonstration."""

from __future__ import annotations

import os
import secrets
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import msgspec

from keyin.cli.processes import run
from keyin.domain.errors import KeyinError
from keyin.domain.secret import GpiiKey

if TYPE_CHECKING:
    from collections.abc import Mapping

PACKAGE_DATA: Final = Path(__file__).resolve().parent.parent / "data"
PERSON: Final = "amina"
KEY_BYTES: Final = 16  # 128 bits (P44)
READER: Final = "net.keyin.sample.reader"

# What the librarian chose for the reading program of this computer, in a layout of its own.
READER_SETTINGS: Final = """\
{ "text": {"size": 12, "lineSpacing": 1},
  "colours": "paper",
  "lastOpened": "Opening hours" }
"""

# What Amina's preferences come to in this program: worked out by hand, not by our engine.
EXPECTED: Final[Mapping[str, object]] = {
    "text.size": 22,
    "text.lineSpacing": 1.5,
    "colours": "yellow on black",
}


class World(msgspec.Struct, frozen=True, kw_only=True):
    """Where everything of one demonstration lies."""

    folder: Path
    key: GpiiKey

    @property
    def cloud_data(self) -> Path:
        """The cloud's store."""
        return self.folder / "cloud"

    @property
    def requester(self) -> Path:
        """The access requester's own folder."""
        return self.folder / "requester"

    @property
    def credential(self) -> Path:
        """The file with the computer's private key."""
        return self.requester / "credential.json"

    @property
    def home(self) -> Path:
        """The home folder of the computer's visitor account."""
        return self.folder / "home"

    @property
    def reader_file(self) -> Path:
        """Where the reading program keeps its settings."""
        return self.home / ".config" / "keyin-sample-reader" / "settings.json"

    @property
    def device_report(self) -> Path:
        """What this computer says that it has."""
        return self.folder / "device.json"

    def environment(self) -> dict[str, str]:
        """Return what a process of the visitor account sees: its own folders, no desktop."""
        return {
            "HOME": str(self.home),
            "XDG_CONFIG_HOME": str(self.home / ".config"),
            "XDG_STATE_HOME": str(self.folder / "state"),
            "XDG_CACHE_HOME": str(self.folder / "cache"),
            "XDG_RUNTIME_DIR": str(self.folder / "run"),
        }

    def reader_settings(self) -> dict[str, object]:
        """Return what the reading program would see now, by the names of `EXPECTED`."""
        document: dict[str, Any] = msgspec.json.decode(self.reader_file.read_bytes())
        text = document.get("text", {})
        return {
            "text.size": text.get("size"),
            "text.lineSpacing": text.get("lineSpacing"),
            "colours": document.get("colours"),
        }


def make(folder: Path) -> World:
    """Lay out the computer and the person whom the cloud will be told of."""
    world = World(folder=folder, key=GpiiKey(secrets.token_hex(KEY_BYTES)))
    for private in ("requester", "run", "state", "people", "home/.config/keyin-sample-reader"):
        (folder / private).mkdir(mode=0o700, parents=True)
    world.reader_file.write_text(READER_SETTINGS)
    world.reader_file.chmod(0o640)
    report = {"OS": {"id": "linux", "version": "6.1"}, "solutions": [{"id": READER}]}
    world.device_report.write_bytes(msgspec.json.encode(report))
    person = folder / "people" / f"{world.key.reveal()}.json5"
    shutil.copyfile(PACKAGE_DATA / "people" / f"{PERSON}.json5", person)
    return world


def configure_requester(world: World, cloud_url: str) -> Path:
    """Write the access requester's configuration: this cloud, this socket, this account only."""
    path = world.requester / "requester.toml"
    path.write_text(
        f'cloud = "{cloud_url}"\n'
        'credential = "credential.json"\n'
        'transport = "unix"\n'
        'socket = "requester.sock"\n'
        f"allow = [{os.geteuid()}]\n"
    )
    path.chmod(0o600)
    return path


def enrol(world: World) -> None:
    """Fill the store, make the computer's key, register its public half; the cloud is not running.

    As an operator does it by hand. Raises KeyinError.
    """
    public = world.folder / "desk.jwk"
    credential = ("--credential", world.credential)
    _done("cloud", "import", "--data", world.cloud_data, world.folder / "people")
    _done("requester", "new-key", *credential, "--public-key", public)
    client_id = _done(
        *("client", "create", "--public-key", public, "--data", world.cloud_data),
        *("--name", "Library desk 3", "--network", "127.0.0.0/8"),
    )
    _done("requester", "adopt", client_id.strip(), *credential)


def private_half(world: World) -> str:
    """Return the number that makes the computer's private key."""
    document: dict[str, Any] = msgspec.json.decode(world.credential.read_bytes())
    return str(document["private_key"]["d"])


def _done(*arguments: object) -> str:
    done = run(*arguments)
    if done.returncode:
        raise KeyinError(
            "keyin %(verb)s failed: %(output)s", verb=str(arguments[0]), output=done.stderr.strip()
        )
    return done.stdout
