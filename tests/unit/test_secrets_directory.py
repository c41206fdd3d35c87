"""The secrets directory: what it makes, what it refuses, what it still opens after rotation."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from keyin.domain.errors import ConfigurationError, StoreUnavailable
from keyin.stores import key_files
from keyin.stores.host import SystemEntropy
from keyin.stores.secrets_directory import SecretsDirectory

if TYPE_CHECKING:
    from pathlib import Path

ENTROPY = SystemEntropy()


def test_p30_it_makes_files_that_only_the_owner_reads(tmp_path: Path) -> None:
    SecretsDirectory.open(tmp_path / "secrets", entropy=ENTROPY)
    assert (tmp_path / "secrets").stat().st_mode & 0o777 == 0o700
    files = sorted((tmp_path / "secrets").iterdir())
    kinds = ["data-key-0001", "pepper-0001", "signing-key-0001"]
    assert [file.name.rsplit("-", 1)[0] for file in files] == kinds
    assert all(file.stat().st_mode & 0o777 == 0o600 for file in files)


def test_the_same_directory_gives_the_same_digests(tmp_path: Path) -> None:
    first = SecretsDirectory.open(tmp_path / "s", entropy=ENTROPY)
    again = SecretsDirectory.open(tmp_path / "s", entropy=ENTROPY, create=False)
    assert first.digests("key", "carla") == again.digests("key", "carla")
    assert again.unseal(first.seal(b"text", "safe"), "safe") == b"text"


def test_purposes_are_apart() -> None:
    secrets = SecretsDirectory.in_memory(entropy=ENTROPY)
    assert secrets.digests("key", "x") != secrets.digests("token", "x")


def test_the_old_pepper_and_data_key_still_serve_after_rotation(tmp_path: Path) -> None:
    old = SecretsDirectory.open(tmp_path, entropy=ENTROPY)
    key_files.add(tmp_path, key_files.PEPPER, ENTROPY)
    key_files.add(tmp_path, key_files.DATA_KEY, ENTROPY)
    new = SecretsDirectory.open(tmp_path, entropy=ENTROPY)
    digests = new.digests("key", "carla")
    assert len(digests) == 2
    assert digests[1] == old.digests("key", "carla")[0]
    assert new.unseal(old.seal(b"text", "c"), "c") == b"text"
    with pytest.raises(StoreUnavailable, match="not here"):
        old.unseal(new.seal(b"text", "c"), "c")


def test_a_sealed_record_opens_with_its_own_context_only() -> None:
    secrets = SecretsDirectory.in_memory(entropy=ENTROPY)
    sealed = secrets.seal(b"text", "one")
    with pytest.raises(StoreUnavailable, match="altered"):
        secrets.unseal(sealed, "two")
    with pytest.raises(StoreUnavailable, match="altered"):
        secrets.unseal(sealed[:-1] + bytes([sealed[-1] ^ 1]), "one")


def test_two_seals_of_one_text_differ() -> None:
    secrets = SecretsDirectory.in_memory(entropy=ENTROPY)
    assert secrets.seal(b"text", "one") != secrets.seal(b"text", "one")


@pytest.mark.parametrize("mode", [0o750, 0o705, 0o777])
def test_an_open_directory_is_refused(tmp_path: Path, mode: int) -> None:
    SecretsDirectory.open(tmp_path / "s", entropy=ENTROPY)
    (tmp_path / "s").chmod(mode)
    with pytest.raises(ConfigurationError, match="open to other accounts") as caught:
        SecretsDirectory.open(tmp_path / "s", entropy=ENTROPY)
    assert "chmod" in caught.value.next_step


def test_an_open_file_is_refused(tmp_path: Path) -> None:
    SecretsDirectory.open(tmp_path / "s", entropy=ENTROPY)
    next((tmp_path / "s").glob("pepper-*")).chmod(0o640)
    with pytest.raises(ConfigurationError, match="open to other accounts"):
        SecretsDirectory.open(tmp_path / "s", entropy=ENTROPY)


def test_a_directory_of_another_account_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    SecretsDirectory.open(tmp_path / "s", entropy=ENTROPY)
    owner = tmp_path.stat().st_uid
    monkeypatch.setattr("os.geteuid", lambda: owner + 1)
    with pytest.raises(ConfigurationError, match="another account"):
        SecretsDirectory.open(tmp_path / "s", entropy=ENTROPY)


def test_a_link_in_place_of_a_key_is_refused(tmp_path: Path) -> None:
    SecretsDirectory.open(tmp_path / "s", entropy=ENTROPY)
    pepper = next((tmp_path / "s").glob("pepper-*"))
    pepper.rename(tmp_path / "elsewhere")
    pepper.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(ConfigurationError):
        SecretsDirectory.open(tmp_path / "s", entropy=ENTROPY)


def test_a_damaged_key_is_refused(tmp_path: Path) -> None:
    SecretsDirectory.open(tmp_path / "s", entropy=ENTROPY)
    next((tmp_path / "s").glob("pepper-*")).write_text("short")
    with pytest.raises(ConfigurationError, match="64 hex digits"):
        SecretsDirectory.open(tmp_path / "s", entropy=ENTROPY)


def test_nothing_is_made_where_creating_is_not_asked_for(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError):
        SecretsDirectory.open(tmp_path / "s", entropy=ENTROPY, create=False)
    assert not (tmp_path / "s").exists()
    key_files.make_directory(tmp_path / "s")
    with pytest.raises(ConfigurationError, match="holds no pepper"):
        SecretsDirectory.open(tmp_path / "s", entropy=ENTROPY, create=False)


def test_a_systemd_credentials_directory_is_read_and_never_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    handed = tmp_path / "credentials"
    made = SecretsDirectory.open(handed, entropy=ENTROPY)
    for file in handed.iterdir():
        file.chmod(0o440)  # how systemd's access list shows
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(handed))
    read = SecretsDirectory.open(handed, entropy=ENTROPY)
    assert read.ids == made.ids
    next(handed.glob("pepper-*")).unlink()
    with pytest.raises(ConfigurationError, match="holds no pepper"):
        SecretsDirectory.open(handed, entropy=ENTROPY)


def test_its_keys_are_in_no_repr(tmp_path: Path) -> None:
    secrets = SecretsDirectory.open(tmp_path / "s", entropy=ENTROPY)
    material = [key.material for key in key_files.read_all(tmp_path / "s")]
    shown = repr(secrets) + repr(key_files.read_all(tmp_path / "s"))
    assert not any(one.hex() in shown or repr(one) in shown for one in material)
