"""Small runs for tests: seconds on one core, every part of training in them."""

from __future__ import annotations

import dataclasses
from typing import Any

import torch
from torch import Tensor

from train.config import TrainConfig

SMALL = TrainConfig(
    resolution=16, z_dim=8, w_dim=8, mapping_layers=2, channel_base=128, channel_max=8, biline_channels=4,
    thickness=2, frequency_scale=0.3, grid="centres", d_channel_base=128, d_channel_max=8, batch=8,
    mbstd_group=2, r1_gamma=0.5, r1_every=2, pl_every=2, style_mixing=0.5, ema_kimg=0.1,
    augment="fixed", augment_p=0.4, augment_set="color", windows=0.5, jitter=True,
    stages="8:0.032,16", fade_kimg=0.032, kimg=0.16, snapshot_kimg=1.0, keep=2,
)  # fmt: skip


def small(**changes: Any) -> TrainConfig:
    """`SMALL` with some options changed."""
    return dataclasses.replace(SMALL, **changes)


class Gradients:
    """Pictures that are smooth functions of index and place; half of them are of class 1."""

    name = "gradients"
    c_dim = 2

    def __init__(self, length: int = 1000) -> None:
        self._length = length

    def __len__(self) -> int:
        return self._length

    def labels(self, indices: Tensor) -> Tensor:
        return torch.nn.functional.one_hot(indices % 2, 2).float()

    def sample(self, indices: Tensor, rows: Tensor, columns: Tensor) -> Tensor:
        phase = indices.double().view(-1, 1, 1)
        y, x = rows[:, :, None], columns[:, None, :]
        waves = [torch.sin(phase * k + (k + 1) * y + (2 - k) * x) for k in range(3)]
        return torch.stack(waves, dim=1).float()
