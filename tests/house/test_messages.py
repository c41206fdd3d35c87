"""The catalogue is complete and up to date, in every language, and the command speaks them."""

from __future__ import annotations

import ast
import errno
import os
import subprocess
import sys
from pathlib import Path

import click
import pytest
from babel.messages.catalog import Message

from tests.house import catalogue
from tests.house.click_words import CLICK_WORDS
from tests.house.system_words import SYSTEM_WORDS


def test_the_template_is_what_the_source_says() -> None:
    is_same = catalogue.as_po(catalogue.extract()) == catalogue.TEMPLATE.read_bytes()
    assert is_same, "run scripts/messages"  # to show what differs takes minutes


@pytest.mark.parametrize("language", catalogue.LANGUAGES)
def test_a_language_is_complete(language: str) -> None:
    found = catalogue.merged(language)
    assert not [
        fault for message in catalogue.messages(found) for fault in catalogue.faults(message)
    ]


@pytest.mark.parametrize("language", catalogue.LANGUAGES)
def test_what_is_compiled_is_what_was_translated(language: str) -> None:
    path = catalogue.po_path(language)
    found = catalogue.merged(language)
    is_same = catalogue.as_po(found) == path.read_bytes()
    assert is_same, "run scripts/messages"
    is_compiled = catalogue.as_mo(found) == path.with_suffix(".mo").read_bytes()
    assert is_compiled, "run scripts/messages"


@pytest.mark.parametrize(
    "message",
    [
        Message("login"),
        Message("login", "anmelden", flags=["fuzzy"]),
        Message("as %(name)s", "als %(nam)s"),
        Message("as {name}", "als"),
        Message(("one key", "%(n)s keys"), ("ein Schluessel", "")),
        Message("Example:\n\n  keyin status", "Beispiel:\n\n  keyin statuts"),
    ],
)
def test_a_faulty_translation_is_found(message: Message) -> None:
    assert catalogue.faults(message)


def test_every_kind_of_message_is_extracted() -> None:
    source = '''
STEP = "the named step"
class Mine(KeyinError):
    def __init__(self):
        super().__init__("my text", next_step="my step")
@main.command()
@click.option("--key", help="the help", prompt="the prompt")
def verb():
    """Do it.

    Example: keyin verb
    """
    _("plain"); ngettext("one", "many", n); msgid("kept")
    raise Refused("code", "no %(why)s", next_step="ask", why=1)
    raise Refused("a" if so else "b", "if so" if so else "if not", reason=said or "for nothing")
    raise KeyError("not ours at all")
    raise Refused("code", reasoned, next_step=STEP, reason="for that reason")
    reason = "and for this"
    raise self.given("an error by another name", next_step="its step")
'''
    texts = set(catalogue.texts_of(ast.parse(source), frozenset({"Refused", "Mine"})))
    assert texts == {
        "my text", "my step", "the help", "the prompt", "Do it.\n\nExample: keyin verb", "plain",
        ("one", "many"), "kept", "no %(why)s", "ask", "the named step", "for that reason",
        "and for this", "an error by another name", "its step", "if so", "if not", "for nothing",
    }  # fmt: skip


def test_the_words_taken_from_click_are_still_said_by_click() -> None:
    source = "".join(
        path.read_text(encoding="utf-8") for path in Path(click.__file__).parent.glob("*.py")
    )
    said = {
        node.value for node in ast.walk(ast.parse(source.replace("from __future__", "# ")))
        if isinstance(node, ast.Constant)
    }  # fmt: skip
    ours = {text for word in CLICK_WORDS for text in (word if isinstance(word, tuple) else (word,))}
    assert not ours - said


def test_the_words_taken_from_the_operating_system_are_still_said_by_it() -> None:
    assert not set(SYSTEM_WORDS) - {os.strerror(number) for number in errno.errorcode}


def _keyin(*arguments: str, language: str, runtime: Path) -> subprocess.CompletedProcess[str]:
    environment = {
        **{name: os.environ[name] for name in ("PATH",) if name in os.environ},
        "LANGUAGE": language,
        "HOME": str(runtime),
        "XDG_RUNTIME_DIR": str(runtime),
        "LC_ALL": "C.UTF-8",
    }
    return subprocess.run(
        [sys.executable, "-m", "keyin", *arguments],
        capture_output=True, text=True, check=False, timeout=30, env=environment,
    )  # fmt: skip


def test_status_with_no_flow_manager_answers_in_german(tmp_path: Path) -> None:
    german = _keyin("status", language="de", runtime=tmp_path)
    english = _keyin("status", language="en", runtime=tmp_path)
    assert german.returncode == english.returncode == 4
    assert "Nächster Schritt: " in german.stderr
    assert "Next step: " in english.stderr
    for before, after in zip(english.stderr.splitlines(), german.stderr.splitlines(), strict=True):
        assert before.split(": ")[-1] != after.split(": ")[-1] or "/" in before


@pytest.mark.parametrize("arguments", [["--help"], ["status", "--help"], ["nonsense"]])
def test_help_and_usage_answer_in_german(tmp_path: Path, arguments: list[str]) -> None:
    outcome = _keyin(*arguments, language="de", runtime=tmp_path)
    said = outcome.stdout + outcome.stderr
    assert "Aufruf:" in said
    assert not {"Usage:", "Options", "Commands", "Show this"} & set(said.split())
