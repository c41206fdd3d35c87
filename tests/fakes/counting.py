"""Ports that note what is asked of them, and a store that can be down."""

from __future__ import annotations

from typing import Any

from keyin.domain.errors import StoreUnavailable


class Counting:
    """Stands in front of any port: notes the name of every method that is called."""

    def __init__(self, behind: object, calls: list[str]) -> None:
        self._behind = behind
        self._calls = calls

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._behind, name)

        def noted(*arguments: Any, **options: Any) -> Any:
            purpose = f":{arguments[0]}" if name == "digests" else ""
            self._calls.append(name + purpose)
            return found(*arguments, **options)

        return noted if callable(found) else found


class Down:
    """A store whose disk is gone: whatever is asked, it cannot answer."""

    def __getattr__(self, name: str) -> Any:
        async def fail(*_: Any, **__: Any) -> Any:
            raise StoreUnavailable("the disk is gone")

        return fail
