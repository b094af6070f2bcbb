"""Between two keyframes: rotation, stretch, warps, border policy and latents, at any share of the way.

Every function is exact at 0 and 1 and gives the same at share t from a to b as at 1 − t from b to a.
The path of centre and zoom is in `zoom_path`.
"""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Sequence

from creps_core.source import Mix, Source
from creps_core.view import MAX_STRETCH, Outside, quantise_degrees
from creps_core.warps import Lens, Swirl, Tilt, Warp, Wave


def blend_degrees(a: float, b: float, t: float) -> float:
    """The short way round; of two equally short ones, the one that passes 0."""
    way = quantise_degrees(b - a)
    if way == 180 and b < a:
        way = -180.0
    return b if t >= 1 else quantise_degrees(a + way * t)


def blend_stretch(a: tuple[float, float], b: tuple[float, float], t: float) -> tuple[float, float]:
    """Each factor evenly in octaves; where it changes its sign the picture turns over like a card."""
    return _blend_factor(a[0], b[0], t), _blend_factor(a[1], b[1], t)


def _blend_factor(a: float, b: float, t: float) -> float:
    if t <= 0 or a == b:
        return a
    if t >= 1:
        return b
    if a * b > 0:
        sign = 1.0 if a > 0 else -1.0
        return sign * abs(a) ** (1 - t) * abs(b) ** t
    seen = (1 - t) / a + t / b  # the picture's width as it is seen, evenly through nothing
    return 1 / seen if abs(seen) > 1 / MAX_STRETCH else MAX_STRETCH * (1.0 if seen >= 0 else -1.0)


def blend_outside(a: Outside, b: Outside, t: float) -> Outside:
    """One or the other: it changes half-way."""
    return min(a, b) if t == 0.5 else a if t < 0.5 else b


def blend_warps(a: Sequence[Warp], b: Sequence[Warp], t: float) -> tuple[Warp, ...]:
    """Warps of one kind go over into each other; others fade in from no strength, or out to none."""
    if t <= 0 or t >= 1:
        return tuple(a if t <= 0 else b)
    blended: list[Warp] = []
    pairs = [*_pairs(a, b), (len(a), len(b))]
    for (i, j), (start_i, start_j) in zip(pairs, [(0, 0), *((i + 1, j + 1) for i, j in pairs)], strict=False):
        leaving = [_faded(warp, 1 - t) for warp in a[start_i:i]]
        coming = [_faded(warp, t) for warp in b[start_j:j]]
        between = sorted((leaving, coming), key=lambda side: [warp.spec() for warp in side])
        blended += itertools.chain(*between)
        if i < len(a):
            blended.append(_blend_warp(a[i], b[j], t))
    return tuple(blended)


def _pairs(a: Sequence[Warp], b: Sequence[Warp]) -> list[tuple[int, int]]:
    """Which warp of `a` becomes which of `b`, without crossing; the same the other way round."""
    candidates = [
        (i + j, abs(i - j), type(first).__name__, i, j)
        for i, first in enumerate(a)
        for j, second in enumerate(b)
        if type(first) is type(second)
    ]
    pairs: list[tuple[int, int]] = []
    for *_, i, j in sorted(candidates):
        if all((i < k and j < m) or (i > k and j > m) for k, m in pairs):
            pairs.append((i, j))
    return sorted(pairs)


def _blend_warp(a: Warp, b: Warp, t: float) -> Warp:
    values = (x * (1 - t) + y * t for x, y in zip(vars(a).values(), vars(b).values(), strict=True))
    return type(a)(*values)


def _faded(warp: Warp, strength: float) -> Warp:
    """The warp at a share of its strength."""
    match warp:
        case Lens():
            return dataclasses.replace(warp, s=warp.s * strength)
        case Swirl():
            return dataclasses.replace(warp, deg=warp.deg * strength)
        case Wave() | Tilt():
            return dataclasses.replace(warp, ax=warp.ax * strength, ay=warp.ay * strength)


Latents = tuple[tuple[Source, ...], Mix | None]  # sources, and the mix over them


def blend_latents(a: Latents, b: Latents, t: float, num_ws: int) -> Latents:
    """Interpolation in w, said as a session says it: the sources of both, their weights mixed."""
    if t <= 0 or a == b:
        return a
    if t >= 1:
        return b
    sources = tuple(dict.fromkeys((*_used(a), *_used(b))))
    first, second = (_weights(latents, sources, num_ws) for latents in (a, b))
    mix = tuple(
        tuple(x * (1 - t) + y * t for x, y in zip(*rows, strict=True))
        for rows in zip(first, second, strict=True)
    )
    return sources, mix


def _used(latents: Latents) -> tuple[Source, ...]:
    sources, mix = latents
    if mix is None:
        return sources[:1]
    return tuple(source for k, source in enumerate(sources) if any(row[k] for row in mix))


def _weights(latents: Latents, sources: Sequence[Source], num_ws: int) -> Mix:
    """The latents' mix, over other sources."""
    own, mix = latents
    rows = mix if mix is not None else ((1.0, *[0.0] * (len(own) - 1)),) * num_ws
    return tuple(
        tuple(sum(weight for mine, weight in zip(own, row, strict=True) if mine == s) for s in sources)
        for row in rows
    )
