"""The filtering transformation: four frequency bands, each amplified or weakened for itself."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from train.augment_config import AugmentStrengths
from train.augment_draws import Draws
from train.augment_resampling import reflected
from train.augment_subset import transform_hit

# The scaling filter of Daubechies' wavelet with two vanishing moments ("sym2" and "db2" are the same).
SYM2 = np.array([1 + 3**0.5, 3 + 3**0.5, 3 - 3**0.5, 1 - 3**0.5]) / 2**2.5
# Shares of the bands in the power of natural pictures (∝ 1/f), low to high: filters keep the expected power.
_POWER = (10 / 13, 1 / 13, 1 / 13, 1 / 13)


def apply_band_filter(images: Tensor, draws: Draws, strengths: AugmentStrengths) -> Tensor:
    """Amplify or weaken frequency bands of images [N, C, W, W] as drawn."""
    gains = band_gains(draws, strengths)
    hit = (gains != 1).any(1)
    return transform_hit(images, hit, lambda x, rows: filter_bands(x, gains[rows].to(x)))


def band_gains(draws: Draws, strengths: AugmentStrengths) -> Tensor:
    """Gains of the four bands, low to high: float64 [N, 4]."""
    amplified = torch.stack(
        [draws.log_normal(f"band_filter_{i}", strengths.band_filter) for i in range(4)], 1
    )
    # Each band's change is followed by a factor that keeps the expected power; exactly 1 without change.
    power = 1 + torch.tensor(_POWER, dtype=torch.float64) * (amplified**2 - 1)
    return amplified / power.prod(1, keepdim=True).sqrt()


def filter_bands(images: Tensor, gains: Tensor) -> Tensor:
    """images [n, C, W, W] with both axes filtered by the sum of the bands times gains [n, 4]."""
    bands = _band_matrices(images.shape[-1], images.dtype, images.device)
    kernels = torch.einsum("nb,bij->nij", gains, bands)[:, None]  # [n, 1, W, W]
    return kernels @ images @ kernels.mT


@lru_cache(maxsize=8)
@torch.inference_mode(False)  # kept for callers that differentiate, whoever asks first
def _band_matrices(width: int, dtype: torch.dtype, device: torch.device) -> Tensor:
    """What filters an axis, mirrored at its ends, one matrix per band: [4, W, W]."""
    bands = torch.from_numpy(band_filters())
    reach = bands.shape[1] // 2
    outputs = torch.arange(width)[:, None]
    sources = reflected(outputs + torch.arange(-reach, reach + 1), width - 1)  # [W, taps]
    matrices = torch.zeros(4, width, width, dtype=torch.float64)
    taps = bands[:, None].expand(-1, width, -1)
    matrices.scatter_add_(2, sources.expand(4, -1, -1), taps)
    return matrices.to(device, dtype)


def band_filters() -> NDArray[np.float64]:
    """Zero-phase filters of the bands up to π/8, to π/4, to π/2 and to π: float64 [4, 43]; their sum is 1."""
    half = np.convolve(SYM2, SYM2[::-1]) / 2  # |H|²/2: the frequencies below π/2
    quarter = np.convolve(half, _spread(half, 2))  # … below π/4
    eighth = np.convolve(quarter, _spread(half, 4))  # … below π/8
    reach = len(eighth) // 2
    below = [np.pad(taps, reach - len(taps) // 2) for taps in (eighth, quarter, half, np.ones(1))]
    return np.diff(below, axis=0, prepend=0)


def _spread(taps: NDArray[np.float64], factor: int) -> NDArray[np.float64]:
    """Taps with factor−1 zeros between them: the filter's response squeezed by `factor`."""
    spread = np.zeros((len(taps) - 1) * factor + 1)
    spread[::factor] = taps
    return spread
