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

    Interpolation is separable: lattice values are joined along columns first, while there are few rows.

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
    one = torch.ones((), dtype=torch.float64)
    total = torch.zeros(len(key), v.shape[1], u.shape[1])
    for octave in range(octaves):
        scale = 2.0**octave
        row_weight, column_weight = fade(one, dv * scale) * gain**octave, fade(one, du * scale)
        keys = mixed(key, torch.tensor(octave))
        shift = hashed(keys, torch.tensor(3)).double()[:, None]
        rows, row_t, row_cells = _between(v * scale + shift, row_weight)
        columns, column_t, column_cells = _between(u * scale - shift, column_weight)
        lattice = hashed(mixed(keys[:, None, None], column_cells[:, :, None]), row_cells[:, None, :])
        joined = _joined(lattice, columns, column_t).mul_(column_weight[..., None])  # [N, W, cells]
        joined = joined.transpose(1, 2).contiguous()
        total += _joined(joined, rows, row_t).mul_(row_weight[..., None])
    return total


def _between(at: Tensor, weight: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Where samples `at` [N, L] lie between lattice cells; those without weight may lie anywhere.

    Returns:
        Position of the lower neighbour among `cells` (int64 [N, L]), smoothed fraction (float32 [N, L]), and
        the cells (int64 [N, C]).
    """
    used = weight > 0
    low = at.floor()
    first = torch.where(used, low, torch.inf).amin(1, keepdim=True)
    first = torch.where(first.isfinite(), first, 0.0)
    position = torch.where(used, low - first, 0.0).long()
    t = (at - low).to(torch.float32)
    cells = first.long() + torch.arange(int(position.max()) + 2)
    return position, t * t * (3 - 2 * t), cells


def _joined(values: Tensor, position: Tensor, t: Tensor) -> Tensor:
    """Interpolate rows of `values` [N, C, M] at position + t (both [N, L]): [N, L, M]."""
    count, cells, width = values.shape
    flat = values.view(count * cells, width)
    index = (position + cells * torch.arange(count)[:, None]).flatten()
    low, high = flat.index_select(0, index), flat.index_select(0, index + 1)
    return low.lerp_(high, t.reshape(-1, 1)).view(count, -1, width)


def spacing(line: Tensor) -> Tensor:
    """Distance of every sample of a line [N, L] to its neighbours, [N, L]; 2⁻⁹ for a lone one."""
    if line.shape[1] == 1:
        return torch.full_like(line, 2.0**-9)
    step = line.diff(dim=1).abs()
    return torch.cat([step[:, :1], torch.maximum(step[:, :-1], step[:, 1:]), step[:, -1:]], dim=1)
