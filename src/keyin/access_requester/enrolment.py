"""The ways in: a browser of this computer, one of another computer, a code, a file.

One enrolment at a time. What needs a person goes on in the background after the first answer, which
holds nothing but what that person is shown; how far it is, `standing` says. A failure ends the
attempt and nothing else: the identity in use stays.
"""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager, suppress
from functools import partial
from typing import TYPE_CHECKING, Final

import structlog

from keyin.access_requester.asked import Asked
from keyin.access_requester.listener import Listener
from keyin.access_requester.loopback import Declined
from keyin.access_requester.patience import Patience
from keyin.access_requester.progress import Progress
from keyin.access_requester.registering import WAITED_FOR
from keyin.domain.errors import CloudUnreachable, KeyinError, Refused
from keyin.domain.secret import Secret, equal
from keyin.remote.cloud_enrolment import AUTHORIZATION_CODE, DEVICE_CODE, DeviceBegun, Wish
from keyin.remote.proven_requests import Presented
from keyin.wire.enrolment_code import EnrolmentCode, token_of
from keyin.wire.jose import wrapped
from keyin.wire.key_fingerprint import key_fingerprint
from keyin.wire.requester_admin import BegunAnswer, Stage
from keyin.wire.requester_trouble import Trouble, trouble
from keyin.wire.signing_key import SigningKey, new_key

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    from keyin.access_requester.reach import Reach
    from keyin.access_requester.registering import Registering
    from keyin.access_requester.site_file import SiteFiles
    from keyin.domain.environment import Clock, Entropy

_RANDOM_BYTES: Final = 32
_ENROLLED_PAGE: Final = "/enrolled"
_SLOWER_S: Final = 5.0
_FOR_GOOD_S: Final = 900.0
"""After so long the cloud has given an unproven registration up (P48)."""
_LOST_S: Final = 60.0
_log = structlog.get_logger()


class Enrolment:
    """Begins attempts and sees them through."""

    def __init__(
        self,
        *,
        reach: Reach,
        registering: Registering,
        site_files: SiteFiles,
        clock: Clock,
        entropy: Entropy,
    ) -> None:
        self._reach = reach
        self._registering = registering
        self._site_files = site_files
        self._clock = clock
        self._entropy = entropy
        self._patience = Patience(clock=clock, entropy=entropy)
        self._beginning = asyncio.Lock()
        self._attempt: asyncio.Task[KeyinError | None] | None = None
        self._key: SigningKey | None = None
        self._asked: Secret | None = None
        self._listener: Listener | None = None
        self.progress = Progress()
        self.settled: Callable[[], None] = lambda: None
        """Called when this computer has a new identity, or none any more."""
        self.failed: Callable[[], None] = lambda: None
        """Called when an attempt has failed; there may be something to go on with."""

    @property
    def busy(self) -> bool:
        """Tell whether an attempt is at work."""
        return self._attempt is not None and not self._attempt.done()

    async def browser(self) -> BegunAnswer:
        """Begin with a browser of this computer. Raises Refused, CloudUnreachable."""
        async with self._begun() as key:
            cloud, state, verifier = self._registering.cloud(), self._secret(), self._secret()
            listener = Listener.open(
                issuer=cloud.issuer, state=state, goodbye=cloud.issuer + _ENROLLED_PAGE
            )
            try:
                wish = Wish(
                    details=self._registering.details(key),
                    redirect_uri=listener.redirect_uri,
                    state=state,
                    verifier=verifier,
                )
                url, expires_in = await cloud.push(key, wish)
            except BaseException:
                await listener.close()
                raise
        self._listener = listener
        self._go_on(partial(self._answered, key, listener, verifier), key, Stage.WAITING)
        return BegunAnswer(url=url, fingerprint=_fingerprint(key), expires_in=expires_in)

    async def device(self) -> BegunAnswer:
        """Begin with a browser of another computer. Raises Refused, CloudUnreachable."""
        async with self._begun() as key:
            details = self._registering.details(key)
            begun = await self._registering.cloud().begin_device(key, details)
        self._go_on(partial(self._typed, key, begun), key, Stage.WAITING)
        return BegunAnswer(
            url=begun.verification_uri,
            fingerprint=_fingerprint(key),
            expires_in=begun.expires_in,
            user_code=begun.user_code,
        )

    async def code(self, text: EnrolmentCode) -> None:
        """Enrol with a code: of a page of its own, or in place of a browser's way back.

        Raises Refused, CloudUnreachable, ConfigurationError.
        """
        token = token_of(text)
        if token is None:
            raise trouble(Trouble.CODE_WRONG)
        key = self._key if self.busy and self.progress.stage is Stage.WAITING else None
        if key is not None:  # the cloud has bound it to the key that it was asked with
            await self._stop()
            await self._see_through(Asked(key, Presented(token)))
            return
        if await self._is_at(token):
            await self._its_end()
            return
        async with self._begun() as key:
            await self._registering.cloud().endpoints()
            asked = self._as_before(Asked(key, Presented(token, "Bearer")))
        await self._see_through(asked)

    async def file(self, content: bytes) -> None:
        """Enrol with an enrolment file. Raises Refused, CloudUnreachable, ConfigurationError."""
        async with self._begun() as key:
            token = await self._site_files.token(content, self._registering.cloud())
            asked = self._as_before(Asked(key, Presented(token, "Bearer")))
        await self._see_through(asked)

    async def resume(self) -> None:
        """Ask for the answer that did not come. Raises Refused, CloudUnreachable."""
        async with self._begun():
            asked = self._registering.asked.open(self._registering.cloud().issuer)
        if asked is not None:
            await self._see_through(asked)

    async def cancel(self) -> None:
        """Give up what is at work."""
        if self.busy:
            await self._stop()
            await self._reach.miss()
            self._registering.drop()
            self.progress.stage = Stage.FAILED
            self.progress.note(trouble(Trouble.GIVEN_UP))
        else:
            self._registering.asked.forget()

    async def close(self) -> None:
        """End with the process; what was registered is gone on with at the next start."""
        await self._stop()

    @asynccontextmanager
    async def _begun(self) -> AsyncIterator[SigningKey]:
        """Aim at the cloud that the configuration names now, and let go of it if that fails."""
        async with self._beginning:
            if self.busy:
                raise trouble(Trouble.BUSY)
            await self._reach.aim()
            try:
                yield new_key(self._entropy)
            except BaseException:
                await self._reach.miss()
                raise

    async def _is_at(self, token: Secret) -> bool:
        """Tell whether an attempt with this very token is at work: the keeper may have begun it."""
        async with self._beginning:
            asked = self._asked
        return self.busy and asked is not None and equal(asked.reveal(), token.reveal())

    def _secret(self) -> Secret:
        return Secret(wrapped(self._entropy.token_bytes(_RANDOM_BYTES)))

    def _as_before(self, asked: Asked) -> Asked:
        return self._registering.asked.same(asked, self._registering.cloud().issuer)

    async def _see_through(self, asked: Asked) -> None:
        """Run the rest as an attempt, and wait for it. Raises what it fails with."""
        self._go_on(partial(self._finish, asked), asked.key, Stage.REGISTERING)
        self._asked = asked.presented.token
        await self._its_end()

    async def _its_end(self) -> None:
        """Wait for the attempt at work. Raises what it fails with."""
        attempt = self._attempt
        failed = None if attempt is None else await asyncio.shield(attempt)
        if failed is not None:
            raise failed

    def _go_on(self, work: Callable[[], Awaitable[None]], key: SigningKey, stage: Stage) -> None:
        self._key, self._asked = key, None
        self.progress = Progress(stage=stage, fingerprint=_fingerprint(key))
        self._attempt = asyncio.create_task(self._watched(work))

    async def _watched(self, work: Callable[[], Awaitable[None]]) -> KeyinError | None:
        try:
            await work()
        except KeyinError as exc:
            self.progress.stage = Stage.FAILED
            self.progress.note(exc)
            await self._reach.miss()
            _log.warning("enrolment_failed", code=exc.code)
            self.failed()
            return exc
        finally:
            self._key = self._asked = None
        return None

    async def _stop(self) -> None:
        if self._attempt is not None:
            self._attempt.cancel()
            with suppress(asyncio.CancelledError):
                await self._attempt
            self._attempt = None
        if self._listener is not None:  # a task that had not begun has closed nothing
            await self._listener.close()
            self._listener = None

    async def _answered(self, key: SigningKey, listener: Listener, verifier: Secret) -> None:
        """Wait for the browser to come back, and turn its code into a token."""
        try:
            found = await listener.answer(self._clock)
        finally:
            await listener.close()
        if isinstance(found, Declined):
            raise trouble(Trouble.DENIED if found.denied else Trouble.NOT_TAKEN)
        form = {
            "grant_type": AUTHORIZATION_CODE,
            "code": found.reveal(),
            "redirect_uri": listener.redirect_uri,
            "code_verifier": verifier.reveal(),
        }
        self.progress.stage = Stage.REGISTERING
        presented = await self._registering.cloud().token(key, form)
        await self._finish(Asked(key, presented))

    async def _typed(self, key: SigningKey, begun: DeviceBegun) -> None:
        """Ask until somebody has approved elsewhere (RFC 8628 §3.5)."""
        form = {"grant_type": DEVICE_CODE, "device_code": begun.device_code}
        ends = self._clock.monotonic() + begun.expires_in
        interval = float(max(begun.interval, 1))
        while self._clock.monotonic() < ends:
            await self._clock.sleep(interval)
            try:
                presented = await self._registering.cloud().token(key, form)
            except CloudUnreachable as exc:
                self.progress.note(exc)
                interval += _SLOWER_S
                continue
            except Refused as exc:
                if exc.code == Trouble.TOO_FAST:
                    interval += _SLOWER_S
                elif exc.code not in {Trouble.PENDING, *WAITED_FOR}:
                    raise
                self.progress.note(exc if exc.code in WAITED_FOR else None)
                continue
            await self._finish(Asked(key, presented))
            return
        raise trouble(Trouble.EXPIRED)

    async def _finish(self, asked: Asked) -> None:
        self.progress.stage = Stage.REGISTERING
        self.progress.note(None)
        # the cloud gives a lost answer to the same key again
        register = partial(self._registering.register, asked)
        note = self.progress.note
        await self._patience.until_done(register, note=note, seconds=_LOST_S)
        self.progress.stage = Stage.PROVING
        prove = self._registering.prove
        await self._patience.until_done(
            prove, note=note, seconds=_FOR_GOOD_S, waited_for=WAITED_FOR
        )
        self.progress.stage = Stage.ENROLLED
        self.progress.note(None)
        self.settled()


def _fingerprint(key: SigningKey) -> str:
    return key_fingerprint(key.public.thumbprint)
