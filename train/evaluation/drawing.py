"""Sheets of small pictures as PNG, for the report."""

from __future__ import annotations

import io
from collections.abc import Sequence

import numpy as np
from PIL import Image
from torch import Tensor

from creps_core.image import to_uint8

GAP = 4  # pixels between pictures
LEAST_SIDE = 128  # smaller pictures are shown with whole pixels repeated
_GROUND = 0x16


def sheet(rows: Sequence[Sequence[Tensor]]) -> bytes:
    """A PNG of rows of pictures [3, H, W] on [-1, 1], all of one size; rows may be of different length."""
    height, width = rows[0][0].shape[1:]
    repeat = max(1, -(-LEAST_SIDE // min(height, width)))
    cell = np.array([height, width]) * repeat + GAP
    total = cell * (len(rows), max(map(len, rows))) + GAP
    canvas = np.full((*total, 3), _GROUND, np.uint8)
    for i, row in enumerate(rows):
        for j, picture in enumerate(row):
            levels = to_uint8(picture.permute(1, 2, 0).numpy().copy())
            top, left = cell * (i, j) + GAP
            pixels = levels.repeat(repeat, axis=0).repeat(repeat, axis=1)
            canvas[top : top + height * repeat, left : left + width * repeat] = pixels
    file = io.BytesIO()
    Image.fromarray(canvas).save(file, "PNG", optimize=True)
    return file.getvalue()


def in_rows(pictures: Sequence[Tensor], columns: int) -> list[Sequence[Tensor]]:
    """Cut a sequence into rows."""
    return [pictures[start : start + columns] for start in range(0, len(pictures), columns)]
