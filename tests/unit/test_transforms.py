"""The transformation engine: the recorded cases, what they leave open, and odd input."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keyin.domain.absent import ABSENT
from keyin.domain.errors import InvalidDocument
from keyin.domain.transforms import input_paths, invert, transform
from keyin.domain.transforms.table import TRANSFORMS
from tests.json_values import json_values
from tests.local_cases import alike, cases
from tests.shared_data import needs_shared


@needs_shared
@pytest.mark.parametrize("case", cases("transform"))
def test_recorded_transforms(case: dict[str, Any]) -> None:
    assert alike(transform(case["rules"], case["input"]), case["expected"])


@needs_shared
@pytest.mark.parametrize("case", cases("invert"))
def test_recorded_inversions(case: dict[str, Any]) -> None:
    inverse = invert(case["rules"])
    assert (inverse == {}) is case["uninvertible"]
    assert alike(transform(inverse, case["settings"]), case["expected"])


@needs_shared
@pytest.mark.parametrize("case", cases("collect-input-paths"))
def test_recorded_input_paths(case: dict[str, Any]) -> None:
    paths = input_paths(case["rules"])
    assert len(paths) == len(set(paths))
    assert set(paths) == set(case["expected"])


def one(type_: str, **spec: Any) -> dict[str, Any]:
    return {"x": {"transform": {"type": type_, **spec}}}


@pytest.mark.parametrize(
    ("left", "operator", "right", "expected"),
    [
        (1, "===", 1.0000000000001, True),
        (True, "===", 1, False),
        ("a", "!==", "b", True),
        (2, "<", 10, True),
        ("2", "<", "10", False),
        ("x", "<", 1, False),
        (2, "<=", 2, True),
        (3, ">", 2, True),
        (3, ">=", 4, False),
        ("1", "+", 2, "12"),
        (1, "+", 2, 3),
        (3, "*", "0.0042", 0.0126),
        (7, "%", -4, 3),
        (-7, "%", 4, -3),
        (0, "&&", 5, 0),
        ([], "&&", 5, 5),
        ("", "||", "b", "b"),
    ],
)
def test_operators_are_those_of_javascript(
    left: object, operator: str, right: object, expected: object
) -> None:
    rules = one("binaryOp", left=left, operator=operator, right=right)
    assert alike(transform(rules, {}), {"x": expected})


@pytest.mark.parametrize(("left", "right"), [(1, 0), ("x", 1), ([], 1), (10**400, 1)])
def test_what_cannot_be_divided_yields_nothing(left: object, right: object) -> None:
    assert transform(one("binaryOp", left=left, operator="/", right=right), {}) == {}


@pytest.mark.parametrize(
    ("rules", "document", "expected"),
    [
        (one("limitRange", inputPath="a", min=1, max=3), {"a": 9}, {"x": 3}),
        (one("limitRange", inputPath="a", min=1, max=3), {"a": -9}, {"x": 1}),
        (one("stringToNumber", inputPath="a"), {"a": "1.50"}, {"x": 1.5}),
        (one("stringToNumber", inputPath="a"), {"a": "x"}, {}),
        (one("numberToString", inputPath="a"), {"a": 2.0}, {"x": "2"}),
        (one("stringToBoolean", inputPath="a"), {"a": "true"}, {"x": True}),
        (one("booleanToString", inputPath="a"), {"a": False}, {"x": "false"}),
        (one("JSONstringToObject", inputPath="a"), {"a": '{"b":1}'}, {"x": {"b": 1}}),
        (one("objectToJSONString", inputPath="a"), {"a": {"b": 1}}, {"x": '{"b":1}'}),
        (one("gpii.transformer.booleanToNumber", inputPath="a"), {"a": True}, {"x": 1}),
        (one("round", inputPath="a"), {"a": "2.5"}, {}),
        (one("round", inputPath="a"), {"a": -0.4}, {"x": 0}),
        (one("quantize", inputPath="a", ranges=[{"output": 1}]), {"a": "z"}, {}),
        (one("condition", conditionPath="a", true=1, false=0), {}, {"x": 0}),
        (one("condition", conditionPath="a", truePath="b"), {"a": [], "b": 7}, {"x": 7}),
        (
            one("deindexIntoArrayByKey", inputPath="a", key="n"),
            {"a": {"p": {"v": 1}}},
            {"x": [{"n": "p", "v": 1}]},
        ),
        (["a", "gone"], {"a": 1}, [1, None]),
        ({"x": 5}, {}, {"x": 5}),
        ({"x": "a", "y": {"transform": {"type": "delete", "outputPath": ""}}}, {}, {}),
    ],
)
def test_transforms_that_no_recorded_case_shows(
    rules: Any, document: Any, expected: object
) -> None:
    assert alike(transform(rules, document), expected)


def test_a_longer_path_refines_a_shorter_one_whatever_their_order() -> None:
    rules = {"x.y": "b", "x": "a"}
    assert transform(rules, {"a": {"y": 1, "z": 2}, "b": 3}) == {"x": {"y": 3, "z": 2}}


def test_outputs_of_a_chosen_row_are_relative_to_the_mapper() -> None:
    nested = {"transform": [{"type": "value", "inputPath": "b", "outputPath": "deep.er"}]}
    rules = one("valueMapper", defaultInputPath="a", match={"p": {"outputValue": nested}})
    assert transform(rules, {"a": "p", "b": 4}) == {"x": {"deep": {"er": 4}}}


def test_a_row_may_write_to_its_own_path() -> None:
    row = {"outputValue": 1, "outputPath": "own"}
    rules = one("valueMapper", defaultInputPath="a", match={"p": row}, defaultOutputPath="other")
    assert transform(rules, {"a": "p"}) == {"x": {"own": 1}}


@pytest.mark.parametrize(
    "spec",
    [
        {"type": "noSuchTransform"},
        {"type": 5},
        {"type": "value"},
        {"type": "binaryOp", "left": 1, "operator": "^", "right": 1},
        {"type": "round", "input": 1, "method": "up"},
        {"type": "valueMapper", "defaultInput": 1},
        {"type": "quantize", "input": 1},
        {"type": "arrayToSetMembership", "input": [], "options": {}},
        {"type": "arrayToSetMembership", "input": 1, "outputPath": "", "options": {}},
        {"type": "indexArrayByKey", "input": [{}], "key": "n"},
        "text",
    ],
)
def test_broken_rules_are_refused(spec: Any) -> None:
    with pytest.raises(InvalidDocument):
        transform({"x": {"transform": spec}}, {})


def test_rules_nested_without_end_are_refused() -> None:
    rules: Any = "a"
    for _ in range(200):
        rules = {"x": rules}
    with pytest.raises(InvalidDocument):
        transform(rules, {"a": 1})


def test_the_inverse_of_a_mapper_gives_booleans_back() -> None:
    rules = one("valueMapper", defaultInputPath="a", match={"true": "on", "false": "off"})
    assert transform(invert(rules), {"x": "off"}) == {"a": False}


def test_an_index_by_key_can_be_turned_round() -> None:
    rules = one("indexArrayByKey", inputPath="a", key="n")
    document = {"a": [{"n": "p", "v": 1}, {"n": "q"}]}
    settings = transform(rules, document)
    assert settings is not ABSENT
    assert transform(invert(rules), settings) == document


@pytest.mark.parametrize(
    "spec",
    [
        {"type": "linearScale", "inputPath": "a", "factor": 0},
        {"type": "linearScale", "inputPath": "a", "factorPath": "b"},
        {"type": "round", "input": {"transform": {"type": "value", "inputPath": "a"}}},
        {"type": "valueMapper", "match": {"p": 1}},
        {"type": "valueMapper", "defaultInputPath": "a", "match": 1},
        {
            "type": "valueMapper",
            "defaultInputPath": "a",
            "match": {"p": {"outputValue": {"transform": {"type": "value", "inputPath": "b"}}}},
        },
        {"type": "arrayToSetMembership", "inputPath": "a", "outputPath": "", "options": 1},
        {"type": "binaryOp", "leftPath": "a", "operator": "-", "right": 1},
        "text",
    ],
)
def test_one_rule_that_cannot_be_turned_round_leaves_no_inverse(spec: Any) -> None:
    assert invert({"y": "c", "x": {"transform": spec}}) == {}


def test_rows_of_a_mapper_turn_round_with_their_paths() -> None:
    rows = [
        {"inputValue": 1, "outputValue": {"literalValue": "one"}, "outputPath": "own"},
        {"inputValue": 2, "outputUndefinedValue": True},
        {"inputValue": 3, "outputValue": "three", "outputPath": "own"},
    ]
    rules = one("valueMapper", defaultInputPath="a", match=rows)
    assert transform(invert(rules), {"x": {"own": "three"}}) == {"a": 3}
    assert transform(rules, {"a": 3}) == {"x": {"own": "three"}}


def test_a_list_of_rules_turns_round_element_by_element() -> None:
    rules = {"x": ["a", {"transform": {"type": "value", "inputPath": "b"}}]}
    assert transform(invert(rules), {"x": [1, 2]}) == {"a": 1, "b": 2}


def test_a_broken_transform_can_be_told_while_the_others_run() -> None:
    told: list[InvalidDocument] = []
    rules = {"x": {"transform": {"type": "noSuch"}}, "y": {"z": "a"}}
    assert transform(rules, {"a": 1}, on_invalid=told.append) == {"y": {"z": 1}}
    assert len(told) == 1


def transforms() -> st.SearchStrategy[dict[str, Any]]:
    """Make rules that name real transforms and otherwise hold anything."""
    operands = "input left right operator condition true match ranges options key outputPath"
    names = [*operands.split(), "inputPath", "defaultInputPath", "noMatch", "scale", "factor"]
    values = json_values() | st.sampled_from(["+", "===", "a", ""])
    spec = st.dictionaries(st.sampled_from(names), values, max_size=6)
    return st.builds(
        lambda type_, members: {"x": {"transform": {**members, "type": type_}}},
        st.sampled_from(sorted(TRANSFORMS)),
        spec,
    )


@given(rules=transforms() | json_values(), document=json_values())
def test_nothing_but_an_invalid_document_is_raised(rules: Any, document: Any) -> None:
    with suppress(InvalidDocument):
        transform(rules, document)
    input_paths(rules)
    with suppress(InvalidDocument):
        transform(invert(rules), document)
