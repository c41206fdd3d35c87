"""What is kept of the cloud's registries: whole, private, bounded, and never in the way."""

from __future__ import annotations

import os
from hashlib import sha256
from typing import TYPE_CHECKING

import pytest

from keyin.stores import registry_cache
from keyin.stores.registry_cache import MOST, RegistryCache

if TYPE_CHECKING:
    from pathlib import Path


def named(content: bytes) -> tuple[str, bytes]:
    return sha256(content).hexdigest(), content


async def test_what_was_kept_is_found_by_its_digest_and_is_private(tmp_path: Path) -> None:
    folder = tmp_path / "cache" / "registries"
    cache = RegistryCache(folder)
    digest, content = named(b"{}")
    assert await cache.find(digest) is None
    assert not folder.exists()
    await cache.keep(digest, content)
    assert await cache.find(digest) == content
    assert folder.stat().st_mode & 0o777 == 0o700
    assert [path.stat().st_mode & 0o777 for path in folder.iterdir()] == [0o600]


async def test_a_folder_that_others_may_look_into_is_closed(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    await RegistryCache(tmp_path).keep(*named(b"{}"))
    assert tmp_path.stat().st_mode & 0o777 == 0o700


@pytest.mark.parametrize("spoilt", [b"", b"{", b"{} "])
async def test_what_has_another_digest_is_nothing(tmp_path: Path, spoilt: bytes) -> None:
    cache = RegistryCache(tmp_path)
    digest, content = named(b"{}")
    await cache.keep(digest, content)
    (tmp_path / digest).write_bytes(spoilt)
    assert await cache.find(digest) is None
    assert not (tmp_path / digest).exists()


async def test_a_link_a_folder_and_a_pipe_are_nothing(tmp_path: Path) -> None:
    cache = RegistryCache(tmp_path / "registries")
    digest, content = named(b"{}")
    (tmp_path / "registries").mkdir(mode=0o700)
    (tmp_path / "elsewhere").write_bytes(content)
    place = tmp_path / "registries" / digest
    place.symlink_to(tmp_path / "elsewhere")
    assert await cache.find(digest) is None
    place.unlink()
    os.mkfifo(place)
    assert await cache.find(digest) is None
    place.unlink(missing_ok=True)
    place.mkdir()
    assert await cache.find(digest) is None


@pytest.mark.parametrize(
    "name", ["../elsewhere", "", "A" * 64, "0" * 63, "0" * 64 + "\n", "/etc/x"]
)
async def test_a_digest_is_a_digest_and_no_path(tmp_path: Path, name: str) -> None:
    cache = RegistryCache(tmp_path)
    for asked in (cache.find(name), cache.keep(name, b"{}")):
        with pytest.raises(ValueError, match="hexadecimal"):
            await asked
    assert list(tmp_path.iterdir()) == []


async def test_the_longest_unused_makes_room_and_drafts_do_not_pile_up(tmp_path: Path) -> None:
    cache = RegistryCache(tmp_path)
    (tmp_path / ".left-by-a-crash.new").write_bytes(b"{")
    os.utime(tmp_path / ".left-by-a-crash.new", (1, 1))
    kept = [named(b"%d" % number) for number in range(MOST + 2)]
    for number, (digest, content) in enumerate(kept):
        await cache.keep(digest, content)
        os.utime(tmp_path / digest, (number + 10, number + 10))
        if number == MOST - 1:
            assert await cache.find(kept[0][0])  # used again: now the newest
    left = {path.name for path in tmp_path.iterdir()}
    assert left == {digest for digest, _ in [kept[0], *kept[3:]]}


async def test_what_is_too_large_is_not_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(registry_cache, "LARGEST", 10)
    cache = RegistryCache(tmp_path)
    await cache.keep(*named(b"x" * 11))
    assert list(tmp_path.iterdir()) == []
    digest, content = named(b"x" * 11)
    (tmp_path / digest).write_bytes(content)
    assert await cache.find(digest) is None


async def test_a_place_that_is_none_is_an_empty_cache(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    cache = RegistryCache(tmp_path / "file" / "registries")
    digest, content = named(b"{}")
    await cache.keep(digest, content)
    assert await cache.find(digest) is None
