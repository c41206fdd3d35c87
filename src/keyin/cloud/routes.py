"""The table of routes: every way in, and what it asks of who comes (P1 reads this table)."""

from __future__ import annotations

from enum import Enum, auto
from typing import TYPE_CHECKING, Final

import msgspec

if TYPE_CHECKING:
    from collections.abc import Iterable

KIB: Final = 1024


class Access(Enum):
    """What a route asks of who comes."""

    PUBLIC = auto()
    CLIENT = auto()
    """A client's own credential, in the body."""
    BEARER = auto()
    """A settings token: for the key in the path, or for its own where the path has none."""
    SESSION = auto()
    """A person's session, in a cookie; who has none is led to the sign-in and nowhere else."""
    OTHER_TOKEN = auto()
    """A token of another class than settings: its audience and scope are the route's own."""
    REGISTRATION = auto()
    """An initial access token, or the registration's own; and a proof by the computer's key."""
    PREFERENCES = auto()
    """The preferences server's own secret, on its own listener."""
    OPERATOR = auto()
    """Only on the operators' listener."""


class Route(msgspec.Struct, frozen=True, kw_only=True, eq=False):
    """A template such as `/{key}/settings/{device}` under one method."""

    method: str
    template: str
    access: Access
    body_limit: int = 0
    """Bytes; no body is read where it is 0."""
    scope: str | None = None
    """What a token must allow."""


TOKEN: Final = Route(
    method="POST", template="/access_token", access=Access.CLIENT, body_limit=64 * KIB
)
TOKEN_OPTIONS: Final = Route(method="OPTIONS", template="/access_token", access=Access.PUBLIC)
QUERY: Final = Route(
    method="GET",
    template="/{key}/settings/{device}",
    access=Access.BEARER,
    scope="settings:read",
)
SAVE: Final = Route(
    method="PUT",
    template="/{key}/settings",
    access=Access.BEARER,
    body_limit=KIB * KIB,
    scope="settings:write",
)
QUERY_OWN: Final = Route(
    method="POST",
    template="/settings/query",
    access=Access.BEARER,
    body_limit=64 * KIB,
    scope="settings:read",
)
SAVE_OWN: Final = Route(
    method="PUT",
    template="/settings",
    access=Access.BEARER,
    body_limit=KIB * KIB,
    scope="settings:write",
)
SOLUTIONS: Final = Route(
    method="GET", template="/solutions/{digest}", access=Access.BEARER, scope="settings:read"
)
PREFERENCES_READ: Final = Route(
    method="GET", template="/preferences/{key}", access=Access.PREFERENCES
)
PREFERENCES_CREATE: Final = Route(
    method="POST", template="/preferences", access=Access.PREFERENCES, body_limit=KIB * KIB
)
PREFERENCES_PUT: Final = Route(
    method="PUT", template="/preferences/{key}", access=Access.PREFERENCES, body_limit=KIB * KIB
)
PREFERENCES: Final = (PREFERENCES_READ, PREFERENCES_CREATE, PREFERENCES_PUT)
"""What the preferences server has, beside `HEALTH` and `READY`, all of it by its secret."""
HEALTH: Final = Route(method="GET", template="/health", access=Access.PUBLIC)
READY: Final = Route(method="GET", template="/ready", access=Access.PUBLIC)
REVISION: Final = Route(method="GET", template="/revision", access=Access.OPERATOR)
METRICS: Final = Route(method="GET", template="/metrics", access=Access.OPERATOR)
DESCRIPTION: Final = Route(method="GET", template="/openapi.json", access=Access.OPERATOR)

OAUTH_TOKEN: Final = Route(
    method="POST", template="/oauth2/token", access=Access.CLIENT, body_limit=64 * KIB
)
REVOKE: Final = Route(
    method="POST", template="/oauth2/revoke", access=Access.CLIENT, body_limit=64 * KIB
)
INTROSPECT: Final = Route(
    method="POST", template="/oauth2/introspect", access=Access.CLIENT, body_limit=64 * KIB
)
SERVER_METADATA: Final = Route(
    method="GET", template="/.well-known/oauth-authorization-server", access=Access.PUBLIC
)
RESOURCE_METADATA: Final = Route(
    method="GET", template="/.well-known/oauth-protected-resource", access=Access.PUBLIC
)
PAR: Final = Route(method="POST", template="/oauth2/par", access=Access.CLIENT, body_limit=64 * KIB)
DEVICE_AUTHORIZATION: Final = Route(
    method="POST",
    template="/oauth2/device_authorization",
    access=Access.CLIENT,
    body_limit=64 * KIB,
)
ACCOUNT: Final = Route(
    method="GET", template="/api/v1/account", access=Access.OTHER_TOKEN, scope="account:read"
)
INSTALLATIONS: Final = Route(
    method="GET",
    template="/api/v1/installations",
    access=Access.OTHER_TOKEN,
    scope="installations:read",
)
FLOWS: Final = (PAR, DEVICE_AUTHORIZATION)
API: Final = (ACCOUNT, INSTALLATIONS)
"""What a cloud with an issuer answers to applications."""

_FORM: Final = 16 * KIB
SIGN_IN: Final = Route(method="GET", template="/login", access=Access.PUBLIC)
SIGN_IN_TAKE: Final = Route(
    method="POST", template="/login", access=Access.PUBLIC, body_limit=_FORM
)
SIGN_IN_CODE: Final = Route(
    method="POST", template="/login/code", access=Access.PUBLIC, body_limit=_FORM
)
SIGNED_OUT: Final = Route(method="GET", template="/logout", access=Access.PUBLIC)
STYLE: Final = Route(method="GET", template="/static/keyin.css", access=Access.PUBLIC)
SIGN_OUT: Final = Route(method="POST", template="/logout", access=Access.SESSION, body_limit=_FORM)
ACCOUNT_PAGE: Final = Route(method="GET", template="/account", access=Access.SESSION)
AUTHORIZE: Final = Route(method="GET", template="/oauth2/authorize", access=Access.PUBLIC)
"""Says what is wrong with a request, and asks who is in order to sign in."""
QUESTION: Final = Route(method="GET", template="/oauth2/authorize/question", access=Access.SESSION)
DECISION: Final = Route(
    method="POST",
    template="/oauth2/authorize/decision",
    access=Access.SESSION,
    body_limit=_FORM,
)
DEVICE_PAGE: Final = Route(method="GET", template="/device", access=Access.SESSION)
DEVICE_LOOK_UP: Final = Route(
    method="POST", template="/device", access=Access.SESSION, body_limit=_FORM
)
DEVICE_DECISION: Final = Route(
    method="POST", template="/device/decision", access=Access.SESSION, body_limit=_FORM
)
DEVICE_PAGES: Final = (DEVICE_PAGE, DEVICE_LOOK_UP, DEVICE_DECISION)
"""Besides, where the device grant is switched on."""
PAGES: Final = (
    SIGN_IN,
    SIGN_IN_TAKE,
    SIGN_IN_CODE,
    SIGNED_OUT,
    STYLE,
    SIGN_OUT,
    ACCOUNT_PAGE,
    AUTHORIZE,
    QUESTION,
    DECISION,
)
"""What a cloud with an issuer shows to people."""


def _look(template: str, access: Access = Access.SESSION) -> Route:
    return Route(method="GET", template=template, access=access)


def _act(template: str) -> Route:
    return Route(method="POST", template=template, access=Access.SESSION, body_limit=_FORM)


_SECOND: Final = "/account/second-step"
OWN: Final = (
    _look("/account/password"),
    _act("/account/password"),
    _look("/account/email"),
    _act("/account/email"),
    _look(_SECOND),
    _act(_SECOND),
    _look(f"{_SECOND}/new"),
    _act(f"{_SECOND}/new"),
    _look(f"{_SECOND}/picture"),
    _act(f"{_SECOND}/off"),
)
"""Where people say how they sign in."""
_COMPUTER: Final = "/manage/installations/{id}"
_FILE: Final = "/manage/initial-access-tokens/{id}"
MANAGE: Final = (
    _look("/enrolled", Access.PUBLIC),
    _look("/manage/installations"),
    _look("/manage/installations/new"),
    _look(_COMPUTER),
    *(
        make(f"{_COMPUTER}/{act}")
        for act in ("edit", "suspend", "revoke")
        for make in (_look, _act)
    ),
    _act(f"{_COMPUTER}/resume"),
    _act(f"{_COMPUTER}/approve"),
    _act("/manage/notices"),
    _look("/manage/enrolment-codes/new"),
    _act("/manage/enrolment-codes"),
    _look("/manage/initial-access-tokens"),
    _act("/manage/initial-access-tokens"),
    _look("/manage/initial-access-tokens/new"),
    _look(_FILE),
    _look(f"{_FILE}/revoke"),
    _act(f"{_FILE}/revoke"),
)
"""Where people look after their computers; literals stand before what a name may stand for."""

JWKS: Final = Route(method="GET", template="/oauth2/jwks", access=Access.PUBLIC)
REGISTER: Final = Route(
    method="POST",
    template="/oauth2/register",
    access=Access.REGISTRATION,
    body_limit=64 * KIB,
    scope="client:register",
)
_REGISTERED: Final = "/oauth2/register/{client_id}"
REGISTERED: Final = Route(method="GET", template=_REGISTERED, access=Access.REGISTRATION)
REPLACE_REGISTRATION: Final = Route(
    method="PUT", template=_REGISTERED, access=Access.REGISTRATION, body_limit=64 * KIB
)
END_REGISTRATION: Final = Route(method="DELETE", template=_REGISTERED, access=Access.REGISTRATION)
REGISTRATION: Final = (JWKS, REGISTER, REGISTERED, REPLACE_REGISTRATION, END_REGISTRATION)
"""Where computers register themselves."""

OAUTH: Final = (OAUTH_TOKEN, REVOKE, INTROSPECT, SERVER_METADATA, RESOURCE_METADATA)
"""What a cloud with an issuer answers besides."""
OAUTH_FAMILY: Final = frozenset({TOKEN, *OAUTH, *FLOWS, *REGISTRATION})
PUBLIC: Final = (
    TOKEN,
    TOKEN_OPTIONS,
    QUERY,
    SAVE,
    QUERY_OWN,
    SAVE_OWN,
    SOLUTIONS,
    HEALTH,
    READY,
)
OPERATORS: Final = (HEALTH, READY, REVISION, METRICS, DESCRIPTION)


class RouteTable:
    """Finds a route: literals in any case, captured values as they are (cloud-wire §2.2)."""

    def __init__(self, routes: Iterable[Route]) -> None:
        self._literal: dict[tuple[str, bytes], Route] = {}
        self._by_shape: dict[tuple[str, int], list[tuple[Route, tuple[bytes | None, ...]]]] = {}
        for route in routes:
            if "{" not in route.template:
                self._literal[route.method, route.template[1:].lower().encode()] = route
                continue
            parts = tuple(
                None if part.startswith("{") else part.encode()
                for part in route.template.split("/")[1:]
            )
            self._by_shape.setdefault((route.method, len(parts)), []).append((route, parts))

    def find(self, method: str, segments: list[bytes]) -> Route | None:
        """Return the route that the path's segments fit, still percent-encoded as they are."""
        literal = self._literal.get((method, b"/".join(segments).lower()))
        if literal is not None:
            return literal
        for route, parts in self._by_shape.get((method, len(segments)), ()):
            for part, segment in zip(parts, segments, strict=True):
                if not segment if part is None else part != segment.lower():
                    break
            else:
                return route
        return None
