"""From uniform numbers to the parameters of the transformations.

Every transformation owns fixed columns of a sample's row of uniforms, whether it is switched on or not: one
decides whether it is applied, the others say how. So a sample's parameters depend on its own row alone.
"""

from __future__ import annotations

from itertools import accumulate

import torch
from torch import Tensor

from train.augment_config import AugmentConfig

# Numbers per transformation, without the one that decides whether it is applied.
_VALUES = {
    "x_flip": 1,
    "quarter_turns": 1,
    "integer_shift": 2,
    "scale": 1,
    "rotation_before": 1,
    "rotation_after": 1,
    "anisotropy": 1,
    "shift": 2,
    "brightness": 1,
    "contrast": 1,
    "luma_flip": 1,
    "hue": 1,
    "saturation": 1,
    "band_filter_0": 1,
    "band_filter_1": 1,
    "band_filter_2": 1,
    "band_filter_3": 1,
    "noise": 2,
    "cutout": 2,
}
_ENDS = list(accumulate(values + 1 for values in _VALUES.values()))
# Which columns a transformation owns: the one that decides first.
COLUMNS = {
    name: slice(end - values - 1, end) for (name, values), end in zip(_VALUES.items(), _ENDS, strict=True)
}
COUNT = _ENDS[-1]  # columns of all transformations together

_SMALLEST = 2.0**-54  # half of the smallest uniform above 0: its normal is -8.2, not -∞


class Draws:
    """The parameters of a batch, float64 [N] each, neutral for samples that a transformation spares.

    `uniforms` is float64 [N, COUNT] on the CPU, `p` the augmentation's strength in [0, 1].
    """

    def __init__(self, uniforms: Tensor, config: AugmentConfig, p: float) -> None:
        self._uniforms = uniforms
        self._config = config
        self._p = p

    def hit(self, name: str) -> Tensor:
        """Which samples the transformation is applied to: bool [N]."""
        return self._uniforms[:, COLUMNS[name].start] < self._probability(name)

    def uniform(self, name: str, value: int = 0) -> Tensor:
        """The transformation's `value`-th number, in [0, 1) for every sample."""
        return self._uniforms[:, COLUMNS[name].start + 1 + value]

    def choice(self, name: str, choices: int) -> Tensor:
        """One of 0 … choices−1, equally likely, int64; 0 where spared."""
        return torch.where(self.hit(name), (self.uniform(name) * choices).long(), 0)

    def between(self, name: str, largest: float, value: int = 0) -> Tensor:
        """Uniform in [-largest, largest); 0 where spared."""
        return torch.where(self.hit(name), (self.uniform(name, value) * 2 - 1) * largest, 0.0)

    def normal(self, name: str, deviation: float, value: int = 0) -> Tensor:
        """Normal around 0; 0 where spared."""
        quantile = torch.special.ndtri(self.uniform(name, value).clamp(min=_SMALLEST))
        return torch.where(self.hit(name), quantile * deviation, 0.0)

    def log_normal(self, name: str, deviation: float) -> Tensor:
        """A factor whose log2 is normal around 0; 1 where spared."""
        return torch.exp2(self.normal(name, deviation))

    def _probability(self, name: str) -> float:
        if name.startswith("rotation"):
            # Two chances, so that either or both happen with the probability asked for.
            return 1 - (1 - min(self._p * self._config.rotation, 1)) ** 0.5
        multiplier = (
            self._config.band_filter if name.startswith("band_filter") else getattr(self._config, name)
        )
        return self._p * float(multiplier)
