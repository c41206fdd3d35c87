"""What a person types, as a pattern for SQL's LIKE with the escape character backslash."""

from __future__ import annotations


def containing(text: str) -> str:
    """Return the pattern of what has the text in it, which has no meaning of its own there."""
    plain = text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    return f"%{plain}%"
