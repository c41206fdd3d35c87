"""Whether the cloud may act at all: closed while what every act must leave cannot be left."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mmap import mmap


class Gate:
    """While it is closed, every route but the question whether the process lives gives 503.

    `flag`: a byte that all workers see, where there are several.
    """

    __slots__ = ("_flag",)

    def __init__(self, flag: mmap | bytearray | None = None) -> None:
        self._flag = bytearray(1) if flag is None else flag

    @property
    def closed(self) -> bool:
        """Say whether it is closed."""
        return self._flag[0] != 0

    @closed.setter
    def closed(self, closed: bool) -> None:
        self._flag[0] = int(closed)
