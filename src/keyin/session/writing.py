"""Writes one block, in the one order that can always be undone.

Read what is there; take the files that will change; work out what they will hold; make all of that
durable; only then write. Nothing here knows which blocks a key-in consists of.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from keyin.session.fingerprints import fingerprint
from keyin.session.records import (
    Entry,
    FileForeseen,
    FileKept,
    FileMixed,
    Intended,
    Settled,
    armoured,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from keyin.session.ledger import Recorder
    from keyin.session.ports import Block, Change, FileKeeper, SettingsHandler


async def write_block(
    name: str,
    block: Block,
    *,
    handler: SettingsHandler,
    files: FileKeeper,
    recorder: Recorder,
) -> list[Change]:
    """Write a block so that it can be undone; return what changed. `name` is its step.

    Raises HandlerFailed.
    """
    old = await handler.read(block)
    entries = await _keep_files(handler.footprint(block), files, recorder)
    foreseen = {
        path: hashlib.sha256(content).hexdigest()
        for path, content in (await handler.foresee(block)).items()
    }
    entries += [FileForeseen(path=str(path), digest=mark) for path, mark in foreseen.items()]
    session = recorder.ledger.session
    marks = {setting: fingerprint(session, value) for setting, value in block.settings.items()}
    intended = Intended(
        solution=block.solution,
        block=name,
        type=block.type,
        options=dict(block.options),
        old={setting: armoured(old[setting]) for setting in block.settings if setting in old},
        new=marks,
    )
    await recorder.record(*entries, intended)
    changes = await handler.write(block)
    await recorder.record(
        *_settled(intended, changes, recorder), *await _misjudged(foreseen, files)
    )
    return changes


async def _keep_files(paths: Iterable[Path], files: FileKeeper, recorder: Recorder) -> list[Entry]:
    entries: list[Entry] = []
    for path in paths:
        kept = recorder.ledger.files.get(str(path))
        if kept is None:
            entries.append(FileKept(state=await files.capture(path)))
            continue
        mark = await files.digest(path)
        if not kept.mixed and mark not in kept.ours and mark != digest_of(kept.state.content):
            entries.append(FileMixed(path=str(path)))
    return entries


def digest_of(content: bytes | None) -> str | None:
    """Return what `FileKeeper.digest` says of a file with these bytes."""
    return None if content is None else hashlib.sha256(content).hexdigest()


def _settled(intended: Intended, changes: Iterable[Change], recorder: Recorder) -> list[Entry]:
    session = recorder.ledger.session
    actual = {change.setting: fingerprint(session, change.new) for change in changes}
    other = {setting: mark for setting, mark in actual.items() if intended.new.get(setting) != mark}
    if not other:
        return []
    return [Settled(solution=intended.solution, block=intended.block, new=other)]


async def _misjudged(foreseen: Mapping[Path, str], files: FileKeeper) -> list[Entry]:
    entries: list[Entry] = []
    for path, mark in foreseen.items():
        actual = await files.digest(path)
        if actual is not None and actual != mark:
            entries.append(FileForeseen(path=str(path), digest=actual))
    return entries
