"""Which handler takes which type name of the registries."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from keyin.handlers.flexible_launch import FlexibleLaunchHandler
from keyin.handlers.gsettings import GSettingsHandler
from keyin.handlers.gsettings_launch import GSettingsLaunchHandler
from keyin.handlers.json_file import JsonFileHandler
from keyin.handlers.no_settings import NoSettingsHandler

if TYPE_CHECKING:
    from collections.abc import Mapping

    from keyin.handlers.system import System
    from keyin.session.ports import SettingsHandler

GSETTINGS: Final = "gpii.gsettings"
GSETTINGS_LAUNCH: Final = "gpii.gsettings.launch"
JSON_FILE: Final = "gpii.settingsHandlers.JSONSettingsHandler"
FLEXIBLE_LAUNCH: Final = "gpii.launchHandlers.flexibleHandler"
NO_SETTINGS: Final = "gpii.settingsHandlers.noSettings"


class HandlerTable:
    """See `keyin.session.ports.Handlers`."""

    def __init__(self, handlers: Mapping[str, SettingsHandler]) -> None:
        self._handlers = dict(handlers)

    def find(self, type: str) -> SettingsHandler | None:  # noqa: A002 - the port's word
        """Return the handler of this type name, None where nothing takes it."""
        return self._handlers.get(type)


def by_type(system: System) -> HandlerTable:
    """Return every handler of this package, working on `system`."""
    return HandlerTable(
        {
            GSETTINGS: GSettingsHandler(system),
            GSETTINGS_LAUNCH: GSettingsLaunchHandler(system),
            JSON_FILE: JsonFileHandler(system),
            FLEXIBLE_LAUNCH: FlexibleLaunchHandler(system),
            NO_SETTINGS: NoSettingsHandler(),
        }
    )
