"""The cloud's settings endpoint, asked by the flow manager with the person's token.

`GET <cloud>/<key>/settings/<device>`. Bodies are bounded and never logged; nothing is retried here.
"""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Final
from urllib.parse import quote

import httpx
import msgspec

from keyin.domain.errors import CloudUnreachable, InvalidDocument, Refused
from keyin.remote.tls import check_cloud_url

if TYPE_CHECKING:
    from collections.abc import Mapping

    from keyin.domain.absent import Value
    from keyin.domain.secret import AccessToken, GpiiKey

MAX_ANSWER: Final = 8 * 1024 * 1024  # bytes: four times the largest registry there is
MAX_DEVICE: Final = 64 * 1024  # bytes of JSON: it travels in the URL
_NEXT: Final = "look at the cloud's address, its certificate and the network"


class CloudSettings:
    """Implements `session.ports.SettingsSource`."""

    def __init__(self, base_url: str, client: httpx.AsyncClient) -> None:
        self._base = check_cloud_url(base_url)
        self._client = client

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
                "the device report is larger than %(limit)s bytes", limit=MAX_DEVICE
            )
        url = f"{self._base}/{quote(key.reveal(), safe='')}/settings/{quote(payload, safe='')}"
        headers = {
            "authorization": f"Bearer {token.reveal()}",
            "accept": "application/json",
            "x-request-id": request_id,
        }
        try:
            async with self._client.stream("GET", url, headers=headers) as response:
                body = await _bounded(response)
        except httpx.HTTPError as exc:
            # The address contains the key, and so may the foreign message: neither is kept.
            raise CloudUnreachable(
                "the cloud cannot be reached: %(reason)s",
                next_step=_NEXT,
                reason=type(exc).__name__,
            ) from None
        _check_status(response.status_code)
        return _document(body)


async def _bounded(response: httpx.Response) -> bytes:
    body = bytearray()
    async for part in response.aiter_bytes():
        body += part
        if len(body) > MAX_ANSWER:
            raise InvalidDocument(
                "the cloud's answer is larger than %(limit)s bytes", limit=MAX_ANSWER
            )
    return bytes(body)


def _check_status(status: int) -> None:
    if status == HTTPStatus.OK:
        return
    if status == HTTPStatus.UNAUTHORIZED:
        raise Refused(
            "unauthorized",
            "the cloud does not accept the token any more",
            next_step="key in again",
        )
    raise Refused(
        "cloud_refused",
        "the cloud answered with status %(status)s",
        next_step="try again; if it stays so, tell the operator of the cloud",
        status=status,
    )


def _document(body: bytes) -> Mapping[str, Value]:
    try:
        document = msgspec.json.decode(body)
    except msgspec.DecodeError as exc:
        raise InvalidDocument("the cloud's answer is no JSON") from exc
    if not isinstance(document, dict):
        raise InvalidDocument("the cloud's answer is no object")
    return document
