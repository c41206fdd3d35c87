"""The administrator's ops, answered: the same here and there, whoever has the store open.

An op changes something and leaves its event in the transaction of the change; one that only looks,
or that was refused, leaves an event too.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from functools import reduce
from operator import or_
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, TypeVar

import msgspec

from keyin.domain.errors import Refused
from keyin.domain.events import ADMINISTRATOR, Act, Event, Outcome
from keyin.wire.admin import Changed, Look, Op, read

if TYPE_CHECKING:
    from collections.abc import Iterable

    from keyin.domain.environment import Millis
    from keyin.domain.records import RecordId
    from keyin.oauth.audit_ports import Trail

Answer = TypeVar("Answer", bound=msgspec.Struct)


class Acting(msgspec.Struct, frozen=True, kw_only=True):
    """When an administrator acts, and as which account of the computer."""

    at: Millis
    uid: int

    def event(  # noqa: PLR0913 - an event's fields
        self,
        act: Act,
        *,
        client: RecordId | None = None,
        site: str | None = None,
        key: str | None = None,
        reason: str | None = None,
        outcome: Outcome | None = None,
        detail: Mapping[str, str] = MappingProxyType({}),
    ) -> Event:
        """Return the event of an act."""
        return Event(
            act=act,
            actor=ADMINISTRATOR,
            at=self.at,
            client=client,
            site=site,
            key=key,
            reason=reason,
            outcome=outcome,
            detail={"uid": str(self.uid), **detail},
        )


Operation = Callable[[Any, Acting], Awaitable[msgspec.Struct]]
"""Answers one kind of op; may raise Refused, StoreUnavailable."""
Operations = Mapping[type[Op[Any]], Operation]


class Administration:
    """All ops that there are, and no other."""

    def __init__(self, families: Iterable[Operations], *, trail: Trail) -> None:
        self._operations = {kind: do for family in families for kind, do in family.items()}
        self._kinds = reduce(or_, self._operations)
        self._trail = trail

    @property
    def kinds(self) -> frozenset[type[Op[Any]]]:
        """Return the closed list."""
        return frozenset(self._operations)

    def read(self, message: dict[str, Any]) -> Op[Any]:
        """Return the op in a message without its envelope. Raises Refused (`bad_request`)."""
        return read(message, self._kinds)

    async def answer(self, op: Op[Answer], acting: Acting) -> Answer:
        """Do it. Raises Refused, StoreUnavailable."""
        asked = str(type(op).__struct_config__.tag)
        try:
            answer: Any = await self._operations[type(op)](op, acting)
        except Refused as refusal:
            event = acting.event(
                Act.ADMINISTRATOR_ASKED,
                outcome=Outcome.REFUSED,
                reason=refusal.code,
                detail={"op": asked},
            )
            await self._trail.record(event)
            raise
        if isinstance(op, Look) or (isinstance(answer, Changed) and not answer.changed):
            await self._trail.record(acting.event(Act.ADMINISTRATOR_ASKED, detail={"op": asked}))
        found: Answer = answer
        return found
