"""One session on this computer: begin, end, and the putting back of what a crash left.

At most one session is open. Whatever fails while a session begins, what it had changed is put back
before the failure is told.
"""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

from keyin.session.applying import apply
from keyin.session.ledger import Ledger, Recorder
from keyin.session.records import Opened
from keyin.session.rehearsal import Noted, look, rehearsing
from keyin.session.restoring import Restoration
from keyin.session.world import Applied, Difference, Passed, Pretended, Restored, World

if TYPE_CHECKING:
    from collections.abc import Mapping


class Lifecycle:
    """Snapshot, journal, apply, restore."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._current: Recorder | None = None
        self._stuck: list[Ledger] = []
        """Earlier sessions of which something could not be put back yet, the oldest first."""

    @property
    def open_journals(self) -> int:
        """How many earlier sessions could not be put back yet."""
        return len(self._stuck)

    async def recover(self) -> Restored:
        """Put back every session that was not closed, the newest first."""
        unfinished = await self._world.journal.unfinished()
        self._stuck = [Ledger(found.session, found.entries) for found in unfinished]
        return await self._try_again()

    async def begin(self, instructions: Mapping[str, Any]) -> Applied:
        """Apply; on failure restore and raise what failed."""
        await self._try_again()
        recorder = Recorder(self._world.journal, Ledger(self._world.new_session()))
        await recorder.record(Opened(at=self._world.clock.now()))
        self._current = recorder
        try:
            return await apply(self._world, instructions, recorder)
        except BaseException:
            await self.end()
            raise

    async def end(self) -> Restored:
        """Put back what the open session changed; without one there is nothing to do."""
        recorder, self._current = self._current, None
        if recorder is None:
            return Restored()
        restored = await self._restore(recorder)
        if restored.stuck:
            self._stuck.append(recorder.ledger)
        return restored

    async def preview(
        self, instructions: Mapping[str, Any] | None, pretended: Pretended
    ) -> tuple[list[Difference], list[Passed]]:
        """Tell what `end` and then `begin` would change; without instructions, what `end` would.

        Does both, on a computer that pretends. Raises what `begin` would.
        """
        noted = Noted()
        world = rehearsing(self._world, pretended, noted)
        tried = Lifecycle(world)
        tried._stuck = copy.deepcopy(self._stuck)
        await look(world, tried._stuck)
        if self._current is not None:
            tried._current = Recorder(world.journal, copy.deepcopy(self._current.ledger))
            await look(world, [tried._current.ledger])
        await tried.end()
        applied = Applied() if instructions is None else await tried.begin(instructions)
        return noted.differences(), applied.passed

    async def _try_again(self) -> Restored:
        total = Restored()
        for ledger in reversed(tuple(self._stuck)):
            restored = await self._restore(Recorder(self._world.journal, ledger))
            total.solutions += restored.solutions
            total.stuck += restored.stuck
            if not restored.stuck:
                self._stuck.remove(ledger)
        return total

    async def _restore(self, recorder: Recorder) -> Restored:
        return await Restoration(self._world, recorder).run()
