"""The access requester's configuration: one TOML file, typed, every key known.

The example with every key is `keyin/data/config/requester.toml`. There is no key that weakens the
check of the cloud's certificate (P22), and none for a credential other than the one file (O13).
"""

from __future__ import annotations

import os
import stat
import tomllib
from typing import TYPE_CHECKING, Annotated, Final, Literal

import msgspec
from msgspec.structs import replace

from keyin.domain.errors import ConfigurationError
from keyin.wire.faults import fault

if TYPE_CHECKING:
    from pathlib import Path

_NEXT_STEP: Final = "compare it with the example, which `keyin requester serve --help` names"
Positive = Annotated[int, msgspec.Meta(ge=1, le=100_000)]


class LimitsSection(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`[limits]`: how much is taken on."""

    requests_per_minute: Positive = 60
    """Of each caller's account."""
    burst: Positive = 20
    """How many of these at once, after a pause."""
    cloud_requests: Positive = 8
    """Questions to the cloud at the same time; further ones wait."""
    connections: Positive = 64
    """Open connections of all callers."""
    connections_per_caller: Positive = 16
    """Open connections of one account."""
    idle_seconds: Positive = 60
    """After so long without a request a connection is closed."""


class FlowManagerSection(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`[flow_manager]`: the program that `transport = "supervise"` starts."""

    command: Annotated[list[str], msgspec.Meta(min_length=1)]
    """The program and its arguments; `{fd}` in one becomes the number of the inherited socket."""
    user: str | None = None
    """The account it runs as; starting as another needs root. Without it: ours, and no boundary."""


class UnsafeLoopbackHttpSection(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True
):
    """`[unsafe_loopback_http]`: for integration tests; any account that reads the file may ask."""

    listen: str
    """A loopback literal and a port, such as `127.0.0.1:0`."""
    token_file: str
    """Where the token of this start is written, mode 0600."""


class EnrolmentSection(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`[enrolment]`: what this computer says of itself when it enrols, and with what by itself."""

    file: str | None = None
    """The enrolment file of this computer's site: it enrols with that, and removes it then."""
    name: str | None = None
    """What it is called; without it, its host name."""
    computer_type: str = "public"
    """A word for its kind."""
    software_statement: str | None = None
    """The file with the publisher's signed word about this software, which is sent along."""
    machine_id: str = "/etc/machine-id"
    """The file by which an installed system is told from its copies."""
    boot_id: str = "/proc/sys/kernel/random/boot_id"
    """The file that is another one after each start."""


class Config(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The whole file. Paths that are relative start at the file's own directory."""

    cloud: str | None = None
    """The cloud's address, exactly as its `--issuer`: https, or http to a loopback literal."""
    credential: str
    """JSON `{"client_id", "private_key"}`, mode 0600, ours."""
    ca: str | None = None
    """PEM file of the authorities to trust instead of the system's."""
    transport: Literal["unix", "supervise", "inherited", "unsafe-loopback-http"] = "unix"
    """How the flow manager reaches us."""
    socket: str = "/run/keyin/requester.sock"
    """The Unix socket, in a directory that only we or root can write."""
    admin_socket: str | None = None
    """Where root and our own account ask to enrol; without it, `admin.sock` beside `socket`."""
    allow: list[int | str] = []
    """Who may ask: uids, `user:NAME`, `group:NAME`, `active-session`. Empty: nobody."""
    limits: LimitsSection = LimitsSection()
    """How much is taken on."""
    enrolment: EnrolmentSection = EnrolmentSection()
    """How it enrols."""
    flow_manager: FlowManagerSection | None = None
    """What `supervise` starts."""
    unsafe_loopback_http: UnsafeLoopbackHttpSection | None = None
    """What `unsafe-loopback-http` needs."""


def load(path: Path) -> Config:
    """Read the file. Raises ConfigurationError, naming the key that is wrong."""
    try:
        _check_owner(path)
        with path.open("rb") as file:
            document = tomllib.load(file)
        config = msgspec.convert(document, Config)
    except OSError as exc:
        raise ConfigurationError(
            "the configuration %(path)s cannot be read: %(reason)s",
            next_step="name the file with --config",
            path=str(path),
            reason=exc.strerror,
        ) from exc
    except (tomllib.TOMLDecodeError, msgspec.ValidationError, UnicodeDecodeError) as exc:
        raise ConfigurationError(
            "the configuration %(path)s is wrong: %(reason)s",
            next_step=_NEXT_STEP,
            path=str(path),
            reason=fault(exc),
        ) from exc
    return _absolute(config, path.resolve().parent)


def _check_owner(path: Path) -> None:
    """Whoever writes the file chooses the cloud that gets the credential (P67)."""
    status = path.stat()
    if status.st_uid not in {0, os.geteuid()} or status.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
        raise ConfigurationError(
            "other accounts can change the configuration %(path)s",
            next_step="give it to root or to the access requester's account, with mode 0644",
            path=str(path),
        )


def _absolute(config: Config, folder: Path) -> Config:
    test, own = config.unsafe_loopback_http, config.enrolment
    admin = config.admin_socket
    return replace(
        config,
        credential=str(folder / config.credential),
        ca=None if config.ca is None else str(folder / config.ca),
        socket=str(folder / config.socket),
        admin_socket=None if admin is None else str(folder / admin),
        enrolment=replace(
            own,
            file=None if own.file is None else str(folder / own.file),
            software_statement=None
            if own.software_statement is None
            else str(folder / own.software_statement),
            machine_id=str(folder / own.machine_id),
            boot_id=str(folder / own.boot_id),
        ),
        unsafe_loopback_http=test and replace(test, token_file=str(folder / test.token_file)),
    )
