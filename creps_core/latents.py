"""Latents: seeds, sources, style mixing and interpolation, as pure functions of a generator.

A *source* names one latent (seed, or a stored z or w, with class, psi and cutoff). A *mix* gives every
one of the `num_ws` styles its weights over the sources; psi and cutoff apply to each source before that.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from creps_core.errors import InputError
from creps_core.generator import Generator
from creps_core.seed_lattice import corners
from creps_core.source import MAX_SEED as MAX_SEED  # re-exported: latents and their sources belong together
from creps_core.source import Mix as Mix
from creps_core.source import Source as Source


def seed_to_z(seed: int, z_dim: int) -> Tensor:
    """The published convention: `RandomState(seed).randn(1, z_dim)` cast to float32, [1, z_dim]."""
    if not 0 <= seed <= MAX_SEED:
        raise InputError(f"seed {seed} is outside 0 … {MAX_SEED}")
    return torch.from_numpy(np.random.RandomState(seed).randn(1, z_dim).astype(np.float32))


def one_hot(label: int, c_dim: int) -> Tensor:
    """The label as [1, c_dim] float32; [1, 0] when the generator is unconditional."""
    if c_dim == 0:
        return torch.zeros(1, 0)
    if not 0 <= label < c_dim:
        raise InputError(f"class {label} is outside 0 … {c_dim - 1}")
    return torch.nn.functional.one_hot(torch.tensor([label]), c_dim).float()


@torch.no_grad()
def source_ws(generator: Generator, source: Source) -> Tensor:
    """The styles of one source, [1, num_ws, w_dim] float32 on the CPU, truncated."""
    config = generator.config
    if source.w is not None:
        w = _vector(source.w, config.w_dim, "w")
        ws = w.unsqueeze(1).repeat(1, config.num_ws, 1)
        return generator.mapping.truncate(ws, source.psi, source.cutoff)
    if source.lattice is not None:
        return generator.mapping.truncate(_between_seeds(generator, source), source.psi, source.cutoff)
    z = (
        seed_to_z(source.seed, config.z_dim)
        if source.seed is not None
        else _vector(source.z or (), config.z_dim, "z")
    )
    label = one_hot(source.label, config.c_dim)
    return generator.mapping(z, label, truncation_psi=source.psi, truncation_cutoff=source.cutoff)


def _between_seeds(generator: Generator, source: Source) -> Tensor:
    """Untruncated styles of a place among the seeds: bilinear in w, [1, num_ws, w_dim]."""
    label = one_hot(source.label, generator.config.c_dim)
    around = corners(*source.lattice or (0.0, 0.0))
    mapped = [generator.mapping(seed_to_z(seed, generator.config.z_dim), label) for seed, _ in around]
    return torch.stack([weight * ws for (_, weight), ws in zip(around, mapped, strict=True)]).sum(0)


def resolve_ws(generator: Generator, sources: Sequence[Source], mix: Mix | None = None) -> Tensor:
    """The styles to show: every source's ws, mixed per style by `mix` ([num_ws][sources]).

    Without a mix the first source is shown alone. Returns [1, num_ws, w_dim] float32.
    """
    if not sources:
        raise InputError("no source of latents was given")
    if mix is None:
        return source_ws(generator, sources[0])
    num_ws = generator.config.num_ws
    if len(mix) != num_ws or any(len(row) != len(sources) for row in mix):
        raise InputError(
            f"the mix has {len(mix)} styles of {sorted({len(row) for row in mix})} weights, "
            f"expected {num_ws} styles of {len(sources)}"
        )
    used = [k for k in range(len(sources)) if any(row[k] for row in mix)]
    return mix_ws([source_ws(generator, sources[k]) for k in used], [[row[k] for k in used] for row in mix])


def mix_ws(ws: Sequence[Tensor], weights: Sequence[Sequence[float]]) -> Tensor:
    """Linear style mixing: out[:, i] = Σ_k weights[i][k]·ws[k][:, i].

    A style that takes one source alone with weight 1 is that source's style bit for bit.
    """
    mixed = torch.zeros_like(ws[0])
    for i, row in enumerate(weights):
        for one, weight in zip(ws, row, strict=True):
            if weight == 1 and sum(map(abs, row)) == 1:
                mixed[:, i] = one[:, i]
            elif weight:
                mixed[:, i] += weight * one[:, i]
    return mixed


def single_mix(num_ws: int, sources: int = 1, which: int = 0) -> Mix:
    """Every style from source `which`."""
    return tuple(tuple(float(k == which) for k in range(sources)) for _ in range(num_ws))


def mix_from(num_ws: int, first: int) -> Mix:
    """Two sources: styles 0 … first−1 from the first, `first` … from the second (`--mix-from`)."""
    if not 0 <= first <= num_ws:
        raise InputError(f"mix-from {first} is outside 0 … {num_ws}")
    return tuple((1.0, 0.0) if i < first else (0.0, 1.0) for i in range(num_ws))


def lerp(a: Tensor, b: Tensor, t: float | Tensor) -> Tensor:
    """Linear interpolation, exact at both ends."""
    return a * (1 - t) + b * t


def slerp(a: Tensor, b: Tensor, t: float) -> Tensor:
    """Spherical interpolation along the last axis; norms are interpolated linearly.

    (Anti)parallel vectors, and the zero vector, have no unique arc: they fall back to `lerp`.
    """
    u, v = a.double(), b.double()  # in single precision the cosine hides angles below 3e-4
    norm_u, norm_v = u.norm(dim=-1, keepdim=True), v.norm(dim=-1, keepdim=True)
    u, v = u / norm_u.clamp_min(1e-30), v / norm_v.clamp_min(1e-30)
    angle = torch.acos((u * v).sum(-1, keepdim=True).clamp(-1, 1))
    sine = torch.sin(angle)
    direction = (torch.sin((1 - t) * angle) * u + torch.sin(t * angle) * v) / sine.clamp_min(1e-30)
    arc = (direction * lerp(norm_u, norm_v, t)).to(a.dtype)
    without_arc = (sine < 1e-6) | (norm_u == 0) | (norm_v == 0)
    return torch.where(without_arc, lerp(a, b, t), arc)


@torch.no_grad()
def mean_w(generator: Generator, seeds: Sequence[int], label: int = 0) -> Tensor:
    """The mean of w over seeds, [1, w_dim]: an anchor of one's own beside `w_avg`."""
    if not seeds:
        raise InputError("a mean needs at least one seed")
    config = generator.config
    total = torch.zeros(1, config.w_dim, dtype=torch.float64)
    for start in range(0, len(seeds), 256):
        chunk = seeds[start : start + 256]
        z = torch.cat([seed_to_z(seed, config.z_dim) for seed in chunk])
        c = one_hot(label, config.c_dim).expand(len(chunk), -1)
        total += generator.mapping(z, c)[:, 0].double().sum(0, keepdim=True)
    return (total / len(seeds)).float()


def _vector(values: Sequence[float], length: int, name: str) -> Tensor:
    if len(values) != length:
        raise InputError(f"the stored {name} has {len(values)} numbers, this checkpoint needs {length}")
    return torch.tensor([values], dtype=torch.float32)
