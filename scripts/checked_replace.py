"""A plugin of mypy: what `msgspec.structs.replace` is given must be fields, each of its own type.

Its own signature takes anything; of a dataclass mypy knows by itself.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from mypy.nodes import ARG_NAMED_OPT, ARG_POS, FuncDef
from mypy.plugin import FunctionSigContext, Plugin
from mypy.types import CallableType, Instance, get_proper_type

if TYPE_CHECKING:
    from collections.abc import Callable

REPLACE = "msgspec.structs.replace"


class CheckedReplace(Plugin):
    """Gives each call the signature of the structure that it changes."""

    def get_function_signature_hook(
        self, fullname: str
    ) -> Callable[[FunctionSigContext], CallableType] | None:
        """Return what knows better than the declaration."""
        return _signature if fullname == REPLACE else None


def _signature(context: FunctionSigContext) -> CallableType:
    shape = get_proper_type(context.api.get_expression_type(context.args[0][0]))
    made = shape.type.get_method("__init__") if isinstance(shape, Instance) else None
    fields = made.type if isinstance(made, FuncDef) else None
    if not isinstance(fields, CallableType):
        return context.default_signature
    return context.default_signature.copy_modified(
        arg_types=[shape, *fields.arg_types[1:]],
        arg_kinds=[ARG_POS, *[ARG_NAMED_OPT] * (len(fields.arg_kinds) - 1)],
        arg_names=[None, *fields.arg_names[1:]],
        ret_type=shape,
        variables=[],
    )


def plugin(_version: str) -> type[Plugin]:
    """Answer mypy, which asks for it by this name."""
    return CheckedReplace
