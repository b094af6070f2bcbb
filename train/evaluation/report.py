"""What an evaluation found, as a table for the screen and as JSON. The page with pictures: `page`."""

from __future__ import annotations

import json
import math
from dataclasses import asdict, dataclass, field
from typing import Any

FORMAT = 1


@dataclass(frozen=True)
class Row:
    """One measured number."""

    metric: str  # frechet, kernel, pr, scale, equivariance, cost
    name: str
    setting: str  # grid or size
    value: float
    unit: str = ""
    spread: float | None = None  # standard deviation over pictures or subsets
    better: str = ""  # "lower" or "higher"
    note: str = ""


@dataclass(frozen=True)
class Figure:
    """Pictures of the report."""

    title: str
    caption: str
    png: bytes


@dataclass
class Report:
    """All that was found; filled while measuring."""

    checkpoint: dict[str, Any]  # name, sha256, config
    settings: dict[str, Any]
    rows: list[Row] = field(default_factory=list)
    figures: list[Figure] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)  # what must be known to read the numbers

    def to_json(self) -> str:
        """Everything but the pictures."""
        values = {
            "format": FORMAT,
            "checkpoint": self.checkpoint,
            "settings": self.settings,
            "results": [asdict(row) for row in self.rows],
            "remarks": self.remarks,
        }
        return json.dumps(values, indent=2, ensure_ascii=False, allow_nan=False) + "\n"

    def to_text(self) -> str:
        """Aligned columns, then the remarks."""
        lines = [HEADER, *map(cells, self.rows)] if self.rows else []
        widths = [max(len(line[k]) for line in lines) for k in range(len(HEADER))] if lines else []
        table = ["  ".join(map(str.ljust, line, widths)).rstrip() for line in lines]
        return "\n".join([*table, *[""][: len(self.remarks)], *(f"* {remark}" for remark in self.remarks)])


HEADER = ("what", "setting", "measured", "±", "better", "note")


def cells(row: Row) -> tuple[str, str, str, str, str, str]:
    """A row's texts in the order of `HEADER`."""
    measured = f"{number(row.value)} {row.unit}".rstrip()
    spread = "" if row.spread is None else number(row.spread)
    return row.name, row.setting, measured, spread, row.better, row.note


def number(value: float) -> str:
    """Four digits that count, never an exponent for usual sizes."""
    if value == 0 or not math.isfinite(value):
        return f"{value:g}"
    digits = 3 - math.floor(math.log10(abs(value)))
    return f"{value:.{max(0, min(digits, 8))}f}" if abs(value) >= 1e-5 else f"{value:.1e}"
