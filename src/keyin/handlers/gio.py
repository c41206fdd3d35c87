"""A binding to GIO's settings, straight on libgio-2.0 through ctypes: calls and memory, no policy.

Only what cannot end the process is called: GLib aborts on an unknown schema or key, so a `Gio`
opens a schema by looking it up first and every key is checked before it is touched.
Not for several threads: use one `Gio` from one thread at a time.
"""

from __future__ import annotations

import ctypes
import itertools
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

from keyin.domain.errors import HandlerFailed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_P: Final = ctypes.c_void_p
_S: Final = ctypes.c_char_p
_I: Final = ctypes.c_int
_DRAIN_LIMIT: Final = 10_000

# Function name, result, arguments. A result of _P that is text is read and freed by hand.
_GLIB: Final[tuple[tuple[str, Any, tuple[Any, ...]], ...]] = (
    ("g_free", None, (_P,)),
    ("g_strfreev", None, (_P,)),
    ("g_main_context_iteration", _I, (_P, _I)),
    ("g_variant_type_dup_string", _P, (_P,)),
    ("g_variant_ref_sink", _P, (_P,)),
    ("g_variant_unref", None, (_P,)),
    ("g_variant_get_type_string", _S, (_P,)),
    ("g_variant_n_children", ctypes.c_size_t, (_P,)),
    ("g_variant_get_child_value", _P, (_P, ctypes.c_size_t)),
    ("g_variant_get_string", _S, (_P, _P)),
    ("g_variant_new_string", _P, (_S,)),
    ("g_variant_new_strv", _P, (_P, ctypes.c_ssize_t)),
)
_GOBJECT: Final[tuple[tuple[str, Any, tuple[Any, ...]], ...]] = (
    ("g_object_unref", None, (_P,)),
    ("g_type_name_from_instance", _S, (_P,)),
)
_GIO: Final[tuple[tuple[str, Any, tuple[Any, ...]], ...]] = (
    ("g_settings_backend_get_default", _P, ()),
    ("g_settings_schema_source_get_default", _P, ()),
    ("g_settings_schema_source_lookup", _P, (_P, _S, _I)),
    ("g_settings_schema_unref", None, (_P,)),
    ("g_settings_schema_get_path", _S, (_P,)),
    ("g_settings_schema_list_keys", _P, (_P,)),
    ("g_settings_schema_get_key", _P, (_P, _S)),
    ("g_settings_schema_key_unref", None, (_P,)),
    ("g_settings_schema_key_get_value_type", _P, (_P,)),
    ("g_settings_schema_key_range_check", _I, (_P, _P)),
    ("g_settings_new_full", _P, (_P, _P, _S)),
    ("g_settings_get_user_value", _P, (_P, _S)),
    ("g_settings_set_value", _I, (_P, _S, _P)),
    ("g_settings_reset", None, (_P, _S)),
    ("g_settings_is_writable", _I, (_P, _S)),
    ("g_settings_sync", None, ()),
)
# GVariant's numeric types: the letter, the word in its functions' names, the C type.
NUMERIC: Final[dict[str, tuple[str, Any]]] = {
    "b": ("boolean", _I),
    "y": ("byte", ctypes.c_uint8),
    "n": ("int16", ctypes.c_int16),
    "q": ("uint16", ctypes.c_uint16),
    "i": ("int32", ctypes.c_int32),
    "u": ("uint32", ctypes.c_uint32),
    "x": ("int64", ctypes.c_int64),
    "t": ("uint64", ctypes.c_uint64),
    "d": ("double", ctypes.c_double),
}

Plain = bool | int | float | str | list[str]


class Gio:
    """The functions of the three libraries, with their types. Loading it starts nothing."""

    def __init__(self) -> None:
        self._calls: dict[str, Callable[..., Any]] = {}
        try:
            for library, table in (("glib", _GLIB), ("gobject", _GOBJECT), ("gio", _GIO)):
                self._load(ctypes.CDLL(f"lib{library}-2.0.so.0"), table)
            glib = ctypes.CDLL("libglib-2.0.so.0")
        except OSError as exc:
            raise HandlerFailed(
                "GLib's settings library is not on this computer.",
                next_step="Install the package libglib2.0-0.",
            ) from exc
        for word, c_type in NUMERIC.values():
            self._load(
                glib,
                (
                    (f"g_variant_new_{word}", _P, (c_type,)),
                    (f"g_variant_get_{word}", c_type, (_P,)),
                ),
            )

    def _load(
        self, library: ctypes.CDLL, table: tuple[tuple[str, Any, tuple[Any, ...]], ...]
    ) -> None:
        for name, result, arguments in table:
            function = getattr(library, name)
            function.restype, function.argtypes = result, list(arguments)
            self._calls[name] = function

    def __getattr__(self, name: str) -> Callable[..., Any]:
        """Return a C function by its own name."""
        try:
            return self._calls[name]
        except KeyError:
            raise AttributeError(name) from None

    def backend_name(self) -> str:
        """Return the type name of the store behind all settings, e.g. `DConfSettingsBackend`."""
        backend = self.g_settings_backend_get_default()
        try:
            return str(self.g_type_name_from_instance(backend).decode())
        finally:
            self.g_object_unref(backend)

    @contextmanager
    def schema(self, name: str) -> Iterator[Schema | None]:
        """Open a schema with a fixed path; None where it is not installed."""
        source = self.g_settings_schema_source_get_default() if is_name(name) else None
        pointer = source and self.g_settings_schema_source_lookup(source, name.encode(), 1)
        if not pointer:
            yield None
            return
        try:
            fixed = self.g_settings_schema_get_path(pointer) is not None
            yield Schema(self, pointer) if fixed else None
        finally:
            self.g_settings_schema_unref(pointer)

    def drain(self) -> None:
        """Let go of the change notices that nobody waits for; each holds its settings object."""
        for _ in range(_DRAIN_LIMIT):
            if not self.g_main_context_iteration(None, 0):
                return

    @contextmanager
    def variant(self, kind: str, value: Plain) -> Iterator[int]:
        """Make a variant of a checked value for the time of a `with` block."""
        pointer = self.g_variant_ref_sink(self._new_variant(kind, value))
        try:
            yield pointer
        finally:
            self.g_variant_unref(pointer)

    def _new_variant(self, kind: str, value: Plain) -> int:
        if kind == "as" and isinstance(value, list):
            texts = (_S * len(value))(*(text.encode() for text in value))
            return int(self.g_variant_new_strv(texts, len(value)))
        if kind == "s" and isinstance(value, str):
            return int(self.g_variant_new_string(value.encode()))
        return int(self._calls[f"g_variant_new_{NUMERIC[kind][0]}"](value))

    def take(self, pointer: int | None) -> Plain | None:
        """Read a variant and let it go; None for no variant and for types not handled here."""
        if not pointer:
            return None
        try:
            return self._plain(pointer)
        finally:
            self.g_variant_unref(pointer)

    def _plain(self, pointer: int) -> Plain | None:
        kind = self.g_variant_get_type_string(pointer).decode()
        if kind == "s":
            return str(self.g_variant_get_string(pointer, None).decode())
        if kind == "as":
            children = range(self.g_variant_n_children(pointer))
            return [str(self.take(self.g_variant_get_child_value(pointer, i))) for i in children]
        if kind not in NUMERIC:
            return None
        number = self._calls[f"g_variant_get_{NUMERIC[kind][0]}"](pointer)
        return bool(number) if kind == "b" else number


def is_name(text: str) -> bool:
    """Tell whether a text can be the name of a schema or a key; C would cut it at a NUL."""
    return text.isascii() and "\0" not in text


def _is_there(text: bytes | None) -> bool:
    return text is not None


class Schema:
    """An open schema and its keys. Lives inside `Gio.schema`'s `with` block."""

    def __init__(self, gio: Gio, pointer: int) -> None:
        self._gio = gio
        self._pointer = pointer

    def keys(self) -> frozenset[str]:
        """Return the names of the keys."""
        names = self._gio.g_settings_schema_list_keys(self._pointer)
        try:
            texts = ctypes.cast(names, ctypes.POINTER(_S))
            each = (texts[place] for place in itertools.count())
            return frozenset(text.decode() for text in itertools.takewhile(_is_there, each))
        finally:
            self._gio.g_strfreev(names)

    @contextmanager
    def _key(self, name: str) -> Iterator[int]:
        key = self._gio.g_settings_schema_get_key(self._pointer, name.encode())
        try:
            yield key
        finally:
            self._gio.g_settings_schema_key_unref(key)

    def __contains__(self, name: str) -> bool:
        """Tell whether the schema has a key of this name."""
        return is_name(name) and name in self.keys()

    def kind(self, name: str) -> str:
        """Return the GVariant type string of an existing key."""
        with self._key(name) as key:
            kind = self._gio.g_settings_schema_key_get_value_type(key)
            text = self._gio.g_variant_type_dup_string(kind)
            try:
                return (ctypes.cast(text, _S).value or b"").decode()
            finally:
                self._gio.g_free(text)

    def admits(self, name: str, value: Plain) -> bool:
        """Tell whether a value of the key's type lies in its range, or is one of its choices."""
        with self._key(name) as key, self._gio.variant(self.kind(name), value) as variant:
            return bool(self._gio.g_settings_schema_key_range_check(key, variant))

    @contextmanager
    def settings(self) -> Iterator[int]:
        """Open the values themselves."""
        pointer = self._gio.g_settings_new_full(self._pointer, None, None)
        try:
            yield pointer
        finally:
            self._gio.g_object_unref(pointer)
            self._gio.drain()
