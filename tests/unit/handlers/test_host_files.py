"""Files of the real computer: a reader or a crash sees the old file or the new one."""

from __future__ import annotations

import contextlib
import errno
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from keyin.domain.errors import HandlerFailed
from keyin.handlers.host_files import HostFiles

as_root = pytest.mark.skipif(os.getuid() != 0, reason="only root may give files away")


def test_a_new_file_is_the_persons_alone(tmp_path: Path) -> None:
    HostFiles().write(tmp_path / "new", b"x")
    assert (tmp_path / "new").read_bytes() == b"x"
    assert (tmp_path / "new").stat().st_mode & 0o7777 == 0o600
    assert HostFiles().read(tmp_path / "new") == b"x"


@pytest.mark.parametrize("mode", [0o600, 0o644, 0o400, 0o4755])
def test_the_mode_stays(tmp_path: Path, mode: int) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"old")
    path.chmod(mode)
    HostFiles().write(path, b"new")
    assert path.read_bytes() == b"new"
    assert path.stat().st_mode & 0o7777 == mode


@as_root
def test_the_owner_stays(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"old")
    os.chown(path, 1234, 4321)
    HostFiles().write(path, b"new")
    assert (path.stat().st_uid, path.stat().st_gid) == (1234, 4321)


def test_extended_attributes_stay(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"old")
    try:
        os.setxattr(path, "user.origin", b"a mail")
    except OSError:
        pytest.skip("this file system keeps no attributes")
    HostFiles().write(path, b"new")
    assert os.getxattr(path, "user.origin") == b"a mail"


def test_links_stay_and_lead_to_the_new_bytes(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "target").write_bytes(b"old")
    (tmp_path / "second").symlink_to("folder/target")
    (tmp_path / "first").symlink_to(tmp_path / "second")
    HostFiles().write(tmp_path / "first", b"new")
    assert (tmp_path / "first").is_symlink()
    assert (tmp_path / "second").is_symlink()
    assert (tmp_path / "folder" / "target").read_bytes() == b"new"


def test_a_dangling_link_gets_its_target(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to("later")
    assert HostFiles().read(tmp_path / "link") is None
    HostFiles().write(tmp_path / "link", b"new")
    assert (tmp_path / "later").read_bytes() == b"new"


def test_links_in_a_circle_fail(tmp_path: Path) -> None:
    (tmp_path / "a").symlink_to("b")
    (tmp_path / "b").symlink_to("a")
    with pytest.raises(HandlerFailed):
        HostFiles().write(tmp_path / "a", b"x")
    with pytest.raises(HandlerFailed):
        HostFiles().read(tmp_path / "a")


def test_a_left_over_of_a_crash_is_cleared_away(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"old")
    beside = tmp_path / ".file.keyin-new"
    beside.symlink_to("/etc/passwd")
    HostFiles().write(path, b"new")
    assert [entry.name for entry in tmp_path.iterdir()] == ["file"]


def test_a_missing_folder_is_not_made(tmp_path: Path) -> None:
    with pytest.raises(HandlerFailed) as failed:
        HostFiles().write(tmp_path / "none" / "file", b"x")
    assert "Start the program" in failed.value.next_step
    assert list(tmp_path.iterdir()) == []
    assert HostFiles().read(tmp_path / "none" / "file") is None


def test_a_folder_is_no_file(tmp_path: Path) -> None:
    (tmp_path / "file").mkdir()
    with pytest.raises(HandlerFailed):
        HostFiles().read(tmp_path / "file")
    with pytest.raises(HandlerFailed):
        HostFiles().write(tmp_path / "file", b"x")
    assert [entry.name for entry in tmp_path.iterdir()] == ["file"]


def test_a_pipe_is_not_replaced(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(HandlerFailed):
        HostFiles().write(tmp_path / "pipe", b"x")
    with pytest.raises(HandlerFailed):
        HostFiles().read(tmp_path / "pipe")
    assert [entry.name for entry in tmp_path.iterdir()] == ["pipe"]


@as_root
def test_a_folder_that_may_not_be_written_is_named_with_the_next_step(tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    (folder / "file").write_bytes(b"old")
    tmp_path.chmod(0o755)
    folder.chmod(0o755)
    script = (
        "import os, sys; from pathlib import Path;"
        "from keyin.handlers.host_files import HostFiles;"
        "from keyin.domain.errors import HandlerFailed\n"
        "os.setuid(65534)\n"
        "try: HostFiles().write(Path(sys.argv[1]), b'new')\n"
        "except HandlerFailed as exc: print(exc, '|', exc.next_step)"
    )
    for parent in folder.parents[:-2]:
        with contextlib.suppress(PermissionError):
            parent.chmod(parent.stat().st_mode | 0o011)
    told = subprocess.run(
        [sys.executable, "-c", script, str(folder / "file")],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert "Permission denied" in told
    assert "Make the file and its folder writable" in told
    assert (folder / "file").read_bytes() == b"old"
    assert [entry.name for entry in folder.iterdir()] == ["file"]


def test_a_full_disk_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"old")

    def full(_descriptor: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(HandlerFailed, match="No space left"):
        HostFiles().write(path, b"new")
    assert path.read_bytes() == b"old"
    assert [entry.name for entry in tmp_path.iterdir()] == ["file"]


_WRITER = """
import sys
from pathlib import Path
from keyin.handlers.host_files import HostFiles
files, path = HostFiles(), Path(sys.argv[1])
print("ready", flush=True)
while True:
    for letter in (b"a", b"b"):
        files.write(path, letter * 100_000)
"""


def test_killed_at_any_moment_the_file_is_whole_and_keeps_its_mode(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"a" * 100_000)
    path.chmod(0o640)
    for turn in range(12):
        writer = subprocess.Popen(
            [sys.executable, "-c", _WRITER, str(path)], stdout=subprocess.PIPE, text=True
        )
        with writer:
            assert writer.stdout is not None
            assert writer.stdout.readline() == "ready\n"
            time.sleep(0.002 + turn * 0.0037)
            writer.kill()
        content = path.read_bytes()
        assert len(content) == 100_000
        assert content in (b"a" * 100_000, b"b" * 100_000)
        assert path.stat().st_mode & 0o7777 == 0o640
        assert {entry.name for entry in tmp_path.iterdir()} <= {"file", ".file.keyin-new"}
    HostFiles().write(path, b"last")
    assert [entry.name for entry in tmp_path.iterdir()] == ["file"]


@pytest.mark.skipif(not Path("/proc/self/pagemap").exists(), reason="no procfs here")
def test_a_file_that_says_it_is_empty_is_not_read_without_end() -> None:
    """The kernel's own files have no size, and this one has no end worth waiting for."""
    with pytest.raises(HandlerFailed, match="cannot be read"):
        HostFiles().read(Path("/proc/self/pagemap"))
