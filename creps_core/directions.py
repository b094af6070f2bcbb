"""Directions of w: the main ways in which a generator's latents differ, as sources to be added to a mix.

Principal components of w over many seeds (Härkönen et al., GANSpace, NeurIPS 2020): they are found from the
mapping network alone and often mean something, such as the hour of the day.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from creps_core.cancel import CancelToken
from creps_core.errors import InputError
from creps_core.generator import Generator
from creps_core.latents import one_hot, seed_to_z
from creps_core.source import Source

BATCH = 256


@dataclass(frozen=True, eq=False)
class Directions:
    """Orthonormal directions of w, the widest first."""

    vectors: Tensor  # float32 [count, w_dim]; the largest component of each is positive
    deviations: Tensor  # float32 [count], standard deviations of w along them
    shares: Tensor  # float32 [count] of the whole variance

    def sources(self) -> tuple[Source, ...]:
        """One source for each: its w is one standard deviation, so a mix weight counts deviations."""
        scaled = self.vectors * self.deviations[:, None]
        return tuple(
            Source(w=tuple(map(float, vector)), name=f"Axis {number}")
            for number, vector in enumerate(scaled, start=1)
        )


@torch.no_grad()
def principal_directions(
    generator: Generator,
    *,
    count: int = 10,
    samples: int = 4096,
    label: int = 0,
    cancel: CancelToken | None = None,
) -> Directions:
    """The principal components of w over the first `samples` seeds, in float64.

    Args:
        generator: its mapping network is all that is used.
        count: how many, at most w_dim.
        samples: at least two.
        label: the class, where there are any.
        cancel: polled between batches.

    Raises:
        InputError: fewer than two samples, or a class that is not there.
        Cancelled: by the token.
    """
    if samples < 2:
        raise InputError("directions need at least two samples")
    config = generator.config
    batches: list[Tensor] = []
    for start in range(0, samples, BATCH):
        if cancel is not None:
            cancel.check()
        seeds = range(start, min(start + BATCH, samples))
        z = torch.cat([seed_to_z(seed, config.z_dim) for seed in seeds])
        c = one_hot(label, config.c_dim).expand(len(seeds), -1)
        batches.append(generator.mapping(z, c)[:, 0].double())
    w = torch.cat(batches)
    centred = w - w.mean(0)
    values, vectors = torch.linalg.eigh(centred.T @ centred / (samples - 1))
    values, vectors = values.flip(0).clamp_min(0), vectors.flip(1).T  # the widest first, one per row
    largest = vectors.gather(1, vectors.abs().argmax(1, keepdim=True))
    vectors = vectors * largest.sign()
    shares = values / values.sum().clamp_min(1e-300)
    kept = slice(0, min(count, config.w_dim))
    return Directions(vectors[kept].float(), values[kept].sqrt().float(), shares[kept].float())
