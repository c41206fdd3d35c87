"""Preferences that another keyin's preferences server keeps (`settings.elsewhere.FarPreferences`).

Reading and merging may be repeated: the same document merged twice is the document merged once.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

import msgspec
import structlog

from keyin.domain.errors import StoreUnavailable
from keyin.settings.errors import Rejected, Why

if TYPE_CHECKING:
    from keyin.domain.absent import Value
    from keyin.domain.ontologies import PreferenceSets
    from keyin.domain.secret import GpiiKey, Secret
    from keyin.remote.http_pool import HttpPool, Response

LONGEST: Final = 4 * 1024 * 1024
"""Of an answer: a safe of 1 MiB, written out, and room."""

_OK: Final = 200
_log: Final = structlog.get_logger()
_encode = msgspec.json.Encoder().encode
_WHY: Final[dict[tuple[int, object], Why]] = {
    (404, "GPII_ERR_READONLY"): Why.READ_ONLY,
    (409, "GPII_ERR_GPIIKEY_EXISTS"): Why.SAFE_MISSING,
    (413, None): Why.TOO_LARGE,
    (400, None): Why.BODY_INVALID,
}


class PreferencesServer(msgspec.Struct, frozen=True, kw_only=True):
    """The other side."""

    pool: HttpPool
    secret: Secret

    async def read(self, key: GpiiKey, *, request_id: str | None) -> Value:
        """See settings.elsewhere.FarPreferences."""
        response = await self._ask("GET", f"{_path(key)}?view=flat", request_id)
        if response.status == _OK:
            return _json(response) if response.body else {}
        if (response.status, _member(response, "errorCode")) == (404, "GPII_ERR_NO_GPIIKEY"):
            return {}
        raise _strange(response)

    async def merge(
        self, key: GpiiKey, document: PreferenceSets, *, request_id: str | None
    ) -> None:
        """See settings.elsewhere.FarPreferences."""
        target = f"{_path(key)}?view=flat&merge=true"
        response = await self._ask("PUT", target, request_id, _encode(document))
        if response.status == _OK:
            return
        why = _WHY.get((response.status, _member(response, "errorCode")))
        if why is None:
            raise _strange(response)
        raise Rejected(why, _violations(response))

    async def ready(self) -> bool:
        """Tell whether it answers, and its store too."""
        try:
            return (await self._ask("GET", "/ready", None)).status == _OK
        except StoreUnavailable:
            return False

    async def _ask(
        self, method: str, target: str, request_id: str | None, body: bytes = b""
    ) -> Response:
        headers = {"authorization": f"Bearer {self.secret.reveal()}"}
        if body:
            headers["content-type"] = "application/json"
        if request_id is not None:
            headers["x-request-id"] = request_id
        return await self.pool.exchange(method, target, headers=headers, body=body, limit=LONGEST)


def _path(key: GpiiKey) -> str:
    return "/preferences/" + quote(key.reveal(), safe="", errors="surrogatepass")


def _json(response: Response) -> Any:  # noqa: ANN401 - any JSON value
    try:
        return msgspec.json.decode(response.body)
    except (ValueError, RecursionError) as error:
        raise StoreUnavailable("the preferences server answers what is no JSON") from error


def _member(response: Response, name: str) -> object:
    content = _json(response)
    return content.get(name) if isinstance(content, dict) else None


def _violations(response: Response) -> list[dict[str, Any]]:
    found = _member(response, "errors")
    return [one for one in found if isinstance(one, dict)] if isinstance(found, list) else []


def _strange(response: Response) -> StoreUnavailable:
    _log.error("preferences_server", status=response.status)
    return StoreUnavailable(
        "the preferences server does not answer as it should (status %(status)s)",
        next_step="Look at its log, and whether both have the same --preferences-secret-file.",
        status=response.status,
    )
