"""Pictures of a run's fixed latents: a grid of samples, and a strip that zooms into one of them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image

from creps_core.atomic import replacing
from creps_core.generator import Generator
from creps_core.image import to_uint8
from creps_core.latents import one_hot, seed_to_z
from train.sampling import grid_line

ZOOMS = (1, 2, 4, 8)


@torch.no_grad()
def sample_grid(generator: Generator, size: int, columns: int, rows: int) -> NDArray[np.uint8]:
    """Seeds 0, 1, 2, … in reading order, classes in turn: uint8 [rows·size, columns·size, 3]."""
    line = grid_line(generator.config.grid, size)
    return tiled([_picture(generator, seed, line, line) for seed in range(columns * rows)], columns)


def tiled(pictures: Sequence[NDArray[np.uint8]], columns: int) -> NDArray[np.uint8]:
    """Pictures of one size [H, W, 3] in reading order, whole rows of them: uint8 [rows·H, columns·W, 3]."""
    rows = [pictures[k : k + columns] for k in range(0, len(pictures), columns)]
    return np.concatenate([np.concatenate(row, axis=1) for row in rows])


@torch.no_grad()
def zoom_strip(generator: Generator, size: int, seeds: tuple[int, ...]) -> NDArray[np.uint8]:
    """Each seed at 1×, 2×, 4×, 8× about a point of its middle: uint8 [seeds·size, 4·size, 3]."""
    line = grid_line(generator.config.grid, size)
    centre = 0.5
    strips = []
    for seed in seeds:
        lines = [centre + (line - 0.5) / zoom for zoom in ZOOMS]
        strips.append(np.concatenate([_picture(generator, seed, at, at) for at in lines], axis=1))
    return np.concatenate(strips)


def write_png(path: Path, pixels: NDArray[np.uint8]) -> None:
    """Write a picture; it appears when it is complete."""
    with replacing(path) as file:
        Image.fromarray(pixels).save(file, "png")


def _picture(generator: Generator, seed: int, rows: torch.Tensor, columns: torch.Tensor) -> NDArray[np.uint8]:
    config = generator.config
    like = generator.mapping.w_avg
    label = one_hot(seed % max(config.c_dim, 1), config.c_dim).to(like)
    image = generator(seed_to_z(seed, config.z_dim).to(like), rows.to(like), columns.to(like), label)
    return to_uint8(image[0].permute(1, 2, 0).float().cpu().numpy())
