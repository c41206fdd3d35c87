"""A store in memory, its secrets, and a way in."""

from __future__ import annotations

from typing import Any

from keyin.cloud.import_sources import Found, Place
from keyin.cloud.importing import Options, Report, import_found
from keyin.domain.environment import Millis
from keyin.stores.host import SystemEntropy
from keyin.stores.memory import MemoryStore
from keyin.stores.secrets_directory import SecretsDirectory

NOW = Millis(1_800_000_000_000)
UNTIL = Millis(NOW + 1)
ENTROPY = SystemEntropy()


class Cloud:
    """A store, its secrets, and a way in."""

    def __init__(self) -> None:
        self.store = MemoryStore()
        self.secrets = SecretsDirectory.in_memory(entropy=ENTROPY)

    async def take(self, *documents: Any, allow_test_credentials: bool = False) -> Report:
        found = Found([(Place("file", n), one) for n, one in enumerate(documents, 1)])
        options = Options(
            now=NOW, legacy_until=UNTIL, allow_test_credentials=allow_test_credentials
        )
        return await import_found(found, self.store, self.secrets, options)

    async def refusal(self, *documents: Any) -> str:
        """Return why the last document is refused."""
        report = await self.take(*documents)
        assert [one.place.number for one in report.refusals] == [len(documents)]
        return str(report.refusals[0].reason)
