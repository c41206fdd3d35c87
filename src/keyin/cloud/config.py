"""The cloud's configuration: one TOML file, every key of which a command-line flag can replace.

`keyin/data/config/cloud.toml` shows each key. An unknown key is an error.
"""

from __future__ import annotations

import tomllib
from datetime import UTC, date, datetime, time, timedelta
from typing import TYPE_CHECKING, Annotated, Any

import msgspec

from keyin.cloud.enrolment_config import EnrolmentConfig
from keyin.cloud.mail_config import MailConfig  # noqa: TC001 - msgspec looks at the annotations
from keyin.domain.environment import Millis
from keyin.domain.errors import ConfigurationError
from keyin.domain.limits import bucket
from keyin.oauth.second_factor import Rule
from keyin.oauth.throttle import OTHERWISE, Rules
from keyin.wire.faults import fault

if TYPE_CHECKING:
    from pathlib import Path

_Count = Annotated[int, msgspec.Meta(ge=1, le=1_000_000)]
_Rate = Annotated[int, msgspec.Meta(ge=1, le=60_000)]
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


class LimitsConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How often is too often; docs/operations/limits.md says what each limit is for."""

    keys_an_hour: dict[str, _Count] = msgspec.field(
        default_factory=lambda: {"public": 300, "private": 30, OTHERWISE: 60}
    )
    """How many different keys a computer may present in an hour, by its type."""
    suspend_at: Annotated[int, msgspec.Meta(ge=2)] = 2
    """A client that presents so many times as many is suspended."""
    failed_keys_burst: _Count = 100
    failed_keys_a_minute: _Rate = 20
    """Keys that opened nothing, of one client."""
    site_failed_keys_burst: _Count = 1000
    site_failed_keys_a_minute: _Rate = 200
    """The same, of all clients of a site together."""
    weak_key_cost: _Count = 5
    """As how many a failed key counts that could be guessed."""
    failed_logins_burst: _Count = 50
    failed_logins_a_minute: _Rate = 20
    """Clients that did not prove themselves: under one name at one address."""
    address_failed_logins_burst: _Count = 300
    address_failed_logins_a_minute: _Rate = 60
    """The same, of everybody at one address."""
    connections_an_address: _Count = 1000
    """Connections that one address may hold at each listener of each worker.

    Then the oldest that waits for its client ends.
    """

    def rules(self) -> Rules:
        """Return them as the authorization server takes them."""
        return Rules(
            keys_an_hour={OTHERWISE: 60, **self.keys_an_hour},
            suspend_at=self.suspend_at,
            failed_keys=bucket(self.failed_keys_burst, self.failed_keys_a_minute),
            site_failed_keys=bucket(self.site_failed_keys_burst, self.site_failed_keys_a_minute),
            weak_key_cost=self.weak_key_cost,
            failed_proofs=bucket(self.failed_logins_burst, self.failed_logins_a_minute),
            address_failed_proofs=bucket(
                self.address_failed_logins_burst, self.address_failed_logins_a_minute
            ),
        )


class CloudConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Everything that `keyin cloud serve` can be told."""

    data: str | None = None
    """The directory with the store (SQLite); made if it is not there."""
    database: str | None = None
    """The URL of a store in PostgreSQL, which processes and hosts may share; without a password."""
    secrets: str | None = None
    """The directory with peppers and data keys, mode 0700; `secrets` inside `data` if not given."""
    listen: _Port = "127.0.0.1:8081"
    """Where the public listener is: `HOST:PORT` with a literal address, or `unix:PATH`."""
    ops_listen: str | None = None
    """Where operators ask for `/metrics` and `/revision`: a loopback address or `unix:PATH`."""
    preferences_listen: str | None = None
    """Where the preferences server is: a place of its own, by its own secret; off if not given."""
    preferences_secret_file: str | None = None
    """The secret of the preferences server, 256 bits, in a file of mode 0600."""
    preferences_url: str | None = None
    """Another keyin's preferences server, which keeps the preferences in place of this one."""
    preferences_ca: str | None = None
    """The authorities that its certificate may come from, PEM; if not given, the system's."""
    preferences_only: bool = False
    """Serve the preferences server and nothing else to the public."""
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
    device_code: bool = False
    """Let devices without a browser ask with a code that a person types elsewhere (RFC 8628)."""
    second_factor: Rule = Rule.MANAGERS
    """Of whom a second step at sign-in is asked before they add or stop computers."""
    audit_copy: str | None = None
    """A file that every event of the audit log is appended to; best on another machine's disk."""
    audit_copy_required: bool = False
    """Answer nobody while that file cannot be written."""
    device_code_same_network: bool = False
    """Let in only devices that ask from the same network as the person."""
    pilot: PilotConfig | None = None
    """See `PilotConfig`."""
    limits: LimitsConfig = LimitsConfig()
    """See `LimitsConfig`."""
    enrolment: EnrolmentConfig = EnrolmentConfig()
    """See `EnrolmentConfig`."""
    mail: MailConfig | None = None
    """See `MailConfig`; without it, notices stand on people's pages only."""


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
            reason=fault(error),
        ) from error
