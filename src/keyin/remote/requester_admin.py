"""The access requester's administrators' door from outside: for root and its own account.

Checks whose process answers before it says a word (P64). What is asked for here may take as long as
a network does; nothing is asked twice.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, TypeVar

import msgspec

from keyin.domain.errors import (
    CloudUnreachable,
    ConfigurationError,
    KeyinError,
    Refused,
    RequesterUnreachable,
)
from keyin.remote.access_requester import owner_of_place
from keyin.remote.ipc_client import IpcClient
from keyin.wire.requester import ERROR_TEXTS, ErrorCode, ErrorText
from keyin.wire.requester_admin import SERVICE, BegunAnswer, DoneAnswer, StandingAnswer
from keyin.wire.requester_trouble import TROUBLE_TEXTS, Trouble

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

_TIMEOUT: Final = 1000.0
"""Seconds: a new identity is proven for as long as the cloud would wait for it."""
_Answer = TypeVar("_Answer", bound=msgspec.Struct)


class RequesterAdministrator:
    """Connects for each question."""

    def __init__(self, path: Path) -> None:
        self._path = path

    async def enrol(self) -> BegunAnswer:
        """Begin with a browser of this computer. Raises Refused, CloudUnreachable."""
        return await self._ask("enrol", BegunAnswer)

    async def enrol_device(self) -> BegunAnswer:
        """Begin with a browser of another computer. Raises as `enrol`."""
        return await self._ask("enrol_device", BegunAnswer)

    async def enrol_code(self, code: str) -> StandingAnswer:
        """Enrol with a code. Raises as `enrol`."""
        return await self._ask("enrol_code", StandingAnswer, code=code)

    async def enrol_file(self, content: str) -> StandingAnswer:
        """Enrol with what stands in an enrolment file. Raises as `enrol`."""
        return await self._ask("enrol_file", StandingAnswer, file=content)

    async def standing(self) -> StandingAnswer:
        """Return how far it is."""
        return await self._ask("enrol_status", StandingAnswer)

    async def cancel(self) -> StandingAnswer:
        """Give up what has begun."""
        return await self._ask("enrol_cancel", StandingAnswer)

    async def rotate(self) -> DoneAnswer:
        """Change this computer's key. Raises as `enrol`."""
        return await self._ask("rotate", DoneAnswer)

    async def leave(self, *, offline: bool) -> DoneAnswer:
        """Take this computer off the cloud. Raises as `enrol`."""
        return await self._ask("leave", DoneAnswer, offline=offline)

    async def seal(self, *, without_file: bool, file: str | None) -> DoneAnswer:
        """Make this computer ready for imaging. Raises as `enrol`."""
        more = {} if file is None else {"file": file}
        return await self._ask("seal", DoneAnswer, without_file=without_file, **more)

    async def _ask(self, op: str, shape: type[_Answer], **fields: object) -> _Answer:
        uid = owner_of_place(self._path)
        client = await IpcClient.connect(
            self._path, service=SERVICE, expect_uid=uid, timeout=_TIMEOUT
        )
        try:
            return msgspec.convert(await client.request(op, **fields), shape)
        except Refused as exc:
            raise known(exc.code, exc.fields, exc) from None
        except msgspec.ValidationError:
            raise RequesterUnreachable(
                "the access requester's answer has an unknown form",
                next_step="see that both programs have the same version",
            ) from None
        finally:
            await client.close()


def known(code: str, fields: Mapping[str, object], said: Refused | None = None) -> KeyinError:
    """Return the error of a code, in our own words.

    What the configuration of the process itself is told in its words: whoever asks is its
    administrator.
    """
    text = _text(code)
    try:
        _ = text.message % fields if text and fields else ""
        _ = text.next_step % fields if text and fields else ""
    except (KeyError, TypeError, ValueError):
        text = None
    if text is None and said is not None and code == ConfigurationError.code:
        return ConfigurationError(said.message, next_step=said.next_step, **said.fields)
    if text is None:
        text = ERROR_TEXTS[ErrorCode.INTERNAL]
        return Refused(ErrorCode.INTERNAL, text.message, next_step=text.next_step)
    if code == ErrorCode.CLOUD_UNREACHABLE:
        return CloudUnreachable(text.message, next_step=text.next_step, **fields)
    return Refused(code, text.message, next_step=text.next_step, **fields)


def _text(code: str) -> ErrorText | None:
    if code in list(Trouble):
        return TROUBLE_TEXTS[Trouble(code)]
    return ERROR_TEXTS[ErrorCode(code)] if code in list(ErrorCode) else None
