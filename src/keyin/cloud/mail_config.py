"""The section `[mail]` of the cloud's configuration: where notices are handed over to be mailed."""

from __future__ import annotations

import stat
from ipaddress import ip_address
from pathlib import Path
from typing import Annotated, Literal

import msgspec

from keyin.domain.errors import ConfigurationError
from keyin.domain.secret import Secret
from keyin.remote.mail import MailServer
from keyin.remote.tls import tls_context

_PORTS = {"starttls": 587, "tls": 465, "none": 25}
_LONGEST = 1024


class MailConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A mail server that takes letters from this cloud."""

    server: str
    """Its name or address."""
    sender: Annotated[str, msgspec.Meta(pattern=r"\A[^\s@<>]+@[^\s@<>]+\Z")]
    """From whom letters are."""
    security: Literal["starttls", "tls", "none"] = "starttls"
    """How the way there is protected; `none` is for a server on this computer only."""
    port: Annotated[int, msgspec.Meta(ge=1, le=65535)] | None = None
    """587 with `starttls`, 465 with `tls`, 25 with `none`."""
    user: str | None = None
    """Whom the server knows; nobody, if not given."""
    password_file: str | None = None
    """A file that holds that user's password, readable by this account only."""
    trust: str | None = None
    """Certificates of the authorities that are believed, PEM; those of the system, if not given."""
    language: Literal["en", "de"] = "en"
    """Of letters to accounts that have none of their own."""

    def mail_server(self) -> MailServer:
        """Return it, ready to be used. Raises ConfigurationError."""
        if self.security == "none" and not _is_here(self.server):
            raise ConfigurationError(
                "mail would leave this computer unprotected",
                next_step='Say security = "starttls" or "tls", or name a server on 127.0.0.1.',
            )
        if (self.user is None) != (self.password_file is None):
            raise ConfigurationError(
                "a mail user and a password file go together",
                next_step="Give both in [mail], or neither.",
            )
        return MailServer(
            host=self.server,
            port=self.port or _PORTS[self.security],
            security=self.security,
            sender=self.sender,
            user=self.user,
            password=_password(Path(self.password_file)) if self.password_file else None,
            context=tls_context(Path(self.trust) if self.trust else None),
        )


def _is_here(server: str) -> bool:
    try:
        return ip_address(server).is_loopback
    except ValueError:
        return False


def _password(path: Path) -> Secret:
    try:
        mode = path.stat().st_mode
        text = path.read_text("utf-8")[:_LONGEST].strip()
    except (OSError, ValueError) as error:
        raise ConfigurationError(
            "the mail password in %(path)s cannot be read",
            next_step="Check password_file in [mail].",
            path=path,
        ) from error
    if stat.S_IMODE(mode) & 0o077 or not text:
        raise ConfigurationError(
            "the mail password in %(path)s is empty, or others may read it",
            next_step="Write it into the file, and let its owner alone read it (chmod 600).",
            path=path,
        )
    return Secret(text)
