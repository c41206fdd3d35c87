"""Every verb has help that works, with an example; every group names its verbs."""

from __future__ import annotations

from importlib.metadata import version
from typing import TYPE_CHECKING

import click
import pytest
from click.testing import CliRunner

from keyin.cli.main import main

if TYPE_CHECKING:
    from collections.abc import Iterator


def _verbs(command: click.Command, words: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    if not isinstance(command, click.Group):
        yield words
        return
    context = click.Context(command)
    names = command.list_commands(context)
    assert names
    for name in names:
        inner = command.get_command(context, name)
        assert inner, f"{name} is named but not there"
        yield from _verbs(inner, (*words, name))


VERBS = sorted(_verbs(main, ()))


def test_the_contract_of_the_command_line_is_there() -> None:
    assert {
        ("cloud", "serve"), ("cloud", "import"), ("cloud", "export"),
        ("requester", "serve"), ("requester", "status"), ("requester", "forget"),
        ("flow-manager", "serve"), ("login",), ("logout",), ("status",), ("demo",),
    } <= set(VERBS)  # fmt: skip


@pytest.mark.parametrize("words", VERBS, ids=" ".join)
def test_help_works_and_has_an_example(words: tuple[str, ...]) -> None:
    outcome = CliRunner().invoke(main, [*words, "--help"], env={"LANGUAGE": "en"})
    assert outcome.exit_code == 0, outcome.output
    example = outcome.output.partition("Example")[2]
    assert f"keyin {' '.join(words)}" in example, outcome.output


@pytest.mark.parametrize("words", [verb for verb in VERBS if verb[-1] != "serve"], ids=" ".join)
def test_every_verb_speaks_json_too(words: tuple[str, ...]) -> None:
    outcome = CliRunner().invoke(main, [*words, "--help"])
    assert "--json" in outcome.output


@pytest.mark.parametrize("words", [(), ("cloud",), ("requester",), ("flow-manager",)])
def test_a_group_says_what_its_verbs_do(words: tuple[str, ...]) -> None:
    outcome = CliRunner().invoke(main, [*words, "--help"], env={"LANGUAGE": "en"})
    assert outcome.exit_code == 0, outcome.output
    listed = outcome.output.partition("Commands:")[2].strip().splitlines()
    assert listed
    assert not [line for line in listed if len(line.split()) < 2]


def test_it_says_which_version_it_is() -> None:
    outcome = CliRunner().invoke(main, ["--version"], env={"LANGUAGE": "en"})
    assert outcome.output == f"keyin, version {version('keyin')}\n"
