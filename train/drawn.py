"""Storing a drawn set: any `Pictures`, sampled on a training grid, as a zip of PNGs."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import torch
from PIL import Image
from torch import Tensor

from creps_core.config import TrainingGrid
from creps_core.errors import InputError
from creps_core.image import to_uint8
from train.inspection import Watch
from train.picture_zip import check_zip_target, to_png, writing_zip
from train.pictures import Pictures
from train.sampling import grid_line

_BATCH_PIXELS = 2**19  # drawn at once: enough to keep vector units busy, little memory


def store(
    pictures: Pictures,
    out: Path,
    indices: range,
    size: int,
    grid: TrainingGrid,
    watch: Watch = lambda items: items,
) -> None:
    """Write pictures `indices` at `size` × `size` to the zip `out`, which appears when it is complete."""
    check_zip_target(out)
    if indices.stop > len(pictures):
        raise InputError(
            f"{pictures.name} has no picture {indices.stop - 1}, the last is {len(pictures) - 1}"
        )
    with writing_zip(out) as target:
        for picture, label in watch(_drawn(pictures, indices, grid_line(grid, size))):
            target.add(to_png(picture), label)
        target.finish()


def _drawn(pictures: Pictures, indices: range, points: Tensor) -> Iterator[tuple[Image.Image, int | None]]:
    batch = max(1, _BATCH_PIXELS // len(points) ** 2)
    for start in range(indices.start, indices.stop, batch):
        part = torch.arange(start, min(start + batch, indices.stop))
        lines = points.expand(len(part), -1)
        levels = to_uint8(pictures.sample(part, lines, lines).permute(0, 2, 3, 1).numpy())
        labels = pictures.labels(part).argmax(dim=1).tolist() if pictures.c_dim else [None] * len(part)
        yield from zip((Image.fromarray(rgb) for rgb in levels), labels, strict=True)
