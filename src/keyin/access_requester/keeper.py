"""Keeps this computer's identity in order, unasked: no failure needs a visit.

What to do is decided by `domain.identity` from what lies on the disk; here it is done, and done
again, ever more slowly, until it holds. So a clock that is set, a network that is plugged in, a
cloud that was restored or an owner's yes is found out without anybody at this computer.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING, Final

import structlog
from msgspec.structs import replace

from keyin.access_requester.asked import Asked
from keyin.access_requester.keys import signing
from keyin.domain.errors import CloudUnreachable, ConfigurationError, KeyinError, Refused
from keyin.domain.identity import Step, next_step, pause
from keyin.domain.secret import Secret
from keyin.remote.proven_requests import Presented
from keyin.wire.jose import InvalidSignature, parse
from keyin.wire.requester import ErrorCode
from keyin.wire.requester_trouble import Trouble, trouble

if TYPE_CHECKING:
    from keyin.access_requester.ways import Ways
    from keyin.domain.environment import Clock, Entropy
    from keyin.domain.secret import PrivateKey
    from keyin.stores.credential_file import CredentialFile
    from keyin.wire.signing_key import SigningKey

_CERTIFICATE: Final = frozenset({"alg", "typ", "kid"})
_A_DAY_S: Final = 86_400.0
_REST_S: Final = 300.0
"""So often it is looked whether something lies on the disk that was not there."""
_log = structlog.get_logger()


class Keeper:
    """One task, for as long as the process runs."""

    def __init__(self, ways: Ways, *, clock: Clock, entropy: Entropy) -> None:
        self._reach = ways.reach
        self._identity = ways.identity
        self._registering = ways.registering
        self._rotation = ways.rotation
        self._telling = ways.telling
        self._enrolment = ways.enrolment
        self._site_files = ways.site_files
        self._clock = clock
        self._entropy = entropy
        self._news = asyncio.Event()
        self._shown = self._refused = self._at_work = False
        self._hopeless_until = 0.0
        self.problem: KeyinError | None = None
        """What stands in the way of this computer's identity, if anything does."""

    def wake(self, *, refused: bool = False) -> None:
        """Look again: something has changed. `refused`: the cloud did not take the identity."""
        if refused:
            self._refused = True
        else:
            self._shown = self._refused = False
            self._hopeless_until = 0.0
            self._telling.afresh()
        self._news.set()

    def attempt_failed(self) -> None:
        """Look again after an attempt of somebody else's: of an own one, the failure is known."""
        if not self._at_work:
            self.wake()

    async def run(self) -> None:
        """Run until cancelled."""
        failures = 0
        while True:
            self._news.clear()
            waits = await self.once()
            failures = failures + 1 if waits else 0
            if waits is not False:
                seconds = pause(failures, self._entropy.token_bytes(1)[0]) if waits else _REST_S
                await self._sleep(seconds)

    async def once(self) -> bool | None:
        """Take one step. True: again, later; None: there is nothing to do; False: go on at once."""
        try:
            step = self._step()
            if self._enrolment.busy:
                return True
            if step is Step.REST:
                self.problem = self._telling.problem or (self.problem if self._refused else None)
                return None
            self._at_work = True
            done = await self._do(step)
        except KeyinError as exc:
            return self._noted(exc)
        finally:
            self._at_work = False
        self.problem = None if done else trouble(Trouble.AWAITING)
        return not done

    def _step(self) -> Step:
        hopeless = self._clock.monotonic() < self._hopeless_until
        return next_step(
            self._identity.situation(
                shown=self._shown,
                told=not self._telling.is_due(),
                refused=self._refused,
                hopeless=hopeless,
            )
        )

    async def _do(self, step: Step) -> bool:
        """Do it; False: it waits for a person. Raises Refused, CloudUnreachable."""
        match step:
            case Step.SHOW:
                await self._show()
            case Step.TELL_SOFTWARE:
                if await self._telling.tell():
                    self.wake()
            case Step.ASK_AGAIN:
                await self._enrolment.resume()
            case Step.PROVE_NEW:
                await self._registering.prove()
                self._enrolment.settled()
            case Step.ASK_WHETHER_APPROVED:
                return await self._registering.ask_whether_approved()
            case Step.FINISH_KEY:
                await self._rotation.finish()
            case Step.COME_BACK:
                await self._come_back()
            case Step.USE_FILE:
                await self._enrolment.file(self._site_files.content())
            case _:
                self._tidy(step)
        return True

    def _tidy(self, step: Step) -> None:
        """Take away what is of no use here any more. Raises ConfigurationError."""
        match step:
            case Step.DROP_ASKED:
                self._registering.asked.forget()
            case Step.DROP_NEW:
                self._identity.files.drop_coming()
            case Step.REMOVE_FILE:
                self._site_files.remove()

    def _noted(self, error: KeyinError) -> bool | None:
        if isinstance(error, ConfigurationError | Refused | CloudUnreachable):
            self.problem = error
            _log.warning("identity_trouble", code=error.code)
        if error.code == ErrorCode.CREDENTIAL_REVOKED and not self._refused:
            self._refused = True
            return False
        return True

    async def _show(self) -> None:
        held = self._identity.files.held()
        if held is not None and self._identity.credential() is not None:
            await self._reach.prove(held)
        self._shown = True

    async def _come_back(self) -> None:
        """Present the certificate; with its key, since the cloud remembers neither."""
        held = self._identity.files.held()
        if held is None or held.registered is None or held.registered.certificate is None:
            return
        if await self._former_key_counts(held):
            return
        certificate = held.registered.certificate
        key = _certified(held, certificate)
        if key is None:
            self._hopeless_until = self._clock.monotonic() + _A_DAY_S
            raise trouble(Trouble.NOT_TAKEN)
        try:
            await self._registering.register(Asked(key, Presented(Secret(certificate))))
        except Refused as exc:
            if exc.code in {Trouble.NOT_TAKEN, Trouble.NOT_ACCEPTED}:
                self._hopeless_until = self._clock.monotonic() + _A_DAY_S
            raise
        _log.info("came_back")

    async def _former_key_counts(self, held: CredentialFile) -> bool:
        """Go back to the key before, where the cloud knows that one and not the newer."""
        if held.previous_key is None:
            return False
        former = replace(
            held,
            private_key=held.previous_key,
            public=signing(held.previous_key).public,
            next_key=held.private_key,
            previous_key=None,
        )
        try:
            await self._reach.prove(former)
        except Refused as exc:
            if exc.code != ErrorCode.CREDENTIAL_REVOKED:
                raise
            return False
        self._identity.files.write_held(former)
        self._refused = False
        return True

    async def _sleep(self, seconds: float) -> None:
        news = asyncio.ensure_future(self._news.wait())
        time = asyncio.ensure_future(self._clock.sleep(seconds))
        try:
            await asyncio.wait({news, time}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for one in (news, time):
                one.cancel()
                with suppress(asyncio.CancelledError):
                    await one


def _certified(held: CredentialFile, certificate: str) -> SigningKey | None:
    """Return the key that the certificate names; of a half-changed one, either may be it."""
    try:
        named = parse(certificate, parameters=_CERTIFICATE).claims.get("jkt")
    except InvalidSignature:
        return None
    keys: list[PrivateKey | None] = [held.private_key, held.previous_key, held.next_key]
    for private in keys:
        if private is not None:
            key = signing(private)
            if key.public.thumbprint == named:
                return key
    return None
