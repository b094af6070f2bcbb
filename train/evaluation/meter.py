"""The Fréchet distance for a training loop: the data's side is measured once and kept."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cached_property

import torch
from torch import Tensor

from creps_core.config import TrainingGrid
from creps_core.errors import InputError
from creps_core.generator import Generator
from train.evaluation.distances import frechet
from train.evaluation.features import FeatureNetwork, FixedNetwork, extract
from train.evaluation.request import BATCH
from train.evaluation.samples import Sampling, choose, drawn, generated, labels_for
from train.evaluation.watch import Watch, quiet
from train.pictures import Pictures


class DataStatistics:
    """Features of a sample of the data, computed at the first use; then only generators cost time.

    Args:
        pictures: the data.
        sampling: how many, and where their samples lie.
        network: what to compare by, already on `device`; None takes the fixed network.
        device: where features are computed.
        indices: which pictures stand for the data, int64 [count]; None chooses by the sampling's seed.
        watch: shows progress over batches.
    """

    def __init__(
        self,
        pictures: Pictures,
        sampling: Sampling,
        network: FeatureNetwork | None = None,
        device: torch.device | str = "cpu",
        indices: Tensor | None = None,
        watch: Watch = quiet,
    ) -> None:
        self.pictures = pictures
        self.sampling = sampling
        self.device = device
        self.watch = watch
        self.network: FeatureNetwork = network or FixedNetwork().to(device)
        self.indices = choose(sampling.count, len(pictures), sampling.seed) if indices is None else indices

    @cached_property
    def features(self) -> Tensor:
        """Their features, float64 [count, D]."""
        batches = drawn(self.pictures, self.indices, self.sampling)
        return self._extract(batches, self.pictures.name)

    def features_of(self, generator: Generator) -> Tensor:
        """Features of as many generated pictures, float64 [count, D]."""
        labels = labels_for(generator.config, self.pictures, self.indices)
        return self._extract(generated(generator, labels, self.sampling), "generated")

    def frechet(self, generator: Generator) -> float:
        """The Fréchet distance of the generator's pictures, smaller is better."""
        return frechet(self.features, self.features_of(generator))

    def _extract(self, batches: Iterable[Tensor], what: str) -> Tensor:
        total = -(-self.sampling.count // self.sampling.batch)
        return extract(self.network, self.watch(batches, what, total), self.device)


def frechet_of(
    generator: Generator,
    pictures: Pictures,
    count: int,
    *,
    size: int,
    grid: TrainingGrid,
    seed: int = 0,
    batch: int = BATCH,
) -> float:
    """The Fréchet distance between `count` generated pictures and `count` of the data, by the fixed network.

    For repeated use keep a `DataStatistics` instead. The generator is asked on its own device, in the mode
    it is in. Not comparable with published numbers.
    """
    sampling = Sampling(size, grid, count, seed, batch)
    return DataStatistics(pictures, sampling, device=generator.mapping.w_avg.device).frechet(generator)


def data_against_data(
    pictures: Pictures,
    count: int,
    *,
    size: int,
    grid: TrainingGrid,
    seed: int = 0,
    batch: int = BATCH,
) -> float:
    """The floor of `frechet_of`: the distance between two disjoint sets of `count` of the data's pictures."""
    first, second = halves(pictures, Sampling(size, grid, count, seed, batch))
    return frechet(first.features, second.features)


def halves(
    pictures: Pictures,
    sampling: Sampling,
    network: FeatureNetwork | None = None,
    device: torch.device | str = "cpu",
    watch: Watch = quiet,
) -> tuple[DataStatistics, DataStatistics]:
    """Statistics of two sets of `sampling.count` pictures each that have no picture in common.

    Raises:
        InputError: the data has fewer than twice as many.
    """
    if 2 * sampling.count > len(pictures):
        raise InputError(
            f"two separate sets of {sampling.count} pictures need {2 * sampling.count}, "
            f"{pictures.name} has {len(pictures)}"
        )
    both = choose(2 * sampling.count, len(pictures), sampling.seed + 1)
    network = network or FixedNetwork().to(device)
    first, second = (DataStatistics(pictures, sampling, network, device, both[k::2], watch) for k in range(2))
    return first, second
