"""One session on this computer: begin, end, and the putting back of what a crash left.

At most one session is open. Whatever fails while a session begins, what it had changed is put back
before the failure is told.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from keyin.session.applying import apply, preview
from keyin.session.ledger import Ledger, Recorder
from keyin.session.records import Opened
from keyin.session.restoring import Restoration
from keyin.session.world import Applied, Difference, Passed, Restored, World

if TYPE_CHECKING:
    from collections.abc import Mapping


class Lifecycle:
    """Snapshot, journal, apply, restore."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._current: Recorder | None = None
        self.open_journals = 0
        """Earlier sessions of which something could not be put back yet."""

    async def recover(self) -> Restored:
        """Put back every session that was not closed, the newest first."""
        total = Restored()
        self.open_journals = 0
        for found in reversed(await self._world.journal.unfinished()):
            ledger = Ledger(found.session, found.entries)
            restored = await self._restore(Recorder(self._world.journal, ledger))
            total.solutions += restored.solutions
            total.stuck += restored.stuck
            self.open_journals += bool(restored.stuck)
        return total

    async def begin(self, instructions: Mapping[str, Any]) -> Applied:
        """Apply; on failure restore and raise what failed."""
        if self.open_journals:
            await self.recover()
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
        self.open_journals += bool(restored.stuck)
        return restored

    async def preview(
        self, instructions: Mapping[str, Any]
    ) -> tuple[list[Difference], list[Passed]]:
        """Tell what `begin` would change."""
        return await preview(self._world, instructions)

    async def _restore(self, recorder: Recorder) -> Restored:
        return await Restoration(self._world, recorder).run()
