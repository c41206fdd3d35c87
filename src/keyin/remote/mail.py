"""Handing a letter to a mail server (SMTP) over TLS that fails closed. Blocks: see `cloud.mailing`.

Nothing of a letter is in an error: neither who it goes to nor what it says.
"""

from __future__ import annotations

import smtplib
import ssl
from email.message import EmailMessage
from email.utils import format_datetime
from typing import TYPE_CHECKING, Final, Literal

import msgspec

if TYPE_CHECKING:
    from datetime import datetime

    from keyin.domain.secret import Secret

TIMEOUT_S: Final = 20.0
_PERMANENT: Final = range(500, 600)  # RFC 5321 §4.2.1


class NotTaken(Exception):  # noqa: N818 - a letter's fate, not a mistake of ours
    """The server did not take a letter; `for_ever`: nor will it take this one later."""

    def __init__(self, why: str, *, for_ever: bool = False) -> None:
        super().__init__(why)
        self.why = why
        self.for_ever = for_ever


class Letter(msgspec.Struct, frozen=True, kw_only=True):
    """A letter in plain text."""

    to: str
    subject: str
    text: str
    name: str
    """The same for the same letter, so that one that goes twice is known again."""
    at: datetime

    def __repr__(self) -> str:
        return f"Letter(name={self.name!r})"


class MailServer(msgspec.Struct, frozen=True, kw_only=True):
    """Where letters are handed over."""

    host: str
    port: int
    security: Literal["starttls", "tls", "none"]
    sender: str
    user: str | None = None
    password: Secret | None = None
    context: ssl.SSLContext
    """Whom it believes to be that server: `remote.tls`."""

    def hand_over(self, letter: Letter) -> None:
        """Hand a letter over; return when the server has it. Raises NotTaken."""
        try:
            with self._connected() as server:
                if self.user is not None and self.password is not None:
                    server.login(self.user, self.password.reveal())
                server.send_message(self._message(letter))
        except smtplib.SMTPRecipientsRefused as error:
            codes = [code for code, _ in error.recipients.values()]
            gone = all(code in _PERMANENT for code in codes)
            raise NotTaken("recipient_refused", for_ever=gone) from None
        except smtplib.SMTPAuthenticationError:
            raise NotTaken("login_refused") from None
        except ssl.SSLError:
            raise NotTaken("no_trust") from None
        except smtplib.SMTPNotSupportedError:
            raise NotTaken("not_supported") from None
        except (smtplib.SMTPException, OSError, ValueError):
            raise NotTaken("not_reached") from None

    def _connected(self) -> smtplib.SMTP:
        own = self.sender.rpartition("@")[2]
        if self.security == "tls":
            return smtplib.SMTP_SSL(
                self.host, self.port, own, timeout=TIMEOUT_S, context=self.context
            )
        server = smtplib.SMTP(self.host, self.port, own, timeout=TIMEOUT_S)
        if self.security == "starttls":
            try:
                server.starttls(context=self.context)  # raises where the server offers none
            except BaseException:
                server.close()
                raise
        return server

    def _message(self, letter: Letter) -> EmailMessage:
        message = EmailMessage()
        message["From"] = self.sender
        message["To"] = letter.to
        message["Subject"] = letter.subject
        message["Date"] = format_datetime(letter.at)
        message["Message-ID"] = f"<{letter.name}@{self.sender.rpartition('@')[2]}>"
        message["Auto-Submitted"] = "auto-generated"  # RFC 3834 §5: no holiday answers
        message.set_content(letter.text, cte="quoted-printable")  # any server takes it
        return message
