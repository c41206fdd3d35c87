"""The flow manager's configuration: one TOML file, typed, every key known.

The example with every key is `keyin/data/config/flow-manager.toml`. Options of the command line
stand above the file. No key turns the check of the cloud's certificate off, and none makes the
HTTP listener reachable from outside this computer.
"""

from __future__ import annotations

import ipaddress
import tomllib
from typing import TYPE_CHECKING

import msgspec

from keyin.domain.errors import ConfigurationError
from keyin.domain.registry_trust import CloudRegistry
from keyin.wire.faults import fault

if TYPE_CHECKING:
    from pathlib import Path


class Config(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The whole file. Paths that are relative start at the file's own folder."""

    cloud: str
    """The cloud's address, exactly as its `--issuer`: https, or http to a loopback literal."""
    requester: str
    """The access requester's Unix socket, or `fd:N` for an inherited one."""
    requester_uid: int | None = None
    """The account that the requester runs as; without it, the owner of the socket's folder."""
    listen: str | None = None
    """`HOST:PORT`, a loopback literal: the original's HTTP endpoints. Without it: none."""
    device_report: str | None = None
    """JSON file that says which solutions this computer has; without it, the computer is asked."""
    solutions: list[str] = []
    """Registries (JSON5 files or folders) of this computer; without any, the package's own."""
    cloud_registry: CloudRegistry = CloudRegistry.SETTINGS
    """What counts of how the cloud says a solution is set up: `settings` (all but the programs it
    starts: these are only `solutions`' word), `all`, or `none`."""
    ca: str | None = None
    """PEM file of the authorities to trust instead of the system's."""
    socket: str | None = None
    """The control socket; without it `$XDG_RUNTIME_DIR/keyin/flow-manager.sock`."""
    state: str | None = None
    """Folder of the journal; without it `$XDG_STATE_HOME/keyin`."""
    cache: str | None = None
    """Folder of what the cloud sent before; without it `$XDG_CACHE_HOME/keyin/registries`."""


_PATHS = ("requester", "device_report", "ca", "socket", "state", "cache")


def load(path: Path | None, **options: object) -> Config:
    """Read the file, if there is one, and lay the options that are not None over it.

    Raises ConfigurationError, naming the key that is wrong.
    """
    document = {} if path is None else _read(path)
    document |= {name: value for name, value in options.items() if value not in (None, [], ())}
    try:
        config = msgspec.convert(document, Config)
    except msgspec.ValidationError as exc:
        raise ConfigurationError(
            "the flow manager's configuration is wrong: %(reason)s",
            next_step="compare it with the example, which `keyin flow-manager serve --help` names",
            reason=fault(exc),
        ) from exc
    if config.listen is not None:
        listen_address(config.listen)
    return config


def _read(path: Path) -> dict[str, object]:
    try:
        with path.open("rb") as file:
            document: dict[str, object] = tomllib.load(file)
    except (OSError, tomllib.TOMLDecodeError, UnicodeDecodeError) as exc:
        raise ConfigurationError(
            "the configuration %(path)s cannot be read: %(reason)s",
            next_step="name the file with --config",
            path=str(path),
            reason=getattr(exc, "strerror", None) or fault(exc),
        ) from exc
    folder = path.resolve().parent
    for name in _PATHS:
        value = document.get(name)
        if isinstance(value, str) and not value.startswith("fd:"):
            document[name] = str(folder / value)
    solutions = document.get("solutions")
    if isinstance(solutions, list):
        document["solutions"] = [str(folder / str(item)) for item in solutions]
    return document


def listen_address(text: str) -> tuple[str, int]:
    """Split `127.0.0.1:PORT` or `[::1]:PORT`. Raises ConfigurationError on anything else."""
    host, colon, port = text.rpartition(":")
    literal = host[1:-1] if host.startswith("[") and host.endswith("]") else host
    try:
        address = ipaddress.ip_address(literal)
        number = int(port) if port.isascii() and port.isdigit() else -1
        bracketed = (":" in literal) == host.startswith("[")
        if colon and address.is_loopback and bracketed and 0 <= number < 2**16:
            return literal, number
    except ValueError:
        pass
    raise ConfigurationError(
        "%(listen)s is no address that this may listen on",
        next_step="give a loopback literal and a port, such as 127.0.0.1:8081 or [::1]:8081",
        listen=text,
    )
