"""Small private files: made once, replaced as a whole, never half there."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from keyin.stores import private_files

if TYPE_CHECKING:
    from pathlib import Path


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
