"""The audit log of a serving process: checkpoints and counts every minute, a second copy.

`audited` stands around the listeners: it begins before the first request and ends after the last.
"""

from __future__ import annotations

import asyncio
import signal
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from keyin.cloud.audit_copying import Copier
from keyin.cloud.audit_copying import Store as CopiedStore
from keyin.cloud.audit_keeping import Keeper
from keyin.cloud.audit_keeping import Store as KeptStore
from keyin.domain.errors import StoreUnavailable
from keyin.stores.audit_anchor import Anchor
from keyin.stores.audit_copy import AuditCopy
from keyin.stores.audit_keys import AuditKeys
from keyin.stores.host import SystemEntropy
from keyin.stores.opening import place_of, secrets_of

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from keyin.cloud.app import Surroundings
    from keyin.cloud.config import CloudConfig


class Store(CopiedStore, KeptStore, Protocol):
    """What this reads and writes."""


@asynccontextmanager
async def audited(
    config: CloudConfig, store: Store, around: Surroundings, *, first: bool = True
) -> AsyncIterator[None]:
    """Keep the log while the body runs. Raises ConfigurationError, StoreUnavailable.

    Of several workers the `first` signs and copies; each writes down what it counted.
    """
    copier = _copier(config, store, around) if first else None
    keeper = _keeper(config, store, around, copier)
    keeper.signing = first
    if copier is not None:
        await copier.refuse_older_store()
    await keeper.start()
    going_on = [keeper.run()]
    if copier is not None:
        await copier.start()
        going_on.append(copier.run())
        asyncio.get_running_loop().add_signal_handler(signal.SIGHUP, copier.reopen)
    tasks = [asyncio.create_task(one) for one in going_on]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        with suppress(StoreUnavailable):
            await keeper.step()
        if copier is not None:
            await copier.end()


def _keeper(
    config: CloudConfig, store: Store, around: Surroundings, copier: Copier | None
) -> Keeper:
    data = Path(config.data) if config.data else None
    secrets = secrets_of(
        place_of(data, config.database), Path(config.secrets) if config.secrets else None
    )
    return Keeper(
        store=store,
        keys=AuditKeys.open(secrets, entropy=SystemEntropy(), create=True),
        anchor=Anchor(secrets),
        refusals=around.refusals,
        clock=around.clock,
        also=copier.also if copier else None,
    )


def _copier(config: CloudConfig, store: Store, around: Surroundings) -> Copier | None:
    if config.audit_copy is None:
        return None
    return Copier(
        store=store,
        copy=AuditCopy(Path(config.audit_copy)),
        clock=around.clock,
        metrics=around.metrics,
        gate=around.gate,
        required=config.audit_copy_required,
    )
