"""The rules catch what they are for, and let good code pass."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

import pytest

from tests.house import rules

if TYPE_CHECKING:
    from collections.abc import Callable

    Rule = Callable[[ast.Module], list[str]]


BAD: dict[str, tuple[str, ...]] = {
    "reaches_the_world": (
        "import time",
        "import os.path",
        "from time import monotonic",
        "import random as dice",
        "from secrets import token_bytes",
        "from uuid import uuid4",
        "import logging",
        "def f():\n    import os\n    return os.urandom(8)",
        "open('x')",
        "print('x')",
        "x = __import__('os')",
        "from pathlib import Path\nPath('x').read_text()",
        "from pathlib import Path\nPath('x').write_bytes(b'')",
        "from datetime import datetime\ndatetime.now()",
        "import datetime\ndatetime.datetime.now(datetime.UTC)",
        "import datetime\ndatetime.date.today()",
        "import datetime as d\nd.datetime.utcnow()",
        "from structlog import get_logger",
        "from datetime import datetime as dt\ndt.now()",
        "import datetime as d\nd.datetime.now()",
        "import codecs\ncodecs.open('x')",
        "import builtins\nbuiltins.open('x')",
        "loop.time()",
        "import asyncio\nasyncio.get_running_loop().time()",
        "with path.open() as file: pass",
        "self.own_file.exists()",
        "from pathlib import Path\nPath('x').open()",
    ),
    "compares_secrets": (
        "token == given",
        "given != client.secret",
        "a.token_digest == b",
        "digest() == x",
        "peppers['old'].mac == x",
        "if given == self._secret: pass",
        "import hmac\nhmac.compare_digest(a, b)",
    ),
    "draws_weak_chance": (
        "import random",
        "from random import choice",
        "import uuid\nuuid.uuid4()",
        "from uuid import uuid1",
    ),
    "undocumented": ("x = 1",),
    "speaks_untranslated": (
        "import click\nclick.echo('logged in')",
        "import click\nclick.echo(f'logged in as {x}')",
        "import click\nclick.secho('key ' + x)",
    ),
}

GOOD: dict[str, tuple[str, ...]] = {
    "reaches_the_world": (
        "def f(now): return now + 1",
        "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from os import PathLike",
        "from datetime import datetime, UTC\ndatetime.fromtimestamp(1, tz=UTC)",
        "import datetime\ndatetime.datetime.fromisoformat(text)",
        "entropy.token_bytes(32)",
        "clock.now()",
        "reopen('x')",
        "self.door.open(shown)",
        "saving.open(safe)",
        "moment.time()",
    ),
    "compares_secrets": (
        "equal(token, given)",
        "token_type == 'Bearer'",
        "token is None",
        "token == ''",
        "machine == x",
        "kind == PEPPER",
        "grant.status == ACTIVE",
    ),
    "draws_weak_chance": ("import secrets", "import uuid\nuuid.UUID(text)"),
    "undocumented": ('"""What it is."""',),
    "speaks_untranslated": (
        "import click\nclick.echo(_('logged in'))",
        "import click\nclick.echo(_('as %(name)s') % {'name': x})",
        "import click\nclick.echo(f'{name}: {value}')",
        "import click\nclick.echo()",
        "import click\nclick.echo(f'listening on {url}')",
    ),
}


def _cases(table: dict[str, tuple[str, ...]]) -> list[tuple[str, str]]:
    return [(rule, source) for rule, sources in table.items() for source in sources]


def _apply(rule: str, source: str) -> list[str]:
    check: Rule = getattr(rules, rule)
    return check(ast.parse(source))


@pytest.mark.parametrize(("rule", "source"), _cases(BAD))
def test_the_rule_catches(rule: str, source: str) -> None:
    assert _apply(rule, source)


@pytest.mark.parametrize(("rule", "source"), _cases(GOOD))
def test_the_rule_lets_pass(rule: str, source: str) -> None:
    assert not _apply(rule, source)


def test_length_is_counted() -> None:
    body = "\n    ".join(["def f():", *["x = 1"] * 40])
    assert rules.too_long(ast.parse(body), body) == ["1: f has 41 lines"]
    shorter = "\n    ".join(["def f():", *["x = 1"] * 39])
    assert not rules.too_long(ast.parse(shorter), shorter)
    module = "x = 1\n" * 301
    assert rules.too_long(ast.parse(module), module) == ["1: 301 lines in one module"]
