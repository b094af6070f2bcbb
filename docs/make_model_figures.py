"""Draw what docs/scenery shows of the bundled model: `python docs/make_model_figures.py [METRICS]`.

Pictures of seeds 0, 1, 2, … as they come, of the data, a zoom, layouts against palettes, and, given a run's
metrics.jsonl, the Fréchet distance over training. Needs no display.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from creps_core.checkpoint import bundled_checkpoint, read_checkpoint
from creps_core.generator import Generator
from creps_core.image import to_uint8
from creps_core.latents import seed_to_z
from train.evaluation.meter import data_against_data
from train.previews import sample_grid, tiled, write_png, zoom_strip
from train.sampling import grid_line
from train.scenery import Scenery

SIDE = 192  # pixels of each picture shown: half as many again as the model was trained at
ZOOMED = (84, 2, 62, 101)
LAYOUTS, PALETTES = (84, 62, 0, 104), (4, 7, 86, 80, 2, 62)
PALETTE_FROM = 4  # the style at which another latent takes over: from here on it changes colours
FOLDER = Path(__file__).parent / "scenery"


@torch.no_grad()
def mixing(generator: Generator) -> NDArray[np.uint8]:
    """A row per layout, after its own picture one for each palette: uint8 [rows·SIDE, columns·SIDE, 3]."""
    line = grid_line(generator.config.grid, SIDE).float()
    styles = {seed: _styles(generator, seed) for seed in (*LAYOUTS, *PALETTES)}
    rows = []
    for layout in LAYOUTS:
        mixed = [torch.cat([styles[layout][:PALETTE_FROM], styles[p][PALETTE_FROM:]]) for p in PALETTES]
        images = generator.synthesis(torch.stack([styles[layout], *mixed]), line, line)
        rows.append(np.concatenate([to_uint8(i.permute(1, 2, 0).numpy()) for i in images], axis=1))
    return np.concatenate(rows)


def data(columns: int, rows: int) -> NDArray[np.uint8]:
    """The first pictures of what the model was trained on: uint8 [rows·SIDE, columns·SIDE, 3]."""
    count = columns * rows
    line = grid_line("centres", SIDE).expand(count, -1)
    pictures = Scenery().sample(torch.arange(count), line, line)
    return tiled(list(to_uint8(pictures.permute(0, 2, 3, 1).numpy())), columns)


def _styles(generator: Generator, seed: int) -> torch.Tensor:
    ws: torch.Tensor = generator.mapping(seed_to_z(seed, generator.config.z_dim).float())
    return ws[0]


def curve(metrics: Path, size: int, count: int) -> None:
    """The Fréchet distance over training, above that of data to data, as a picture."""
    os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    import pyqtgraph as pg

    rows = [json.loads(line) for line in metrics.read_text(encoding="utf-8").splitlines()]
    points = [(row["nimg"] / 1000, row["frechet"]) for row in rows if "frechet" in row]
    floor = data_against_data(Scenery(), count, size=size, grid="centres")
    pg.setConfigOptions(background="w", foreground="#30343c", antialias=True)
    app = pg.mkQApp()  # noqa: F841 - lives as long as the plot
    plot = pg.PlotWidget()
    plot.resize(900, 420)
    plot.setLogMode(y=True)
    plot.addLegend(offset=(-20, 10))
    plot.setLabel("bottom", "thousand pictures shown")
    plot.setLabel("left", f"Fréchet distance, {count} pictures of {size}²")
    red = "#c8553d"
    drawn = {"symbol": "o", "symbolBrush": red}
    name = f"generated to data, at last {points[-1][1]:.2f}"
    plot.plot(*zip(*points, strict=True), pen=pg.mkPen(red, width=2.5), name=name, **drawn)
    ends = [0, points[-1][0]]
    plot.plot(ends, [floor, floor], pen=pg.mkPen("#5b7c99", width=2), name=f"data to data, {floor:.2f}")
    plot.grab().save(str(FOLDER / "curve.png"))


def main(metrics: Path | None) -> None:
    """Write the pictures."""
    FOLDER.mkdir(exist_ok=True)
    generator = read_checkpoint(bundled_checkpoint()).build()
    write_png(FOLDER / "samples.png", sample_grid(generator, SIDE, 8, 8))
    write_png(FOLDER / "data.png", data(8, 2))
    write_png(FOLDER / "zoom.png", zoom_strip(generator, SIDE, ZOOMED))
    write_png(FOLDER / "mixing.png", mixing(generator))
    if metrics is not None:
        curve(metrics, generator.config.resolution, 1024)


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else None)
