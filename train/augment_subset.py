"""Applying a transformation to some of a batch's samples only: most are spared while p is small."""

from __future__ import annotations

from collections.abc import Callable

from torch import Tensor


def transform_hit(images: Tensor, hit: Tensor, transform: Callable[[Tensor, Tensor], Tensor]) -> Tensor:
    """images [N, C, H, W] with the samples of `hit` (bool [N], on the CPU) transformed.

    `transform` takes these samples [n, C, H, W] and their row numbers in the batch (int64 [n], on the CPU).
    """
    rows = hit.nonzero().flatten()
    if len(rows) == 0:
        return images
    if len(rows) == len(images):
        return transform(images, rows)
    there = rows.to(images.device)
    return images.index_copy(0, there, transform(images.index_select(0, there), rows))
