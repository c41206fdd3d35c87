"""Runs a rules document over an input document (local-flow §4.2, §4.3).

Every rule sits at a place of the output. What the rules yield is collected as writes, sorted by
the length of their paths and merged, so that longer paths refine shorter ones. The transforms
themselves live beside this module and are found in `table`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, TypeAlias

import msgspec

from keyin.domain import elpath
from keyin.domain.absent import ABSENT
from keyin.domain.errors import InvalidDocument
from keyin.domain.merge import merge_members
from keyin.domain.transforms.table import TRANSFORMS, full_name

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from keyin.domain.absent import Absent, Value
    from keyin.domain.elpath import Segments

OnInvalid: TypeAlias = "Callable[[InvalidDocument], None]"

DEEPEST: Final = 64
"""Levels of rules inside rules that are followed; registries have six."""


TOO_DEEP: Final = "Rules are nested too deeply."


def transform(
    rules: Value, document: Value, *, on_invalid: OnInvalid | None = None
) -> Value | Absent:
    """Run the rules over the document; `{}` where they yield nothing.

    Broken rules raise `InvalidDocument`, and so does input that a transform cannot take. With
    `on_invalid`, a transform that cannot be run is told there and yields nothing, the others run.
    """
    run = Evaluation(document, on_invalid)
    try:
        run.rule(rules, ())
        return run.output({})
    except RecursionError as exc:  # comparing values that are nested beyond all use
        raise InvalidDocument(TOO_DEEP) from exc


class Evaluation(msgspec.Struct):
    """One run: the input, and what was written so far."""

    document: Value
    on_invalid: OnInvalid | None = None
    depth: int = 0
    writes: list[tuple[Segments, Value]] = msgspec.field(default_factory=list)
    deletions: list[Segments] = msgspec.field(default_factory=list)

    def output(self, document: Value | Absent) -> Value | Absent:
        """Merge the writes, shorter paths first, over a document; then carry out deletions."""
        for place, value in sorted(self.writes, key=lambda write: len(write[0])):
            document = merge_members(document, _nested(place, value))
        for place in self.deletions:
            document = ABSENT if document is ABSENT else elpath.remove(document, place)
        return document

    def rule(self, rule: Value, place: Segments) -> None:
        """Run one rule in any of its forms."""
        if isinstance(rule, str):
            self.write(place, elpath.get(self.document, elpath.parse(rule)))
        elif isinstance(rule, list):
            self.write(place, [self._element(element) for element in rule])
        elif not isinstance(rule, dict):
            self.write(place, rule)
        elif "literalValue" in rule:
            self.write(place, rule["literalValue"])
        else:
            self.write(place, self._expand(rule, place))

    def write(self, place: Segments, value: Value | Absent) -> None:
        """Remember a result; an absent one writes nothing."""
        if len(place) > DEEPEST:
            raise InvalidDocument(TOO_DEEP)
        if value is not ABSENT:
            self.writes.append((place, value))

    def given(self, value: Value, place: Segments) -> Value | Absent:
        """Take what an operand says literally: a value, `{literalValue}`, or a rule to run."""
        if isinstance(value, dict):
            if "literalValue" in value:
                return value["literalValue"]  # type: ignore[no-any-return]
            if "transform" in value:
                return self._expand(value, place)
        return value

    def _expand(self, rule: dict[str, Any], place: Segments) -> Value | Absent:
        """Run the transforms of an object and the rules among its other members."""
        if self.depth >= DEEPEST:
            raise InvalidDocument(TOO_DEEP)
        self.depth += 1
        value: Value | Absent = ABSENT
        for name, member in rule.items():
            if name != "transform":
                self.rule(member, place + elpath.parse(name))
                continue
            for spec in member if isinstance(member, list) else [member]:
                value = merge_members(value, self._one(spec, place))
        self.depth -= 1
        return value

    def _one(self, spec: Value, place: Segments) -> Value | Absent:
        """Run one transform; what it sends elsewhere by `outputPath` is not answered."""
        depth = self.depth
        try:
            call = _call(spec, self, place)
            value = call.function(call)
        except InvalidDocument as exc:
            if self.on_invalid is None:
                raise
            self.on_invalid(exc)
            self.depth = depth
            return ABSENT
        target = call.spec.get("outputPath", call.spec.get("defaultOutputPath"))
        if not isinstance(target, str):
            return value
        call.write(elpath.parse(target), value)
        return ABSENT

    def _element(self, rule: Value) -> Value:
        """Run a rule that is an element of a list; what yields nothing stands there as null."""
        if self.depth >= DEEPEST:
            raise InvalidDocument(TOO_DEEP)
        inner = Evaluation(self.document, self.on_invalid, self.depth + 1)
        inner.rule(rule, ())
        result = inner.output(ABSENT)
        return None if result is ABSENT else result


class Call(msgspec.Struct, frozen=True):
    """One transform being run: what it was given, and where it may write."""

    spec: dict[str, Any]
    run: Evaluation
    place: Segments
    function: Callable[[Call], Value | Absent]

    def operand(self, name: str) -> Value | Absent:
        """Read an operand: at its path if there is something, else as it is given."""
        path = self.spec.get(f"{name}Path")
        if isinstance(path, str):
            value = self.read(path)
            if value is not ABSENT:
                return value
        return self.given(self.spec[name]) if name in self.spec else ABSENT

    def read(self, path: str) -> Value | Absent:
        """Read the input document at a path."""
        return elpath.get(self.run.document, elpath.parse(path))

    def given(self, value: Value) -> Value | Absent:
        """Take a literal operand; rules in it are run at this transform's place."""
        return self.run.given(value, self.place)

    def write(self, relative: Segments, value: Value | Absent) -> None:
        """Write somewhere below this transform's place."""
        self.run.write(self.place + relative, value)

    def delete(self, relative: Segments) -> None:
        """Remove, at the end, what anything wrote below this transform's place."""
        self.run.deletions.append(self.place + relative)

    def objects(self, name: str) -> Iterator[tuple[str, str]]:
        """Go through the members of an `options`-like object of texts."""
        members = self.spec.get(name)
        if not isinstance(members, dict) or not all(isinstance(m, str) for m in members.values()):
            raise InvalidDocument("A transform lacks its options, or they are not texts.")
        yield from members.items()


def _call(spec: Value, run: Evaluation, place: Segments) -> Call:
    if not isinstance(spec, dict):
        raise InvalidDocument("A transform is not an object.")
    found = TRANSFORMS.get(full_name(spec.get("type")))
    if found is None:
        raise InvalidDocument("A rule names a transform that does not exist.")
    return Call(spec, run, place, found)


def _nested(place: Segments, value: Value) -> Value:
    for segment in reversed(place):
        value = {segment: value}
    return value
