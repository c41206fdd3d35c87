"""A small cloud that registers computers: RFC 9126, 8628, 7591, 7592 as far as a computer asks.

Proofs and assertions are checked for real; people are a method call. It can misbehave, forget what
it registered, and have a clock of its own.
"""

from __future__ import annotations

import json
import secrets
from dataclasses import dataclass, field
from hashlib import sha256
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlencode

from keyin.domain.enrolment import ENROLMENT_CLIENT, REGISTER_SCOPE
from keyin.domain.secret import AccessToken
from keyin.stores.host import SystemEntropy
from keyin.wire import client_assertions, dpop_proofs, enrolment_file
from keyin.wire.enrolment import read_details, read_request
from keyin.wire.enrolment_code import code_of, new_initial_access_token
from keyin.wire.jose import InvalidSignature, PublicKey, parse, public_key, verify, wrapped
from keyin.wire.signing_key import new_key
from tests.fakes.cloud import METADATA, REVOKE, TOKEN, Answer, FakeCloud

if TYPE_CHECKING:
    from keyin.wire.enrolment import InstallationDetails, RegistrationRequest

PAR, DEVICE, REGISTER, JWKS = (
    "/oauth2/par",
    "/oauth2/device_authorization",
    "/oauth2/register",
    "/oauth2/jwks",
)
DEVICE_CODE = "urn:ietf:params:oauth:grant-type:device_code"
Refusal = tuple[int, str]


@dataclass
class Registered:
    keys: dict[str, PublicKey]
    request: RegistrationRequest
    token: str
    status: str = "pending"
    flags: tuple[str, ...] = ()
    revoked: bool = False


class No(Exception):  # noqa: N818 - what it says
    def __init__(self, status: int, error: str) -> None:
        self.answer: Answer = (status, {}, {"error": error})


@dataclass
class EnrollingCloud(FakeCloud):
    """People approve with `approve`; everything else comes over the wire."""

    wishes: dict[str, dict[str, str]] = field(default_factory=dict)
    devices: dict[str, tuple[InstallationDetails, bool | None]] = field(default_factory=dict)
    codes: dict[str, dict[str, str]] = field(default_factory=dict)
    initial: dict[str, int] = field(default_factory=dict)
    """Initial access tokens, and how often each may be used."""
    registered: dict[str, Registered] = field(default_factory=dict)
    site_key: Any = field(default_factory=lambda: new_key(SystemEntropy()))
    device_code: bool = True
    returns: str = "active"
    """What becomes of who comes back: `active`, `awaiting` or `refused`."""
    publisher_says: str | None = None
    """The version of the statement that it is shown; it counts instead of the computer's word."""
    told_before: dict[tuple[str, str], str] = field(default_factory=dict)
    """Which client came of a token and a key: an answer that was lost is given again."""
    names: set[str] = field(default_factory=set)
    """Names that are taken."""
    down: set[tuple[str, str]] = field(default_factory=set)
    """Methods and paths that answer 503."""

    def described(self) -> dict[str, Any]:
        url = self.url
        device = {"device_authorization_endpoint": url + DEVICE} if self.device_code else {}
        return {
            **super().described(),
            "authorization_endpoint": url + "/oauth2/authorize",
            "pushed_authorization_request_endpoint": url + PAR,
            "registration_endpoint": url + REGISTER,
            "jwks_uri": url + JWKS,
            **device,
            **self.metadata,
        }

    def handle(self, method: str, path: str, headers: dict[str, str], body: bytes) -> Answer:
        if (method, REGISTER + "/" if path.startswith(REGISTER + "/") else path) in self.down:
            return 503, {}, {}
        if path in {METADATA, REVOKE}:
            answer = super().handle(method, path, headers, body)
            if path == REVOKE and answer[0] == 200:
                self._activate(dict(parse_qsl(body.decode())))
            return answer
        self.paths.append(path)
        try:
            return self._enrolling(method, path, headers, body)
        except No as no:
            status, more, error = no.answer
            wanted = {"DPoP-Nonce": self.nonce} if self.nonce else {}
            return status, {**more, **wanted}, error

    def _enrolling(self, method: str, path: str, headers: dict[str, str], body: bytes) -> Answer:
        if path.startswith(REGISTER):
            return self._registration(method, path, headers, body)
        if path == JWKS:
            return 200, {}, {"keys": [json.loads(self.site_key.public.jwk)]}
        form = dict(parse_qsl(body.decode()))
        ways = {PAR: self._push, DEVICE: self._device}
        if path == TOKEN and "subject_token" not in form:
            ways[TOKEN] = self._token
        if path in ways:
            return ways[path](form, headers)
        return super().handle(method, path, headers, body)

    # -- people

    def approve(self, url: str) -> str:
        """Say yes to a wish; return where the browser is sent."""
        wish = self.wishes.pop(dict(parse_qsl(url.partition("?")[2]))["request_uri"])
        code = secrets.token_urlsafe(32)
        self.codes[code] = wish
        said = {"code": code, "state": wish["state"], "iss": self.url}
        return f"{wish['redirect_uri']}?{urlencode(said)}"

    def type_code(self, user_code: str, *, yes: bool = True) -> None:
        """Type what a computer shows on a page, and decide."""
        for code, (details, _) in self.devices.items():
            if code.startswith(user_code):
                self.devices[code] = (details, yes)

    def new_token(self, uses: int = 1) -> Any:
        token = new_initial_access_token(secrets.token_bytes(32))
        self.initial[token.reveal()] = uses
        return token

    def new_code(self) -> str:
        return code_of(self.new_token()).reveal()

    def new_file(self, *, uses: int = 40, key: Any = None, issuer: str | None = None) -> bytes:
        return enrolment_file.write(
            enrolment_file.EnrolmentFile(
                issuer=issuer or self.url,
                iat=self.new_token(uses).reveal(),
                site="main-library",
                label="Reading room",
                expires_at="2099-01-01T00:00:00Z",
                max_uses=uses,
            ),
            key or self.site_key,
        )

    # -- the wire

    def _key(self, path: str, method: str, headers: dict[str, str], token: str = "") -> PublicKey:
        """Return the key of the request's proof."""
        text = headers.get("dpop", "")
        try:
            proof = dpop_proofs.check(
                text,
                method=method,
                url=self.url + path,
                now=self.now(),
                token=AccessToken(token) if token else None,
            )
            jwk = parse(text, parameters=frozenset({"alg", "typ", "jwk"})).header["jwk"]
            assert isinstance(jwk, dict)
        except InvalidSignature:
            raise No(401 if token else 400, "invalid_dpop_proof") from None
        if self.nonce and proof.nonce != self.nonce:
            raise No(401 if token else 400, "use_dpop_nonce")
        return public_key(jwk)

    def _push(self, form: dict[str, str], headers: dict[str, str]) -> Answer:
        key = self._key(PAR, "POST", headers)
        if (form["client_id"], form["scope"]) != (ENROLMENT_CLIENT, REGISTER_SCOPE):
            return 400, {}, {"error": "invalid_scope"}
        if read_details(form["authorization_details"]).jkt != key.thumbprint:
            return 400, {}, {"error": "invalid_dpop_proof"}
        uri = f"urn:ietf:params:oauth:request_uri:{secrets.token_urlsafe(8)}"
        self.wishes[uri] = {**form, "jkt": key.thumbprint}
        return 201, {}, {"request_uri": uri, "expires_in": 90}

    def _device(self, form: dict[str, str], headers: dict[str, str]) -> Answer:
        self._key(DEVICE, "POST", headers)
        code = f"WDJB-MJHT-{secrets.token_urlsafe(32)}"
        self.devices[code] = (read_details(form["authorization_details"]), None)
        return 200, {}, {
            "device_code": code,
            "user_code": code[:9],
            "verification_uri": f"{self.url}/device",
            "expires_in": 600,
            "interval": 1,
        }  # fmt: skip

    def _token(self, form: dict[str, str], headers: dict[str, str]) -> Answer:
        key = self._key(TOKEN, "POST", headers)
        if form["grant_type"] == DEVICE_CODE:
            yes = self.devices.get(form["device_code"], (None, False))[1]
            if yes is None:
                raise No(400, "authorization_pending")
            if not yes:
                raise No(400, "access_denied")
        else:
            wish = self.codes.pop(form["code"], None)
            proved = wrapped(sha256(form["code_verifier"].encode()).digest())
            same = wish and (wish["redirect_uri"], wish["code_challenge"], wish["jkt"])
            if same != (form["redirect_uri"], proved, key.thumbprint):
                raise No(400, "invalid_grant")
        token = self.new_token().reveal()
        return 200, {}, {"access_token": token, "token_type": "DPoP", "expires_in": 300}

    def _registration(self, method: str, path: str, headers: dict[str, str], body: bytes) -> Answer:
        scheme, _, token = headers.get("authorization", "").partition(" ")
        key = self._key(path, method, headers, token)
        if path == REGISTER:
            return self._register(key, token, body, scheme)
        known = self.registered.get(path.rpartition("/")[2])
        if known is None or known.revoked or known.token != token:
            raise No(401, "invalid_token")
        if key.thumbprint not in known.keys:
            raise No(401, "invalid_token")
        if method == "DELETE":
            known.revoked = True
            return 204, {}, {}
        if method == "PUT":
            known.request = read_request(body)
            before, known.keys = known.keys, _keys(known.request)
            proofs = known.request.keyin_key_proofs
            proved = {self._key(path, "PUT", {"dpop": one}, token).thumbprint for one in proofs}
            assert set(known.keys) <= {*before, *proved}
            self.clients[path.rpartition("/")[2]] = key
        return 200, {}, self._told(path.rpartition("/")[2], key)

    def _register(self, key: PublicKey, token: str, body: bytes, scheme: str) -> Answer:
        flags: tuple[str, ...] = ()
        request = read_request(body)
        if (token, key.thumbprint) in self.told_before:
            return 201, {}, self._told(self.told_before[token, key.thumbprint], key)
        if token.startswith("iat_"):
            if self.initial.get(token, 0) < 1:
                raise No(401, "invalid_token")
            if request.client_name in self.names:
                raise No(400, "invalid_client_metadata")
            self.initial[token] -= 1
        else:
            assert scheme == "DPoP"
            self._check_certificate(token, key)
            flags = ("returned", *(["awaiting"] if self.returns == "awaiting" else []))
        client_id = f"gai_{secrets.token_urlsafe(16)}"
        made = Registered(_keys(request), request, "rat_" + wrapped(secrets.token_bytes(32)))
        made.flags = flags
        made.status = "active" if flags == ("returned",) else "pending"
        assert key.thumbprint in made.keys
        self.registered[client_id], self.clients[client_id] = made, key
        self.told_before[token, key.thumbprint] = client_id
        return 201, {}, self._told(client_id, key)

    def _check_certificate(self, token: str, key: PublicKey) -> None:
        jws = parse(token, parameters=frozenset({"alg", "typ", "kid"}))
        genuine = verify(jws, self.site_key.public) and jws.claims["jkt"] == key.thumbprint
        former = self.registered.get(str(jws.claims["client_id"]))
        if not genuine or self.returns == "refused" or (former and former.revoked):
            raise No(401, "invalid_token")

    def _told(self, client_id: str, key: PublicKey) -> dict[str, Any]:
        known = self.registered[client_id]
        claims = {"client_id": client_id, "jkt": key.thumbprint}
        return {
            "client_id": client_id,
            "client_id_issued_at": 1,
            "registration_access_token": known.token,
            "registration_client_uri": f"{self.url}{REGISTER}/{client_id}",
            "client_name": known.request.client_name or "a computer",
            "application_type": "native",
            "token_endpoint_auth_method": "private_key_jwt",
            "grant_types": list(known.request.grant_types or ()),
            "response_types": [],
            "redirect_uris": [],
            "scope": known.request.scope or "",
            "dpop_bound_access_tokens": True,
            "jwks": known.request.jwks,
            "software_id": known.request.software_id,
            "software_version": self.publisher_says or known.request.software_version,
            "gpii_installation_id": known.request.gpii_installation_id,
            "gpii_site": "main-library",
            "gpii_status": known.status,
            "gpii_flags": list(known.flags),
            "gpii_policy": {},
            "keyin_registration_certificate": self.site_key.sign(
                {"typ": "keyin-registration+jwt"}, claims
            ),
        }

    def _activate(self, form: dict[str, str]) -> None:
        client_id = client_assertions.read(form["client_assertion"]).client_id
        if client_id in self.registered:
            self.registered[client_id].status = "active"

    def _proven(self, form: dict[str, str]) -> bool:
        try:
            claimed = client_assertions.read(form.get("client_assertion", ""))
            known = self.registered[claimed.client_id]
            if known.revoked or "awaiting" in known.flags:
                return False
            key = known.keys[claimed.kid]
            client_assertions.check(claimed, key, issuer=self.url, now=self.now())
        except (InvalidSignature, KeyError):
            return super()._proven(form)
        return True


def _keys(request: RegistrationRequest) -> dict[str, PublicKey]:
    made = [public_key(one) for one in (request.jwks or {})["keys"]]
    return {key.thumbprint: key for key in made}
