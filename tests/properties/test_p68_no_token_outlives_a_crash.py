"""P68 where nobody could key out: no token outlives the session that a crash ended."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.household import household
from tests.properties.requester.place import wait_for

if TYPE_CHECKING:
    from pathlib import Path


def test_p68_a_flow_manager_that_starts_again_leaves_no_token_of_its_last_life(
    tmp_path: Path,
) -> None:
    with household(tmp_path) as house:
        assert house.keyin("login", "-", key=house.marks.key).returncode == 0
        house.kill_flow_manager()
        assert house.ask_requester(op="status")["tokens"] == 1
        house.start_flow_manager()
        assert house.ask_requester(op="status")["tokens"] == 0


def test_p68_it_starts_also_where_the_requester_is_gone(tmp_path: Path) -> None:
    with household(tmp_path) as house:
        assert house.keyin("login", "-", key=house.marks.key).returncode == 0
        house.kill_flow_manager()
        house.requester.end()
        house.start_flow_manager()
        wait_for(lambda: "token_not_forgotten" in house.flow_manager.output)
        assert house.keyin("status").returncode == 0
