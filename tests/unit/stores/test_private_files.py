"""Small private files: made once, replaced as a whole, never half there."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from keyin.access_requester.placed_files import read_placed
from keyin.domain.errors import KeyinError
from keyin.stores import private_files
from keyin.stores.credential_file import read_file
from keyin.stores.key_files import read_all
from keyin.stores.preferences_secret import read_secrets
from keyin.stores.registry_cache import RegistryCache
from keyin.wire.requester_trouble import Trouble

if TYPE_CHECKING:
    from collections.abc import Callable


def test_a_file_is_made_once_and_never_replaced(tmp_path: Path) -> None:
    place = tmp_path / "key"
    private_files.create(place, b"first")
    with pytest.raises(FileExistsError):
        private_files.create(place, b"second")
    (tmp_path / "link").symlink_to(tmp_path / "nowhere")
    with pytest.raises(FileExistsError):
        private_files.create(tmp_path / "link", b"second")
    assert place.read_bytes() == b"first"
    assert place.stat().st_mode & 0o777 == 0o600
    assert sorted(path.name for path in tmp_path.iterdir()) == ["key", "link"]


def test_a_replaced_file_keeps_its_owner_and_is_private(tmp_path: Path) -> None:
    place = tmp_path / "key"
    place.write_bytes(b"first")
    place.chmod(0o644)
    if os.geteuid() == 0:
        os.chown(place, 12_345, 12_345)
    owner = place.stat().st_uid
    private_files.replace(place, b"second")
    assert place.read_bytes() == b"second"
    assert (place.stat().st_uid, place.stat().st_mode & 0o777) == (owner, 0o600)


@pytest.mark.parametrize(
    ("name", "read"),
    [
        ("placed", lambda folder: read_placed(str(folder), 9, Trouble.FILE_WRONG)),
        ("credential", read_file),
        ("secret", read_secrets),
        ("0" * 64, lambda folder: RegistryCache(folder.parent)._find(folder.name)),
        ("pepper-0001-9f3a2c1d", lambda folder: read_all(folder.parent)),
    ],
    ids=["placed", "credential", "preferences secret", "registry", "key"],
)
def test_a_folder_in_the_place_of_a_file_is_not_left_open(
    tmp_path: Path, name: str, read: Callable[[Path], object]
) -> None:
    (tmp_path / name).mkdir()
    before = set(Path("/proc/self/fd").iterdir())
    for _ in range(3):
        with contextlib.suppress(KeyinError):
            assert read(tmp_path / name) is None
    assert set(Path("/proc/self/fd").iterdir()) == before


@pytest.mark.parametrize("make", [private_files.create, private_files.replace])
def test_what_fails_on_the_way_leaves_the_old_file_and_no_draft(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, make: object
) -> None:
    place = tmp_path / "key"
    if make is private_files.replace:
        place.write_bytes(b"first")

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="space"):
        make(place, b"second")  # type: ignore[operator]  # either of two functions
    left = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    assert left == ({"key": b"first"} if make is private_files.replace else {})
