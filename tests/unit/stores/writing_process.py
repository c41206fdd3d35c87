"""A process that writes until it is killed: it names on stdout each token that was answered.

python -m tests.unit.stores.writing_process STORE PREFIX
"""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path

from keyin.stores.sqlite import open_store
from tests.fakes.records import event, token

WRITERS = 8


async def main(path: Path, prefix: str) -> None:
    store = open_store(path)

    async def write(name: int) -> None:
        number = 0
        while True:
            digest = f"{prefix}-{name}-{number}"
            await store.add_token(token(digest), event=event())
            os.write(1, f"{digest}\n".encode())
            number += 1

    await asyncio.gather(*[write(name) for name in range(WRITERS)])


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), sys.argv[2]))
