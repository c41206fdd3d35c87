"""Counts for the operators: how many answers of which status each route gave; nothing personal."""

from __future__ import annotations

from collections import Counter


class Metrics:
    """Counters of one process."""

    def __init__(self) -> None:
        self._answers: Counter[tuple[str, int]] = Counter()

    def count(self, route: str, status: int) -> None:
        """Count one answer; `route` is a template or `*`, never a path."""
        self._answers[route, status] += 1

    def exposition(self) -> bytes:
        """Write everything in Prometheus' text format."""
        lines = ["# TYPE keyin_answers_total counter"]
        lines += [
            f'keyin_answers_total{{route="{route}",status="{status}"}} {count}'
            for (route, status), count in sorted(self._answers.items())
        ]
        return ("\n".join(lines) + "\n").encode()
