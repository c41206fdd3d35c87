"""The cloud's settings endpoint, asked by the flow manager with the person's token.

`POST <cloud>/settings/query` says what the person's settings come to on this device, and which
solutions registry that rests on, by its digest; `GET <cloud>/solutions/<digest>` fetches that
registry where it is not kept from before. No key is in any URL, and each request carries a proof
of the key-in's own key (RFC 9449); where the cloud wants a new nonce in it, the request is sent
again, once. Bodies are bounded and never logged.
"""

from __future__ import annotations

import re
from hashlib import sha256
from http import HTTPStatus
from typing import TYPE_CHECKING, Final, Protocol

import msgspec

from keyin.domain.absent import Value
from keyin.domain.device import read_device
from keyin.domain.errors import InvalidDocument, Refused
from keyin.domain.secret import equal
from keyin.domain.solutions import read_registry
from keyin.wire.settings_query import Answered, question

if TYPE_CHECKING:
    from collections.abc import Mapping

    from keyin.domain.secret import AccessToken
    from keyin.remote.cloud_http import CloudAnswer, CloudHttp
    from keyin.session.sender import Sender

MAX_ANSWER: Final = 2 * 1024 * 1024  # bytes: many times a large preferences document
MAX_REGISTRY: Final = 8 * 1024 * 1024  # bytes: several times the largest registry there is
MAX_DEVICE: Final = 48 * 1024  # bytes of JSON: less than the cloud takes
_NONCE: Final = re.compile(r"[\x21\x23-\x5B\x5D-\x7E]{1,256}")  # RFC 9449 §8.1


class Registries(Protocol):
    """Where solutions registries are kept from one key-in to the next."""

    async def find(self, digest: str) -> bytes | None:
        """Return the registry whose SHA-256 this is, None where it is not kept."""
        ...

    async def keep(self, digest: str, content: bytes) -> None:
        """Keep a registry, if that can be done."""
        ...


class CloudSettings:
    """Implements `session.ports.SettingsSource`."""

    def __init__(self, http: CloudHttp, registries: Registries) -> None:
        self._http = http
        self._registries = registries

    async def settings(
        self, token: AccessToken, sender: Sender, device: Mapping[str, Value], *, request_id: str
    ) -> Mapping[str, Value]:
        """Return what the cloud says, with the entries of this device's solutions.

        Raises Refused (`unauthorized`, or `cloud_refused`), CloudUnreachable or InvalidDocument.
        """
        asking = _Asking(self._http, token, sender, request_id)
        payload = question(device)
        if len(payload) > MAX_DEVICE:
            raise InvalidDocument(
                "the device report is larger than %(limit)s bytes",
                next_step="name fewer solutions in the device report",
                limit=MAX_DEVICE,
            )
        body = await asking.ask("POST", "/settings/query", content=payload, limit=MAX_ANSWER)
        try:
            answer = msgspec.json.decode(body, type=Answered)
        except (msgspec.MsgspecError, RecursionError):
            raise _strange() from None
        return {
            "preferences": answer.preferences,
            "matchMakerOutput": answer.match_maker_output,
            "solutionsRegistryEntries": await self._entries(answer.solutions, device, asking),
        }

    async def _entries(
        self, digest: str | None, device: Mapping[str, Value], asking: _Asking
    ) -> dict[str, Value]:
        """Return the entries of what this device has, of the registry that the cloud used."""
        if digest is None:
            return {}
        if not re.fullmatch("[0-9a-f]{64}", digest):
            raise _strange()
        content = await self._registries.find(digest)
        if content is None:
            content = await asking.ask(
                "GET", f"/solutions/{digest}", limit=MAX_REGISTRY, packed=True
            )
            if not equal(sha256(content).hexdigest(), digest):
                raise _strange()
            await self._registries.keep(digest, content)
        return chosen(content, device)

    async def close(self) -> None:
        """Close the connections."""
        await self._http.close()


def chosen(content: bytes, device: Mapping[str, Value]) -> dict[str, Value]:
    """Return a registry's entries of what is installed here, as the cloud would choose them.

    Raises InvalidDocument.
    """
    try:
        document = msgspec.json.decode(content, type=dict[str, Value])
    except (msgspec.MsgspecError, RecursionError):
        raise _strange() from None
    seen = read_device(dict(device))
    named = {name: entry for name, entry in document.items() if name in seen.solutions}
    installed = read_registry(seen.os or "", named).installed(seen)
    return {solution.id: dict(solution.entry) for solution in installed}


class _Asking:
    """The requests of one key-in."""

    def __init__(
        self, http: CloudHttp, token: AccessToken, sender: Sender, request_id: str
    ) -> None:
        self._http, self._token, self._sender = http, token, sender
        self._request_id = request_id

    async def ask(
        self,
        method: str,
        path: str,
        *,
        content: bytes | None = None,
        limit: int,
        packed: bool = False,
    ) -> bytes:
        """Return the body of a good answer. Raises Refused or CloudUnreachable."""
        answer = await self._once(method, path, content=content, limit=limit, packed=packed)
        if self._takes_nonce(answer):
            answer = await self._once(method, path, content=content, limit=limit, packed=packed)
        _check_status(answer.status)
        return answer.body

    async def _once(
        self, method: str, path: str, *, content: bytes | None, limit: int, packed: bool
    ) -> CloudAnswer:
        proof = self._sender.proof(method, self._http.issuer + path, token=self._token)
        return await self._http.exchange(
            method,
            path,
            headers={
                "authorization": f"DPoP {self._token.reveal()}",
                "dpop": proof,
                "x-request-id": self._request_id,
                **({"content-type": "application/json"} if content is not None else {}),
            },
            content=content,
            limit=limit,
            packed=packed,
        )

    def _takes_nonce(self, answer: CloudAnswer) -> bool:
        """Take the nonce that the cloud gave; tell whether it wants it used for this request."""
        nonce = answer.headers.get("dpop-nonce", "")
        if not _NONCE.fullmatch(nonce):
            return False
        self._sender.take_nonce(nonce)
        challenge = answer.headers.get("www-authenticate", "")
        return answer.status == HTTPStatus.UNAUTHORIZED and "use_dpop_nonce" in challenge


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


def _strange() -> InvalidDocument:
    return InvalidDocument(
        "the cloud's answer is not what it should be",
        next_step="look at the address of the cloud",
    )
