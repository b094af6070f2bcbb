"""The mapping network: z and a class label to the styles ws, with truncation."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from creps_core.config import GeneratorConfig
from creps_core.layers import FullyConnected

MAPPING_LR_MULTIPLIER = 0.01


def normalize_2nd_moment(x: Tensor) -> Tensor:
    """Scale every vector [N, C] to unit mean square."""
    return x * (x.square().mean(dim=1, keepdim=True) + 1e-8).rsqrt()


class MappingNetwork(nn.Module):
    """z [N, z_dim] (and c [N, c_dim]) → ws [N, num_ws, w_dim]."""

    w_avg: Tensor

    def __init__(self, config: GeneratorConfig) -> None:
        super().__init__()
        self.num_ws = config.num_ws
        self.num_layers = config.mapping_layers
        in_features = config.z_dim
        if config.c_dim:
            self.embed = FullyConnected(config.c_dim, config.w_dim)
            in_features += config.w_dim
        for i in range(config.mapping_layers):
            layer = FullyConnected(in_features, config.w_dim, "lrelu", MAPPING_LR_MULTIPLIER)
            self.add_module(f"fc{i}", layer)
            in_features = config.w_dim
        self.register_buffer("w_avg", torch.zeros(config.w_dim))

    def forward(
        self,
        z: Tensor,
        c: Tensor | None = None,
        truncation_psi: float = 1.0,
        truncation_cutoff: int | None = None,
    ) -> Tensor:
        """Map and truncate. `c` is a one-hot label [N, c_dim], needed when conditional."""
        x = normalize_2nd_moment(z.to(self.w_avg.dtype))
        if hasattr(self, "embed"):
            if c is None:
                raise ValueError("this generator is conditional: a label c [N, c_dim] is needed")
            x = torch.cat([x, normalize_2nd_moment(self.embed(c.to(x.dtype)))], dim=1)
        for i in range(self.num_layers):
            x = self.get_submodule(f"fc{i}")(x)
        ws = x.unsqueeze(1).repeat(1, self.num_ws, 1)
        return self.truncate(ws, truncation_psi, truncation_cutoff)

    def truncate(self, ws: Tensor, truncation_psi: float, truncation_cutoff: int | None = None) -> Tensor:
        """ws[:, :cutoff] = w_avg + psi·(ws − w_avg); psi 1 returns ws itself."""
        if truncation_psi == 1:
            return ws
        cutoff = self.num_ws if truncation_cutoff is None else truncation_cutoff
        truncated = self.w_avg.lerp(ws[:, :cutoff], truncation_psi)
        return torch.cat([truncated, ws[:, cutoff:]], dim=1)
