"""What names a latent: a seed, a place between seeds, a stored z or a stored w, with class and truncation.

Plain data without torch, so that a window can open before torch is loaded; `latents` turns it into ws.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from creps_core.errors import InputError

Mix = tuple[tuple[float, ...], ...]  # [num_ws][sources], each row usually sums to 1

MAX_SEED = 2**32 - 1
MAX_PLACE = 2.0**40  # of a lattice's coordinates


@dataclass(frozen=True)
class Source:
    """One latent. Exactly one of `seed`, `lattice`, `z` and `w` is given."""

    seed: int | None = None  # 0 … 2³²−1, the published convention
    lattice: tuple[float, float] | None = None  # (x, y) among the seeds, see `seed_lattice`
    z: tuple[float, ...] | None = None  # [z_dim]
    w: tuple[float, ...] | None = None  # [w_dim], taken as it is: no mapping
    label: int = 0  # class index, meaningful when the generator is conditional
    psi: float = 1.0  # truncation: 0 gives w_avg, 1 leaves w alone
    cutoff: int | None = None  # truncate the first `cutoff` styles only; None = all
    name: str = ""  # what people call it

    def __post_init__(self) -> None:
        if sum(given is not None for given in (self.seed, self.lattice, self.z, self.w)) != 1:
            raise InputError("a source needs exactly one of seed, lattice, z and w")
        if self.seed is not None and not 0 <= self.seed <= MAX_SEED:
            raise InputError(f"seed {self.seed} is outside 0 … {MAX_SEED}")
        if self.lattice is not None and not all(abs(place) <= MAX_PLACE for place in self.lattice):
            raise InputError(f"the place {self.lattice} among the seeds is out of reach")
        if not math.isfinite(self.psi):
            raise InputError(f"psi {self.psi} is not a finite number")

    def reseeded(self, seed: int) -> Source:
        """The seed's latent, with this one's class and truncation."""
        return replace(self, seed=seed, lattice=None, z=None, w=None, name="")

    def called(self, name: str) -> Source:
        """The same latent under another name."""
        return replace(self, name=name)
