"""What the flows ask of the store: each method a unit of work; each raises StoreUnavailable."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from keyin.domain.applications import Application
    from keyin.domain.authorization import Code, DeviceRequest, PushedRequest, Question
    from keyin.domain.enrolment import Computer, InitialAccess, Notice
    from keyin.domain.environment import Millis
    from keyin.domain.events import Event
    from keyin.domain.records import Client, Credential, Digest, RecordId, Token


class Applications(Protocol):
    """What is known of clients that are no installations."""

    async def find_application(self, credential_id: RecordId) -> Application | None:
        """Return what the record of this credential says, or None."""
        ...

    async def find_registered(
        self, credential_id: RecordId
    ) -> tuple[Credential, Client, Application] | None:
        """Return an application with its client as it counts now, or None."""
        ...


class Authorizations(Protocol):
    """Pushed requests and questions."""

    async def add_pushed(self, pushed: PushedRequest) -> None:
        """Remember a pushed request, durably."""
        ...

    async def find_pushed(self, digests: Sequence[Digest]) -> PushedRequest | None:
        """Return a pushed request, expired or not; it stays."""
        ...

    async def ask(self, question: Question, *, instead_of: Sequence[Digest]) -> bool:
        """Remember a question in the place of a pushed request or another question.

        Say whether that was there; with nothing to replace it is remembered always. Durable; of
        two at once one is first.
        """
        ...

    async def find_question(self, digests: Sequence[Digest]) -> Question | None:
        """Return a question, expired or not; it stays."""
        ...

    async def decide(
        self,
        question: Digest,
        outcome: Code | InitialAccess | None,
        *,
        event: Event,
        told: Sequence[Notice] = (),
    ) -> bool:
        """Put a code, an initial access token or nothing in the place of a question.

        Say whether that was there; where it was not, nothing is written, and nobody told.
        """
        ...


Produced = tuple["Token | InitialAccess", "Event"]
"""What is given out, and the event that tells of it."""
Reused = tuple["Event", "Sequence[Notice]"]
"""What tells that a code came twice: to the log, and to whoever said yes to it."""


class Codes(Protocol):
    """Authorization codes."""

    async def redeem(
        self,
        digests: Sequence[Digest],
        credential_id: RecordId,
        produce: Callable[[Code], Produced | None],
        *,
        reused: Callable[[Code], Reused],
    ) -> Code | None:
        """Use a code of this client up; return it as it was before, or None if there is none.

        `produce` says what an unused one is worth, if anything; that is written in the same
        transaction. What a used one had produced is revoked in it, an initial access token with
        every client born from it, which `reused` tells (RFC 6749 §4.1.2).
        """
        ...


class AccountTokens(Protocol):
    """Whose account a token opens."""

    async def account_of(self, token: Digest) -> tuple[RecordId, int] | None:
        """Return the account and the epoch that it had then; None: the token opens no account."""
        ...


class DeviceRequests(Protocol):
    """Device codes."""

    async def add_device_request(self, request: DeviceRequest) -> bool:
        """Remember one, durably; say whether its user code was free."""
        ...

    async def find_by_user_code(self, digests: Sequence[Digest]) -> DeviceRequest | None:
        """Return the one with this user code, expired or not."""
        ...

    async def answer_device(
        self,
        digest: Digest,
        account: tuple[RecordId, int] | None,
        *,
        event: Event,
        computer: Computer | None = None,
        site: str | None = None,
        told: Sequence[Notice] = (),
    ) -> bool:
        """Write down a person's yes (which account, its epoch) or no; one answer counts.

        With a yes to a computer, also what was approved of it. `told`, where this one counts.
        """
        ...

    async def poll(
        self,
        digests: Sequence[Digest],
        credential_id: RecordId,
        produce: Callable[[DeviceRequest], Produced | None],
        *,
        now: Millis,
    ) -> DeviceRequest | None:
        """Note that its client asked; return the request as it was before, or None.

        Asked too early, it waits five seconds longer from now on (RFC 8628 §3.5). Where `produce`
        gives a token, that is written and the request forgotten, in one.
        """
        ...
