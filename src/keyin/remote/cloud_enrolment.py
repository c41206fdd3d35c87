"""The cloud as a computer sees it that has no identity yet: asking, registering, looking after it.

RFC 9126 and RFC 8628 to ask a person, RFC 6749 §4.1.3 to turn their yes into an initial access
token, RFC 7591 to register a key, RFC 7592 for what comes after. Every request carries a proof by
the key that it is about (RFC 9449); where the cloud wants its nonce in it, it is sent once more,
and otherwise nothing is sent twice. What is a secret is never logged and in no address.
"""

from __future__ import annotations

from hashlib import sha256
from http import HTTPStatus
from typing import TYPE_CHECKING, Final, TypeVar
from urllib.parse import urlencode

import msgspec
from msgspec.structs import replace

from keyin.domain.enrolment import ENROLMENT_CLIENT, REGISTER_SCOPE
from keyin.domain.errors import InvalidDocument, msgid
from keyin.domain.secret import AccessToken
from keyin.remote.cloud_http import unreachable
from keyin.remote.cloud_metadata import CloudMetadata, path_below
from keyin.remote.cloud_refusals import refused, skew_of
from keyin.remote.proven_requests import MAX_ANSWER, Presented, ProvenRequests
from keyin.wire.enrolment import details_text, read_answer
from keyin.wire.enrolment_code import InitialAccessToken, is_initial_access_token
from keyin.wire.jose import InvalidSignature, public_key, wrapped
from keyin.wire.requester_trouble import Trouble, trouble

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from keyin.domain.environment import Clock, Entropy
    from keyin.domain.secret import Secret
    from keyin.remote.cloud_http import CloudAnswer, CloudHttp
    from keyin.remote.cloud_metadata import Endpoints
    from keyin.wire.enrolment import InstallationDetails, RegistrationAnswer, RegistrationRequest
    from keyin.wire.jose import PublicKey
    from keyin.wire.signing_key import SigningKey

AUTHORIZATION_CODE: Final = "authorization_code"
DEVICE_CODE: Final = "urn:ietf:params:oauth:grant-type:device_code"
_Shape = TypeVar("_Shape")


class Wish(msgspec.Struct, frozen=True, kw_only=True):
    """What goes to the cloud before a person is asked."""

    details: InstallationDetails
    redirect_uri: str
    state: Secret
    verifier: Secret


class Pushed(msgspec.Struct, frozen=True):
    """RFC 9126 §2.2."""

    request_uri: str
    expires_in: int


class DeviceBegun(msgspec.Struct, frozen=True):
    """RFC 8628 §3.2."""

    device_code: str
    user_code: str
    verification_uri: str
    expires_in: int
    interval: int = 5


class _Token(msgspec.Struct, frozen=True):
    access_token: str


class _Keys(msgspec.Struct, frozen=True):
    keys: list[dict[str, str | list[str]]]


class EnrolmentCloud:
    """One cloud, for one computer."""

    def __init__(self, http: CloudHttp, *, clock: Clock, entropy: Entropy) -> None:
        self._http = http
        self._clock = clock
        self._entropy = entropy
        self._metadata = CloudMetadata(http)
        self._requests = ProvenRequests(
            http, clock=clock, entropy=entropy, moved=self._metadata.forget
        )

    @property
    def issuer(self) -> str:
        """Return what the cloud calls itself."""
        return self._http.issuer

    async def endpoints(self) -> Endpoints:
        """Return what the cloud offers. Raises CloudUnreachable."""
        return await self._metadata.endpoints(request_id=self._request_id())

    async def push(self, key: SigningKey, wish: Wish) -> tuple[str, int]:
        """Say what is wished for; return the address for a browser, and how long it is good for.

        Raises Refused, CloudUnreachable.
        """
        places = await self.endpoints()
        if places.pushed is None or places.authorization is None:
            raise trouble(Trouble.NOT_OFFERED)
        form = {
            "client_id": ENROLMENT_CLIENT,
            "response_type": "code",
            "scope": REGISTER_SCOPE,
            "redirect_uri": wish.redirect_uri,
            "state": wish.state.reveal(),
            "code_challenge": wrapped(sha256(wish.verifier.reveal().encode()).digest()),
            "code_challenge_method": "S256",
            "authorization_details": details_text(wish.details),
        }
        pushed = _shaped(await self._requests.form(key, places.pushed, form), Pushed)
        query = urlencode({"client_id": ENROLMENT_CLIENT, "request_uri": pushed.request_uri})
        return f"{self.issuer}{places.authorization}?{query}", pushed.expires_in

    async def begin_device(self, key: SigningKey, details: InstallationDetails) -> DeviceBegun:
        """Ask for a code that a person types elsewhere. Raises Refused, CloudUnreachable."""
        place = (await self.endpoints()).device
        if place is None:
            raise trouble(Trouble.NOT_OFFERED)
        form = {
            "client_id": ENROLMENT_CLIENT,
            "scope": REGISTER_SCOPE,
            "authorization_details": details_text(details),
        }
        begun = _shaped(await self._requests.form(key, place, form), DeviceBegun)
        if path_below(self.issuer, begun.verification_uri) is None:
            raise unreachable(msgid("what it says of itself is not what it should be"))
        return begun

    async def token(self, key: SigningKey, form: Mapping[str, str]) -> Presented:
        """Turn a person's yes into an initial access token. Raises Refused, CloudUnreachable."""
        place = (await self.endpoints()).token
        answer = await self._requests.form(key, place, {**form, "client_id": ENROLMENT_CLIENT})
        token = _shaped(answer, _Token).access_token
        if not is_initial_access_token(token):
            raise unreachable(msgid("its answer is no token"))
        return Presented(InitialAccessToken(token))

    async def register(
        self, key: SigningKey, presented: Presented, request: RegistrationRequest
    ) -> RegistrationAnswer:
        """Register the key. Raises Refused, CloudUnreachable."""
        place = (await self.endpoints()).registration
        if place is None:
            raise trouble(Trouble.NOT_OFFERED)
        answer = await self._requests.json(key, "POST", place, presented, _without_nothing(request))
        return self._registered(answer)

    async def replace(
        self,
        keys: Sequence[SigningKey],
        uri: str,
        presented: Presented,
        request: RegistrationRequest,
    ) -> RegistrationAnswer:
        """Say anew which keys there are (RFC 7592 §2.2); the first one counts already.

        Raises Refused, CloudUnreachable.
        """
        path, token = self._path(uri), AccessToken(presented.token.reveal())
        proofs = tuple(self._requests.proof(key, "PUT", path, token) for key in keys[1:])
        proven = replace(request, keyin_key_proofs=proofs)
        return self._registered(
            await self._requests.json(keys[0], "PUT", path, presented, _without_nothing(proven))
        )

    async def look(self, key: SigningKey, uri: str, presented: Presented) -> RegistrationAnswer:
        """Return how the registration stands (RFC 7592 §2.1). Raises Refused, CloudUnreachable."""
        return self._registered(await self._requests.json(key, "GET", self._path(uri), presented))

    async def delete(self, key: SigningKey, uri: str, presented: Presented) -> None:
        """End the registration (RFC 7592 §2.3). Raises Refused, CloudUnreachable."""
        await self._requests.json(key, "DELETE", self._path(uri), presented)

    async def keys(self) -> list[PublicKey]:
        """Return the keys that the cloud signs with. Raises CloudUnreachable."""
        place = (await self.endpoints()).keys
        if place is None:
            return []
        headers = {"x-request-id": self._request_id()}
        answer = await self._http.exchange("GET", place, headers=headers, limit=MAX_ANSWER)
        if answer.status != HTTPStatus.OK:
            raise refused(answer, skew_of(answer, self._clock.now()))
        try:
            return [public_key(dict(key)) for key in _shaped(answer, _Keys).keys]
        except InvalidSignature:
            raise unreachable(msgid("what it says of itself is not what it should be")) from None

    def _registered(self, answer: CloudAnswer) -> RegistrationAnswer:
        try:
            registered = read_answer(answer.body)
        except InvalidDocument:
            raise unreachable(msgid("its answer is no registration")) from None
        self._path(registered.registration_client_uri)
        return registered

    def _path(self, uri: str) -> str:
        path = path_below(self.issuer, uri)
        if path is None:
            raise unreachable(msgid("what it says of itself is not what it should be"))
        return path

    def _request_id(self) -> str:
        return self._entropy.token_bytes(16).hex()


def _without_nothing(request: RegistrationRequest) -> bytes:
    said = msgspec.structs.asdict(request)
    return msgspec.json.encode({name: value for name, value in said.items() if value is not None})


def _shaped(answer: CloudAnswer, shape: type[_Shape]) -> _Shape:
    try:
        return msgspec.json.decode(answer.body, type=shape)
    except (msgspec.MsgspecError, RecursionError):
        raise unreachable(msgid("its answer has another form than it should")) from None
