"""The synthesis network as training runs it: `creps_core.synthesis` on the same weights, ordered for speed.

Three things differ from the reference, none of them in what is computed. Channels come last, so that a layer
is one matrix product of all samples. A style scales the features before the product and demodulation scales
them after it, instead of giving every sample a matrix of its own. Rows and columns go through the line
network as one batch, since they share its weights. Differentiable twice, for path lengths.

The reference's clamp at ±256 is left out: it keeps float16 finite, which training does not use, and costs a
fifth of the time. The bundled model keeps away from it, which a test holds it to.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn import functional as F

from creps_core.decoder import HeadBlock
from creps_core.layers import (
    DEMODULATION_EPS,
    LRELU_GAIN,
    LRELU_SLOPE,
    FullyConnected,
    ModulatedLinear,
    ToBiLine,
)
from creps_core.lines import SKIP_GAIN, FourierInput
from creps_core.synthesis import SynthesisNetwork


def synthesise(
    network: SynthesisNetwork, ws: Tensor, rows: Tensor, columns: Tensor, dtype: torch.dtype
) -> Tensor:
    """ws [N, num_ws, w_dim] and coordinates [N or 1, n] of square pictures, plane units → RGB [N, 3, n, n].

    `dtype` is that of the layers' arithmetic; styles and Fourier phases keep the precision of `ws`.
    """
    levels = _levels(network, ws, torch.stack([rows, columns], dim=1), dtype)
    feature = _compose(levels[0])
    for level, biline in zip(network.config.levels[1:], levels[1:], strict=True):
        for layer in network.decoder(level).layers:
            feature = _fully_connected(layer, feature)
        feature = feature + _compose(biline)
    for layer in network.decoder_last.layers:
        feature = _fully_connected(layer, feature)
    img = _fully_connected(network.decoder_img, feature)
    for block in (network.block0, network.block1):
        feature, img = _head(block, feature, img, ws[:, -1])
    return img.permute(0, 3, 1, 2).to(ws.dtype)


def _levels(network: SynthesisNetwork, ws: Tensor, coords: Tensor, dtype: torch.dtype) -> list[Tensor]:
    """coords [N or 1, 2, L], rows first → the bi-lines of every level, each [N, 2, L, R, B]."""
    first, *later = network.line_blocks
    x = _modulated(first.fc1, _fourier(first.input, coords, ws[:, 0]).to(dtype), ws[:, 1])
    levels: list[Tensor] = []
    skip: Tensor | None = None
    for m, block in enumerate(later, start=1):
        x = _modulated(block.fc0, x, ws[:, 2 * m - 1])
        x = _modulated(block.fc1, x, ws[:, 2 * m])
        projected = _projected(block.tores, x, ws[:, 2 * m + 1])
        skip = projected if skip is None else skip + projected
        levels.append(skip * SKIP_GAIN)
    return levels


def _fourier(layer: FourierInput, coords: Tensor, w: Tensor) -> Tensor:
    """coords [N or 1, 2, L] → modulated Fourier features [N, 2, L, R, C]."""
    freqs = layer.freqs.view(layer.channels // 2, layer.lanes).t()  # [R, C/2]
    phase = coords[..., None, None] * freqs * (2 * math.pi)
    features = torch.cat([phase.sin(), phase.cos()], dim=-1)
    lanes = layer.modulation(w).unflatten(2, (2, layer.lanes)).permute(0, 2, 3, 1)  # [N, 2, R, C]
    return features * (lanes / math.sqrt(layer.channels)).unsqueeze(2)


def _compose(biline: Tensor) -> Tensor:
    """Σ_r row·column of a level's bi-lines: [N, 2, n, R, B] → [N, n, n, B]."""
    row, column = biline.unbind(dim=1)
    feature = torch.matmul(row.permute(0, 3, 1, 2), column.permute(0, 3, 2, 1))
    return feature.permute(0, 2, 3, 1).contiguous()


def _fully_connected(layer: FullyConnected, x: Tensor) -> Tensor:
    """x [..., in] → [..., out]."""
    # The gain of lrelu commutes with it, and is cheaper on the matrix than on the features.
    gain = LRELU_GAIN if layer.activation == "lrelu" else 1.0
    weight, bias = layer.scaled_weight() * gain, layer.scaled_bias() * gain
    y = F.linear(x, weight.to(x.dtype), bias.to(x.dtype))
    return F.leaky_relu(y, LRELU_SLOPE) if layer.activation == "lrelu" else y


def _modulated(layer: ModulatedLinear, x: Tensor, w: Tensor) -> Tensor:
    """x [N, ..., in], w [N, w_dim] → [N, ..., out]."""
    styles = layer.affine(w)
    demodulation = (styles.square() @ layer.weight.square().t() + DEMODULATION_EPS).rsqrt() * LRELU_GAIN
    y = F.linear(x * _per_sample(styles, x), layer.weight.to(x.dtype))
    y = torch.addcmul((layer.bias * LRELU_GAIN).to(x.dtype), y, _per_sample(demodulation, x))
    return F.leaky_relu(y, LRELU_SLOPE)


def _projected(layer: ToBiLine, x: Tensor, w: Tensor) -> Tensor:
    """x [N, ..., in], w [N, w_dim] → [N, ..., out]; not demodulated."""
    styles = layer.affine(w) / math.sqrt(layer.weight.shape[1])
    return F.linear(x * _per_sample(styles, x), layer.weight.to(x.dtype), layer.bias.to(x.dtype))


def _head(block: HeadBlock, x: Tensor, img: Tensor, w: Tensor) -> tuple[Tensor, Tensor]:
    """x [N, n, n, in], img [N, n, n, 3] → the same, one block on."""
    x = _modulated(block.fc1, _modulated(block.fc0, x, w), w)
    return x, img + _projected(block.tores, x, w)


def _per_sample(factors: Tensor, like: Tensor) -> Tensor:
    """[N, C] → [N, 1, …, C], to multiply `like`."""
    return factors.to(like.dtype).view(len(factors), *[1] * (like.dim() - 2), -1)
