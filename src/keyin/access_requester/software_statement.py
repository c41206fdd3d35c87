"""The software of this computer, and its publisher's word about it (RFC 7591 §2.3).

The statement lies where the package or an administrator has put it. Whose it is and how long it
counts, the cloud decides: this computer's clock may be wrong. It identifies a release, and is no
secret.
"""

from __future__ import annotations

import re
from hashlib import sha256
from typing import Final

import msgspec

from keyin.access_requester.placed_files import read_placed
from keyin.domain.errors import msgid
from keyin.wire.enrolment import LONGEST_STATEMENT
from keyin.wire.jose import InvalidSignature, parse
from keyin.wire.requester_trouble import Trouble, trouble

_HEADER: Final = frozenset({"alg", "typ", "kid"})
_JWT: Final = re.compile(rb"[\w-]+\.[\w-]+\.[\w-]+", re.ASCII)


class Software(msgspec.Struct, frozen=True):
    """What a computer tells the cloud that it runs."""

    version: str
    statement: str | None

    @property
    def counted(self) -> str:
        """Return the version that the cloud goes by: a publisher's word wins."""
        if self.statement is None:
            return self.version
        try:
            named = parse(self.statement, parameters=_HEADER).claims.get("software_version")
        except InvalidSignature:  # which the cloud does not take either
            return self.version
        return named if isinstance(named, str) else self.version

    @property
    def told(self) -> str:
        """Return what is kept of it, to know later whether the cloud was told."""
        if self.statement is None:
            return self.version
        return f"{self.version} {sha256(self.statement.encode()).hexdigest()}"


def read_statement(name: str | None) -> str | None:
    """Return it, None where the configuration names none. Raises Refused (`statement_wrong`)."""
    if name is None:
        return None
    content, _ = read_placed(name, LONGEST_STATEMENT, Trouble.STATEMENT_WRONG)
    content = content.strip()
    if len(content) > LONGEST_STATEMENT or not _JWT.fullmatch(content):
        raise trouble(Trouble.STATEMENT_WRONG, reason=msgid("it is no signed statement"))
    return content.decode()
