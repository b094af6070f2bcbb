"""Keep a run's discriminator without its optimiser, as `creps-train --init-discriminator` reads it.

`python docs/keep_discriminator.py runs/scenery/state.safetensors discriminator.safetensors`. In half
precision, whose rounding a few steps make good: a fourteenth of the state.
"""

from __future__ import annotations

import sys
from pathlib import Path

from safetensors import safe_open
from safetensors.torch import save

from creps_core.atomic import replacing


def main() -> None:
    """Read the state, write its discriminator and options."""
    state, kept = map(Path, sys.argv[1:3])
    with safe_open(state, "pt") as file:
        names = [name for name in file.keys() if name.startswith("D.")]  # noqa: SIM118 - no mapping
        metadata = file.metadata()
        tensors = {name: file.get_tensor(name).half() for name in names}
    with replacing(kept) as out:
        out.write(save(tensors, metadata))


if __name__ == "__main__":
    main()
