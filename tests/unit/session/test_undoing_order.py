"""Where several solutions write one setting of a desktop, the first old value is the true one."""

from __future__ import annotations

from typing import Any

from keyin.domain.lifecycle import with_steps
from keyin.session.lifecycle import Lifecycle
from tests.fakes.session import MemoryJournal, Stores, world_of

SCHEMA = ("gpii.gsettings", "org.example")


def wanted(*values: Any) -> dict[str, Any]:
    """Return a solution for each value; all write the same key."""
    return {
        f"net.example.number{number}": with_steps(
            {
                "active": True,
                "settingsHandlers": {
                    "all": {
                        "type": "gpii.gsettings",
                        "options": {"schema": "org.example"},
                        "settings": {"size": value},
                    }
                },
            }
        )
        for number, value in enumerate(values)
    }


async def test_three_writers_of_one_key() -> None:
    stores = Stores({SCHEMA: {"size": 10}})
    lifecycle = Lifecycle(world_of(stores))
    await lifecycle.begin(wanted(20, 30, 40))
    assert stores.state[SCHEMA] == {"size": 40}
    await lifecycle.end()
    assert stores.state[SCHEMA] == {"size": 10}


async def test_a_key_that_was_not_set_is_not_set_again() -> None:
    stores = Stores({SCHEMA: {}})
    lifecycle = Lifecycle(world_of(stores))
    await lifecycle.begin(wanted(20, None, 0))
    await lifecycle.end()
    assert stores.state[SCHEMA] == {}


async def test_another_process_puts_back_from_the_journal_alone() -> None:
    stores, journal = Stores({SCHEMA: {"size": 10}}), MemoryJournal()
    await Lifecycle(world_of(stores, journal)).begin(wanted(20, 30, 40))
    restored = await Lifecycle(world_of(stores, journal)).recover()
    assert len(restored.solutions) == 3
    assert stores.state[SCHEMA] == {"size": 10}
    assert journal.sessions == {}


async def test_a_launcher_that_nobody_had_set_is_taken_away_again() -> None:
    stores = Stores()
    record = {
        "active": True,
        "launchHandlers": {
            "power": {"type": "gpii.gsettings.launch", "options": {"schema": "s", "key": "k"}}
        },
    }
    lifecycle = Lifecycle(world_of(stores))
    await lifecycle.begin({"net.example.one": with_steps(record)})
    assert stores.state["gpii.gsettings.launch", "s|k"] == {"running": True}
    await lifecycle.end()
    assert stores.state["gpii.gsettings.launch", "s|k"] == {}
