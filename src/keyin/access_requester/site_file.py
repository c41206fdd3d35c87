"""Enrolment files: whose they are is seen before anything in them is used.

A file counts for one cloud, is signed by it and has an end. Where one lies in the place that the
configuration names, nobody else may be able to change it.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import structlog

from keyin.access_requester.placed_files import read_placed
from keyin.domain.errors import InvalidDocument, msgid
from keyin.domain.secret import equal
from keyin.wire.enrolment_file import LARGEST, is_genuine, key_id, read
from keyin.wire.requester_trouble import Trouble, trouble

if TYPE_CHECKING:
    from keyin.access_requester.reach import Reach
    from keyin.domain.environment import Clock
    from keyin.remote.cloud_enrolment import EnrolmentCloud
    from keyin.wire.enrolment_code import InitialAccessToken

_log = structlog.get_logger()


class SiteFiles:
    """Reads and checks them."""

    def __init__(self, *, reach: Reach, clock: Clock) -> None:
        self._reach = reach
        self._clock = clock

    def content(self) -> bytes:
        """Return the file of this computer's site. Raises Refused (`file_wrong`)."""
        name = self._reach.config.enrolment.file
        if name is None:
            raise trouble(Trouble.FILE_WRONG, reason=msgid("the configuration names none"))
        content, open_to_all = read_placed(name, LARGEST, Trouble.FILE_WRONG)
        if open_to_all:
            _log.warning("enrolment_file_open", reason="every account can read it")
        return content

    def is_there(self) -> bool:
        """Tell whether this computer's site has put one there."""
        name = self._reach.config.enrolment.file
        return name is not None and Path(name).is_file()

    async def token(self, content: bytes, cloud: EnrolmentCloud) -> InitialAccessToken:
        """Return the token of a file that this cloud signed.

        Raises Refused (`file_wrong`), CloudUnreachable.
        """
        try:
            file = read(content)
        except InvalidDocument as exc:
            raise trouble(Trouble.FILE_WRONG, reason=exc.message) from None
        if not equal(file.issuer, cloud.issuer):
            reason = msgid("it is for another cloud than the one in the configuration")
            raise trouble(Trouble.FILE_WRONG, reason=reason)
        named = key_id(file)
        if not any(key.thumbprint == named and is_genuine(file, key) for key in await cloud.keys()):
            reason = msgid("it was not signed by the cloud that it is for")
            raise trouble(Trouble.FILE_WRONG, reason=reason)
        if file.expires <= self._clock.now():
            # the cloud decides: this computer's clock may be wrong
            _log.warning("enrolment_file_over", reason="by this computer's clock")
        return file.token
