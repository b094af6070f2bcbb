"""Which samples are compared: coordinates of both grids, chosen pictures, latents and labels, in batches.

Everything is a function of (seed, index): neither the batch size nor what was measured before changes it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from creps_core.config import GeneratorConfig, TrainingGrid
from creps_core.errors import InputError
from creps_core.generator import Generator
from train.evaluation.request import BATCH
from train.pictures import Pictures
from train.randomness import normals, uniforms
from train.sampling import grid_line


@dataclass(frozen=True)
class Sampling:
    """How two sets of pictures are drawn that are to be compared."""

    size: int  # pixels a side
    grid: TrainingGrid  # where the samples lie
    count: int  # pictures on each side
    seed: int = 0
    batch: int = BATCH  # pictures computed at once
    truncation_psi: float = 1.0

    def __post_init__(self) -> None:
        if self.count < 2:
            raise InputError(f"{self.count} pictures have no distribution; compare at least 2")


def choose(count: int, length: int, seed: int) -> Tensor:
    """`count` different indices below `length`, one out of each of `count` equal stretches: int64 [count].

    Raises:
        InputError: there are not as many.
    """
    if count > length:
        raise InputError(f"the data has {length} pictures, fewer than the {count} asked for; ask for fewer")
    borders = torch.arange(count + 1) * length // count
    within = uniforms(seed, "evaluation: pictures", range(count), 1)[:, 0]
    return borders[:-1] + (within * (borders[1:] - borders[:-1])).long()


def latents(z_dim: int, samples: range, seed: int) -> Tensor:
    """The z of generated pictures by their numbers: float32 [len(samples), z_dim]."""
    return normals(seed, "evaluation: z", samples, z_dim).float()


def drawn(pictures: Pictures, indices: Tensor, sampling: Sampling) -> Iterator[Tensor]:
    """The data's pictures `indices` in batches [N, 3, size, size]."""
    line = grid_line(sampling.grid, sampling.size)
    for chunk in indices.split(sampling.batch):
        lines = line.expand(len(chunk), -1)
        yield pictures.sample(chunk, lines, lines)


@torch.no_grad()
def generated(generator: Generator, labels: Tensor | None, sampling: Sampling) -> Iterator[Tensor]:
    """`sampling.count` pictures of the reference network in batches [N, 3, size, size], on its device.

    Args:
        generator: in eval mode.
        labels: [count, c_dim]; None where the generator has no classes.
        sampling: how many, and where.
    """
    device = generator.mapping.w_avg.device
    line = grid_line(sampling.grid, sampling.size).to(device, torch.float32)
    for start in range(0, sampling.count, sampling.batch):
        numbers = range(start, min(sampling.count, start + sampling.batch))
        z = latents(generator.config.z_dim, numbers, sampling.seed).to(device)
        c = None if labels is None else labels[start : numbers.stop].to(device)
        yield generator(z, line, line, c, truncation_psi=sampling.truncation_psi)


def labels_for(config: GeneratorConfig, pictures: Pictures, indices: Tensor) -> Tensor | None:
    """The labels of generated pictures: those of the pictures that they are compared with, [N, c_dim].

    None for a generator without classes; labels of the data play no part then.

    Raises:
        InputError: generator and data do not have the same classes.
    """
    wanted = config.c_dim
    if not wanted:
        return None
    if pictures.c_dim != wanted:
        raise InputError(
            f"the checkpoint has {wanted} classes, {pictures.name} has {pictures.c_dim or 'none'}; "
            "evaluate it on data with the classes it was trained on"
        )
    return pictures.labels(indices)
