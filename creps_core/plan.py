"""A plan: one ws folded into plain matrices, once, so that rendering is products and leaky ReLUs.

Modulation, demodulation, equalised learning rates and gains all end up in the weights: lrelu's gain √2
may be moved before lrelu, since lrelu(√2·x) = √2·lrelu(x), and the bi-lines' √½ into the projections.
Every bias becomes a last column that meets a row of ones, which saves a pass over every activation.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from creps_core.config import GeneratorConfig
from creps_core.decoder import Decoder, HeadBlock
from creps_core.generator import Generator
from creps_core.layers import CLAMP, LRELU_GAIN, FullyConnected, ModulatedLinear, ToBiLine
from creps_core.lines import SKIP_GAIN


@dataclass(frozen=True, eq=False)
class Dense:
    """One folded layer: clamp(act(weight @ [x; 1])). `weight` is [out, in + 1]."""

    weight: Tensor
    activate: bool
    clamp: float | None  # bound of the result, None = none


@dataclass(frozen=True, eq=False)
class LineLevel:
    """One block of the line network; b4 has one layer and no projection."""

    layers: tuple[Dense, ...]
    project: Dense | None


@dataclass(frozen=True, eq=False)
class HeadPlan:
    """The last style's share of a plan: two blocks, each with its share of the picture."""

    image: Dense
    blocks: tuple[tuple[Dense, Dense, Dense], ...]  # (fc0, fc1, to RGB)


@dataclass(frozen=True, eq=False)
class Plan:
    """Everything the renderer needs of one ws [1, num_ws, w_dim]."""

    config: GeneratorConfig
    ws: Tensor  # [1, num_ws, w_dim], what was folded
    key: str  # of the whole ws and checkpoint
    body_key: str  # of all styles but the last, which feeds the head alone
    frequencies: Tensor  # float64 [C/2, R], cycles per plane unit, exact float32 values
    row_amplitude: Tensor  # [C, R]
    column_amplitude: Tensor  # [C, R]
    lines: tuple[LineLevel, ...]
    decoders: tuple[tuple[Dense, ...], ...]  # before level 16, 32, …, then decoder_last
    head: HeadPlan
    layers: Mapping[nn.Module, Dense]  # all folded layers by what they were folded from
    halvings: int = 0  # of tiles and chunks, after a device ran out of memory

    @property
    def tile_pixels(self) -> int:
        """Pixels per tile: all activations of a tile stay in a core's cache; on a GPU they fill it."""
        if self.row_amplitude.device.type != "cpu":
            return max(1024, 65536 >> self.halvings)
        return max(256, 65536 // self.config.biline_channels >> self.halvings)

    @property
    def chunk_lines(self) -> int:
        """Line samples per chunk, likewise; small models take more at a time."""
        if self.row_amplitude.device.type != "cpu":
            return max(16, 512 >> self.halvings)
        samples = 262144 // (self.config.channels(4) * self.config.thickness)
        return max(1, samples >> self.halvings)

    @property
    def dtype(self) -> torch.dtype:
        """Of all products: float32, or a half precision for drafts."""
        return self.row_amplitude.dtype


@torch.inference_mode()
def fold(
    generator: Generator,
    ws: Tensor,
    device: torch.device,
    dtype: torch.dtype = torch.float32,
    earlier: Iterable[Plan] = (),
) -> Plan:
    """Fold ws [1, num_ws, w_dim] into the generator's synthesis network (paper sections 2.2 to 2.4).

    Args:
        earlier: plans of the same generator; layers whose style is the same are shared with the nearest.
    """
    config, net = generator.config, generator.synthesis
    ws = ws.to(next(generator.parameters()).device, torch.float32)
    layers = _Folding(ws, device, dtype, earlier)

    first, *later = net.line_blocks
    amplitude = first.input.modulation(ws[:, 0])[0] / math.sqrt(config.channels(4))
    row, column = amplitude.split(config.thickness, dim=1)
    lines = [LineLevel((layers.modulated(first.fc1, 1),), None)]
    for m, block in enumerate(later, start=1):
        pair = layers.modulated(block.fc0, 2 * m - 1), layers.modulated(block.fc1, 2 * m)
        lines.append(LineLevel(pair, layers.projection(block.tores, 2 * m + 1, SKIP_GAIN)))
    stacks: list[Decoder] = [net.decoder(level) for level in config.levels[1:]] + [net.decoder_last]
    decoders = tuple(tuple(map(layers.connected, stack.layers)) for stack in stacks)
    heads: Iterable[HeadBlock] = (net.block0, net.block1)
    last = config.num_ws - 1
    head = HeadPlan(
        image=layers.connected(net.decoder_img),
        blocks=tuple(
            (
                layers.modulated(block.fc0, last),
                layers.modulated(block.fc1, last),
                layers.projection(block.tores, last, 1.0),
            )
            for block in heads
        ),
    )
    return Plan(
        config=config,
        ws=ws,
        key=_digest(ws, dtype, generator),
        body_key=_digest(ws[:, :-1], dtype, generator),
        frequencies=first.input.freqs.view(-1, config.thickness).double().to(_phase_device(device)),
        row_amplitude=row.to(device, dtype).contiguous(),
        column_amplitude=column.to(device, dtype).contiguous(),
        lines=tuple(lines),
        decoders=decoders,
        head=head,
        layers=layers.made,
    )


class _Folding:
    """Folds layers one by one; those whose style an earlier plan has too are taken from there."""

    def __init__(self, ws: Tensor, device: torch.device, dtype: torch.dtype, earlier: Iterable[Plan]) -> None:
        self.made: dict[nn.Module, Dense] = {}
        self._ws, self._device, self._dtype = ws, device, dtype
        self._nearest: Plan | None = None
        self._same = torch.zeros(ws.shape[1], dtype=torch.bool)
        for plan in earlier:
            if plan.dtype != dtype or plan.row_amplitude.device.type != device.type:
                continue
            same = (plan.ws == ws).all(dim=2)[0].cpu()
            if self._nearest is None or same.sum() > self._same.sum():
                self._nearest, self._same = plan, same

    def modulated(self, layer: ModulatedLinear, style: int) -> Dense:
        """A layer of the line network or the head."""
        return self._take(layer, style, lambda: _modulated(layer, self._ws[:, style]))

    def projection(self, layer: ToBiLine, style: int, gain: float) -> Dense:
        """A projection to a bi-line or to RGB."""
        return self._take(layer, style, lambda: _projection(layer, self._ws[:, style], gain))

    def connected(self, layer: FullyConnected) -> Dense:
        """A layer that reads no style."""
        return self._take(layer, None, lambda: _connected(layer))

    def _take(self, layer: nn.Module, style: int | None, make: Callable[[], Dense]) -> Dense:
        if self._nearest is not None and (style is None or self._same[style]):
            self.made[layer] = self._nearest.layers[layer]
        else:
            made = make()
            weight = made.weight.to(self._device, self._dtype).contiguous()
            self.made[layer] = Dense(weight, made.activate, made.clamp)
        return self.made[layer]


def _phase_device(device: torch.device) -> torch.device:
    # Phases need float64, which MPS lacks; they are a hundredth of the work.
    return torch.device("cpu") if device.type == "mps" else device


def _modulated(layer: ModulatedLinear, w: Tensor) -> Dense:
    weight = torch.cat([layer.modulated_weight(w)[0], layer.bias.unsqueeze(1)], dim=1)
    return Dense(weight * LRELU_GAIN, True, CLAMP)


def _projection(layer: ToBiLine, w: Tensor, gain: float) -> Dense:
    weight = torch.cat([layer.modulated_weight(w)[0], layer.bias.unsqueeze(1)], dim=1)
    return Dense(weight * gain, False, CLAMP * gain)


def _connected(layer: FullyConnected) -> Dense:
    weight = torch.cat([layer.scaled_weight(), layer.scaled_bias().unsqueeze(1)], dim=1)
    active = layer.activation == "lrelu"
    return Dense(weight * LRELU_GAIN if active else weight, active, None)


def _digest(ws: Tensor, dtype: torch.dtype, generator: Generator) -> str:
    digest = hashlib.blake2b(digest_size=16)
    digest.update(ws.contiguous().cpu().numpy().tobytes())
    digest.update(f"{dtype}{id(generator)}".encode())
    return digest.hexdigest()


def line_flops(config: GeneratorConfig) -> float:
    """Counted flop of one line sample: 2·R·Σ C_in·C_out over the modulated layers (design/model)."""
    total = config.channels(4) ** 2
    for block in config.block_resolutions[1:]:
        channels = config.channels(block)
        total += config.channels(block // 2) * channels + channels**2
    return 2.0 * config.thickness * total


def pixel_flops(config: GeneratorConfig) -> float:
    """Counted flop of one pixel: compositions, decoders and head."""
    b = config.biline_channels
    levels = len(config.levels)
    decoder = 2 * (2 * b * b + 8 * b * b + 8 * b * b + 2 * b * b)
    compose = 2 * b * config.thickness
    head = 2 * (4 * b * b + 16 * b * b + 12 * b + 8 * b * b + 4 * b * b + 6 * b + 3 * b)
    return float(levels * (decoder + compose) + head)
