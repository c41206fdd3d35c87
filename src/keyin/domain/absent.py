"""The one mark for "not there", and the name of any JSON value.

`None` is JSON's null, an ordinary value; `ABSENT` is the lack of one. It is falsy, a singleton, and
compared with `is`.
This module knows nothing of documents or settings.
"""

from enum import Enum
from typing import Any, Final, Literal, TypeAlias, final

# A JSON value: null, a boolean, a number, a text, an array or an object with text members.
# The nested members are not spelled out: what people store is checked where it is read, not here.
Value: TypeAlias = bool | int | float | str | list[Any] | dict[str, Any] | None


@final
class Absent(Enum):
    """The type of `ABSENT`, its one member; an enumeration, so that checkers narrow by `is`."""

    ABSENT = "absent"

    def __bool__(self) -> Literal[False]:
        """Absent is false."""
        return False

    def __repr__(self) -> str:
        """Print as the name it is imported under."""
        return "ABSENT"


ABSENT: Final = Absent.ABSENT
