"""`python -m benchmarks [--quick] [--json FILE] [NAMES…]`: run, print the table, write JSON."""

from __future__ import annotations

import json
import platform
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import click
import torch

from benchmarks import exploring, frames, memory, mixing, training, video, window
from benchmarks.rows import Row, table
from benchmarks.setting import ROOT, Setting

BENCHMARKS: dict[str, Callable[[Setting], list[Row]]] = {
    "frames": frames.run,
    "passes": exploring.passes,
    "pan": exploring.pan,
    "turned": exploring.turned,
    "cancel": exploring.cancel,
    "mixing": mixing.run,
    "memory": memory.run,
    "video": video.run,
    "window": window.run,
    "imports": window.imports,
    "training": training.run,
}
RESULTS = Path(__file__).parent / "results"


@click.command(help=f"Measure what the design promises. NAMES: {', '.join(BENCHMARKS)}; all unless given.")
@click.argument("names", nargs=-1, type=click.Choice(list(BENCHMARKS)))
@click.option("--quick", is_flag=True, help="Smaller pictures and one model, in under two minutes.")
@click.option("--tiny", is_flag=True, hidden=True, help="Only whether it works.")
@click.option("--json", "path", type=click.Path(path_type=Path, dir_okay=False), help="Where the JSON goes.")
def main(names: tuple[str, ...], quick: bool, tiny: bool, path: Path | None) -> None:
    """Run the benchmarks; exits 0 even where a promise was missed: the table says so."""
    setting = Setting(repeats=1 if tiny else 2 if quick else 3, quick=quick, tiny=tiny)
    rows: list[Row] = []
    for name in names or tuple(BENCHMARKS):
        start = time.perf_counter()
        rows += BENCHMARKS[name](setting)
        print(f"{name}: {time.perf_counter() - start:.0f} s", file=sys.stderr)
    print(table(rows))
    record = {**_machine(), "quick": quick or tiny, "rows": [row.to_json() for row in rows]}
    path = path or RESULTS / f"{datetime.now(UTC):%Y%m%d-%H%M%S}{'-quick' if quick or tiny else ''}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(record, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    print(f"written to {path}", file=sys.stderr)


def _machine() -> dict[str, object]:
    return {
        "when": datetime.now(UTC).isoformat(timespec="seconds"),
        "commit": _git("rev-parse", "HEAD"),
        "changed_files": bool(_git("status", "--porcelain")),
        "machine": platform.machine(),
        "system": platform.system(),
        "processor": _processor(),
        "python": platform.python_version(),
        "torch": torch.__version__,
        "threads": torch.get_num_threads(),
    }


def _git(*arguments: str) -> str:
    done = subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, text=True, check=False)
    return done.stdout.strip()


def _processor() -> str:
    info = Path("/proc/cpuinfo")
    if info.exists():
        names = [
            line.split(":", 1)[1].strip() for line in info.read_text().splitlines() if "model name" in line
        ]
        if names:
            return names[0]
    return platform.processor()


if __name__ == "__main__":
    main()
