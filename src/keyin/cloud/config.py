"""The cloud's configuration: one TOML file, every key of which a command-line flag can replace.

`keyin/data/config/cloud.toml` shows each key. An unknown key is an error.
"""

from __future__ import annotations

import tomllib
from datetime import UTC, date, datetime, time, timedelta
from typing import TYPE_CHECKING, Annotated, Any

import msgspec

from keyin.domain.environment import Millis
from keyin.domain.errors import ConfigurationError

if TYPE_CHECKING:
    from pathlib import Path

_Port = Annotated[str, msgspec.Meta(min_length=1)]


class PilotConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The pilot profile: an exception with an end, after which the standard profile holds."""

    until: date
    """The last day (UTC) on which it holds."""
    networks: tuple[str, ...]
    """Who may see anything: addresses and networks; everybody else gets a stranger's answer."""

    def ends(self) -> Millis:
        """Return the moment at which the standard profile takes over."""
        midnight = datetime.combine(self.until + timedelta(days=1), time(), UTC)
        return Millis(int(midnight.timestamp()) * 1000)


class CloudConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Everything that `keyin cloud serve` can be told."""

    data: str | None = None
    """The directory with the store (SQLite); made if it is not there."""
    secrets: str | None = None
    """The directory with peppers and data keys, mode 0700; `secrets` inside `data` if not given."""
    listen: _Port = "127.0.0.1:8081"
    """Where the public listener is: `HOST:PORT` with a literal address, or `unix:PATH`."""
    ops_listen: str | None = None
    """Where operators ask for `/metrics` and `/revision`: a loopback address or `unix:PATH`."""
    issuer: str | None = None
    """The URL under which clients know this server; https unless it is on loopback."""
    tls_cert: str | None = None
    """The certificate chain, PEM."""
    tls_key: str | None = None
    """Its private key, PEM, readable by this account only."""
    trusted_proxy: tuple[str, ...] = ()
    """Networks whose forwarding headers are believed; `unix` for callers on a Unix socket."""
    revision_file: str | None = None
    """A JSON file `{"sha256": REVISION}` that `/revision` shows."""
    workers: int = 1
    """Processes; more than one needs a store that several processes may write to."""
    pilot: PilotConfig | None = None
    """See `PilotConfig`."""


def load(path: Path | None, flags: dict[str, Any]) -> CloudConfig:
    """Read the file, if there is one, and let the flags that were given replace its keys.

    Raises ConfigurationError.
    """
    try:
        table = tomllib.loads(path.read_text("utf-8")) if path else {}
        given = {name: value for name, value in flags.items() if value not in (None, ())}
        return msgspec.convert({**table, **given}, CloudConfig)
    except OSError as error:
        raise ConfigurationError(
            "the configuration file %(path)s cannot be read",
            next_step="Check --config and that this account may read the file.",
            path=path,
        ) from error
    except (ValueError, msgspec.ValidationError) as error:
        raise ConfigurationError(
            "the configuration is wrong: %(reason)s",
            next_step="Compare with the documented example, keyin/data/config/cloud.toml.",
            reason=str(error),
        ) from error
