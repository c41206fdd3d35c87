"""Enrolment files: whose they are is seen before anything in them is used.

A file counts for one cloud, is signed by it and has an end. Where one lies in the place that the
configuration names, nobody else may be able to change it; once this computer has an identity, it is
taken away from there.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import structlog

from keyin.access_requester.placed_files import read_placed
from keyin.domain.errors import ConfigurationError, InvalidDocument, msgid
from keyin.domain.secret import equal
from keyin.stores.private_files import replace, sync_folder
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
        content, open_to_all = read_placed(str(self._place()), LARGEST, Trouble.FILE_WRONG)
        if open_to_all:
            _log.warning("enrolment_file_open", reason="every account can read it")
        return content

    def is_there(self) -> bool:
        """Tell whether this computer's site has put one there."""
        name = self._reach.config.enrolment.file
        return name is not None and Path(name).is_file()

    async def put(self, content: bytes, cloud: EnrolmentCloud) -> None:
        """Lay a file of this cloud's where the configuration says, readable to nobody else.

        Raises Refused (`file_wrong`), CloudUnreachable, ConfigurationError.
        """
        place = self._place()
        await self.token(content, cloud)
        try:
            replace(place, content)
        except OSError as exc:
            raise _unchangeable(place, exc) from exc

    def remove(self) -> None:
        """Take the file away. Raises ConfigurationError where this account cannot."""
        name = self._reach.config.enrolment.file
        if name is None or not os.path.lexists(name):
            return
        try:
            Path(name).unlink(missing_ok=True)
            sync_folder(Path(name).parent)
        except OSError as exc:
            raise _unchangeable(Path(name), exc) from exc
        _log.info("enrolment_file_removed")

    def _place(self) -> Path:
        name = self._reach.config.enrolment.file
        if name is None:
            raise trouble(Trouble.FILE_WRONG, reason=msgid("the configuration names none"))
        return Path(name)

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


def _unchangeable(place: Path, error: OSError) -> ConfigurationError:
    return ConfigurationError(
        "the enrolment file %(path)s cannot be laid there or taken away: %(reason)s",
        next_step="give its directory to the access requester's account; whoever reads the file "
        "can enrol computers",
        path=str(place),
        reason=error.strerror,
    )
