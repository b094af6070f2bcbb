"""Random numbers that belong to a sample, not to a batch.

Every number is a function of (seed, stream, index of the sample in the whole run): results do not depend on
how a batch is split over processes and accumulation rounds, nor on where a run was resumed. The numbers come
from numpy's counter-based Philox generator (Salmon et al. 2011), keyed by seed and stream.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterable

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor


def uniforms(seed: int, stream: str, samples: Iterable[int], count: int) -> Tensor:
    """Numbers of [0, 1): float64 [N, count], row i for the i-th of `samples`."""
    return _rows(seed, stream, samples, count, lambda rng: rng.random(count))


def normals(seed: int, stream: str, samples: Iterable[int], count: int) -> Tensor:
    """Standard normal numbers: float64 [N, count], row i for the i-th of `samples`."""
    return _rows(seed, stream, samples, count, lambda rng: rng.standard_normal(count))


def permutation(seed: int, stream: str, number: int, length: int) -> NDArray[np.int64]:
    """The `number`-th shuffle of 0 … length−1 of this stream."""
    return _generator(seed, stream, number).permutation(length)


def _rows(
    seed: int,
    stream: str,
    samples: Iterable[int],
    count: int,
    draw: Callable[[np.random.Generator], NDArray[np.float64]],
) -> Tensor:
    rows = [draw(_generator(seed, stream, sample)) for sample in samples]
    return torch.from_numpy(np.stack(rows) if rows else np.empty((0, count)))


def _generator(seed: int, stream: str, sample: int) -> np.random.Generator:
    # The counter's lowest word moves as numbers are drawn; the sample's index sits far above it.
    key = np.array([seed, zlib.crc32(stream.encode())], dtype=np.uint64)
    counter = np.array([0, 0, sample, 0], dtype=np.uint64)
    return np.random.Generator(np.random.Philox(key=key, counter=counter))
