"""The benchmarks run end to end: a table with verdicts, and JSON that says what was measured where."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.rows import Row, median_row, table

ROOT = Path(__file__).parent.parent


def test_a_tiny_run_prints_a_table_and_writes_json(tmp_path: Path) -> None:
    file = tmp_path / "deep" / "result.json"
    names = ["frames", "passes", "pan", "turned", "mixing", "cancel", "video", "training"]
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks", "--tiny", "--json", str(file), *names],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    record = json.loads(file.read_text(encoding="utf-8"))
    assert {"commit", "machine", "torch", "threads", "python"} <= set(record)
    measured = {row["benchmark"] for row in record["rows"]}
    assert measured >= set(names) - {"cancel"}  # a tiny frame may be done before it is cancelled
    assert all(row["value"] >= 0 and row["unit"] for row in record["rows"])
    for row in record["rows"]:
        assert row["name"] in done.stdout
        if row["limit"] is not None:
            assert row["verdict"] in ("ok", "MISSED")


def test_an_unknown_benchmark_is_bad_usage() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks", "nosuch"], cwd=ROOT, capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 2
    assert "nosuch" in done.stderr


@pytest.mark.parametrize(
    ("value", "relation", "verdict"),
    [(1.0, "≤", "ok"), (1.1, "≤", "MISSED"), (1.0, "≥", "ok"), (0.9, "≥", "MISSED")],
)
def test_verdicts(value: float, relation: str, verdict: str) -> None:
    row = Row("b", "n", value, "s", relation, 1.0)  # type: ignore[arg-type]
    assert row.verdict == verdict
    assert verdict in table([row])
    assert Row("b", "n", value, "s").verdict == ""


def test_a_median_says_how_far_the_repeats_lie_apart() -> None:
    row = median_row("b", "n", [3.0, 1.0, 2.0], "s")
    assert (row.value, row.spread) == (2.0, 1.0)
