"""Works out what a preference set should do to a GNOME desktop, from the registry's text alone.

Part of the judge: imports nothing of keyin. Has a JSON5 reader of its own and knows just those
kinds of rules that the Linux solutions with GSettings use (local-flow §3.4, §3.7, §4.4, §4.7).
An accepted solution is started, whatever its `enabled` term says (§3.6).
"""

from __future__ import annotations

import ast
import json
import math
import re
import subprocess
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from pathlib import Path

COMMON = "http://registry.gpii.net/common/"
APPLICATION = "http://registry.gpii.net/applications/"
ACTIVE_SET = "gpii-default"
# Of the terms that these solutions know, this one is no reason to choose one (local-flow §3.4).
NEVER_CHOOSES = {"showCrosshairs"}

_TOKEN = re.compile(
    r"""(?P<skip>\s+|//[^\n]*|/\*.*?\*/)|(?P<text>"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')"""
    r"""|(?P<mark>[{}\[\]:,])|(?P<word>[^\s{}\[\]:,"'/]+)""",
    re.DOTALL,
)


class Expected(NamedTuple):
    """What one preference set should do to this desktop."""

    keys: dict[str, Any]
    """`schema key` to value."""
    untaken: list[str]
    """What nothing on this computer takes."""
    solutions: list[str]


def read_json5(path: Path) -> Any:
    """Read a JSON5 file: comments, bare names, single quotes and trailing commas."""
    tokens = [
        (match.lastgroup, match.group())
        for match in _TOKEN.finditer(path.read_text(encoding="utf-8"))
        if match.lastgroup != "skip"
    ]
    parts: list[str] = []
    for place, (kind, text) in enumerate(tokens):
        following = tokens[place + 1][1] if place + 1 < len(tokens) else ""
        if text == "," and following in ("}", "]"):
            continue
        if kind == "text" and text[0] == "'":
            text = json.dumps(ast.literal_eval(text))  # noqa: PLW2901 - one token, rewritten
        if kind == "word" and text.startswith("."):
            text = "0" + text  # noqa: PLW2901 - as above
        parts.append(json.dumps(text) if kind == "word" and following == ":" else text)
    return json.loads("".join(parts))


def present_schemas() -> set[str]:
    """Return the schemas of this computer."""
    return set(output("gsettings", "list-schemas").split())


def output(*command: str) -> str:
    """Return what a command prints."""
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def blocks_of(entry: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    """Return the settings handler blocks and launch handler blocks of a solution."""
    settings = entry.get("settingsHandlers", {}).items()
    launchers = entry.get("launchHandlers", {}).items()
    return [
        *((f"settings {n}", b) for n, b in settings),
        *((f"launch {n}", b) for n, b in launchers),
    ]


def installed(registry: dict[str, Any]) -> list[str]:
    """Return the solutions that use GSettings and whose schemas are all here."""
    here = present_schemas()
    found = []
    for solution, entry in registry.items():
        options = (block.get("options", {}) for _, block in blocks_of(entry))
        schemas = {option["schema"] for option in options if "schema" in option}
        if schemas and schemas <= here:
            found.append(solution)
    return found


def known_terms(rules: Any) -> set[str]:
    """Return every common term that is named anywhere in a part of the registry."""
    if isinstance(rules, str):
        plain = rules.replace("\\", "")
        return {plain.removeprefix(COMMON)} if plain.startswith(COMMON) else set()
    if isinstance(rules, dict):
        rules = [part for name, part in rules.items() if name != "outputPath"]
    return set().union(*map(known_terms, rules)) if isinstance(rules, list) else set()


def expect(registry: dict[str, Any], document: dict[str, Any]) -> Expected:
    """Work out what the preference set should do, from the registry's text."""
    contexts = document.get("flat", document).get("contexts", {})
    preferences = contexts.get(ACTIVE_SET, {}).get("preferences", {})
    here = present_schemas()
    expected = Expected({}, [], [])
    for solution in installed(registry):
        wanted = _wanted(registry[solution], solution, preferences)
        if wanted is not None:
            expected.solutions.append(solution)
            for name, block in blocks_of(registry[solution]):
                _expect_block(solution, name, block, wanted, here, expected)
    return expected


def _wanted(
    entry: dict[str, Any], solution: str, preferences: dict[str, Any]
) -> tuple[dict[str, Any], dict[str, Any]] | None:
    """Return the common terms and the application's own settings; None if not chosen."""
    rules = [block.get("capabilitiesTransformations", {}) for _, block in blocks_of(entry)]
    known = known_terms(rules) | known_terms(entry.get("capabilities", []))
    own = preferences.get(APPLICATION + solution)
    terms = {n.removeprefix(COMMON): v for n, v in preferences.items() if n.startswith(COMMON)}
    terms = {name: value for name, value in terms.items() if name in known}
    choosing = [n for n, v in terms.items() if not isinstance(v, list | dict)]
    if own is None and not set(choosing) - NEVER_CHOOSES:
        return None
    inside = {n: v for n, v in (own or {}).items() if n.startswith(COMMON)}
    terms |= {name.removeprefix(COMMON): value for name, value in inside.items()}
    return terms, {n: v for n, v in (own or {}).items() if n not in inside}


def _expect_block(
    solution: str,
    name: str,
    block: dict[str, Any],
    wanted: tuple[dict[str, Any], dict[str, Any]],
    here: set[str],
    expected: Expected,
) -> None:
    terms, own = wanted
    options = block.get("options", {})
    if name.startswith("launch "):
        if block["type"] == "gpii.gsettings.launch":
            expected.keys[f"{options['schema']} {options['key']}"] = True
        else:
            expected.untaken.append(f"{solution}: {name} ({block['type']})")
        return
    rules = block.get("capabilitiesTransformations", {})
    values = run_rules(rules, terms) if known_terms(rules) & set(terms) else {}
    values |= {n: v for n, v in own.items() if n in block.get("supportedSettings", {})}
    if block["type"] != "gpii.gsettings":
        if values:
            expected.untaken.append(f"{solution}: {name} ({block['type']})")
        return
    keys = set(output("gsettings", "list-keys", options["schema"]).split())
    for key, value in values.items():
        if key in keys and options["schema"] in here:
            expected.keys[f"{options['schema']} {key}"] = value
        else:
            expected.untaken.append(f"{solution}: {key} (no such key)")


def run_rules(rules: dict[str, Any], terms: dict[str, Any]) -> dict[str, Any]:
    """Run those kinds of rules that Linux solutions with GSettings use."""
    values: dict[str, Any] = {}
    for name, rule in rules.items():
        if name == "transform":
            for one in rule if isinstance(rule, list) else [rule]:
                values |= _membership(one, terms)
            continue
        value = _value(rule, terms)
        if value is not None:
            values[name.replace("\\", "")] = value
    return values


def _term(path: str, terms: dict[str, Any]) -> Any:
    return terms.get(path.replace("\\", "").removeprefix(COMMON))


def _value(rule: Any, terms: dict[str, Any]) -> Any:
    if isinstance(rule, str):
        return _term(rule, terms)
    one = rule["transform"]
    kind = one["type"].removeprefix("fluid.transforms.")
    return {
        "linearScale": _scale,
        "quantize": _step,
        "condition": _either,
        "valueMapper": _map,
    }.get(kind, _not_needed)(one, terms)


def _scale(one: dict[str, Any], terms: dict[str, Any]) -> Any:
    number = _term(one["inputPath"], terms)
    return None if number is None else number * one.get("factor", 1) + one.get("offset", 0)


def _step(one: dict[str, Any], terms: dict[str, Any]) -> Any:
    number = _term(one["inputPath"], terms)
    if number is None:
        return None
    return next(r["output"] for r in one["ranges"] if number <= r.get("upperBound", math.inf))


def _either(one: dict[str, Any], terms: dict[str, Any]) -> Any:
    return one["true"] if _term(one["conditionPath"], terms) else one["false"]


def _map(one: dict[str, Any], terms: dict[str, Any]) -> Any:
    given = _term(one["defaultInputPath"], terms)
    return one["match"].get(given, one.get("noMatch", {}).get("outputValue"))


def _not_needed(one: dict[str, Any], _terms: dict[str, Any]) -> Any:
    """Give any value: only blocks that nothing takes have such rules."""
    return one["type"]


def _membership(one: dict[str, Any], terms: dict[str, Any]) -> dict[str, Any]:
    members = _term(one["inputPath"], terms)
    if members is None:
        return {}
    options = one["options"].items()
    return {k: one["presentValue"] if m in members else one["missingValue"] for m, k in options}
