"""Changes what is registered of this computer (RFC 7592 §2.2): its key, and which software it runs.

There is no moment in which it has no key.

The next key is on the disk before the cloud hears of it; both count until the new one was proven;
then the old one is taken away, there first and here afterwards. Whatever lies on the disk after a
crash says where to go on, and its `private_key` is one that the cloud takes (P85).
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import structlog
from msgspec.structs import replace

from keyin.access_requester.keys import signing, to_keep
from keyin.access_requester.registering import key_set
from keyin.domain.secret import Secret
from keyin.remote.proven_requests import Presented
from keyin.wire.enrolment import RegistrationRequest
from keyin.wire.requester_trouble import Trouble, trouble
from keyin.wire.signing_key import new_key

if TYPE_CHECKING:
    from collections.abc import Callable

    from keyin.access_requester.own_identity import OwnIdentity
    from keyin.access_requester.reach import Reach
    from keyin.access_requester.registering import Registering
    from keyin.domain.environment import Entropy
    from keyin.domain.secret import PrivateKey
    from keyin.stores.credential_file import CredentialFile, Registered
    from keyin.wire.enrolment import RegistrationAnswer
    from keyin.wire.signing_key import SigningKey

_log = structlog.get_logger()


class Rotation:
    """One at a time."""

    def __init__(
        self, *, reach: Reach, identity: OwnIdentity, registering: Registering, entropy: Entropy
    ) -> None:
        self._reach = reach
        self._identity = identity
        self._registering = registering
        self._entropy = entropy
        self._alone = asyncio.Lock()

    async def rotate(self) -> str:
        """Change the key; return the new one's thumbprint.

        Raises Refused, CloudUnreachable, ConfigurationError; it is gone on with later.
        """
        async with self._alone:
            held, _ = self._held()
            if held.next_key is None and held.previous_key is None:
                key = new_key(self._entropy)
                self._identity.files.write_held(replace(held, next_key=to_keep(key)))
            return await self._finish()

    async def finish(self) -> None:
        """Go on with a change that was interrupted. Raises as `rotate`."""
        async with self._alone:
            await self._finish()

    async def tell_software(self) -> None:
        """Say which software this is, and leave everything else as it is. Raises as `rotate`."""
        async with self._alone:
            held, registered = self._held()
            software = self._registering.software()
            answer = await self._say(
                held,
                registered,
                lambda asked: replace(
                    asked,
                    software_version=software.version,
                    software_statement=software.statement,
                ),
            )
            registered = replace(_renewed(registered, answer), told=software.told)
            self._identity.files.write_held(replace(held, registered=registered))
            _log.info("software_told", version=software.version)

    async def _finish(self) -> str:
        held, registered = self._held()
        if held.next_key is not None:
            held, registered = await self._take_up(held, registered, held.next_key)
        if held.previous_key is not None:
            answer = await self._say_keys(held, registered)
            held = replace(held, previous_key=None, registered=_renewed(registered, answer))
            self._identity.files.write_held(held)
            _log.info("key_changed")
        return held.public.thumbprint

    async def _take_up(
        self, held: CredentialFile, registered: Registered, next_key: PrivateKey
    ) -> tuple[CredentialFile, Registered]:
        """Let both keys count, prove the new one, and use it from then on."""
        answer = await self._say_keys(held, registered, next_key)
        registered = _renewed(registered, answer)
        taken = replace(
            held,
            private_key=next_key,
            public=signing(next_key).public,
            next_key=None,
            previous_key=held.private_key,
            registered=registered,
        )
        await self._reach.prove(taken)
        self._identity.files.write_held(taken)
        return taken, registered

    async def _say_keys(
        self, held: CredentialFile, registered: Registered, *more: PrivateKey
    ) -> RegistrationAnswer:
        """Say which keys count."""
        new = [signing(other) for other in more]
        keys = [signing(held.private_key), *new]
        jwks = key_set(*(one.public for one in keys))
        return await self._say(held, registered, lambda asked: replace(asked, jwks=jwks), *new)

    async def _say(
        self,
        held: CredentialFile,
        registered: Registered,
        changed: Callable[[RegistrationRequest], RegistrationRequest],
        *new: SigningKey,
    ) -> RegistrationAnswer:
        """Say the registration again, changed; each new key proves itself."""
        cloud, key = self._registering.cloud(), signing(held.private_key)
        presented = Presented(Secret(registered.token))
        now = await cloud.look(key, registered.uri, presented)
        request = changed(_again(now))
        answer = await cloud.replace([key, *new], registered.uri, presented, request)
        self._registering.answer = answer
        return answer

    def _held(self) -> tuple[CredentialFile, Registered]:
        """Return the identity in use. Raises Refused where it is none that changes itself."""
        if self._identity.credential() is None:
            raise trouble(Trouble.NOT_ENROLLED)
        held = self._identity.files.held()
        if held is None or held.registered is None:
            raise trouble(Trouble.BY_HAND)
        return held, held.registered


def _again(now: RegistrationAnswer) -> RegistrationRequest:
    """Return what is asked for by whom nothing shall change."""
    return RegistrationRequest(
        client_id=now.client_id,
        client_name=now.client_name,
        application_type=now.application_type,
        token_endpoint_auth_method=now.token_endpoint_auth_method,
        token_endpoint_auth_signing_alg=now.token_endpoint_auth_signing_alg,
        jwks=now.jwks,
        grant_types=now.grant_types,
        response_types=now.response_types,
        redirect_uris=now.redirect_uris,
        scope=now.scope,
        dpop_bound_access_tokens=now.dpop_bound_access_tokens,
        software_id=now.software_id,
        software_version=now.software_version,
        gpii_computer_type=now.gpii_computer_type,
        gpii_installation_id=now.gpii_installation_id,
        gpii_site=now.gpii_site,
    )


def _renewed(registered: Registered, answer: RegistrationAnswer) -> Registered:
    """Keep what the cloud has changed: the certificate names a key."""
    return replace(
        registered,
        uri=answer.registration_client_uri,
        token=answer.registration_access_token,
        certificate=answer.keyin_registration_certificate or registered.certificate,
    )
