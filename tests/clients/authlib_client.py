"""Authlib, unchanged: a web application with a secret, and a machine job."""

from __future__ import annotations

from typing import TYPE_CHECKING

import requests
from authlib.common.security import generate_token  # type: ignore[import-untyped] # ships no types
from authlib.integrations.base_client.errors import (  # type: ignore[import-untyped] # as above
    OAuthError,
)
from authlib.integrations.requests_client import (  # type: ignore[import-untyped] # as above
    OAuth2Session,
)
from authlib.oauth2.rfc7523 import PrivateKeyJWT  # type: ignore[import-untyped] # as above
from authlib.oauth2.rfc8414 import (  # type: ignore[import-untyped] # as above
    AuthorizationServerMetadata,
    get_well_known_url,
)
from joserfc.jwk import ECKey

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.clients.world import World


def run(world: World) -> Iterator[str]:
    """Yield each feature once it was shown."""
    place = get_well_known_url(world.issuer, external=True)
    described = AuthorizationServerMetadata(
        requests.get(place, verify=str(world.ca), timeout=10).json()
    )
    described.validate()
    yield "authorization server metadata"
    yield from _application(world, described)
    yield from _job(world, described)


def refused_assertion(world: World) -> str:
    """Return the error that its own assertions get: for the token endpoint, and for an hour."""
    job = world.told["job"]
    session = OAuth2Session(
        job["client_id"],
        ECKey.import_key(job["jwk"]),
        token_endpoint_auth_method=PrivateKeyJWT(headers={"kid": job["kid"]}, alg="ES256"),
    )
    session.verify, session.trust_env = str(world.ca), False
    try:
        session.fetch_token(world.issuer + "/oauth2/token", grant_type="client_credentials")
    except OAuthError as error:
        return str(error.error)
    return ""


def _session(world: World, **more: str) -> OAuth2Session:
    plain = world.told["plain"]
    session = OAuth2Session(
        plain["client_id"],
        plain["secret"],
        token_endpoint_auth_method="client_secret_basic",
        **more,
    )
    session.verify, session.trust_env = str(world.ca), False
    return session


def _application(world: World, at: dict[str, str]) -> Iterator[str]:
    back = world.told["plain"]["redirect_uri"]
    with _session(
        world, scope="account:read", redirect_uri=back, code_challenge_method="S256"
    ) as session:
        verifier = generate_token(48)
        url, state = session.create_authorization_url(
            at["authorization_endpoint"], code_verifier=verifier
        )
        token = session.fetch_token(
            at["token_endpoint"],
            authorization_response=world.visit(url),
            code_verifier=verifier,
            state=state,
        )
        assert token["token_type"] == "Bearer"
        assert session.get(world.issuer + "/api/v1/account").json()["name"] == world.told["person"]
        yield "authorization code, PKCE"
        yield from _told(session, at, token["access_token"])


def _job(world: World, at: dict[str, str]) -> Iterator[str]:
    with _session(world, scope="installations:read") as session:
        token = session.fetch_token(at["token_endpoint"], grant_type="client_credentials")
        assert session.get(world.issuer + "/api/v1/installations").status_code == 200
        yield "client credentials"
        yield from _told(session, at, token["access_token"])


def _told(session: OAuth2Session, at: dict[str, str], token: str) -> Iterator[str]:
    def active() -> bool:
        told = session.introspect_token(at["introspection_endpoint"], token=token)
        return bool(told.json()["active"])

    assert active()
    session.revoke_token(
        at["revocation_endpoint"], token=token, token_type_hint="access_token"
    ).raise_for_status()
    assert not active()
    yield "introspection"
    yield "revocation"
    yield "client_secret_basic"
