"""The message catalogue: extract from source, merge into the languages, compile, judge.

`scripts/messages` runs this; test_messages.py judges with the same functions. What is a message:
what is given to `_`, `ngettext` and `msgid`, in the templates of pages too; the text and
`next_step` of every error of our tree; the docstring, `help` and `prompt` of every click verb; and
the words that click itself and the operating system say.
"""

from __future__ import annotations

import ast
import inspect
import io
import re
import sys
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from babel.messages.catalog import Catalog, Message
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po
from jinja2 import Environment

from tests.house.click_words import CLICK_WORDS
from tests.house.rules import dotted, functions
from tests.house.sources import PACKAGE, package_files, short, tree
from tests.house.system_words import SYSTEM_WORDS

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    Text = str | tuple[str, str]

LOCALE: Final = PACKAGE / "data" / "locale"
TEMPLATE: Final = LOCALE / "keyin.pot"
LANGUAGES: Final = ("de",)
BORN: Final = datetime(2026, 11, 21, tzinfo=UTC)
SPOKEN_KEYWORDS: Final = frozenset({"help", "short_help", "epilog", "prompt"})
CLICK_CALLS: Final = frozenset(
    {"option", "argument", "command", "group", "version_option", "confirmation_option"}
)


def _constant(node: ast.expr | None, named: Mapping[str, str] | None = None) -> str | None:
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    if isinstance(node, ast.Name) and named:
        return named.get(node.id)
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        left, right = _constant(node.left, named), _constant(node.right, named)
        return left + right if left is not None and right is not None else None
    return None


def _choices(node: ast.expr, named: Mapping[str, str]) -> Iterator[str]:
    """Yield every text that the expression may be: `this if so else that`, `found or that`."""
    if isinstance(node, ast.IfExp):
        yield from _choices(node.body, named)
        yield from _choices(node.orelse, named)
    elif isinstance(node, ast.BoolOp):
        for value in node.values:
            yield from _choices(value, named)
    elif text := _constant(node, named):
        yield text


def _named_texts(module: ast.Module) -> dict[str, str]:
    """Return the module's text constants: an error may name its next step by one."""
    return {
        target.id: text
        for node in module.body
        if isinstance(node, ast.Assign | ast.AnnAssign)
        for target in (node.targets if isinstance(node, ast.Assign) else [node.target])
        if isinstance(target, ast.Name) and (text := _constant(node.value))
    }


def error_classes() -> frozenset[str]:
    """Return the names of KeyinError and all that derives from it, anywhere in the package."""
    bases = {
        node.name: {dotted(base).rsplit(".", 1)[-1] for base in node.bases}
        for path in package_files()
        for node in ast.walk(tree(path))
        if isinstance(node, ast.ClassDef)
    }
    known = {"KeyinError"}
    while more := {name for name, of in bases.items() if of & known} - known:
        known |= more
    return frozenset(known)


def _error_texts(call: ast.Call, named: Mapping[str, str]) -> Iterator[Text]:
    for argument in call.args:  # a Refused has its code, one word, first
        sentences = [text for text in _choices(argument, named) if " " in text]
        yield from sentences
        if sentences:
            break
    for keyword in call.keywords:
        for text in _choices(keyword.value, named):
            if keyword.arg == "next_step" or (keyword.arg == "reason" and " " in text):
                yield text


def _call_texts(call: ast.Call, errors: frozenset[str], named: Mapping[str, str]) -> Iterator[Text]:
    name = dotted(call.func).rsplit(".", 1)[-1]
    texts = [text for text in map(_constant, call.args) if text]
    if name in {"_", "msgid"}:
        yield from texts[:1]
    elif name == "ngettext" and len(texts) > 1:
        yield (texts[0], texts[1])
    elif name in errors or any(keyword.arg == "next_step" for keyword in call.keywords):
        yield from _error_texts(call, named)  # the class itself may be an argument
    elif name in CLICK_CALLS:
        for keyword in call.keywords:
            text = _constant(keyword.value)
            if keyword.arg in SPOKEN_KEYWORDS and text:
                yield inspect.cleandoc(text)


def _is_verb(function: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    made_by = {
        dotted(mark.func if isinstance(mark, ast.Call) else mark).rsplit(".", 1)[-1]
        for mark in function.decorator_list
    }
    return bool(made_by & {"command", "group"})


def _super_texts(node: ast.ClassDef, named: Mapping[str, str]) -> Iterator[Text]:
    for call in ast.walk(node):
        if (
            isinstance(call, ast.Call)
            and isinstance(call.func, ast.Attribute)
            and call.func.attr == "__init__"
        ):
            yield from _error_texts(call, named)


def texts_of(module: ast.Module, errors: frozenset[str]) -> Iterator[Text]:
    """Yield every message of a module, in reading order of the tree."""
    for function in functions(module):
        docstring = ast.get_docstring(function, clean=False)
        if _is_verb(function) and docstring:
            yield inspect.cleandoc(docstring)
    named = _named_texts(module)
    for node in ast.walk(module):
        if isinstance(node, ast.Call):
            yield from _call_texts(node, errors, named)
        elif isinstance(node, ast.ClassDef) and node.name in errors:
            yield from _super_texts(node, named)
        elif isinstance(node, ast.Assign) and dotted(node.targets[0]) == "reason":
            text = _constant(node.value)  # becomes a field of an error
            if text and " " in text:
                yield text


def texts_of_template(source: str) -> Iterator[Text]:
    """Yield every message of a page's template."""
    environment = Environment(autoescape=True, extensions=["jinja2.ext.i18n"])
    for _line, function, found in environment.extract_translations(source):  # type: ignore[attr-defined] # the extension adds it
        texts = [text for text in ([found] if isinstance(found, str) else found or ()) if text]
        if texts:  # none: what is shown was marked with msgid where it stands
            yield (texts[0], texts[1]) if function == "ngettext" else texts[0]


def extract() -> Catalog:
    """Collect the template from the whole package."""
    catalog = Catalog(
        project="keyin", version="", creation_date=BORN, copyright_holder="the keyin authors",
        msgid_bugs_address="",
    )  # fmt: skip
    errors = error_classes() | {"error_reply"}
    for path in package_files():
        for text in texts_of(tree(path), errors):
            catalog.add(text, locations=[(short(path), 0)])
    for template in sorted(PACKAGE.joinpath("pages", "templates").glob("*.html")):
        for text in texts_of_template(template.read_text(encoding="utf-8")):
            catalog.add(text, locations=[(short(template), 0)])
    for word in CLICK_WORDS:
        catalog.add(word, locations=[("click", 0)])
    for word in SYSTEM_WORDS:
        catalog.add(word, locations=[("system", 0)])
    return catalog


def po_path(language: str) -> Path:
    """Return where a language's translation is."""
    return LOCALE / language / "LC_MESSAGES" / "keyin.po"


def as_po(catalog: Catalog) -> bytes:
    """Write a catalogue the one way: sorted, no dates that change, no line numbers."""
    out = io.BytesIO()
    write_po(out, catalog, width=96, sort_output=True, include_lineno=False, omit_header=False)
    return out.getvalue()


def as_mo(catalog: Catalog) -> bytes:
    """Compile a catalogue."""
    out = io.BytesIO()
    write_mo(out, catalog)
    return out.getvalue()


def load(language: str) -> Catalog:
    """Read a language's translation, or an empty one."""
    path = po_path(language)
    if not path.exists():
        return Catalog(locale=language, project="keyin", creation_date=BORN, revision_date=BORN)
    with path.open("rb") as file:
        return read_po(file, locale=language, domain="keyin")


def merged(language: str) -> Catalog:
    """Return the translation with exactly the template's messages; nothing is guessed."""
    catalog = load(language)
    catalog.update(extract(), no_fuzzy_matching=True, update_creation_date=False)
    catalog.obsolete.clear()
    catalog.creation_date = catalog.revision_date = BORN
    return catalog


def _places(text: str) -> frozenset[str]:
    percent = re.findall(r"%\(\w+\)[sdr]", text)
    braces = re.findall(r"(?<!\{)\{\w+(?:![rs])?\}(?!\})", text)
    typed = [
        re.sub(" {2,}.*", "", command)  # what follows two spaces is a remark
        for command in re.findall(r"(?:\n|: ) *(keyin .*)", text)
    ]
    return frozenset([*percent, *braces, *typed, *re.findall("\b", text)])


def _forms(text: object) -> list[str]:
    return (
        [str(form or "") for form in text] if isinstance(text, tuple | list) else [str(text or "")]
    )


def faults(message: Message) -> list[str]:
    """Return what is wrong with one translation."""
    originals = _forms(message.id)
    answers = _forms(message.string)
    if not all(answers):
        return [f"not translated: {originals[0]!r}"]
    found = [f"marked fuzzy: {originals[0]!r}"] if message.fuzzy else []
    allowed = {_places(original) for original in originals}
    found += [
        f"other places or commands than its original: {answer!r}"
        for answer in answers
        if _places(answer) not in allowed
    ]
    return found


def messages(catalog: Catalog) -> Iterator[Message]:
    """Yield the messages without the header."""
    return (message for message in catalog if message.id)


def main() -> int:
    """Write template, translations and compiled files; say what still has no translation."""
    LOCALE.mkdir(parents=True, exist_ok=True)
    TEMPLATE.write_bytes(as_po(extract()))
    missing = 0
    for language in LANGUAGES:
        catalog = merged(language)
        path = po_path(language)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(as_po(catalog))
        path.with_suffix(".mo").write_bytes(as_mo(catalog))
        found = [fault for message in messages(catalog) for fault in faults(message)]
        missing += len(found)
        sys.stdout.writelines(f"{language}: {fault}\n" for fault in found)
    return 1 if missing else 0


if __name__ == "__main__":
    sys.exit(main())
