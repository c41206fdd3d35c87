"""What the administrator's command and the cloud's process say to each other: the shape of an op.

An op is a Struct with its name as tag and its answer as parameter; the ops stand in modules of
their own, and whoever puts the service together decides which there are. No op takes a path, a
command, a URL or a host. Decides nothing.
"""

from __future__ import annotations

from typing import Annotated, Any, Final, Generic, Literal, TypeVar, get_args

import msgspec

from keyin.domain.errors import Refused, msgid

SERVICE: Final = "keyin-admin"
SOCKET: Final = "keyin.admin.sock"
"""The socket's name in the data directory."""
PAGE: Final = 100
"""Records in one answer at most: an answer must fit into one frame."""

Answer = TypeVar("Answer", bound=msgspec.Struct)
Answer_co = TypeVar("Answer_co", bound=msgspec.Struct, covariant=True)

Word = Annotated[str, msgspec.Meta(min_length=1, max_length=200)]
"""A name, an id: printable, or it is refused where it is made."""
Reason = Literal["lost", "sold", "compromised", "replaced", "other"]
"""Why something is taken back; kept, and written to the audit log."""


class Op(
    msgspec.Struct,
    Generic[Answer_co],
    frozen=True,
    kw_only=True,
    forbid_unknown_fields=True,
    tag_field="op",
):
    """One thing that an administrator may want."""


class Look(
    Op[Answer_co],
    Generic[Answer_co],
    frozen=True,
    kw_only=True,
):
    """An op that changes nothing."""


class Changed(msgspec.Struct, frozen=True, kw_only=True):
    """What came of it."""

    changed: bool
    """False: it was so already."""
    status: str
    clients: int | None = None
    """How many clients it concerns; their tokens have ended, if anything ended."""


def answer_of(op: type[Op[Answer]]) -> type[Answer]:
    """Return the shape of an op's answer."""
    found: type[Answer] = get_args(vars(op)["__orig_bases__"][0])[0]
    return found


def read(message: dict[str, Any], kinds: Any) -> Op[Any]:  # noqa: ANN401 - a union made at run time
    """Return the op in a message without its envelope. Raises Refused (`bad_request`)."""
    try:
        op: Op[Any] = msgspec.convert(message, kinds)
    except (msgspec.ValidationError, RecursionError):
        # without its cause: msgspec's message may quote what was sent, which may be a token
        raise Refused(
            "bad_request",
            msgid("the cloud does not understand this request"),
            next_step=msgid("see that both programs have the same version"),
        ) from None
    return op
