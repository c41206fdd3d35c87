"""The `GSettings` role on the real GIO: the desktop's own database, usually dconf on the bus.

What is written is stored on return: the database is waited for and read back. Where GLib finds no
database it keeps values in memory and says nothing; that is a failure here.
Known limit: a stored value that the schema no longer admits reads as unset, as it does in GIO.
"""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Final

from keyin.domain.absent import ABSENT, Absent
from keyin.domain.errors import HandlerFailed
from keyin.handlers.gio import Gio, Plain, Schema
from keyin.handlers.gsettings_values import convert

if TYPE_CHECKING:
    from collections.abc import Mapping

    from keyin.domain.absent import Value

_NO_DATABASE: Final = frozenset({"GMemorySettingsBackend", "GNullSettingsBackend"})


class HostGSettings:
    """See `GSettings`. The libraries are loaded at the first call."""

    @cached_property
    def _gio(self) -> Gio:
        return Gio()

    def keys(self, schema: str) -> frozenset[str] | None:
        """See `GSettings.keys`."""
        with self._gio.schema(schema) as opened:
            return None if opened is None else opened.keys()

    def read(self, schema: str, key: str) -> Value | Absent:
        """See `GSettings.read`."""
        with self._gio.schema(schema) as opened:
            if opened is None or key not in opened:
                return ABSENT
            with opened.settings() as settings:
                value = self._gio.take(self._gio.g_settings_get_user_value(settings, key.encode()))
        return ABSENT if value is None else value

    def fit(self, schema: str, key: str, value: Value) -> Value | Absent:
        """See `GSettings.fit`."""
        with self._gio.schema(schema) as opened:
            if opened is None or key not in opened:
                return ABSENT
            return _fitting(opened, key, value)

    def write(self, schema: str, values: Mapping[str, Value | Absent]) -> None:
        """See `GSettings.write`."""
        if not values:
            return
        self._require_database()
        with self._gio.schema(schema) as opened:
            if opened is None:
                raise _not_kept(schema, ", ".join(values))
            fitting = {key: _prepared(schema, opened, key, values[key]) for key in values}
            old = {key: self.read(schema, key) for key in values}
            self._set_all(schema, opened, fitting)
            for key, value in fitting.items():
                if self.read(schema, key) != value:
                    # The write may stand in the database of another home, which we cannot read.
                    before = {key: _prepared(schema, opened, key, old[key]) for key in old}
                    self._set_all(schema, opened, before)
                    raise _not_kept(schema, key)

    def _set_all(self, schema: str, opened: Schema, values: Mapping[str, Plain | Absent]) -> None:
        with opened.settings() as settings:
            for key in values:
                if not self._gio.g_settings_is_writable(settings, key.encode()):
                    raise HandlerFailed(
                        "The setting %(key)s of %(schema)s is locked on this computer.",
                        next_step="Ask the administrator, who locked it, or leave it out.",
                        schema=schema,
                        key=key,
                    )
            for key, value in values.items():
                self._set(settings, opened, key, value)
            self._gio.g_settings_sync()

    def _set(self, settings: int, opened: Schema, key: str, value: Plain | Absent) -> None:
        if isinstance(value, Absent):
            self._gio.g_settings_reset(settings, key.encode())
            return
        with self._gio.variant(opened.kind(key), value) as variant:
            self._gio.g_settings_set_value(settings, key.encode(), variant)

    def _require_database(self) -> None:
        if self._gio.backend_name() in _NO_DATABASE:
            raise HandlerFailed(
                "The desktop's settings database is not on this computer.",
                next_step="Install the package dconf-gsettings-backend.",
            )


def _fitting(opened: Schema, key: str, value: Value) -> Plain | Absent:
    plain = convert(opened.kind(key), value)
    return plain if isinstance(plain, Absent) or opened.admits(key, plain) else ABSENT


def _prepared(schema: str, opened: Schema, key: str, value: Value | Absent) -> Plain | Absent:
    """Check again what the caller has checked: GLib ends the process where it was not."""
    if key not in opened:
        raise _not_kept(schema, key)
    if isinstance(value, Absent):
        return value
    plain = _fitting(opened, key, value)
    if isinstance(plain, Absent):
        raise _not_kept(schema, key)
    return plain


def _not_kept(schema: str, key: str) -> HandlerFailed:
    return HandlerFailed(
        "The desktop's settings database did not keep %(key)s of %(schema)s.",
        next_step="Check that the flow manager runs inside the person's D-Bus session.",
        schema=schema,
        key=key,
    )
