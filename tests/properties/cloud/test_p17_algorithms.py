"""P17 at a started cloud: which signatures it takes is a matter of the key it knows.

What an attacker without any private key can forge is in test_attack_corpus_resources; here each
text is signed well, with the client's own key, and says one thing too much or something else.
"""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256, SHA384
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from keyin.wire import client_assertions, dpop_proofs
from keyin.wire.jose import wrapped
from keyin.wire.signing_key import read_private
from tests.oauth_client import ISSUER, TOKEN_URL, Computer, fresh, now
from tests.started import run

if TYPE_CHECKING:
    from pathlib import Path

    from tests.cloud_process import Cloud, Reply
    from tests.properties.cloud.refusals import Prepared

ELSEWHERE = "https://evil.example/keys.json"
PATH = "/alice/settings/%7B%7D"
RSA = rsa.generate_private_key(public_exponent=65537, key_size=2048)
P384 = ec.generate_private_key(ec.SECP384R1())


@pytest.fixture
def desk(prepared: Prepared, issuing: Cloud) -> Computer:
    assert issuing.url
    prepared.learn_nonce()
    return prepared.computer


@pytest.fixture(scope="module")
def edwards(prepared: Prepared, tmp_path_factory: pytest.TempPathFactory) -> Computer:
    """Register a client whose key is of the other algorithm, while the cloud runs or not."""
    pem = ed25519.Ed25519PrivateKey.generate().private_bytes(
        Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()
    )
    key = read_private(pem)
    file = tmp_path_factory.mktemp("edwards") / "key.json"
    file.write_bytes(key.public.jwk)
    done = run(
        *("client", "create", "--public-key", file, "--data", prepared.data, "--json")
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return Computer(json.loads(done.stdout)["client_id"], key)


def claims(desk: Computer) -> dict[str, Any]:
    seconds = now() // 1000
    return {
        "iss": desk.client_id, "sub": desk.client_id, "aud": ISSUER, "jti": fresh(),
        "iat": seconds, "exp": seconds + 60,
    }  # fmt: skip


def asserted(cloud: Cloud, desk: Computer, assertion: str) -> Reply:
    form = desk.form("alice", client_assertion=assertion)
    return cloud.form("/oauth2/token", form, {"DPoP": desk.proof()})


def public_rsa() -> dict[str, str]:
    numbers = RSA.public_key().public_numbers()
    return {
        "kty": "RSA",
        "n": wrapped(numbers.n.to_bytes(256, "big")),
        "e": wrapped(numbers.e.to_bytes(3, "big")),
    }


def public_p384() -> dict[str, str]:
    numbers = P384.public_key().public_numbers()
    x, y = (wrapped(number.to_bytes(48, "big")) for number in (numbers.x, numbers.y))
    return {"kty": "EC", "crv": "P-384", "x": x, "y": y}


def by_another_kind(header: dict[str, Any], said: dict[str, Any], alg: str) -> str:
    """Sign as RS256, PS256 or ES384 have it, with a key of that kind."""
    signed = ".".join(wrapped(json.dumps(part).encode()) for part in ({**header, "alg": alg}, said))
    text = signed.encode()
    if alg == "ES384":
        r, s = decode_dss_signature(P384.sign(text, ec.ECDSA(SHA384())))
        signature = r.to_bytes(48, "big") + s.to_bytes(48, "big")
    elif alg == "RS256":
        signature = RSA.sign(text, padding.PKCS1v15(), SHA256())
    else:
        signature = RSA.sign(text, padding.PSS(padding.MGF1(SHA256()), 32), SHA256())
    return f"{signed}.{wrapped(signature)}"


@pytest.mark.parametrize(
    "said",
    [
        {"crit": ["exp"]}, {"crit": []}, {"jku": ELSEWHERE}, {"x5u": ELSEWHERE}, {"x5c": []},
        {"x5t": "x"}, {"jwk": {}}, {"b64": False}, {"zip": "DEF"}, {"cty": "JWT"},
        {"alg": "EdDSA"}, {"alg": "HS256"}, {"alg": "none"}, {"alg": None}, {"kid": "another"},
        {"typ": "JWT"}, {"typ": "dpop+jwt"}, {"typ": None},
    ],
    ids=json.dumps,
)  # fmt: skip
def test_p17_an_assertion_whose_header_says_anything_else_is_refused(
    issuing: Cloud, desk: Computer, said: dict[str, Any]
) -> None:
    header = {"typ": client_assertions.TYPE, "kid": desk.key.public.thumbprint}
    if "jwk" in said:
        said = {"jwk": json.loads(desk.key.public.jwk)}
    assert asserted(issuing, desk, desk.key.sign(header, claims(desk))).status == 200
    reply = asserted(issuing, desk, desk.key.sign({**header, **said}, claims(desk)))
    assert (reply.status, reply.json["error"]) == (401, "invalid_client")


@pytest.mark.parametrize("alg", ["RS256", "PS256", "ES384"])
def test_p17_a_signature_of_another_kind_is_refused_however_good(
    issuing: Cloud, desk: Computer, prepared: Prepared, alg: str
) -> None:
    header = {"typ": client_assertions.TYPE, "kid": desk.key.public.thumbprint}
    reply = asserted(issuing, desk, by_another_kind(header, claims(desk), alg))
    assert (reply.status, reply.json["error"]) == (401, "invalid_client")
    token = prepared.tokens["right"]
    ath = wrapped(hashlib.sha256(token.encode()).digest())
    jwk = public_p384() if alg == "ES384" else public_rsa()
    said = {"htm": "GET", "htu": ISSUER + PATH, "iat": now() // 1000, "jti": fresh(), "ath": ath}
    proof = by_another_kind(
        {"typ": dpop_proofs.TYPE, "jwk": jwk}, {**said, "nonce": desk.nonce}, alg
    )
    headers = {"Authorization": f"DPoP {token}", "DPoP": proof}
    assert issuing.request("GET", PATH, headers=headers).status == 401
    bound = {"htm": "POST", "htu": TOKEN_URL, "iat": now() // 1000, "jti": fresh()}
    proof = by_another_kind(
        {"typ": dpop_proofs.TYPE, "jwk": jwk}, {**bound, "nonce": desk.nonce}, alg
    )
    reply = issuing.form("/oauth2/token", desk.form("alice"), {"DPoP": proof})
    assert (reply.status, reply.json["error"]) == (400, "invalid_dpop_proof")


def test_p17_each_client_signs_with_the_algorithm_of_its_own_key(
    issuing: Cloud, desk: Computer, edwards: Computer
) -> None:
    edwards.nonce = desk.nonce
    assert asserted(issuing, edwards, edwards.assertion()).status == 200
    for client, other in ((desk, edwards), (edwards, desk)):
        for kid in (client.key.public.thumbprint, other.key.public.thumbprint):
            header = {"typ": client_assertions.TYPE, "kid": kid}
            reply = asserted(issuing, client, other.key.sign(header, claims(client)))
            assert (reply.status, reply.json["error"]) == (401, "invalid_client")


@pytest.mark.parametrize(
    "said",
    [
        {"crit": ["x"]}, {"kid": "x"}, {"jku": ELSEWHERE}, {"x5u": ELSEWHERE}, {"alg": "EdDSA"},
        {"alg": "none"}, {"typ": "JWT"}, {"jwk": {"kty": "oct", "k": "AAAA"}}, {"jwk": None},
    ],
    ids=json.dumps,
)  # fmt: skip
def test_p17_a_proof_whose_header_says_anything_else_is_refused(
    issuing: Cloud, desk: Computer, prepared: Prepared, said: dict[str, Any]
) -> None:
    token = prepared.tokens["right"]
    ath = wrapped(hashlib.sha256(token.encode()).digest())
    header = {"typ": dpop_proofs.TYPE, "jwk": json.loads(desk.sender.public.jwk)}

    def tried(header: dict[str, Any]) -> int:
        claims: dict[str, Any] = {
            "htm": "GET", "htu": ISSUER + PATH, "iat": now() // 1000, "jti": fresh(),
            "ath": ath, "nonce": desk.nonce,
        }  # fmt: skip
        proof = desk.sender.sign(header, claims)
        headers = {"Authorization": f"DPoP {token}", "DPoP": proof}
        return issuing.request("GET", PATH, headers=headers).status

    assert tried(header) == 200
    assert tried({**header, **said}) == 401


@pytest.mark.parametrize("kind", ["rsa", "p384", "oct"])
def test_p17_no_key_of_another_kind_is_registered(tmp_path: Path, kind: str) -> None:
    jwk = {"rsa": public_rsa(), "p384": public_p384(), "oct": {"kty": "oct", "k": "A" * 43}}[kind]
    file = tmp_path / "key.json"
    file.write_text(json.dumps(jwk))
    done = run("client", "create", "--public-key", file, "--data", tmp_path / "data", "--json")
    assert done.returncode != 0
    assert "client_id" not in done.stdout
