"""P11, P14, P25: at every route that takes a bound token, each thing that can be wrong with it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from keyin.cloud import routes
from keyin.cloud.routes import Access, Route
from keyin.domain.environment import Millis
from keyin.domain.secret import AccessToken
from keyin.oauth.dpop import Dpop
from keyin.stores.host import SystemEntropy
from keyin.stores.opening import open_data
from keyin.wire.dpop_proofs import token_hash
from keyin.wire.signing_key import new_key
from tests.cloud_process import Cloud, Reply, copied, send, serving
from tests.oauth_client import ISSUER, Computer, fresh, now, registered
from tests.properties.cloud.refusals import Prepared, path_of

if TYPE_CHECKING:
    from pathlib import Path

ROUTES = [route for route in routes.PUBLIC if route.access is Access.BEARER]
MINUTE_MS = 60_000
BODIES = {routes.QUERY_OWN: '{"device":{}}', routes.SAVE: "{}", routes.SAVE_OWN: "{}"}


def named(route: Route) -> str:
    return f"{route.method} {route.template}"


class Forger:
    """Makes proofs for one route; whatever is given as a change replaces what is right."""

    def __init__(self, prepared: Prepared, route: Route) -> None:
        self.computer = prepared.computer
        self.token = prepared.tokens["right"]
        self.route = route

    def claims(self, **changes: Any) -> dict[str, Any]:
        made = {
            "htm": self.route.method,
            "htu": ISSUER + path_of(self.route),
            "iat": now() // 1000,
            "jti": fresh(),
            "ath": token_hash(AccessToken(self.token)),
            "nonce": self.computer.nonce,
            **changes,
        }
        return {name: value for name, value in made.items() if value is not ...}

    def proof(self, header: dict[str, Any] | None = None, **changes: Any) -> str:
        key = self.computer.sender
        made = {"typ": "dpop+jwt", "jwk": json.loads(key.public.jwk), **(header or {})}
        return key.sign(made, self.claims(**changes))

    def ask(self, cloud: Cloud, *proofs: str) -> Reply:
        headers = {"Authorization": f"DPoP {self.token}", "Content-Type": "application/json"}
        if proofs:
            headers["DPoP"] = ", ".join(proofs)
        return send(
            cloud.url,
            self.route.method,
            path_of(self.route),
            headers=headers,
            body=BODIES.get(self.route),
        )


@pytest.fixture(params=ROUTES, ids=named)
def forger(request: pytest.FixtureRequest, prepared: Prepared, issuing: Cloud) -> Forger:
    assert issuing.url
    prepared.learn_nonce()
    return Forger(prepared, request.param)


def challenge(reply: Reply) -> tuple[int, str]:
    header = reply.headers["www-authenticate"]
    assert reply.json == {"isError": True, "message": "Unauthorized"}
    return reply.status, header.partition('error="')[2].partition('"')[0]


def test_p11_a_right_proof_opens_and_opens_once(forger: Forger, issuing: Cloud) -> None:
    proof = forger.proof()
    assert forger.ask(issuing, proof).status in {200, 400, 404}
    assert challenge(forger.ask(issuing, proof)) == (401, "invalid_token")
    lenient = forger.proof(htu=ISSUER + path_of(forger.route) + "?more#part")
    assert forger.ask(issuing, lenient).status in {200, 400, 404}


def wrong(forger: Forger) -> dict[str, str]:
    """One proof for each thing that RFC 9449 §4.3 has looked at, wrong in that alone."""
    seconds = now() // 1000
    own = ISSUER + path_of(forger.route)
    mine = forger.computer.sender
    stranger = new_key(SystemEntropy())
    theirs = json.loads(stranger.public.jwk)
    right = forger.proof()
    return {
        "another method": forger.proof(htm="DELETE"),
        "the method in lower case": forger.proof(htm=forger.route.method.lower()),
        "no method": forger.proof(htm=...),
        "another path": forger.proof(htu=ISSUER + "/other"),
        "another host": forger.proof(htu=own.replace("127.0.0.1", "127.0.0.2")),
        "another scheme": forger.proof(htu=own.replace("http:", "https:")),
        "a longer path": forger.proof(htu=own + "/"),
        "no address": forger.proof(htu=...),
        "no token": forger.proof(ath=...),
        "another token": forger.proof(ath=token_hash(AccessToken("other"))),
        "the token itself": forger.proof(ath=forger.token),
        "stale": forger.proof(iat=seconds - 70),
        "of the future": forger.proof(iat=seconds + 60),
        "no time": forger.proof(iat=...),
        "a time in words": forger.proof(iat="now"),
        "no name": forger.proof(jti=...),
        "an empty name": forger.proof(jti=""),
        "an endless name": forger.proof(jti="j" * 5000),
        "a number for a name": forger.proof(jti=7),
        "of another type": forger.proof({"typ": "JWT"}),
        "another's key in it": forger.proof({"jwk": theirs}),
        "a private key in it": forger.proof({"jwk": {**json.loads(mine.public.jwk), "d": "AAAA"}}),
        "no key in it": mine.sign({"typ": "dpop+jwt"}, forger.claims()),
        "all of another's": stranger.sign({"typ": "dpop+jwt", "jwk": theirs}, forger.claims()),
        "cut off": right[:-4],
        "without signature": right.rpartition(".")[0] + ".",
        "nonsense": "a.b.c",
        "empty": "",
    }


def test_p11_whatever_else_is_wrong_with_a_proof_opens_nothing(
    forger: Forger, issuing: Cloud
) -> None:
    for why, proof in wrong(forger).items():
        assert challenge(forger.ask(issuing, proof)) == (401, "invalid_token"), why
    assert challenge(forger.ask(issuing)) == (401, "invalid_token")
    two = forger.ask(issuing, forger.proof(), forger.proof())
    assert challenge(two) == (401, "invalid_token")


def test_p11_a_missing_a_made_up_and_an_old_nonce_are_sent_back(
    forger: Forger, issuing: Cloud, prepared: Prepared
) -> None:
    opened = open_data(prepared.data, None, exclusive=False)
    dpop = Dpop(peppers=opened.secrets)
    old = dpop.nonce(Millis(now() - 3 * MINUTE_MS))
    early = dpop.nonce(Millis(now() + 3 * MINUTE_MS))
    opened.close()
    given = ""
    for nonce in (..., "", "0" * 32, old, early, 7, None):
        reply = forger.ask(issuing, forger.proof(nonce=nonce))
        assert challenge(reply) == (401, "use_dpop_nonce")
        given = reply.headers["dpop-nonce"]
    assert forger.ask(issuing, forger.proof(nonce=given)).status in {200, 400, 404}


def test_p14_no_token_of_a_key_lives_longer_than_fifteen_minutes_or_is_renewed(
    prepared: Prepared, issuing: Cloud
) -> None:
    desk = Computer(prepared.computer.client_id, prepared.computer.key)
    for scope in ("settings:read", "settings:write", "settings:read settings:write", None):
        reply = desk.exchange(issuing, scope=scope)
        assert reply.json["expires_in"] <= 900
        assert "refresh_token" not in reply.json
    token = desk.token(issuing)
    refused = desk.exchange(issuing, grant_type="refresh_token", refresh_token=token)
    assert (refused.status, refused.json["error"]) == (400, "unsupported_grant_type")
    told = issuing.request("GET", "/.well-known/oauth-authorization-server").json
    assert "refresh_token" not in told["grant_types_supported"]


def test_p25_a_bound_token_counts_from_its_clients_networks_only(
    imported: Path, tmp_path: Path
) -> None:
    data = copied(imported, tmp_path / "data")
    desk = registered(data, "--network", "10.1.0.0/16")
    with serving(data, "--issuer", ISSUER, "--trusted-proxy", "127.0.0.0/8") as cloud:
        inside, outside = {"X-Forwarded-For": "10.1.2.3"}, {"X-Forwarded-For": "10.2.2.3"}
        refused = cloud.form("/oauth2/token", desk.form("alice"), {"DPoP": desk.proof(), **outside})
        assert (refused.status, refused.json["error"]) == (401, "invalid_client")
        asked = cloud.form("/oauth2/token", desk.form("alice"), {"DPoP": desk.proof(), **inside})
        desk.nonce = asked.headers["dpop-nonce"]
        given = cloud.form("/oauth2/token", desk.form("alice"), {"DPoP": desk.proof(), **inside})
        token = given.json["access_token"]
        for route in ROUTES:
            for address, refuses in ((inside, False), (outside, True), ({}, True)):
                proof = desk.proof(route.method, ISSUER + path_of(route), token)
                headers = {"Authorization": f"DPoP {token}", "DPoP": proof, **address}
                reply = cloud.request(route.method, path_of(route), headers=headers)
                assert (reply.status == 401) is refuses, (named(route), address)
