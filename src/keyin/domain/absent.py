"""The one mark for "not there", and the name of any JSON value.

`None` is JSON's null, an ordinary value; `ABSENT` is the lack of one. It is falsy, a singleton, and
compared with `is`.
This module knows nothing of documents or settings.
"""

from typing import Any, Final, TypeAlias, final

# A JSON value: null, a boolean, a number, a text, an array or an object with text members.
# The nested members are not spelled out: what people store is checked where it is read, not here.
Value: TypeAlias = bool | int | float | str | list[Any] | dict[str, Any] | None


@final
class Absent:
    """The type of `ABSENT`; there is one instance, which copies and pickles to itself."""

    __slots__ = ()
    _only: "Absent | None" = None

    def __new__(cls) -> "Absent":
        """Answer the one instance."""
        if cls._only is None:
            cls._only = super().__new__(cls)
        return cls._only

    def __bool__(self) -> bool:
        """Absent is false."""
        return False

    def __repr__(self) -> str:
        """Print as the name it is imported under."""
        return "ABSENT"

    def __reduce__(self) -> str:
        """Pickle and copy by name, so that `is` keeps working."""
        return "ABSENT"


ABSENT: Final = Absent()
