"""The three linear layers that everything in CREPS is made of; all act on channels alone.

None of them sees a neighbour: the same matrix is applied to every sample, which is why any set of
coordinates may be synthesised (paper section 2.2: all convolutions are 1×1).
"""

from __future__ import annotations

import math
from typing import Literal

import torch
from torch import Tensor, nn

LRELU_SLOPE = 0.2
LRELU_GAIN = math.sqrt(2.0)
CLAMP = 256.0  # of modulated and to-bi-line layers; keeps half precision finite in training
DEMODULATION_EPS = 1e-8


def lrelu(x: Tensor) -> Tensor:
    """Leaky ReLU of slope 0.2 with gain √2, which keeps the variance."""
    return nn.functional.leaky_relu(x, LRELU_SLOPE) * LRELU_GAIN


class FullyConnected(nn.Module):
    """y = act(x·(W·g)ᵀ + b·lr_multiplier), g = lr_multiplier/√in: an equalised learning rate."""

    def __init__(
        self,
        in_features: int,
        out_features: int,
        activation: Literal["linear", "lrelu"] = "linear",
        lr_multiplier: float = 1.0,
        bias_init: float = 0.0,
    ) -> None:
        super().__init__()
        self.activation = activation
        self.lr_multiplier = lr_multiplier
        self.weight = nn.Parameter(torch.randn(out_features, in_features) / lr_multiplier)
        self.bias = nn.Parameter(torch.full((out_features,), bias_init / lr_multiplier))

    def scaled_weight(self) -> Tensor:
        """The matrix as it is applied, [out, in]."""
        return self.weight * (self.lr_multiplier / math.sqrt(self.weight.shape[1]))

    def scaled_bias(self) -> Tensor:
        """The bias as it is added, [out]."""
        return self.bias * self.lr_multiplier

    def forward(self, x: Tensor) -> Tensor:
        """x [N, in, ...] → [N, out, ...]: channels are dimension 1."""
        y = torch.einsum("oi,ni...->no...", self.scaled_weight(), x)
        y = y + _per_channel(self.scaled_bias(), y)
        return lrelu(y) if self.activation == "lrelu" else y


class ModulatedLinear(nn.Module):
    """A 1×1 layer whose input channels are scaled by a style, then demodulated; lrelu and clamp follow."""

    def __init__(self, in_channels: int, out_channels: int, w_dim: int) -> None:
        super().__init__()
        self.affine = FullyConnected(w_dim, in_channels, bias_init=1.0)
        self.weight = nn.Parameter(torch.randn(out_channels, in_channels))
        self.bias = nn.Parameter(torch.zeros(out_channels))

    def modulated_weight(self, w: Tensor) -> Tensor:
        """w [N, w_dim] → the demodulated matrices [N, out, in]."""
        weight = self.weight * self.affine(w).unsqueeze(1)
        norm = weight.square().sum(dim=2, keepdim=True) + DEMODULATION_EPS
        return weight * norm.rsqrt()

    def forward(self, x: Tensor, w: Tensor) -> Tensor:
        """x [N, in, ...], w [N, w_dim] → [N, out, ...]."""
        y = torch.einsum("noi,ni...->no...", self.modulated_weight(w), x)
        return lrelu(y + _per_channel(self.bias, y)).clamp(-CLAMP, CLAMP)


class ToBiLine(nn.Module):
    """A modulated 1×1 projection without demodulation: to a bi-line, or in the head to RGB ("tores")."""

    def __init__(self, in_channels: int, out_channels: int, w_dim: int) -> None:
        super().__init__()
        self.affine = FullyConnected(w_dim, in_channels, bias_init=1.0)
        self.weight = nn.Parameter(torch.randn(out_channels, in_channels))
        self.bias = nn.Parameter(torch.zeros(out_channels))

    def modulated_weight(self, w: Tensor) -> Tensor:
        """w [N, w_dim] → the matrices [N, out, in]."""
        # The gain is the styles', as in published code: float32 rounds each order of factors differently.
        styles = self.affine(w) * (1 / math.sqrt(self.weight.shape[1]))
        return self.weight * styles.unsqueeze(1)

    def forward(self, x: Tensor, w: Tensor) -> Tensor:
        """x [N, in, ...], w [N, w_dim] → [N, out, ...]."""
        y = torch.einsum("noi,ni...->no...", self.modulated_weight(w), x)
        return (y + _per_channel(self.bias, y)).clamp(-CLAMP, CLAMP)


def _per_channel(bias: Tensor, like: Tensor) -> Tensor:
    return bias.reshape(1, -1, *[1] * (like.dim() - 2))
