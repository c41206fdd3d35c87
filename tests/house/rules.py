"""House rules over parsed source. Each returns what it found, as `line: sentence`; no judgement."""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

WORLDLY_MODULES: Final = frozenset(
    {
        *("builtins", "codecs", "fileinput", "glob", "io", "linecache", "logging", "mmap", "os"),
        *("random", "secrets", "shutil", "socket", "sqlite3", "structlog", "subprocess", "sys"),
        *("tempfile", "time", "uuid"),
    }
)
"""Clocks, chance, files and logs: inner rooms are given these, they do not fetch them."""

WORLDLY_CALLS: Final = frozenset({"open", "print", "input", "breakpoint", "__import__"})
WORLDLY_METHODS: Final = frozenset(
    {"read_text", "read_bytes", "write_text", "write_bytes", "utcnow", "today"}
)
CLOCKS: Final = frozenset({"datetime.datetime.now"})
FILES: Final = re.compile(r"(path|file|folder|directory)s?$", re.IGNORECASE)
"""What may be opened, by its name; a door and a safe may be, too."""
FILE_METHODS: Final = frozenset(
    {"open", "exists", "is_file", "is_dir", "iterdir", "stat", "unlink"}
)
LOOPS: Final = re.compile(r"loop$")
SENSITIVE: Final = frozenset(
    {"secret", "digest", "token", "mac", "hmac", "password", "pepper", "signature", "verifier"}
)
WEAK_RANDOMNESS: Final = frozenset({"uuid1", "uuid4"})
CONTRACT: Final = "listening on "
"""What other programs wait for stays as it is, in every language."""
MAX_MODULE_LINES: Final = 300
MAX_FUNCTION_LINES: Final = 40
DRAWERS: Final = frozenset({"utils", "util", "helpers", "helper", "common", "manager", "base"})


def dotted(node: ast.expr) -> str:
    """Return `a.b.c` for a chain of names, "" for anything else."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute):
        before = dotted(node.value)
        return f"{before}.{node.attr}" if before else ""
    return ""


def last_name(node: ast.expr) -> str:
    """Return the identifier that says what a value is: `x.token`, `token()`, `token[0]`."""
    while isinstance(node, ast.Call | ast.Subscript | ast.Await):
        node = node.func if isinstance(node, ast.Call) else node.value
    return dotted(node).rsplit(".", 1)[-1] or (node.attr if isinstance(node, ast.Attribute) else "")


def _for_types_only(node: ast.AST) -> bool:
    return isinstance(node, ast.If) and dotted(node.test).endswith("TYPE_CHECKING")


def _running(node: ast.AST) -> Iterator[ast.AST]:
    """Walk what runs: everything but the bodies of `if TYPE_CHECKING`."""
    yield node
    for child in ast.iter_child_nodes(node):
        if not _for_types_only(child):
            yield from _running(child)


def imported_roots(node: ast.AST) -> list[str]:
    """Return the top-level packages that an import statement names."""
    if isinstance(node, ast.Import):
        return [alias.name.split(".")[0] for alias in node.names]
    if isinstance(node, ast.ImportFrom) and node.module and not node.level:
        return [node.module.split(".")[0]]
    return []


def _full_names(tree: ast.Module) -> dict[str, str]:
    """Return what each imported name stands for, whatever it is called here."""
    names: dict[str, str] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names |= {one.asname: one.name for one in node.names if one.asname}
        elif isinstance(node, ast.ImportFrom):
            names |= {one.asname or one.name: f"{node.module}.{one.name}" for one in node.names}
    return names


def _does_with_the_world(node: ast.Attribute, names: dict[str, str]) -> str | None:
    """Return what an attribute does that an inner room must not do."""
    first, _, more = dotted(node).partition(".")
    whole = f"{names.get(first, first)}.{more}"
    if whole in CLOCKS or (node.attr == "time" and LOOPS.search(last_name(node.value))):
        return f"reads the clock with {whole if more else node.attr}"
    if node.attr in WORLDLY_METHODS:
        return f"uses .{node.attr}"
    if node.attr in FILE_METHODS and FILES.search(last_name(node.value)):
        return f"touches a file with .{node.attr}"
    return None


def reaches_the_world(tree: ast.Module) -> list[str]:
    """Find clocks, chance, files, output and logs: what inner rooms take as arguments."""
    found: list[str] = []
    names = _full_names(tree)
    for node in _running(tree):
        line = getattr(node, "lineno", 0)
        found += [
            f"{line}: imports {name}" for name in imported_roots(node) if name in WORLDLY_MODULES
        ]
        if isinstance(node, ast.Name) and node.id in WORLDLY_CALLS:
            found.append(f"{line}: uses {node.id}()")
        if isinstance(node, ast.Attribute) and (done := _does_with_the_world(node, names)):
            found.append(f"{line}: {done}")
    return found


def compares_secrets(tree: ast.Module) -> list[str]:
    """Find `==` on things that are secret by their name: `domain.secret.equal` is for these."""
    found: list[str] = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Compare) and isinstance(node.ops[0], ast.Eq | ast.NotEq):
            sides = [node.left, *node.comparators]
            if any(isinstance(side, ast.Constant) and not side.value for side in sides):
                continue  # "is it empty" tells nobody anything
            names = [last_name(side) for side in sides]
            found += [
                f"{node.lineno}: compares {name} with =="
                for name in names
                if not name.isupper()  # a constant names a kind of secret, it is none
                and re.split(r"[_\W]+", name.lower())[-1] in SENSITIVE
            ]
        if isinstance(node, ast.Attribute) and node.attr == "compare_digest":
            found.append(f"{node.lineno}: calls compare_digest beside domain.secret.equal")
    return found


def draws_weak_chance(tree: ast.Module) -> list[str]:
    """Find `random` and random UUIDs: 122 bits of unstated quality are no secret (P98)."""
    found: list[str] = []
    for node in ast.walk(tree):
        line = getattr(node, "lineno", 0)
        found += [f"{line}: imports random" for name in imported_roots(node) if name == "random"]
        if isinstance(node, ast.Attribute) and node.attr in WEAK_RANDOMNESS:
            found.append(f"{line}: uses {node.attr}")
        if isinstance(node, ast.ImportFrom) and node.module == "uuid":
            found += [f"{line}: uses {a.name}" for a in node.names if a.name in WEAK_RANDOMNESS]
    return found


def functions(tree: ast.Module) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    """Yield every function and method."""
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


def too_long(tree: ast.Module, source: str) -> list[str]:
    """Find modules and functions past the house numbers; a function counts from its `def`."""
    lines = source.count("\n")
    found = [f"1: {lines} lines in one module"] if lines > MAX_MODULE_LINES else []
    for function in functions(tree):
        length = (function.end_lineno or function.lineno) - function.lineno + 1
        if length > MAX_FUNCTION_LINES:
            found.append(f"{function.lineno}: {function.name} has {length} lines")
    return found


def undocumented(tree: ast.Module) -> list[str]:
    """Find a module that does not say what it is."""
    return [] if ast.get_docstring(tree) else ["1: no module docstring"]


def speaks_untranslated(tree: ast.Module) -> list[str]:
    """Find words given to a person that did not pass the catalogue's door `_()`."""
    found: list[str] = []
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call) or not node.args:
            continue
        name = dotted(node.func)
        if name in {"click.echo", "click.secho", "click.prompt", "click.confirm"} and any(
            re.search(r"[A-Za-z]{2}", text) and not text.startswith(CONTRACT)
            for text in _plain_text(node.args[0])
        ):
            found.append(f"{node.lineno}: {name} with words that are not in the catalogue")
    return found


def _plain_text(node: ast.expr) -> Iterator[str]:
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield node.value
    elif isinstance(node, ast.JoinedStr):
        for part in node.values:
            yield from _plain_text(part)
    elif isinstance(node, ast.BinOp):
        yield from _plain_text(node.left)
        yield from _plain_text(node.right)
