"""The original's `GET /user/{key}/login|logout|proximityTriggered`: its statuses and its texts.

The texts are an interface (local-flow §5.1, §7.2), so they are not translated. What the original
answers as HTML is escaped here: a key may hold anything.
"""

from __future__ import annotations

import html
from http import HTTPStatus
from typing import TYPE_CHECKING, Final
from urllib.parse import unquote

import msgspec

from keyin.domain.errors import CloudUnreachable, KeyinError, Refused
from keyin.domain.keyin import RESET, Kind
from keyin.domain.secret import GpiiKey

if TYPE_CHECKING:
    from keyin.flow_manager.desk import Desk

HTML: Final = "text/html; charset=utf-8"
JSON: Final = "application/json; charset=utf-8"
TEXT: Final = "text/plain; charset=utf-8"
_KINDS: Final = {
    "login": Kind.LOGIN,
    "logout": Kind.LOGOUT,
    "proximityTriggered": Kind.PROXIMITY,
}
_BOUNCE: Final = (
    "Proximity trigger ignored due to bounce rules. Please wait current logon change is complete"
)
_TOKEN_REFUSED: Final = frozenset({"key_refused", "credential_revoked", "not_enrolled"})
_LONGEST_KEY: Final = 1024  # characters


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """What goes back."""

    status: int
    type: str
    body: bytes


def not_heard(reason: str) -> Answer:
    """Answer a request that the guard does not let in."""
    return _error(HTTPStatus.FORBIDDEN, reason)


def malformed(status: int) -> Answer:
    """Answer what is no request that HTTP knows, or one that is too long."""
    return _error(status, HTTPStatus(status).phrase)


class UserRoutes:
    """One per listener."""

    def __init__(self, desk: Desk, *, cloud: str) -> None:
        self._desk = desk
        self._token_url = f"{cloud.rstrip('/')}/access_token"

    async def answer(self, method: str, target: str, *, request_id: str) -> Answer:
        """Carry a request out."""
        match target.partition("?")[0].split("/"):
            case ["", "user", segment, op] if method == "GET" and op in _KINDS and segment:
                key = unquote(segment)
                if len(key) > _LONGEST_KEY:
                    return malformed(HTTPStatus.REQUEST_URI_TOO_LONG)
                return await self._key_event(_KINDS[op], GpiiKey(key), request_id)
        shown = f"Cannot {method} {target.partition('?')[0]}"
        return Answer(status=int(HTTPStatus.NOT_FOUND), type=TEXT, body=shown.encode())

    async def _key_event(self, kind: Kind, key: GpiiKey, request_id: str) -> Answer:
        try:
            done = await self._desk.submit(kind, key, request_id=request_id)
        except Refused as error:
            return self._refused(error, key)
        except KeyinError as error:
            return self._failed(error, kind, key)
        shown = html.escape(key.reveal(), quote=False)
        text = (
            "Reset successfully."
            if done.answer is None
            else f"User with GPII key {shown} was successfully logged "
            f"{'in' if done.answer is Kind.LOGIN else 'out'}."
        )
        return Answer(status=int(HTTPStatus.OK), type=HTML, body=text.encode())

    def _refused(self, error: Refused, key: GpiiKey) -> Answer:
        if error.code in {"other_active", "nobody_active"}:
            text = (
                f"Got logout request from user {key.reveal()}, but the user "
                f"{self._desk.active().reveal()} is logged in. So ignoring the request."
            )
            return _error(HTTPStatus.CONFLICT, text, ignoreUserErrors=error.code == "nobody_active")
        if error.code == "bounce":
            return _error(HTTPStatus.TOO_MANY_REQUESTS, _BOUNCE, ignoreUserErrors=False)
        if error.code in _TOKEN_REFUSED:
            text = f"server_error while executing HTTP POST on url {self._token_url}"
            return _error(
                HTTPStatus.UNAUTHORIZED,
                text,
                error="server_error",
                error_description="Unauthorized",
            )
        status = HTTPStatus.BAD_REQUEST if error.code == "reserved_key" else 500
        return _error(status, str(error))

    def _failed(self, error: KeyinError, kind: Kind, key: GpiiKey) -> Answer:
        if isinstance(error, CloudUnreachable):
            text = f"{error} while executing HTTP POST on url {self._token_url}"
            return _error(HTTPStatus.INTERNAL_SERVER_ERROR, text)
        change = "login" if kind is not Kind.LOGOUT else "logout"
        prefix = f"Error occurred during {change}: "
        if key == RESET:
            prefix = "Reset: Error occurred during logout: "
        return _error(HTTPStatus.INTERNAL_SERVER_ERROR, f"{prefix}{error}", ignoreUserErrors=False)


def _error(status: int, message: str, **more: object) -> Answer:
    body = msgspec.json.encode({"isError": True, "message": message, **more})
    return Answer(status=int(status), type=JSON, body=body)
