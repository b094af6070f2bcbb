"""One measured number beside its promise."""

from __future__ import annotations

import operator
import statistics
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Literal


@dataclass(frozen=True)
class Row:
    """A result. Without a limit it is information only."""

    benchmark: str
    name: str
    value: float
    unit: str
    relation: Literal["≤", "≥", ""] = ""
    limit: float | None = None
    spread: float = 0.0  # half of what the repeats differ by, in the same unit
    note: str = ""
    details: dict[str, Any] = field(default_factory=dict)

    @property
    def verdict(self) -> str:
        """ok, MISSED, or nothing where nothing was promised."""
        if self.limit is None:
            return ""
        compare: Callable[[float, float], bool] = operator.le if self.relation == "≤" else operator.ge
        return "ok" if compare(self.value, self.limit) else "MISSED"

    def to_json(self) -> dict[str, Any]:
        """Plain values, the verdict included."""
        return {**asdict(self), "verdict": self.verdict}


def median_row(
    benchmark: str,
    name: str,
    values: Sequence[float],
    unit: str,
    relation: Literal["≤", "≥", ""] = "",
    limit: float | None = None,
    **more: Any,
) -> Row:
    """A row of the median of repeats, with their spread."""
    spread = (max(values) - min(values)) / 2
    return Row(benchmark, name, statistics.median(values), unit, relation, limit, spread, **more)


def table(rows: Sequence[Row]) -> str:
    """The rows as aligned text."""
    lines = [("benchmark", "what", "measured", "±", "promise", "")]
    for row in rows:
        promise = f"{row.relation} {_number(row.limit)} {row.unit}" if row.limit is not None else ""
        measured = f"{_number(row.value)} {row.unit}"
        name = row.name + (f" ({row.note})" if row.note else "")
        lines.append((row.benchmark, name, measured, _number(row.spread), promise, row.verdict))
    widths = [max(len(line[k]) for line in lines) for k in range(len(lines[0]))]
    return "\n".join("  ".join(map(str.ljust, line, widths)).rstrip() for line in lines)


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.3g}" if abs(value) < 1000 else f"{value:.0f}"
