"""Walking between seeds: steps on the seed lattice, as pure functions of source A."""

from __future__ import annotations

from creps_core.seed_lattice import seed_at
from creps_core.source import Source

STEPS_PER_SEED = 256  # places are multiples of 1/256, so that there and back is exactly back


def place_of(source: Source) -> tuple[float, float] | None:
    """Where a source is on the lattice; None for a stored latent, which is nowhere."""
    if source.lattice is not None:
        return source.lattice
    return None if source.seed is None else (float(source.seed), 0.0)


def at_place(source: Source, x: float, y: float) -> Source:
    """The source at another place, class and truncation kept; on a crossing it is the seed there."""
    x, y = (round(place * STEPS_PER_SEED) / STEPS_PER_SEED for place in (x, y))
    if x.is_integer() and y.is_integer():
        return source.reseeded(seed_at(int(x), int(y)))
    return Source(lattice=(x, y), label=source.label, psi=source.psi, cutoff=source.cutoff)
