"""A CREPS generator: mapping and synthesis under the tensor names of published checkpoints."""

from __future__ import annotations

from torch import Tensor, nn

from creps_core.config import GeneratorConfig
from creps_core.mapping import MappingNetwork
from creps_core.synthesis import SynthesisNetwork


class Generator(nn.Module):
    """`mapping` turns z into ws, `synthesis` turns ws and coordinates into a picture."""

    def __init__(self, config: GeneratorConfig) -> None:
        super().__init__()
        self.config = config
        self.mapping = MappingNetwork(config)
        self.synthesis = SynthesisNetwork(config)

    def forward(
        self,
        z: Tensor,
        row_coords: Tensor,
        column_coords: Tensor,
        c: Tensor | None = None,
        truncation_psi: float = 1.0,
        truncation_cutoff: int | None = None,
    ) -> Tensor:
        """z [N, z_dim] and coordinates in plane units → RGB [N, 3, H, W]."""
        ws = self.mapping(z, c, truncation_psi, truncation_cutoff)
        img: Tensor = self.synthesis(ws, row_coords, column_coords)
        return img
