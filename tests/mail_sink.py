"""A mail server on loopback that keeps what it is handed: with TLS of its own, or as it is told."""

from __future__ import annotations

import ssl
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from typing import TYPE_CHECKING, Any

import trustme
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult, LoginPassword

from tests.page_place import free_port

if TYPE_CHECKING:
    from collections.abc import Iterator
    from email.message import EmailMessage
    from pathlib import Path

USER, PASSWORD = "keyin", "a mail password"


@dataclass
class Kept:
    letters: list[EmailMessage] = field(default_factory=list)
    refuse: str | None = None
    """What every recipient is answered with, instead of being taken."""
    port: int = 0
    authority: Path | None = None
    logins: int = 0

    async def handle_RCPT(  # noqa: N802 - aiosmtpd's
        self, server: Any, session: Any, envelope: Any, address: str, options: Any
    ) -> str:
        del server, session, options
        if self.refuse:
            return self.refuse
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802
        del server, session
        made = message_from_bytes(envelope.content, policy=policy.default)
        self.letters.append(made)
        return "250 OK"

    def known(
        self, _server: Any, _session: Any, _envelope: Any, _how: str, data: Any
    ) -> AuthResult:
        right = isinstance(data, LoginPassword) and (data.login, data.password) == (
            USER.encode(),
            PASSWORD.encode(),
        )
        self.logins += right
        return AuthResult(success=right)


@contextmanager
def mail_sink(folder: Path, *, tls: bool = True, login: bool = False) -> Iterator[Kept]:
    """Take letters; with `tls` after STARTTLS alone, by a certificate of an own authority."""
    kept = Kept()
    more: dict[str, Any] = {}
    if tls:
        authority = trustme.CA()
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        authority.issue_cert("127.0.0.1", "localhost").configure_cert(context)
        kept.authority = folder / "mail-ca.pem"
        authority.cert_pem.write_to_path(kept.authority)
        more = {"tls_context": context, "require_starttls": True}
    if login:
        more |= {"authenticator": kept.known, "auth_required": True}
    kept.port = free_port()
    controller = Controller(kept, hostname="127.0.0.1", port=kept.port, **more)
    controller.start()
    try:
        yield kept
    finally:
        controller.stop()
