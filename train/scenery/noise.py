"""Fractal noise from integer hashes, on lines and on planes, without any stored table.

Noise of a lattice cell is a hash of (key, cell), so it is the same in every window and every batch. An octave
whose cells approach the sampling pitch fades to its mean, which is zero: coarse samplings show no aliasing.
"""

from __future__ import annotations

import torch
from torch import Tensor

_MASK = 0xFFFFFFFF
_MAX_OCTAVES = 44  # cells of 2⁻⁴⁴: beyond, float64 coordinates near 1 have no digits left


def hashed(key: Tensor, cell: Tensor) -> Tensor:
    """Uniform numbers of [−1, 1): float32, of the broadcast shape of `key` and `cell` (both int64)."""
    return mixed(key, cell).to(torch.float32).mul_(2.0**-31).sub_(1)


def mixed(key: Tensor, cell: Tensor) -> Tensor:
    """A new key of 32 bits (int64) from a key and a cell: two rounds of multiply and xor-shift."""
    bits = (cell * 0x9E3779B1 + key * 0x85EBCA6B) & _MASK
    bits ^= bits >> 16
    bits = bits.mul_(0x21F0AAAD).bitwise_and_(_MASK)
    bits ^= bits >> 15
    bits = bits.mul_(0x735A2D97).bitwise_and_(_MASK)
    bits ^= bits >> 15
    return bits


def smooth(t: Tensor) -> Tensor:
    """Smoothstep of t, clamped to [0, 1]: 3t² − 2t³."""
    t = t.clamp(0, 1)
    return t * t * (3 - 2 * t)


def fade(cell: Tensor, pitch: Tensor) -> Tensor:
    """How much of noise with cells of `cell` is left at `pitch`: 1 from 4 samples per cell, 0 below 1.5."""
    return smooth((cell / pitch - 1.5) / 2.5).to(torch.float32)


def octaves_down_to(pitch: Tensor, cell: Tensor) -> int:
    """How many octaves, halving from `cell`, are needed before all have faded at `pitch`."""
    ratio = float((cell / pitch).max())
    octaves = 1
    while octaves < _MAX_OCTAVES and ratio > 1.5 * 2**octaves:
        octaves += 1
    return octaves


def line_noise(key: Tensor, x: Tensor, cell: Tensor, pitch: Tensor, sharp: Tensor, gain: Tensor) -> Tensor:
    """Fractal value noise along lines.

    Args:
        key: int64 [N, K].
        x: Coordinates, float64 [N, W].
        cell: Width of the coarsest cells, float64 [N, K].
        pitch: Distance of samples, float64 [N, 1].
        sharp: 0 joins lattice values smoothly, 1 by straight lines; float32 [N, K].
        gain: Amplitude of an octave relative to the one before; float32 [N, K].

    Returns:
        float32 [N, K, W], about −1 to 1 before the gains add up.
    """
    octave = torch.arange(octaves_down_to(pitch, cell))
    cells = cell[..., None] * 0.5 ** octave.double()  # [N, K, O]
    keys = mixed(key[..., None], octave)
    shift = hashed(keys, torch.tensor(7))[..., None].double()
    at = x[:, None, None, :] / cells[..., None] + shift  # [N, K, O, W]
    low = at.floor()
    t = (at - low).to(torch.float32)
    t = torch.lerp(t * t * (3 - 2 * t), t, sharp[:, :, None, None])
    index = low.long()
    values = torch.lerp(hashed(keys[..., None], index), hashed(keys[..., None], index + 1), t)
    values *= (fade(cells, pitch[..., None]) * gain[..., None] ** octave)[..., None]
    total = values[:, :, 0]
    for number in range(1, len(octave)):  # one after another: the sum must not depend on how many there are
        total = total + values[:, :, number]
    return total


def plane_noise(key: Tensor, v: Tensor, u: Tensor, octaves: int, gain: float) -> Tensor:
    """Fractal value noise on a plane, for rows × columns.

    An octave is two small matrix products, rows × lattice × columns, since its interpolation is separable.

    Args:
        key: int64 [N].
        v: Row coordinates in units of the coarsest cells, float64 [N, H]; neighbours may lie unevenly.
        u: Column coordinates likewise, float64 [N, W], uniform.
        octaves: How many octaves, each half as wide as the one before.
        gain: Amplitude of an octave relative to the one before.

    Returns:
        float32 [N, H, W], about −1 to 1.
    """
    dv, du = spacing(v), spacing(u)
    total = torch.zeros(len(key), v.shape[1], u.shape[1])
    for octave in range(octaves):
        scale = 2.0**octave
        keys = mixed(key, torch.tensor(octave))
        shift = hashed(keys, torch.tensor(3)).double()[:, None]
        one = torch.ones((), dtype=torch.float64)
        row_hats, row_cells = _hats(v * scale + shift, fade(one, dv * scale) * gain**octave)
        column_hats, column_cells = _hats(u * scale - shift, fade(one, du * scale))
        lattice = hashed(mixed(keys[:, None, None], row_cells[:, :, None]), column_cells[:, None, :])
        total += torch.bmm(torch.bmm(row_hats, lattice), column_hats.transpose(1, 2))
    return total


def spacing(line: Tensor) -> Tensor:
    """Distance of every sample of a line [N, L] to its neighbours, [N, L]; a lone sample counts as 2⁻⁹ wide."""
    if line.shape[1] == 1:
        return torch.full_like(line, 2.0**-9)
    step = line.diff(dim=1).abs()
    return torch.cat([step[:, :1], torch.maximum(step[:, :-1], step[:, 1:]), step[:, -1:]], dim=1)


def _hats(at: Tensor, weight: Tensor) -> tuple[Tensor, Tensor]:
    """Interpolation weights float32 [N, L, C] of samples `at` [N, L] over lattice cells, int64 [N, C]."""
    at = torch.where(weight > 0, at, torch.zeros_like(at))
    kept = torch.where(weight > 0, at, torch.full_like(at, torch.inf))
    first = kept.amin(1, keepdim=True).floor()
    first = torch.where(first.isfinite(), first, torch.zeros_like(first))
    span = torch.where(weight > 0, at - first, torch.zeros_like(at))
    cells = torch.arange(int(span.max()) + 2)
    hats = (1 - (span[..., None] - cells).abs().to(torch.float32)).clamp_(min=0)
    hats = hats * hats * (3 - 2 * hats) * weight[..., None]
    return hats, first.long() + cells
