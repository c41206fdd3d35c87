"""Started commands tell what is wrong in the person's language, also what a library found."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from tests.started import run

if TYPE_CHECKING:
    from pathlib import Path

SECRET = "hunter2-hunter2"
FILES = [
    ("requester", 'credential = "c"\ncloudy = "x"\n', "unknown key: `cloudy`",
     "unbekannter Eintrag: `cloudy`"),
    ("requester", 'cloud = "x"\n', "missing key: `credential`", "fehlender Eintrag: `credential`"),
    ("requester", f'credential = "c"\n[limits]\nburst = "{SECRET}"\n',
     "`limits.burst` must be a whole number, not a text",
     "`limits.burst` muss eine ganze Zahl sein, nicht ein Text"),
    ("requester", 'credential = "c"\n[limits]\nburst = 0\n', "`limits.burst` must be at least 1",
     "`limits.burst` muss mindestens 1 sein"),
    ("requester", f'credential = "c"\ntransport = "{SECRET}"\n',
     "`transport` has a value that is not allowed there",
     "`transport` hat einen Wert, der dort nicht erlaubt ist"),
    ("requester", f"credential = {SECRET}\n", "it is no proper TOML at line 1",
     "es ist in Zeile 1 kein richtiges TOML"),
    ("flow-manager", 'cloud = "x"\n', "missing key: `requester`", "fehlender Eintrag: `requester`"),
    ("flow-manager", "path = 1\n", "unknown key: `path`", "unbekannter Eintrag: `path`"),
    ("flow-manager", f'cloud = "x"\n\nca = {SECRET}\n', "it is no proper TOML at line 3",
     "es ist in Zeile 3 kein richtiges TOML"),
    ("cloud", "file = 1\n", "unknown key: `file`", "unbekannter Eintrag: `file`"),
    ("cloud", 'issuer = "', "it is no proper TOML: it ends too early",
     "es ist kein richtiges TOML: es endet zu früh"),
]  # fmt: skip


@pytest.mark.parametrize(("service", "content", "english", "german"), FILES)
def test_what_is_wrong_in_a_configuration_is_told_in_the_persons_language(
    tmp_path: Path, service: str, content: str, english: str, german: str
) -> None:
    path = tmp_path / "config.toml"
    path.write_text(content)
    path.chmod(0o644)
    for language, told in (("en", english), ("de", german)):
        done = run(service, "serve", "--config", path, environment={"LANGUAGE": language})
        assert done.returncode == 3
        assert done.stderr.splitlines()[0].endswith(f": {told}")
        assert SECRET not in done.stderr


@pytest.mark.parametrize("service", ["requester", "flow-manager"])
def test_what_the_operating_system_says_is_told_in_the_persons_language(
    tmp_path: Path, service: str
) -> None:
    for language, told in (
        ("en", "cannot be read: No such file or directory"),
        ("de", "ist nicht lesbar: Datei oder Verzeichnis gibt es nicht"),
    ):
        done = run(
            service, "serve", "--config", tmp_path / "none", environment={"LANGUAGE": language}
        )
        assert done.returncode == 3
        assert told in done.stderr


def test_why_a_document_is_not_imported_is_told_in_the_persons_language(tmp_path: Path) -> None:
    (tmp_path / "bad.json").write_text('{"type": nothing}')
    key = {"type": "gpiiKey", "_id": "a", "prefsSafeId": [SECRET]}
    (tmp_path / "odd.json").write_text(json.dumps([key]))
    for language, told in (
        ("en", ["it is no proper JSON at byte 10", "(`prefsSafeId` must be a text or nothing,"]),
        (
            "de",
            ["es ist bei Byte 10 kein richtiges JSON", "(`prefsSafeId` muss ein Text oder nichts"],
        ),
    ):
        done = run(
            "cloud", "import", "--data", tmp_path / language, tmp_path / "bad.json",
            tmp_path / "odd.json", environment={"LANGUAGE": language},
        )  # fmt: skip
        assert done.returncode == 1
        assert not [one for one in told if one not in done.stdout]
        assert SECRET not in done.stdout


@pytest.mark.parametrize("verb", [("login",), ("key", "show"), ("key", "revoke")])
def test_a_key_on_the_command_line_is_told_where_it_belongs(verb: tuple[str, ...]) -> None:
    for language, told in (
        ("en", "a key is never given on the command line"),
        ("de", "ein Schlüssel steht nie auf der Befehlszeile"),
    ):
        done = run(*verb, SECRET, environment={"LANGUAGE": language})
        assert done.returncode == 2
        assert told in done.stderr
        assert "--key-file" in done.stderr
        assert SECRET not in done.stdout + done.stderr


WRONG = [
    ["login", "alice", "--json"],
    ["--json", "status"],
    ["status", "--json", "--nonsense"],
    ["cloud", "nonsense", "--json"],
    ["nonsense", "--json"],
    ["client", "show", "--json"],
]


@pytest.mark.parametrize("arguments", WRONG, ids=" ".join)
def test_wrong_usage_is_told_a_program_as_one_object(arguments: list[str]) -> None:
    said = []
    for language, help_ in (("en", " --help' for help."), ("de", "Hilfe gibt '")):
        done = run(*arguments, environment={"LANGUAGE": language})
        told = json.loads(done.stderr)
        assert (done.returncode, done.stdout) == (2, "")
        assert list(told) == ["error", "message", "next_step"]
        assert told["error"] == "usage"
        assert help_ in told["next_step"]
        said.append(told["message"])
    assert said[0] != said[1]


@pytest.mark.parametrize("arguments", [["status", "--nonsense"], ["status", "--", "--json"]])
def test_wrong_usage_is_told_a_person_as_text(arguments: list[str]) -> None:
    done = run(*arguments, environment={"LANGUAGE": "en"})
    assert done.returncode == 2
    assert done.stderr.startswith("Usage: ")
