"""Every key of every process's configuration is explained in the file that ships, and no other."""

from __future__ import annotations

import ast
import re
import tomllib
from typing import Final

import pytest

from tests.house.rules import dotted
from tests.house.sources import PACKAGE, tree

DOCUMENTS: Final = {
    "cloud": "cloud.toml",
    "access_requester": "requester.toml",
    "flow_manager": "flow-manager.toml",
}
PROCESSES: Final = tuple(DOCUMENTS)
FOLDER: Final = PACKAGE / "data" / "config"


def _is_shape(node: ast.ClassDef) -> bool:
    bases = {dotted(base).rsplit(".", 1)[-1] for base in node.bases}
    marks = {
        dotted(mark.func if isinstance(mark, ast.Call) else mark).rsplit(".", 1)[-1]
        for mark in node.decorator_list
    }
    return "Struct" in bases or "dataclass" in marks


def _keys(process: str) -> set[str]:
    sources = sorted((PACKAGE / process).glob("*config.py"))  # a section may have its own
    shapes = [
        node for source in sources for node in tree(source).body if isinstance(node, ast.ClassDef)
    ]
    keys = {
        field.target.id
        for shape in shapes
        if _is_shape(shape)
        for field in shape.body
        if isinstance(field, ast.AnnAssign)
        and isinstance(field.target, ast.Name)
        and not dotted(field.annotation).endswith("ClassVar")
    }
    assert keys, f"{sources} have no configuration shape that this test knows"
    return keys


def _explained(process: str) -> dict[str, str]:
    """Map each key or table named in the file, commented out or not, to the comment before it."""
    found: dict[str, str] = {}
    comment: list[str] = []
    for line in (FOLDER / DOCUMENTS[process]).read_text(encoding="utf-8").splitlines():
        named = re.match(r"#? ?(?:([a-z]\w*) *=|\[+([a-z][\w.]*)\]+)", line)
        if named:
            table = named[2] and f"the table {named[2]}"
            found[named[1] or named[2].rsplit(".", 1)[-1]] = table or " ".join(comment)
        if not line.strip() or (named and line.startswith("[")):
            comment = []
        elif line.startswith("#") and not named:
            comment.append(line.lstrip("# "))
    return found


@pytest.mark.parametrize("process", PROCESSES)
def test_every_key_is_explained(process: str) -> None:
    explained = _explained(process)
    assert not _keys(process) - set(explained), "keys that the file does not name"
    assert not set(explained) - _keys(process), "keys that the process does not know"
    assert not [key for key, words in explained.items() if len(words) < 10], "keys without a word"


@pytest.mark.parametrize("process", PROCESSES)
def test_the_file_is_toml_with_and_without_its_comment_signs(process: str) -> None:
    text = (FOLDER / DOCUMENTS[process]).read_text(encoding="utf-8")
    tomllib.loads(text)
    bare = re.sub(r"^# ?(?=(?:[a-z]\w* *=|\[+[a-z][\w.]*\]+))", "", text, flags=re.MULTILINE)
    tomllib.loads(bare)


def test_every_process_with_a_configuration_is_here() -> None:
    assert {path.parent.name for path in PACKAGE.glob("*/config.py")} == set(PROCESSES)
    assert {path.name for path in FOLDER.glob("*.toml")} == set(DOCUMENTS.values())
