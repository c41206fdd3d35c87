"""What a server asks itself before it listens: it refuses to start rather than run open (P20, P29).

Each check raises ConfigurationError, with what to do about it. What needs no check cannot be
configured: there is no debug mode, no CORS, and no legacy client without a date.
"""

from __future__ import annotations

import stat
from pathlib import Path
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from keyin.cloud.listeners import LOOPBACK, parse_listener
from keyin.cloud.wiring import UNIX
from keyin.domain.environment import Millis
from keyin.domain.errors import ConfigurationError
from keyin.domain.networks import Network, inside, parse_address, parse_network
from keyin.remote.http_pool import parse_place

if TYPE_CHECKING:
    from keyin.cloud.config import CloudConfig
    from keyin.oauth.ports import Housekeeping

BEFORE_KEYIN: Final = Millis(1_735_689_600_000)  # 2025-01-01T00:00:00Z


def check_config(config: CloudConfig, *, now: Millis) -> None:
    """Check everything that can be checked before the store is opened."""
    check_clock(now)
    check_workers(config)
    check_issuer(config)
    check_tls(config)
    check_proxies(config)
    check_listeners(config)
    check_preferences(config)
    check_pilot(config)
    if config.mail is not None:
        config.mail.mail_server()


async def check_store(config: CloudConfig, store: Housekeeping) -> None:
    """Refuse to listen beyond this computer with a credential that everybody knows (O13)."""
    if not parse_listener(config.listen).local and await store.holds_test_credentials():
        raise ConfigurationError(
            "the store holds published test credentials, and this server would listen beyond "
            "this computer",
            next_step="Listen on 127.0.0.1, or begin a store without --allow-test-credentials.",
        )


def check_clock(now: Millis) -> None:
    """Refuse a clock that cannot be right: no token would live as long as intended."""
    if now < BEFORE_KEYIN:
        raise ConfigurationError(
            "the computer's clock is wrong", next_step="Set the clock and keep it synchronised."
        )


def check_workers(config: CloudConfig) -> None:
    """Refuse a second process where SQLite's writes are grouped by one."""
    if config.workers < 1:
        raise ConfigurationError(
            "a server has one worker or more", next_step="Give --workers a number from 1 on."
        )
    if config.workers > 1 and config.database is None:
        raise ConfigurationError(
            "a store in SQLite has one server process; %(workers)s workers were asked for",
            next_step="Leave --workers at 1, or give --database postgresql://... a shared store.",
            workers=config.workers,
        )


def check_issuer(config: CloudConfig) -> None:
    """Refuse an issuer that is not https, unless on loopback, or names more than a server."""
    if config.issuer is None:
        return
    parts = urlsplit(config.issuer)
    plain = parts.scheme == "http" and inside(parse_address(parts.hostname or ""), LOOPBACK)
    beyond = parts.path.strip("/") or parts.query or parts.fragment or parts.username
    bare = parts.hostname and not beyond
    if not bare or not (plain or parts.scheme == "https"):
        raise ConfigurationError(
            "the issuer must be an https URL of a server, without path, query or fragment",
            next_step="Give --issuer the URL under which clients reach this server.",
        )


def check_tls(config: CloudConfig) -> None:
    """Certificate and key come together, and only this account reads the key."""
    if bool(config.tls_cert) != bool(config.tls_key):
        raise ConfigurationError(
            "a certificate needs its key and a key its certificate",
            next_step="Give both --tls-cert and --tls-key.",
        )
    for name in filter(None, (config.tls_cert, config.tls_key)):
        if not Path(name).is_file():
            raise ConfigurationError(
                "there is no file %(path)s", next_step="Check --tls-cert and --tls-key.", path=name
            )
    if config.tls_key and stat.S_IMODE(Path(config.tls_key).stat().st_mode) & 0o077:
        raise ConfigurationError(
            "the private key %(path)s can be read by other accounts",
            next_step="Take their rights away: chmod 600.",
            path=config.tls_key,
        )


def check_proxies(config: CloudConfig) -> None:
    """Refuse to believe the whole internet."""
    for entry in config.trusted_proxy:
        network = parse_network(entry)
        if entry != UNIX and not _is_bounded(network):
            raise ConfigurationError(
                "%(entry)s is no network of proxies",
                next_step="Give --trusted-proxy the proxy's address or its network.",
                entry=entry,
            )


def check_listeners(config: CloudConfig) -> None:
    """Plain HTTP stays on this computer or comes through declared proxies."""
    local = parse_listener(config.listen).local
    if not (local or config.tls_cert or config.trusted_proxy):
        raise ConfigurationError(
            "this server would answer plain HTTP from other computers at %(listen)s",
            next_step="Give --tls-cert and --tls-key, or name the TLS-terminating proxy with "
            "--trusted-proxy, or listen on 127.0.0.1.",
            listen=config.listen,
        )
    if config.ops_listen and not parse_listener(config.ops_listen).local:
        raise ConfigurationError(
            "the operators' listener must stay on this computer",
            next_step="Give --ops-listen a loopback address or unix:PATH.",
        )


def check_preferences(config: CloudConfig) -> None:
    """Refuse a preferences server without its secret, or open beyond this computer (P97)."""
    serves, asks = config.preferences_listen, config.preferences_url
    if serves and asks:
        raise ConfigurationError(
            "this server would be a preferences server and ask another one",
            next_step="Give --preferences-listen or --preferences-url, not both.",
        )
    if (serves or asks) and not config.preferences_secret_file:
        raise ConfigurationError(
            "a preferences server needs its secret",
            next_step="Give --preferences-secret-file; keyin cloud preferences-secret makes one.",
        )
    if config.preferences_only and not serves:
        raise ConfigurationError(
            "there is nothing to serve", next_step="Give --preferences-listen as well."
        )
    if asks:
        parse_place(asks)
    if serves and not (parse_listener(serves).local or config.tls_cert):
        raise ConfigurationError(
            "the preferences server would answer plain HTTP from other computers at %(listen)s",
            next_step="Give --tls-cert and --tls-key, or listen on 127.0.0.1 or unix:PATH.",
            listen=serves,
        )


def check_pilot(config: CloudConfig) -> None:
    """Refuse a pilot that names no networks, or none that can match."""
    if config.pilot is None:
        return
    networks = config.pilot.networks
    if not networks or not all(parse_network(entry) for entry in networks):
        raise ConfigurationError(
            "the pilot's networks are missing or malformed",
            next_step="List addresses or networks under [pilot] networks.",
        )


def _is_bounded(network: Network | None) -> bool:
    return network is not None and network.prefix > 0
