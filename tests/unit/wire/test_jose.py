"""Signatures, client assertions and DPoP proofs: what is taken, and what is not."""

from __future__ import annotations

import json
from base64 import urlsafe_b64encode
from itertools import count
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)
from hypothesis import given
from hypothesis import strategies as st

from keyin.domain.environment import Millis
from keyin.domain.secret import AccessToken
from keyin.stores.host import SystemEntropy
from keyin.wire import client_assertions, dpop_proofs
from keyin.wire.jose import InvalidSignature, canonical_key, parse, public_key, verify, wrapped
from keyin.wire.signing_key import SigningKey, new_key, read_private, read_public

NOW = Millis(1_800_000_000_000)
SECONDS = NOW // 1000
ISSUER = "https://cloud.example"
URL = ISSUER + "/oauth2/token"
TOKEN = AccessToken("the-token")
EC = new_key(SystemEntropy())
ED = read_private(
    ed25519.Ed25519PrivateKey.generate().private_bytes(
        Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()
    )
)
KEYS = pytest.mark.parametrize("key", [EC, ED], ids=["ES256", "EdDSA"])
CLAIMS: dict[str, Any] = {
    "iss": "me", "sub": "me", "aud": ISSUER, "iat": SECONDS, "exp": SECONDS + 60, "jti": "j1",
}  # fmt: skip
PROVEN: dict[str, Any] = {"htm": "POST", "htu": URL, "iat": SECONDS, "jti": "j1"}


def assertion(
    key: SigningKey = EC, header: dict[str, Any] | None = None, **claims: Any
) -> client_assertions.Assertion:
    head = {"typ": client_assertions.TYPE, "kid": key.public.thumbprint, **(header or {})}
    claimed = client_assertions.read(key.sign(head, {**CLAIMS, **claims}))
    return client_assertions.check(claimed, key.public, issuer=ISSUER, now=NOW)


def proof(
    key: SigningKey = EC,
    header: dict[str, Any] | None = None,
    token: AccessToken | None = None,
    **claims: Any,
) -> dpop_proofs.Proof:
    head = {"typ": dpop_proofs.TYPE, "jwk": json.loads(key.public.jwk), **(header or {})}
    text = key.sign(head, {**PROVEN, **claims})
    return dpop_proofs.check(text, method="POST", url=URL, now=NOW, token=token)


@KEYS
def test_what_is_made_is_taken(key: SigningKey) -> None:
    made = client_assertions.make(key, client_id="me", issuer=ISSUER, jti="j", now=NOW)
    claimed = client_assertions.read(made)
    assert (claimed.client_id, claimed.kid) == ("me", key.public.thumbprint)
    taken = client_assertions.check(claimed, key.public, issuer=ISSUER, now=NOW)
    assert (taken.jti, taken.expires) == ("j", NOW + 60_000)
    for token in (None, TOKEN):
        text = dpop_proofs.make(
            key, method="GET", url=URL, jti="p", now=NOW, token=token, nonce="n"
        )
        found = dpop_proofs.check(text, method="GET", url=URL, now=NOW, token=token)
        assert (found.jkt, found.jti, found.nonce) == (key.public.thumbprint, "p", "n")


@pytest.mark.parametrize(
    "claims",
    [
        {"aud": [ISSUER]}, {"aud": URL}, {"aud": ISSUER + "/"}, {"aud": None}, {"sub": "you"},
        {"aud": "https://other.example"}, {"exp": SECONDS}, {"exp": SECONDS + 61}, {"exp": None},
        {"exp": "60"}, {"exp": True}, {"iat": SECONDS - 1}, {"iat": SECONDS + 6}, {"iat": "1"},
        {"nbf": SECONDS + 6}, {"jti": ""}, {"jti": None}, {"jti": 7}, {"jti": "x" * 257},
        {"exp": 1e300}, {"exp": -1},
    ],
)  # fmt: skip
def test_p12_an_assertion_that_is_not_exactly_right_is_refused(claims: dict[str, Any]) -> None:
    assertion()
    with pytest.raises(InvalidSignature):
        assertion(**claims)


def test_p12_a_clock_may_be_five_seconds_ahead() -> None:
    assertion(iat=SECONDS + 5, exp=SECONDS + 65)


@pytest.mark.parametrize(
    "header",
    [
        {"alg": "none"}, {"alg": "HS256"}, {"alg": "EdDSA"}, {"alg": "RS256"}, {"alg": None},
        {"alg": "es256"}, {"typ": "JWT"}, {"typ": None}, {"kid": "another"}, {"kid": 1},
        {"crit": ["exp"]}, {"jku": "https://evil.example"}, {"x5u": "https://evil.example"},
        {"x5c": []}, {"jwk": json.loads(EC.public.jwk)}, {"b64": False}, {"zip": "DEF"},
    ],
)  # fmt: skip
def test_p17_a_header_that_says_anything_else_is_refused(header: dict[str, Any]) -> None:
    with pytest.raises(InvalidSignature):
        assertion(header=header)


def test_p17_a_key_verifies_with_its_own_algorithm_only() -> None:
    text = ED.sign({"typ": client_assertions.TYPE, "kid": ED.public.thumbprint}, CLAIMS)
    jws = client_assertions.read(text).jws
    assert verify(jws, ED.public)
    assert not verify(jws, EC.public)


@pytest.mark.parametrize(
    "claims",
    [
        {"htm": "GET"}, {"htm": "post"}, {"htu": ISSUER + "/other"}, {"htu": None},
        {"iat": SECONDS - 61}, {"iat": SECONDS + 6}, {"iat": None}, {"iat": True}, {"jti": ""},
        {"jti": None}, {"jti": "x" * 257},
    ],
)  # fmt: skip
def test_p11_a_proof_of_another_request_or_time_is_refused(claims: dict[str, Any]) -> None:
    proof(htu=URL + "?a=b#c")
    with pytest.raises(InvalidSignature):
        proof(**claims)


@pytest.mark.parametrize("ath", [None, "", dpop_proofs.token_hash(AccessToken("other")), 1])
def test_p11_a_proof_for_another_token_is_refused(ath: object) -> None:
    proof(token=TOKEN, ath=dpop_proofs.token_hash(TOKEN))
    with pytest.raises(InvalidSignature):
        proof(token=TOKEN, ath=ath)


@pytest.mark.parametrize(
    "header",
    [
        {"typ": "JWT"}, {"typ": None}, {"jwk": None}, {"jwk": json.loads(ED.public.jwk)},
        {"alg": "none"}, {"alg": "HS256"}, {"crit": ["x"]}, {"kid": "x"}, {"jku": "https://e"},
        {"jwk": {**json.loads(EC.public.jwk), "d": "A" * 43}},
        {"jwk": {**json.loads(EC.public.jwk), "k": "A"}},
        {"jwk": {**json.loads(EC.public.jwk), "y": "A" * 43}},
        {"jwk": {"kty": "oct", "k": "AAAA"}}, {"jwk": {"kty": "RSA", "n": "AQAB", "e": "AQAB"}},
    ],
)  # fmt: skip
def test_p17_a_proof_with_a_private_or_strange_key_is_refused(header: dict[str, Any]) -> None:
    with pytest.raises(InvalidSignature):
        proof(header=header)


def test_a_thumbprint_is_that_of_rfc_8037() -> None:
    """RFC 8037, Appendix A.3."""
    key = public_key(
        {"crv": "Ed25519", "kty": "OKP", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}
    )
    assert key.thumbprint == "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k"


def test_a_signature_of_rfc_8037_holds() -> None:
    """RFC 8037, Appendix A.4; its payload is no JSON, so the parts are put in by hand."""
    key = public_key(
        {"crv": "Ed25519", "kty": "OKP", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}
    )
    made = parse(ED.sign({}, {}), parameters=frozenset({"alg"}))
    text = b"eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc"
    signature = bytes.fromhex(
        "860c98d2297f3060a33f42739672d61b53cf3adefed3d3c672f320dc021b411e"
        "9d59b8628dc351e248b88b29468e0e41855b0fb7d83bb15be902bfccb8cd0a02"
    )
    assert verify(type(made)(header=made.header, claims={}, signed=text, signature=signature), key)


@pytest.mark.parametrize("spoil", range(3))
def test_one_changed_character_anywhere_is_noticed(spoil: int) -> None:
    text = EC.sign({}, {"a": "b"})
    parts = text.split(".")
    middle = len(parts[spoil]) // 2
    letter = "A" if parts[spoil][middle] != "A" else "B"
    parts[spoil] = parts[spoil][:middle] + letter + parts[spoil][middle + 1 :]
    try:
        jws = parse(".".join(parts), parameters=frozenset({"alg"}))
    except InvalidSignature:
        return
    assert not verify(jws, EC.public)


def test_a_part_has_one_spelling() -> None:
    text = EC.sign({}, {"a": "b"})
    head, body, signature = text.split(".")
    for other in (
        f"{head}.{body}.{signature}=", f"{head}.{body}.{signature}.", f"{head}.{body}",
        f" {text}", f"{head}.{body}.{signature[:-1]}{chr(ord(signature[-1]) + 1)}",
        f"{head}.{body}.", f".{body}.{signature}", f"{head}.{body}.{signature}\n",
    ):  # fmt: skip
        with pytest.raises(InvalidSignature):
            parse(other, parameters=frozenset({"alg"}))


def test_cve_2025_61920_what_is_oversized_is_refused_unread() -> None:
    with pytest.raises(InvalidSignature, match="reasonable size"):
        parse(EC.sign({}, {"a": "b" * 4096}), parameters=frozenset({"alg"}))


def test_cve_2024_37568_a_public_key_is_no_hmac_secret() -> None:
    for alg in ("HS256", "none", "HS512"):
        jws = parse(EC.sign({"alg": alg}, {}), parameters=frozenset({"alg"}))
        assert not verify(jws, EC.public)


def test_a_member_that_comes_twice_is_refused() -> None:
    head = wrapped(b'{"alg":"ES256","alg":"none"}')
    with pytest.raises(InvalidSignature):
        parse(f"{head}.{wrapped(b'{}')}.{wrapped(bytes(64))}", parameters=frozenset({"alg"}))


SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text()
JSON = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=8,
)


@given(st.text() | st.text(alphabet="eyJ0.-_A=", max_size=200))
def test_no_text_gets_past_the_parsers(text: str) -> None:
    with pytest.raises(InvalidSignature):
        client_assertions.read(text)
    with pytest.raises(InvalidSignature):
        dpop_proofs.check(text, method="POST", url=URL, now=NOW)


@given(
    name=st.sampled_from(sorted({*CLAIMS, *PROVEN, "nbf", "ath", "nonce"})),
    value=JSON,
    jwk=JSON,
)
def test_signed_nonsense_is_taken_or_refused_and_nothing_else(
    name: str, value: Any, jwk: Any
) -> None:
    for attempt in (
        lambda: assertion(**{name: value}),
        lambda: proof(**{name: value}),
        lambda: proof(header={"jwk": jwk}),
    ):
        try:
            attempt()
        except InvalidSignature:
            continue


@given(st.binary(max_size=200) | JSON.map(lambda value: json.dumps(value).encode()))
def test_nonsense_is_no_key(text: bytes) -> None:
    for read in (read_private, read_public, canonical_key):
        with pytest.raises(InvalidSignature):
            read(text)


@KEYS
def test_a_key_is_read_from_pem_and_jwk_alike(key: SigningKey) -> None:
    for text in (_pem(key, private=False), key.public.jwk):
        assert read_public(text) == key.public
    for text in (_pem(key, private=True), json.dumps(key._key.as_dict(private=True)).encode()):
        assert read_private(text).public == key.public
        with pytest.raises(InvalidSignature):
            read_public(text)
    for text in (_pem(key, private=False), key.public.jwk):
        with pytest.raises(InvalidSignature):
            read_private(text)


def test_a_key_of_another_curve_is_refused() -> None:
    other = ec.generate_private_key(ec.SECP384R1())
    with pytest.raises(InvalidSignature):
        read_private(other.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    with pytest.raises(InvalidSignature):
        read_public(
            other.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
        )


def test_a_private_key_does_not_show() -> None:
    jwk = EC._key.as_dict(private=True)
    assert str(jwk["d"]) not in repr(EC) + str(EC)
    with pytest.raises(TypeError):
        EC.__reduce_ex__(2)


class _Counting:
    """Chance that can be told: 1, 2, 3, ..."""

    def __init__(self) -> None:
        self._numbers = count(1)

    def token_bytes(self, count: int) -> bytes:
        return next(self._numbers).to_bytes(count, "big")


def test_new_keys_differ_and_come_from_the_given_chance() -> None:
    entropy = _Counting()
    first = new_key(entropy).public
    assert new_key(entropy).public != first
    assert new_key(_Counting()).public == first


def _pem(key: SigningKey, *, private: bool) -> bytes:
    text: bytes = key._key.as_pem(private=private)
    return text


def test_base64url_has_no_padding() -> None:
    assert wrapped(b"a") == urlsafe_b64encode(b"a").rstrip(b"=").decode()
