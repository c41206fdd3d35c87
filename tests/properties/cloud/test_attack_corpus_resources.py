"""Others' bugs of parsing and comparing that could be ours, each a test named after it.

The rest of peers.md §4's "attack corpus" is in test_attack_corpus.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import time
from base64 import urlsafe_b64decode
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import pytest

from keyin.stores.host import SystemEntropy
from keyin.stores.secrets_directory import SecretsDirectory
from keyin.wire.client_assertions import TYPE
from keyin.wire.jose import wrapped
from tests.cloud_documents import SECRET
from tests.cloud_process import Cloud, serving
from tests.oauth_client import ISSUER, Computer, fresh, now
from tests.properties.cloud.refusals import FORM, Prepared

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

QUICK_S = 1.0
"""A request that is refused for its size or depth costs next to nothing."""


def json_part(value: object) -> str:
    return wrapped(json.dumps(value).encode())


@pytest.fixture
def desk(prepared: Prepared, issuing: Cloud) -> Computer:
    assert issuing.url
    prepared.learn_nonce()
    return prepared.computer


@pytest.fixture(autouse=True)
def _same_process(issuing: Cloud) -> Iterator[None]:
    yield
    assert issuing.process.process.poll() is None
    assert issuing.request("GET", "/health").json == {"isHealthy": True}
    assert "internal_error" not in issuing.process.output


def deep(levels: int) -> list[bytes]:
    """Nest in every way that JSON has."""
    return [
        b"[" * levels,
        b"[" * levels + b"]" * levels,
        b'{"a":' * levels,
        b'{"a":' * levels + b"1" + b"}" * levels,
        b'[{"a":' * (levels // 2) + b"1" + b"}]" * (levels // 2),
        b'{"contexts":{"c":{"preferences":{"a":' + b"[" * levels + b"]" * levels + b"}}}}",
        b'{"device":' + b'{"a":' * levels + b"1" + b"}" * (levels + 1),
    ]


@pytest.mark.parametrize("levels", [40, 1000, 9000])
def test_corpus_kanidm_1_10_recursion_depth_of_a_body(
    issuing: Cloud, prepared: Prepared, levels: int
) -> None:
    bearer = {"Authorization": f"Bearer {prepared.tokens['legacy']}"}
    for body in deep(levels):
        for method, path in (
            ("POST", "/settings/query"), ("PUT", "/settings"), ("PUT", "/alice/settings"),
            ("POST", "/access_token"),
        ):  # fmt: skip
            began = time.monotonic()
            headers = {**bearer, "Content-Type": "application/json"}
            reply = issuing.request(method, path, headers=headers, body=body)
            assert 400 <= reply.status < 500, (path, body[:40])
            assert time.monotonic() - began < QUICK_S
    nested = "a" + "[b]" * levels + "=1"
    for path in ("/access_token", "/oauth2/token"):
        assert 400 <= issuing.request("POST", path, headers=FORM, body=nested).status < 500


def test_corpus_kanidm_1_10_recursion_depth_of_a_device_and_of_jose(
    issuing: Cloud, prepared: Prepared, desk: Computer
) -> None:
    bearer = {"Authorization": f"Bearer {prepared.tokens['legacy']}"}
    for body in deep(400):
        escaped = "".join(f"%{byte:02X}" for byte in body[:5000])
        reply = issuing.request("GET", f"/alice/settings/{escaped}", headers=bearer)
        assert reply.status == 400
        part = wrapped(body)
        for jws in (f"{part}.{part}.{part}", f"{json_part({'alg': 'ES256'})}.{part}.AAAA"):
            reply = issuing.form("/oauth2/token", desk.form("alice", client_assertion=jws))
            assert (reply.status, reply.json["error"]) == (401, "invalid_client")
            reply = desk.settings(issuing, "alice", prepared.tokens["right"], proof=jws)
            assert reply.status == 401


@pytest.mark.parametrize("part", ["header", "claims", "signature", "dots", "kid", "jwk"])
def test_corpus_authlib_cve_2025_61920_oversized_jose(
    issuing: Cloud, prepared: Prepared, desk: Computer, part: str
) -> None:
    """What is long is refused by its length, before anything is decoded or verified."""
    assertion, proof = desk.assertion(), desk.proof("GET", ISSUER + "/alice/settings/%7B%7D")
    for jws, most in ((assertion, 50_000), (proof, 12_000)):
        header, claims, signature = jws.split(".")
        kid = json_part({"alg": "ES256", "typ": TYPE, "kid": "k" * (most // 2)})
        jwk = json_part({"alg": "ES256", "typ": "dpop+jwt", "jwk": {"x": "k" * (most // 2)}})
        long = {
            "header": f"{'A' * most}.{claims}.{signature}",
            "claims": f"{header}.{'A' * most}.{signature}",
            "signature": f"{header}.{claims}.{'A' * most}",
            "dots": "." * most,
            "kid": f"{kid}.{claims}.{signature}",
            "jwk": f"{jwk}.{claims}.{signature}",
        }[part]
        began = time.monotonic()
        for _ in range(5):
            if jws is assertion:
                reply = issuing.form("/oauth2/token", desk.form("alice", client_assertion=long))
            else:
                reply = desk.settings(issuing, "alice", prepared.tokens["right"], proof=long)
            assert reply.status == 401
        assert time.monotonic() - began < QUICK_S


def confused(desk: Computer, claims: dict[str, Any], header: dict[str, Any]) -> Iterator[str]:
    """Sign as who has only the public key, or nothing."""
    public = desk.key.public.jwk
    jwk = json.loads(public)
    point = b"".join(urlsafe_b64decode(jwk[name] + "=") for name in ("x", "y"))
    body = json_part(claims)
    for alg in ("none", "None", "NONE", "nOnE", "", None, 0):
        yield f"{json_part({**header, 'alg': alg})}.{body}."
    for alg, digest in (("HS256", "sha256"), ("HS384", "sha384"), ("HS512", "sha512")):
        for secret in (public, point, b"\x04" + point, desk.key.public.thumbprint.encode(), b""):
            signed = f"{json_part({**header, 'alg': alg})}.{body}"
            yield f"{signed}.{wrapped(hmac.digest(secret, signed.encode(), digest))}"
    for other in ("RS256", "PS256", "ES384", "ES512", "ES256K", "EdDSA", "es256", ["ES256"]):
        signed = f"{json_part({**header, 'alg': other})}.{body}"
        yield f"{signed}.{wrapped(b'A' * 64)}"
    for zero in (b"\x00" * 64, b"\x00" * 63 + b"\x01", b"\xff" * 64, b""):
        yield f"{json_part({**header, 'alg': 'ES256'})}.{body}.{wrapped(zero)}"


def test_corpus_authlib_cve_2024_37568_algorithm_confusion(
    issuing: Cloud, prepared: Prepared, desk: Computer
) -> None:
    seconds = now() // 1000
    for forged in confused(
        desk,
        {
            "iss": desk.client_id, "sub": desk.client_id, "aud": ISSUER, "jti": fresh(),
            "iat": seconds, "exp": seconds + 60,
        },
        {"typ": TYPE, "kid": desk.key.public.thumbprint},
    ):  # fmt: skip
        reply = issuing.form("/oauth2/token", desk.form("alice", client_assertion=forged))
        assert (reply.status, reply.json["error"]) == (401, "invalid_client")
    token = prepared.tokens["right"]
    ath = wrapped(hashlib.sha256(token.encode()).digest())
    where = {"htm": "GET", "htu": ISSUER + "/alice/settings/%7B%7D", "ath": ath}
    for forged in confused(
        desk,
        {**where, "iat": seconds, "jti": fresh(), "nonce": desk.nonce},
        {"typ": "dpop+jwt", "jwk": json.loads(desk.sender.public.jwk)},
    ):
        headers = {"Authorization": f"DPoP {token}", "DPoP": forged}
        assert issuing.request("GET", "/alice/settings/%7B%7D", headers=headers).status == 401


NEARLY = ("badcloud.example.org", "cloud.example.org.evil.net", "xcloud.example.org", "example.org",
          "evil.net#cloud.example.org", "cloud.example.org@evil.net", "cloud-example.org",
          "cloud.example.orgg", ".cloud.example.org", "cloud.example.org%00.evil.net")  # fmt: skip


def test_corpus_kanidm_1_10_suffix_match_of_a_host(tmp_path: Path) -> None:
    with serving(tmp_path / "data", "--issuer", "https://cloud.example.org") as cloud:
        assert cloud.request("GET", "/health", headers={"Host": "cloud.example.org"}).status == 200
        for host in NEARLY:
            reply = cloud.request("GET", "/health", headers={"Host": host})
            assert reply.status == 421, host


def test_corpus_kanidm_1_10_suffix_match_of_an_issuer_and_a_target(
    issuing: Cloud, prepared: Prepared, desk: Computer
) -> None:
    places = [
        ISSUER + tail for tail in ("/", "0", ".evil.net", "@evil.net", "#x", "/oauth2/token", " ")
    ]
    places += ["http://x" + ISSUER.removeprefix("http://"), ISSUER.upper(), ISSUER[:-1], ISSUER[1:]]
    token = prepared.tokens["right"]
    path = "/alice/settings/%7B%7D"
    for place in places:
        reply = desk.exchange(issuing, client_assertion=desk.assertion(aud=place))
        assert (reply.status, reply.json["error"]) == (401, "invalid_client"), place
        for name in ("resource", "audience"):
            reply = desk.exchange(issuing, **{name: place})
            assert (reply.status, reply.json["error"]) == (400, "invalid_target"), place
        proof = desk.proof("GET", place + path, token)
        headers = {"Authorization": f"DPoP {token}", "DPoP": proof}
        assert issuing.request("GET", path, headers=headers).status == 401, place


def test_corpus_kanidm_1_10_suffix_match_of_a_network(cloud: Cloud) -> None:
    """`10.1.0.0/16` and `2001:db8::/32` are let in; what only looks alike is not."""
    for address in (
        "110.1.2.3", "10.10.2.3", "10.1.2.3.4", "10.1.2.3.evil.net", "2001:db80::1", "2002:db8::1",
        "x10.1.2.3", "10.1.2.3%eth0", "10.1.2", "010.1.2.3",
    ):  # fmt: skip
        form = {"grant_type": "password", "client_id": "networked", "client_secret": SECRET}
        body = urlencode({**form, "username": "alice", "password": "x"})
        headers = {**FORM, "X-Forwarded-For": address}
        reply = cloud.request("POST", "/access_token", headers=headers, body=body)
        assert reply.status == 401, address


def test_corpus_kanidm_1_10_comparing_secrets_takes_a_time_that_tells() -> None:
    """What is compared is a keyed digest of what was sent; how, is test_p18's and test_p41's."""
    peppers = SecretsDirectory.in_memory(entropy=SystemEntropy())
    own = peppers.digests("secret", SECRET)[0].partition(":")[2]
    for length in range(len(SECRET)):
        guess = SECRET[:length] + "-" + SECRET[length + 1 :]
        near = peppers.digests("secret", guess)[0].partition(":")[2]
        assert near[:12] != own[:12], "a good guess must look like any other"
