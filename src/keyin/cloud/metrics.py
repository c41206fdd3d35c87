"""Counts for the operators: how many answers of which status each route gave; nothing personal."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from collections.abc import Callable


class Counts(msgspec.Struct):
    """What was counted, to be added to what others counted."""

    answers: list[tuple[str, int, int]]
    notes: list[tuple[str, str, int]]


class Metrics:
    """Counters of one process; where there are several, each tells of all."""

    def __init__(self) -> None:
        self.others: Callable[[], list[Counts]] = list
        self._answers: Counter[tuple[str, int]] = Counter()
        self._notes: Counter[tuple[str, str]] = Counter()

    def count(self, route: str, status: int) -> None:
        """Count one answer; `route` is a template or `*`, never a path."""
        self._answers[route, status] += 1

    def note(self, name: str, kind: str, count: int = 1) -> None:
        """Count something else; both words are of closed sets."""
        self._notes[name, kind] += count

    def counts(self) -> Counts:
        """Return what this process counted."""
        return Counts(
            [(*name, count) for name, count in self._answers.items()],
            [(*name, count) for name, count in self._notes.items()],
        )

    def _sums(self) -> tuple[Counter[tuple[str, int]], Counter[tuple[str, str]]]:
        answers, notes = Counter(self._answers), Counter(self._notes)
        for one in self.others():
            for route, status, count in one.answers:
                answers[route, status] += count
            for name, kind, count in one.notes:
                notes[name, kind] += count
        return answers, notes

    def exposition(self) -> bytes:
        """Write everything in Prometheus' text format."""
        answers, notes = self._sums()
        lines = ["# TYPE keyin_answers_total counter"]
        lines += [
            f'keyin_answers_total{{route="{route}",status="{status}"}} {count}'
            for (route, status), count in sorted(answers.items())
        ]
        for name in sorted({name for name, _ in notes}):
            lines.append(f"# TYPE keyin_{name}_total counter")
            lines += [
                f'keyin_{name}_total{{kind="{kind}"}} {count}'
                for (noted, kind), count in sorted(notes.items())
                if noted == name
            ]
        return ("\n".join(lines) + "\n").encode()
