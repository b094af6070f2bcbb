"""Peak memory, each case in its own process: frames above the loaded model, large files against small."""

from __future__ import annotations

import json
import resource
import sys
import tempfile
from pathlib import Path

from benchmarks.rows import Row
from benchmarks.setting import Setting, child, random_model, rendering
from creps_core.config import GeneratorConfig
from creps_core.grid import grid_for, window_grid
from creps_core.picture import ViewPicture
from creps_core.picture_export import ExportOptions, export_picture
from creps_core.stills import write_still
from creps_core.view import Size, View

MB = 2**20
NARROW = GeneratorConfig(  # quick to compute: what is measured is the picture, not the network
    z_dim=8, w_dim=8, resolution=16, channel_base=256, channel_max=16, biline_channels=4, thickness=2
)


def run(setting: Setting) -> list[Row]:
    """Frames of both models, then long and short pictures, then large and small ones in tiles."""
    rows = []
    side = setting.side(1024)
    for model in ("small", "large"):
        config = json.dumps(setting.config(model).to_dict())
        result = child("memory", "frame", config, side)
        rows.append(
            Row(
                "memory",
                f"{model} {side}² above the model",
                result["above_mb"],
                "MB",
                "≤",
                256.0,
                details=result,
            )
        )
    short, long = (child("memory", "png", setting.side(1024), setting.side(n)) for n in (4096, 32768))
    name = f"PNG {setting.side(1024)}×{setting.side(32768)} − ×{setting.side(4096)}"
    rows.append(
        Row("memory", name, long["peak_mb"] - short["peak_mb"], "MB", "≤", 32.0, note="a narrow model")
    )
    for kind, what in (("dzi", "Deep Zoom"), ("pyramid", "TIFF pyramid")):
        small, large = (child("memory", kind, setting.side(n), setting.side(n)) for n in (1024, 8192))
        name = f"{what} {setting.side(8192)}² − {setting.side(1024)}²"
        above = large["peak_mb"] - small["peak_mb"]
        rows.append(Row("memory", name, above, "MB", "≤", 32.0, note="a narrow model"))
    return rows


def _frame(config: GeneratorConfig, side: int) -> dict[str, float]:
    generator, ws = random_model(config)
    loaded = _now()
    with rendering(generator) as renderer:
        renderer.render(renderer.plan(ws), window_grid(0, 0, 1, 1, Size(side, side)))
        return {"above_mb": max(0.0, _peak() - loaded), "loaded_mb": loaded, "peak_mb": _peak()}


def _png(width: int, height: int) -> dict[str, float]:
    generator, ws = random_model(NARROW)
    size = Size(width, height)
    with rendering(generator) as renderer, tempfile.TemporaryDirectory() as folder:
        grid = grid_for(View(outside="generate"), size)
        write_still(Path(folder) / "long.png", size, renderer.bands(renderer.plan(ws), grid))
        assert (Path(folder) / "long.png").stat().st_size > 0
    return {"peak_mb": _peak()}


def _tiled(kind: str, width: int, height: int) -> dict[str, float]:
    generator, ws = random_model(NARROW)
    with rendering(generator) as renderer, tempfile.TemporaryDirectory() as folder:
        grid = grid_for(View(outside="generate"), Size(width, height))
        path = Path(folder) / ("large.dzi" if kind == "dzi" else "large.tif")
        picture = ViewPicture(renderer, renderer.plan(ws), grid)
        export_picture(path, picture, ExportOptions(pyramid=kind == "pyramid"))
        assert path.stat().st_size > 0
    return {"peak_mb": _peak()}


def _peak() -> float:
    """Largest resident memory so far, MB.

    Linux hands the parent's ru_maxrss on to a new program, so there its own high-water mark is read.
    """
    status = Path("/proc/self/status")
    if status.exists():
        mark = next(line for line in status.read_text().splitlines() if line.startswith("VmHWM:"))
        return int(mark.split()[1]) * 1024 / MB
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / MB


def _now() -> float:
    """Resident memory now, MB; the peak where the system does not tell."""
    statm = Path("/proc/self/statm")
    if not statm.exists():
        return _peak()
    return int(statm.read_text().split()[1]) * resource.getpagesize() / MB


if __name__ == "__main__":
    kind, *values = sys.argv[1:]
    if kind == "frame":
        outcome = _frame(GeneratorConfig.from_dict(json.loads(values[0])), int(values[1]))
    elif kind in ("dzi", "pyramid"):
        outcome = _tiled(kind, int(values[0]), int(values[1]))
    else:
        outcome = _png(int(values[0]), int(values[1]))
    print(json.dumps(outcome))
