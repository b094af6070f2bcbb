"""The generator's sizes: one frozen record, saved in every checkpoint, from which all shapes follow."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any, Literal

from creps_core.errors import InputError

TrainingGrid = Literal["endpoints", "centres"]


@dataclass(frozen=True)
class GeneratorConfig:
    """Sizes of a CREPS generator (paper sections 2.3 and 2.4).

    The defaults are those of the published 512 px code; published checkpoints override them.
    """

    z_dim: int = 512  # length of the input latent z
    c_dim: int = 0  # number of classes of the label, 0 = unconditional
    w_dim: int = 512  # length of the intermediate latent w
    resolution: int = 512  # training resolution, a power of two of at least 8
    channel_base: int = 32768  # line channels of block k: min(channel_base // k, channel_max)
    channel_max: int = 512
    biline_channels: int = 32  # channels of a thick bi-line and of the composed feature
    thickness: int = 8  # lanes R summed over when a row meets a column
    mapping_layers: int = 8  # fully connected layers of the mapping network
    grid: TrainingGrid = "endpoints"  # training samples at linspace(0, 1, n) or at (i + ½)/n

    def __post_init__(self) -> None:
        for field in dataclasses.fields(self):
            value = getattr(self, field.name)
            if field.name == "grid":
                if value not in ("endpoints", "centres"):
                    raise InputError(f"grid is {value!r}, expected 'endpoints' or 'centres'")
                continue
            least = 0 if field.name == "c_dim" else 1
            if type(value) is not int or not least <= value <= 2**24:
                raise InputError(f"{field.name} is {value!r}, expected a whole number ≥ {least}")
        if self.resolution < 8 or self.resolution & (self.resolution - 1):
            raise InputError(f"resolution is {self.resolution}, expected a power of two ≥ 8")

        if self.channels(4) % 2:
            raise InputError(f"block 4 has {self.channels(4)} channels, expected an even number")

    @property
    def block_resolutions(self) -> tuple[int, ...]:
        """Names of the line blocks: 4, 8, 16, … resolution."""
        return tuple(2**i for i in range(2, self.resolution.bit_length()))

    @property
    def levels(self) -> tuple[int, ...]:
        """Blocks that give a thick bi-line, and so a composition: 8, 16, … resolution."""
        return self.block_resolutions[1:]

    @property
    def num_ws(self) -> int:
        """Number of styles: two per block and one for the per-pixel head."""
        return 2 * len(self.block_resolutions) + 1

    def channels(self, block: int) -> int:
        """Line channels of block `block`."""
        return min(self.channel_base // block, self.channel_max)

    @property
    def trained_pitch(self) -> float:
        """Distance of two training samples in the image plane."""
        return 1 / (self.resolution - 1) if self.grid == "endpoints" else 1 / self.resolution

    def to_dict(self) -> dict[str, Any]:
        """The fields as plain JSON values."""
        return dataclasses.asdict(self)

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> GeneratorConfig:
        """Build from `to_dict`'s values; unknown keys and bad values raise `InputError`."""
        unknown = sorted(set(values) - {f.name for f in dataclasses.fields(cls)})
        if unknown:
            raise InputError(f"unknown generator options: {', '.join(unknown)}")
        return cls(**values)
