"""StyleGAN2's residual discriminator (Karras et al. 2020, figure 7) with minibatch standard deviation.

Three things are ours. It can be shown pictures of any of its block sizes, so that a run may go from coarse to
fine with the same weights, a finer block being faded in. And it can be told *where* it looks: three more
input channels, so that a magnified window is not held against the whole picture. And its low-pass before
halving can be left out, which lets small pictures' edges and textures through to where they are judged.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from creps_core.layers import FullyConnected, lrelu
from creps_core.mapping import normalize_2nd_moment
from train.sampling import Coordinates

_BLUR = (1.0, 3.0, 3.0, 1.0)  # low-pass before halving
_MAPPING_LAYERS = 8  # of the label's embedding


@dataclass(frozen=True)
class DiscriminatorConfig:
    """Sizes of a discriminator."""

    resolution: int  # finest pictures it can be shown
    c_dim: int = 0
    channel_base: int = 32768
    channel_max: int = 512
    mbstd_group: int = 4
    where: bool = False  # whether it is told the coordinates of what it sees
    low_pass: bool = True  # before halving, as in StyleGAN2

    def channels(self, size: int) -> int:
        """Channels at size²."""
        return max(1, min(self.channel_base // size, self.channel_max))


class Convolution(nn.Module):
    """k×k convolution with equalised learning rate; `down` halves the sides, after a low-pass or without."""

    kernel: Tensor

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        size: int,
        *,
        down: bool = False,
        low_pass: bool = True,
        linear: bool = False,
    ) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(out_channels, in_channels, size, size))
        self.bias = None if linear else nn.Parameter(torch.zeros(out_channels))
        self.gain = 1 / math.sqrt(in_channels * size * size)
        self.down, self.low_pass = down, low_pass
        taps = torch.tensor(_BLUR) / sum(_BLUR)
        self.register_buffer("kernel", torch.outer(taps, taps), persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        """x [N, in, H, W] → [N, out, H, W], or half of it when `down`; lrelu unless linear."""
        weight = (self.weight * self.gain).to(x.dtype)
        size = weight.shape[-1]
        if not self.down:
            x = F.conv2d(x, weight, padding=size // 2)
        elif size == 1:  # the order does not matter to a 1×1 layer, so it runs on the smaller picture
            x = F.conv2d(self._blur(x, padding=1, stride=2) if self.low_pass else F.avg_pool2d(x, 2), weight)
        elif self.low_pass:
            x = F.conv2d(self._blur(x, padding=2, stride=1), weight, stride=2)
        else:
            x = F.conv2d(x, weight, stride=2, padding=size // 2)
        if self.bias is None:
            return x
        return lrelu(x + self.bias.to(x.dtype).view(1, -1, 1, 1))

    def _blur(self, x: Tensor, padding: int, stride: int) -> Tensor:
        channels = x.shape[1]
        kernel = self.kernel.to(x.dtype).expand(channels, 1, -1, -1)
        return F.conv2d(x, kernel, padding=padding, stride=stride, groups=channels)


class Block(nn.Module):
    """Two 3×3 layers beside a 1×1 shortcut, to half the size; `from_image` lets pictures in here."""

    def __init__(self, config: DiscriminatorConfig, size: int) -> None:
        super().__init__()
        inside, outside = config.channels(size), config.channels(size // 2)
        self.from_image = Convolution(6 if config.where else 3, inside, 1)
        self.conv0 = Convolution(inside, inside, 3)
        self.conv1 = Convolution(inside, outside, 3, down=True, low_pass=config.low_pass)
        self.skip = Convolution(inside, outside, 1, down=True, low_pass=config.low_pass, linear=True)

    def forward(self, x: Tensor) -> Tensor:
        """x [N, C, k, k] → [N, C', k/2, k/2]; the sum keeps the variance."""
        out: Tensor = (self.conv1(self.conv0(x)) + self.skip(x)) * math.sqrt(0.5)
        return out


class Epilogue(nn.Module):
    """4×4 features to one number per picture."""

    def __init__(self, config: DiscriminatorConfig) -> None:
        super().__init__()
        channels = config.channels(4)
        self.group = config.mbstd_group
        self.conv = Convolution(channels + 1, channels, 3)
        self.fc = FullyConnected(channels * 16, channels, "lrelu")
        self.out = FullyConnected(channels, channels if config.c_dim else 1)

    def forward(self, x: Tensor, label: Tensor | None) -> Tensor:
        """x [N, C, 4, 4], label features [N, C] → logits [N]."""
        x = torch.cat([x, self._deviation(x)], dim=1)
        x = self.out(self.fc(self.conv(x).flatten(1)))
        if label is None:
            return x.squeeze(1)
        return (x * label).sum(dim=1) / math.sqrt(x.shape[1])

    def _deviation(self, x: Tensor) -> Tensor:
        """Mean standard deviation within each group of consecutive pictures, as a channel of its own."""
        n, _, height, width = x.shape
        group = min(self.group, n)
        y = x.float() if x.dtype != torch.float64 else x
        y = y.reshape(n // group, group, -1)
        y = (y.var(dim=1, unbiased=False) + 1e-8).sqrt().mean(dim=1)
        return y.repeat_interleave(group).to(x.dtype).view(n, 1, 1, 1).expand(n, 1, height, width)


class LabelEmbedding(nn.Module):
    """Class labels to features of unit second moment, as the mapping network does it."""

    def __init__(self, c_dim: int, channels: int) -> None:
        super().__init__()
        self.embed = FullyConnected(c_dim, channels)
        self.layers = nn.Sequential(
            *(FullyConnected(channels, channels, "lrelu", 0.01) for _ in range(_MAPPING_LAYERS))
        )

    def forward(self, c: Tensor) -> Tensor:
        """c [N, c_dim] → [N, C]."""
        out: Tensor = normalize_2nd_moment(self.layers(normalize_2nd_moment(self.embed(c))))
        return out


class Discriminator(nn.Module):
    """Pictures to logits."""

    def __init__(self, config: DiscriminatorConfig) -> None:
        super().__init__()
        self.config = config
        size = config.resolution
        self.blocks = nn.ModuleDict()
        while size > 4:
            self.blocks[f"b{size}"] = Block(config, size)
            size //= 2
        self.epilogue = Epilogue(config)
        self.label = LabelEmbedding(config.c_dim, config.channels(4)) if config.c_dim else None

    def forward(
        self, images: Tensor, c: Tensor | None = None, look: Coordinates | None = None, fade: float = 1.0
    ) -> Tensor:
        """Judge pictures.

        Args:
            images: [N, 3, n, n] in about [-1, 1], n any block size.
            c: one-hot labels [N, c_dim] when conditional.
            look: where they were sampled, needed when the config says so.
            fade: weight of the block of size n while it is new: 0 sees the picture only halved, 1 as it is.

        Returns:
            Logits [N]: high means real.
        """
        size = images.shape[-1]
        x = images if look is None or not self.config.where else torch.cat([images, _where(images, look)], 1)
        x = x.contiguous(memory_format=torch.channels_last)  # 2.4× as fast on a CPU, with bfloat16
        block = self._block(size)
        features = block(block.from_image(x))
        size //= 2
        if fade < 1 and size > 4:
            halved = self._block(size).from_image(F.avg_pool2d(x, 2))
            features = halved + (features - halved) * fade
        while size > 4:
            features = self._block(size)(features)
            size //= 2
        label = None if self.label is None or c is None else self.label(c)
        logits: Tensor = self.epilogue(features, label)
        return logits

    def _block(self, size: int) -> Block:
        block = self.blocks[f"b{size}"]
        assert isinstance(block, Block)
        return block


def _where(images: Tensor, look: Coordinates) -> Tensor:
    """Row, column and log2 magnification of every sample as three channels, each in about [-1, 1]."""
    n, _, height, width = images.shape
    rows, columns = (axis.to(images) * 2 - 1 for axis in (look.rows, look.columns))
    magnification = -torch.log2((columns[:, -1] - columns[:, 0]) / 2) / 2
    return torch.stack(
        [
            rows[:, :, None].expand(n, height, width),
            columns[:, None, :].expand(n, height, width),
            magnification[:, None, None].expand(n, height, width),
        ],
        dim=1,
    )
