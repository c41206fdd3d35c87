"""Counts for the operators: how many answers of which status each route gave; nothing personal."""

from __future__ import annotations

from collections import Counter


class Metrics:
    """Counters of one process."""

    def __init__(self) -> None:
        self._answers: Counter[tuple[str, int]] = Counter()
        self._notes: Counter[tuple[str, str]] = Counter()

    def count(self, route: str, status: int) -> None:
        """Count one answer; `route` is a template or `*`, never a path."""
        self._answers[route, status] += 1

    def note(self, name: str, kind: str, count: int = 1) -> None:
        """Count something else; both words are of closed sets."""
        self._notes[name, kind] += count

    def exposition(self) -> bytes:
        """Write everything in Prometheus' text format."""
        lines = ["# TYPE keyin_answers_total counter"]
        lines += [
            f'keyin_answers_total{{route="{route}",status="{status}"}} {count}'
            for (route, status), count in sorted(self._answers.items())
        ]
        for name in sorted({name for name, _ in self._notes}):
            lines.append(f"# TYPE keyin_{name}_total counter")
            lines += [
                f'keyin_{name}_total{{kind="{kind}"}} {count}'
                for (noted, kind), count in sorted(self._notes.items())
                if noted == name
            ]
        return ("\n".join(lines) + "\n").encode()
