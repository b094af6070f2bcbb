"""Thick bi-lines and their composition (paper section 2.3)."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor


class BiLine(NamedTuple):
    """A feature map as an outer product: `thickness` R row vectors times R column vectors."""

    row: Tensor  # [N, B, H, R]
    column: Tensor  # [N, B, R, W]


def compose(biline: BiLine) -> Tensor:
    """F[b, i, j] = Σ_r row[b, i, r]·column[b, r, j], [N, B, H, W]."""
    return torch.matmul(biline.row, biline.column)
