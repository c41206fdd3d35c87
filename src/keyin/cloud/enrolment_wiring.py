"""Registering put together: services, rules, the cloud's signature."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from keyin.cloud.registration_routes import RegistrationRoutes
from keyin.domain.errors import ConfigurationError
from keyin.oauth.certificates import Certificates
from keyin.oauth.ports import Peppers
from keyin.oauth.registering import Door, Registrar
from keyin.oauth.registering import Store as RegisteringStore
from keyin.oauth.registration_care import RegistrationCare
from keyin.oauth.registration_records import Maker
from keyin.oauth.returning import Returning

if TYPE_CHECKING:
    from collections.abc import Sequence

    from keyin.cloud.enrolment_config import EnrolmentConfig
    from keyin.cloud.oauth_routes import Authorization
    from keyin.domain.environment import Entropy
    from keyin.oauth.software_statements import Statements
    from keyin.oauth.throttle import Throttle
    from keyin.wire.signing_key import SigningKey


class Store(RegisteringStore, Protocol):
    """What stands behind registering."""


class Secrets(Peppers, Protocol):
    """Peppers, and the keys that the cloud signs with."""

    @property
    def signing_keys(self) -> Sequence[SigningKey]:
        """Return them, newest first."""
        ...


def registration_routes(  # noqa: PLR0913 - what registering is made of
    config: EnrolmentConfig,
    authorization: Authorization,
    *,
    store: Store,
    secrets: Secrets,
    entropy: Entropy,
    throttle: Throttle,
    statements: Statements,
) -> RegistrationRoutes:
    """Return the routes. Raises ConfigurationError."""
    issuer, keys = authorization.issuer, _keys(secrets)
    certificates = Certificates(issuer=issuer, keys=keys)
    maker = Maker(peppers=secrets, entropy=entropy, certificates=certificates, issuer=issuer)
    door = Door(store=store, peppers=secrets, dpop=authorization.dpop, throttle=throttle)
    return RegistrationRoutes(
        authorization=authorization,
        registrar=Registrar(
            door=door,
            store=store,
            peppers=secrets,
            maker=maker,
            statements=statements,
            manners=config.manners(),
        ),
        care=RegistrationCare(
            door=door, store=store, peppers=secrets, maker=maker, statements=statements
        ),
        returning=Returning(door=door, store=store, maker=maker, certificates=certificates),
        keys=[key.public for key in keys],
    )


def _keys(secrets: Secrets) -> Sequence[SigningKey]:
    if secrets.signing_keys:
        return secrets.signing_keys
    raise ConfigurationError(
        "the secrets directory holds no signing key",
        next_step="Add it with LoadCredential=: a file named like "
        "signing-key-0001-9f3a2c1d with 64 hex digits.",
    )
