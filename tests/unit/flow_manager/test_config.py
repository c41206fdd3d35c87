"""The flow manager's configuration, its places and its variables."""

from __future__ import annotations

from pathlib import Path

import pytest

from keyin.cli.flow_manager import EXAMPLE
from keyin.domain.absent import ABSENT
from keyin.domain.errors import ConfigurationError
from keyin.domain.variables import resolve
from keyin.flow_manager.config import Config, listen_address, load
from keyin.flow_manager.places import Variables, control_socket, state_folder
from keyin.stores.solutions_files import PACKAGED, read_registry


def test_the_example_loads_and_names_every_key() -> None:
    config = load(EXAMPLE)
    assert config.cloud == "https://cloud.example.org"
    text = EXAMPLE.read_text()
    for name in Config.__struct_fields__:
        assert f"{name} = " in text, name


def test_options_stand_above_the_file_and_paths_start_at_it(tmp_path: Path) -> None:
    file = tmp_path / "c.toml"
    file.write_text('cloud = "https://a"\nrequester = "sock"\nsolutions = ["x"]\nca = "ca.pem"\n')
    config = load(file, cloud="https://b", solutions=[])
    assert config.cloud == "https://b"
    assert config.requester == str(tmp_path / "sock")
    assert config.solutions == [str(tmp_path / "x")]
    assert config.ca == str(tmp_path / "ca.pem")


@pytest.mark.parametrize(
    "text",
    [
        "nonsense",
        'cloud = "https://a"',
        'cloud = 5\nrequester = "x"',
        'cloud = "https://a"\nrequester = "x"\nverify = false',
        'cloud = "https://a"\nrequester = "x"\nlisten = "0.0.0.0:8081"',
    ],
)
def test_a_wrong_file_is_refused(text: str, tmp_path: Path) -> None:
    file = tmp_path / "c.toml"
    file.write_text(text)
    with pytest.raises(ConfigurationError):
        load(file)


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("127.0.0.1:8081", ("127.0.0.1", 8081)),
        ("127.9.9.9:0", ("127.9.9.9", 0)),
        ("[::1]:65535", ("::1", 65535)),
    ],
)
def test_loopback_literals(text: str, address: tuple[str, int]) -> None:
    assert listen_address(text) == address


@pytest.mark.parametrize(
    "text",
    [
        "localhost:8081",
        "0.0.0.0:8081",
        "192.168.0.1:8081",
        "::1:8081",
        "[127.0.0.1]:8081",
        "127.0.0.1",
        "127.0.0.1:",
        "127.0.0.1:65536",
        "127.0.0.1:-1",
        ":8081",
        "[::]:1",
    ],
)
def test_nothing_else_is_listened_on(text: str) -> None:
    with pytest.raises(ConfigurationError):
        listen_address(text)


def test_places() -> None:
    home = {"HOME": "/h"}
    assert state_folder(home) == Path("/h/.local/state/keyin")
    assert control_socket(home) == Path("/h/.local/state/keyin/run/flow-manager.sock")
    with_runtime = {**home, "XDG_RUNTIME_DIR": "/run/user/5", "XDG_STATE_HOME": "/s"}
    assert state_folder(with_runtime) == Path("/s/keyin")
    assert control_socket(with_runtime) == Path("/run/user/5/keyin/flow-manager.sock")


def test_registry_strings_see_the_environment_and_never_the_key() -> None:
    lookup = Variables({"HOME": "/h", "EMPTY": ""})
    assert resolve("${{environment}.HOME}/x", lookup) == "/h/x"
    assert resolve("${{environment}.XDG_CONFIG_HOME}", lookup) == "/h/.config"
    assert resolve("${{environment}.EMPTY}", lookup) == ""
    assert resolve("${{environment}.MISSING}/x", lookup) is ABSENT
    assert resolve("${{gpiiKey}}", lookup) is ABSENT


def test_registries(tmp_path: Path) -> None:
    assert read_registry([PACKAGED], "linux")
    assert read_registry([PACKAGED], "no-such-system") == {}
    (tmp_path / "linux.json5").write_text("{a: {name: 'one'}, /* c */ b: {}}")
    over = tmp_path / "mine.json5"
    over.write_text("{a: {name: 'two'}}")
    assert read_registry([tmp_path, over], "linux") == {"a": {"name": "two"}, "b": {}}
    for bad in ("[1]", "{"):
        over.write_text(bad)
        with pytest.raises(ConfigurationError):
            read_registry([over], "linux")
