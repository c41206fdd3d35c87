"""The part of the forgetful store that takes away what has expired: tokens and used proofs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

    from keyin.domain.environment import Millis
    from keyin.domain.records import Digest, Token

Name = TypeVar("Name")
Value = TypeVar("Value")


class MemorySweeping:
    """What a method does stands with its port, cloud.sweeping.Sweepable."""

    _tokens: dict[Digest, Token]
    _uses: dict[tuple[str, str], Millis]
    quiet = True
    expiring = ("tokens", "jti_seen")

    async def sweep(self, table: str, *, expired_before: Millis, most: int) -> int:
        """Forget some."""
        if table == "tokens":
            return _sweep(self._tokens, lambda token: token.expires, expired_before, most)
        return _sweep(self._uses, lambda end: end, expired_before, most)


def _sweep(
    rows: dict[Name, Value], end: Callable[[Value], Millis], before: Millis, most: int
) -> int:
    ended: list[Any] = sorted(
        (name for name, row in rows.items() if end(row) < before), key=lambda name: end(rows[name])
    )
    for name in ended[:most]:
        del rows[name]
    return len(ended[:most])
