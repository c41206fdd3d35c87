"""requests-oauthlib, unchanged: a web application with a secret, and a machine job."""

from __future__ import annotations

from typing import TYPE_CHECKING

from oauthlib.oauth2 import (  # type: ignore[import-untyped] # ships no types
    BackendApplicationClient,
)
from requests.auth import HTTPBasicAuth
from requests_oauthlib import OAuth2Session  # type: ignore[import-untyped] # as above

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.clients.world import World


def run(world: World) -> Iterator[str]:
    """Yield each feature once it was shown."""
    yield from _application(world)
    yield from _job(world)


def _secret(world: World) -> HTTPBasicAuth:
    plain = world.told["plain"]
    return HTTPBasicAuth(plain["client_id"], plain["secret"])


def _application(world: World) -> Iterator[str]:
    plain = world.told["plain"]
    with OAuth2Session(
        plain["client_id"],
        redirect_uri=plain["redirect_uri"],
        scope=["account:read"],
        pkce="S256",
    ) as session:
        session.verify, session.trust_env = str(world.ca), False
        url, _state = session.authorization_url(world.issuer + "/oauth2/authorize")
        session.fetch_token(
            world.issuer + "/oauth2/token",
            authorization_response=world.visit(url),
            auth=_secret(world),
        )
        assert session.get(world.issuer + "/api/v1/account").json()["name"] == world.told["person"]
        yield "authorization code, PKCE"
        yield from _revoked(session, world, "/api/v1/account")


def _job(world: World) -> Iterator[str]:
    client = BackendApplicationClient(world.told["plain"]["client_id"])
    with OAuth2Session(client=client, scope=["installations:read"]) as session:
        session.verify, session.trust_env = str(world.ca), False
        session.fetch_token(world.issuer + "/oauth2/token", auth=_secret(world))
        yield "client credentials"
        yield from _revoked(session, world, "/api/v1/installations")


def _revoked(session: OAuth2Session, world: World, path: str) -> Iterator[str]:
    assert session.get(world.issuer + path).status_code == 200
    url, headers, body = session._client.prepare_token_revocation_request(
        world.issuer + "/oauth2/revoke", session.access_token
    )
    answer = session.request(
        "POST", url, data=body, headers=headers, auth=_secret(world), withhold_token=True
    )
    assert answer.status_code == 200
    assert session.get(world.issuer + path).status_code == 401
    yield "revocation"
    yield "client_secret_basic"
