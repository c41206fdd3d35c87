"""Puts the flow manager together: the one place that knows which adapter serves which port.

Tests and the simulation call the same `build` and override what they stand in for.
"""

from __future__ import annotations

import os
import socket
from pathlib import Path
from typing import TYPE_CHECKING, TypedDict, Unpack

import structlog

from keyin.domain.errors import ConfigurationError
from keyin.domain.variables import resolve
from keyin.flow_manager.app import FlowManager
from keyin.flow_manager.config import Config, listen_address
from keyin.flow_manager.desk import Desk
from keyin.flow_manager.places import (
    Variables,
    control_socket,
    registry_folder,
    state_folder,
)
from keyin.handlers.device_report import FileDeviceReporter, LiveDeviceReporter, this_os
from keyin.handlers.dry_run import DryRunFileKeeper, DryRunSystem
from keyin.handlers.host import RealSystem
from keyin.handlers.read_only import ReadOnlySystem
from keyin.handlers.registry import by_type
from keyin.remote.access_requester import RequesterClient
from keyin.remote.cloud_http import CloudHttp
from keyin.remote.cloud_settings import CloudSettings
from keyin.session.lifecycle import Lifecycle
from keyin.session.queue import KeyEventQueue
from keyin.session.sender import Senders
from keyin.session.service import SessionService
from keyin.session.world import Pretended, World
from keyin.stores.host import SystemClock, SystemEntropy
from keyin.stores.journal import JournalDirectory
from keyin.stores.kept_files import KeptFiles
from keyin.stores.registry_cache import RegistryCache
from keyin.stores.solutions_files import PACKAGED, read_registry

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    import httpx

    from keyin.domain.environment import Clock, Entropy
    from keyin.handlers.system import System
    from keyin.remote.cloud_settings import Registries
    from keyin.session.ports import (
        Action,
        DeviceReporter,
        FileKeeper,
        Handlers,
        Journal,
        SettingsSource,
        TokenSource,
    )

_log = structlog.get_logger()


class NoActions:
    """No free action is taken yet: what names one is reported as passed over."""

    def find(self, type: str) -> Action | None:  # noqa: A002, ARG002 - the port's shape
        """Find nothing."""
        return None


class Overrides(TypedDict, total=False):
    """What may stand in for the real thing."""

    clock: Clock
    entropy: Entropy
    system: System
    handlers: Handlers
    pretend: Callable[[], Pretended]
    """Beside other handlers: what stands in for them at a dry run."""
    files: FileKeeper
    journal: Journal
    tokens: TokenSource
    cloud: SettingsSource
    registries: Registries
    """In place of the folder of what the cloud sent."""
    device: DeviceReporter
    environment: Mapping[str, str]
    network: httpx.AsyncBaseTransport
    """In place of TCP and TLS toward the cloud."""


def build(config: Config, **overrides: Unpack[Overrides]) -> FlowManager:
    """Build a flow manager that is not started yet. Raises ConfigurationError."""
    return _Builder(config, overrides).flow_manager()


class _Builder:
    """Makes each part once, and remembers what must be let go of at the end."""

    def __init__(self, config: Config, given: Overrides) -> None:
        self._config = config
        self._given = given
        self._release: list[Callable[[], Awaitable[None] | None]] = []
        self._environment = given.get("environment", os.environ)
        self._clock = given.get("clock") or SystemClock()
        self._entropy = given.get("entropy") or SystemEntropy()
        self._journal = given.get("journal") or self._open_journal()
        self._system = given.get("system") or self._real_system()
        paths = [Path(item) for item in config.solutions] or [PACKAGED]
        self._registry = read_registry(paths, str(this_os()["id"]))
        self._tokens = given.get("tokens") or self._requester()
        self._cloud = given.get("cloud") or self._cloud_settings()
        self._device = given.get("device") or self._reporter()

    def flow_manager(self) -> FlowManager:
        handlers = self._given.get("handlers") or by_type(self._system)
        lifecycle = Lifecycle(self._world(handlers))
        sessions = self._service(lifecycle)
        queue = KeyEventQueue(sessions, self._clock)
        desk = Desk(
            queue=queue,
            sessions=sessions,
            lifecycle=lifecycle,
            entropy=self._entropy,
        )
        config = self._config
        return FlowManager(
            sessions=sessions,
            queue=queue,
            desk=desk,
            cloud=config.cloud,
            socket=Path(config.socket) if config.socket else control_socket(self._environment),
            listen=None if config.listen is None else listen_address(config.listen),
            release=self._release,
        )

    def _service(self, lifecycle: Lifecycle) -> SessionService:
        return SessionService(
            tokens=self._tokens,
            senders=Senders(clock=self._clock, entropy=self._entropy),
            cloud=self._cloud,
            device=self._device,
            lifecycle=lifecycle,
            pretend=self._given.get("pretend") or self._pretend,
            registry=self._registry,
            cloud_registry=self._config.cloud_registry,
            worry=_worry,
        )

    def _pretend(self) -> Pretended:
        system = DryRunSystem(self._system)
        return Pretended(handlers=by_type(system), files=DryRunFileKeeper(system))

    def _world(self, handlers: Handlers) -> World:
        variables = Variables(self._environment)
        return World(
            handlers=handlers,
            actions=NoActions(),
            files=self._given.get("files") or KeptFiles(),
            journal=self._journal,
            clock=self._clock,
            entropy=self._entropy,
            resolve=lambda material: resolve(material, variables),
        )

    def _open_journal(self) -> Journal:
        state = self._config.state
        folder = Path(state) if state else state_folder(self._environment)
        journal = JournalDirectory.open(folder / "journal")
        self._release.append(journal.release)
        return journal

    def _real_system(self) -> System:
        system = RealSystem()
        self._release.append(system.close)
        return system

    def _reporter(self) -> DeviceReporter:
        looking = ReadOnlySystem(self._system)
        if self._config.device_report is not None:
            path = Path(self._config.device_report)
            return FileDeviceReporter(looking, path, os=this_os())
        return LiveDeviceReporter(looking, self._registry, os=this_os())

    def _requester(self) -> TokenSource:
        place, uid = self._config.requester, self._config.requester_uid
        issuer = self._config.cloud.rstrip("/")
        if place.startswith("fd:"):
            tokens = RequesterClient.inherited(_inherited(place), issuer=issuer)
        else:
            tokens = RequesterClient.at(Path(place), issuer=issuer, expect_uid=uid)
        self._release.append(tokens.close)
        return tokens

    def _cloud_settings(self) -> SettingsSource:
        ca = None if self._config.ca is None else Path(self._config.ca)
        http = CloudHttp(self._config.cloud, ca=ca, transport=self._given.get("network"))
        cache = self._config.cache
        folder = Path(cache) if cache else registry_folder(self._environment)
        cloud = CloudSettings(http, self._given.get("registries") or RegistryCache(folder))
        self._release.append(cloud.close)
        return cloud


def _inherited(place: str) -> socket.socket:
    try:
        return socket.socket(fileno=int(place.removeprefix("fd:")))
    except (ValueError, OSError) as exc:
        raise ConfigurationError(
            "%(place)s is no socket that was handed over",
            next_step="name the requester's Unix socket, or let the requester start this process",
            place=place,
        ) from exc


def _worry(event: str, solution: str) -> None:
    _log.warning(event, solution=solution)
