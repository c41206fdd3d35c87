"""The cloud's settings endpoint, asked by the flow manager with the person's token.

`GET <cloud>/<key>/settings/<device>`. Bodies are bounded and never logged; nothing is retried here.
"""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Final
from urllib.parse import quote

import msgspec

from keyin.domain.errors import InvalidDocument, Refused

if TYPE_CHECKING:
    from collections.abc import Mapping

    from keyin.domain.absent import Value
    from keyin.domain.secret import AccessToken, GpiiKey
    from keyin.remote.cloud_http import CloudHttp

MAX_ANSWER: Final = 8 * 1024 * 1024  # bytes: four times the largest registry there is
MAX_DEVICE: Final = 48 * 1024  # bytes of JSON: it travels in the URL


class CloudSettings:
    """Implements `session.ports.SettingsSource`."""

    def __init__(self, http: CloudHttp) -> None:
        self._http = http

    async def settings(
        self,
        key: GpiiKey,
        token: AccessToken,
        device: Mapping[str, Value],
        *,
        request_id: str,
    ) -> Mapping[str, Value]:
        """Return the cloud's four members for this key and device.

        Raises Refused (`unauthorized`, or `cloud_refused`), CloudUnreachable or InvalidDocument.
        """
        payload = msgspec.json.encode(device)
        if len(payload) > MAX_DEVICE:
            raise InvalidDocument(
                "the device report is larger than %(limit)s bytes",
                next_step="name fewer solutions in the device report",
                limit=MAX_DEVICE,
            )
        answer = await self._http.exchange(
            "GET",
            f"/{quote(key.reveal(), safe='')}/settings/{quote(payload, safe='')}",
            headers={"authorization": f"Bearer {token.reveal()}", "x-request-id": request_id},
            limit=MAX_ANSWER,
        )
        _check_status(answer.status)
        return _document(answer.body)

    async def close(self) -> None:
        """Close the connections."""
        await self._http.close()


def _check_status(status: int) -> None:
    if status == HTTPStatus.OK:
        return
    if status == HTTPStatus.UNAUTHORIZED:
        raise Refused(
            "unauthorized",
            "the cloud does not accept the token for this key",
            next_step="key in again; if it stays so, ask whoever runs the cloud",
        )
    raise Refused(
        "cloud_refused",
        "the cloud answered with status %(status)s",
        next_step="try again; if it stays so, tell whoever runs the cloud",
        status=status,
    )


def _document(body: bytes) -> Mapping[str, Value]:
    try:
        document = msgspec.json.decode(body)
    except (msgspec.DecodeError, RecursionError):
        document = None
    if not isinstance(document, dict):
        raise InvalidDocument(
            "the cloud's answer is not what it should be",
            next_step="look at the address of the cloud",
        )
    return document
