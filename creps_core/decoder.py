"""Per-pixel networks: the narrow decoders between compositions and the RGB head (paper section 2.4)."""

from __future__ import annotations

from itertools import pairwise

from torch import Tensor, nn

from creps_core.layers import FullyConnected, ModulatedLinear, ToBiLine


class Decoder(nn.Sequential):
    """Four fully connected layers B → 2B → 4B → 2B → B with leaky ReLU."""

    def __init__(self, channels: int) -> None:
        widths = [channels, 2 * channels, 4 * channels, 2 * channels, channels]
        super().__init__(*(FullyConnected(a, b, "lrelu") for a, b in pairwise(widths)))

    @property
    def layers(self) -> list[FullyConnected]:
        """In order of application."""
        return [layer for layer in self if isinstance(layer, FullyConnected)]


class HeadBlock(nn.Module):
    """Two modulated layers whose output also gives a share of the picture."""

    def __init__(self, in_channels: int, channels: int, w_dim: int) -> None:
        super().__init__()
        self.fc0 = ModulatedLinear(in_channels, channels, w_dim)
        self.fc1 = ModulatedLinear(channels, channels, w_dim)
        self.tores = ToBiLine(channels, 3, w_dim)

    def forward(self, x: Tensor, img: Tensor, w: Tensor) -> tuple[Tensor, Tensor]:
        """x [N, in, H, W], img [N, 3, H, W] → the same, one block on."""
        x = self.fc1(self.fc0(x, w), w)
        return x, img + self.tores(x, w)
