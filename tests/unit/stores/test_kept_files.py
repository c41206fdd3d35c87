"""A file is given back as it was taken."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from keyin.domain.errors import StoreUnavailable
from keyin.stores.kept_files import KeptFiles

if TYPE_CHECKING:
    from pathlib import Path

TIME = 1_500_000_000_987_654_321


def names(folder: Path) -> list[str]:
    return [item.name for item in folder.iterdir()]


async def test_bytes_mode_and_times_come_back(tmp_path: Path) -> None:
    path = tmp_path / "settings"
    path.write_bytes(b"old\x00")
    path.chmod(0o604)
    os.utime(path, ns=(TIME, TIME + 1))
    kept = KeptFiles()
    state = await kept.capture(path)
    path.write_bytes(b"new")
    path.chmod(0o600)
    await kept.restore(state)
    status = path.stat()
    assert path.read_bytes() == b"old\x00"
    assert (status.st_mode & 0o7777, status.st_mtime_ns) == (0o604, TIME + 1)
    assert names(tmp_path) == ["settings"]


@pytest.mark.skipif(os.geteuid() != 0, reason="giving a file away needs root")
async def test_the_owner_comes_back(tmp_path: Path) -> None:
    path = tmp_path / "settings"
    path.write_bytes(b"old")
    os.chown(path, 65534, 65534)
    path.chmod(0o4755)
    state = await KeptFiles().capture(path)
    path.unlink()
    path.write_bytes(b"new")
    await KeptFiles().restore(state)
    status = path.stat()
    assert (status.st_uid, status.st_gid, status.st_mode & 0o7777) == (65534, 65534, 0o4755)


async def test_a_file_that_was_not_there_goes_with_its_folders(tmp_path: Path) -> None:
    path = tmp_path / "a" / "b" / "settings"
    state = await KeptFiles().capture(path)
    path.parent.mkdir(parents=True)
    path.write_bytes(b"new")
    await KeptFiles().restore(state)
    assert names(tmp_path) == []


async def test_a_folder_in_which_somebody_put_something_stays(tmp_path: Path) -> None:
    path = tmp_path / "a" / "settings"
    state = await KeptFiles().capture(path)
    path.parent.mkdir()
    path.write_bytes(b"new")
    (path.parent / "theirs").write_bytes(b"")
    await KeptFiles().restore(state)
    assert names(path.parent) == ["theirs"]


async def test_a_link_stays_a_link(tmp_path: Path) -> None:
    real, link = tmp_path / "real", tmp_path / "link"
    real.write_bytes(b"old")
    link.symlink_to(real)
    state = await KeptFiles().capture(link)
    real.write_bytes(b"new")
    await KeptFiles().restore(state)
    assert link.is_symlink()
    assert real.read_bytes() == b"old"


async def test_debris_is_tidied(tmp_path: Path) -> None:
    path = tmp_path / "settings"
    (tmp_path / ".settings.keyin-new").write_bytes(b"half")
    await KeptFiles().tidy(path)
    assert names(tmp_path) == []


async def test_what_is_no_file_is_refused_without_waiting(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(StoreUnavailable):
        await KeptFiles().capture(tmp_path / "pipe")
    assert await KeptFiles().digest(tmp_path / "nothing") is None
