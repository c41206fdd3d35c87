"""The settings services put together: who answers what a computer should become, and who keeps it.

Preferences are in this cloud's own store, or another keyin's preferences server has them; and this
cloud may be such a server.
"""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import msgspec
import pyjson5
from msgspec.structs import replace

from keyin.cloud.app import CloudApp
from keyin.cloud.edge import Edge
from keyin.cloud.preferences_routes import PreferencesRoutes
from keyin.oauth.ports import Peppers, Tokens
from keyin.remote.http_pool import HttpPool, parse_place
from keyin.remote.preferences import PreferencesServer
from keyin.remote.tls import tls_context
from keyin.settings.current import Current
from keyin.settings.elsewhere import Elsewhere
from keyin.settings.ports import Registries as StoredRegistries
from keyin.settings.ports import Safes, Vault
from keyin.settings.preferences import PreferencesService
from keyin.settings.saving import Saving
from keyin.settings.service import SettingsService
from keyin.stores.ontology_file import read_ontology
from keyin.stores.preferences_secret import read_secrets

if TYPE_CHECKING:
    from collections.abc import Mapping

    from keyin.cloud.app import Limits, Surroundings
    from keyin.cloud.config import CloudConfig
    from keyin.cloud.exchange import Handler
    from keyin.cloud.routes import Route
    from keyin.domain.environment import Entropy
    from keyin.settings.registry import Registries


class Store(Safes, StoredRegistries, Tokens, Protocol):
    """What is kept of people and of registries; tokens are looked up to see that it answers."""


class Secrets(Peppers, Vault, Protocol):
    """Peppers and data keys."""


class SettingsServices(msgspec.Struct, frozen=True, kw_only=True):
    """What settings and preferences have in common, made once."""

    service: SettingsService
    registries: Registries
    elsewhere: PreferencesServer | None
    preferences: Mapping[Route, Handler] | None
    """The handlers of the preferences server, where this cloud is one."""


async def settings_services(
    config: CloudConfig, *, store: Store, secrets: Secrets, entropy: Entropy
) -> SettingsServices:
    """Put them together. Raises ConfigurationError, InvalidDocument, StoreUnavailable."""
    ontology = read_ontology()
    ontologies = ontology.ontologies
    current = Current(store, own_registries(), ontology.schemas)
    await current.look()
    saving = Saving(safes=store, vault=secrets, entropy=entropy, ontologies=ontologies)
    server = _elsewhere(config)
    far = Elsewhere(far=server, safes=store, vault=secrets) if server else None
    kept = PreferencesService(
        safes=store,
        saving=saving,
        ontologies=ontologies,
        codex=current.codex,
        look=current.look,
        entropy=entropy,
        digests=lambda key: secrets.digests("key", key.reveal()),
    )
    return SettingsServices(
        service=SettingsService(
            safes=store,
            saving=saving,
            registries=current.registries,
            ontologies=ontologies,
            codex=current.codex,
            look=current.look_at_grant,
            elsewhere=far,
        ),
        registries=current.registries,
        elsewhere=server,
        preferences=_handlers(config, kept, store),
    )


def preferences_app(
    settings: SettingsServices, around: Surroundings, limits: Limits | None
) -> CloudApp | None:
    """Return the preferences server's application: nobody there is a proxy, and no name is ours."""
    if settings.preferences is None:
        return None
    return CloudApp(settings.preferences, replace(around, edge=Edge()), limits=limits)


def _handlers(
    config: CloudConfig, kept: PreferencesService, tokens: Tokens
) -> Mapping[Route, Handler] | None:
    if not (config.preferences_listen and config.preferences_secret_file):
        return None
    secrets = read_secrets(Path(config.preferences_secret_file))
    return PreferencesRoutes(service=kept, secrets=secrets, tokens=tokens).handlers()


def _elsewhere(config: CloudConfig) -> PreferencesServer | None:
    if not (config.preferences_url and config.preferences_secret_file):
        return None
    place = parse_place(config.preferences_url)
    ca = Path(config.preferences_ca) if config.preferences_ca else None
    pool = HttpPool(place, tls_context(ca) if place.secure else None)
    secret, *_ = read_secrets(Path(config.preferences_secret_file))
    return PreferencesServer(pool=pool, secret=secret)


def own_registries() -> list[tuple[str, bytes]]:
    """Read the registries that ship with the package: file name, operating system; JSON."""
    return [
        (file.name.removesuffix(".json5"), msgspec.json.encode(pyjson5.decode(file.read_text())))
        for file in files("keyin.data").joinpath("solutions").iterdir()
        if file.name.endswith(".json5")
    ]
