"""Keep a run's discriminator without its optimiser, as `creps-train --init-discriminator` reads it.

`python docs/keep_discriminator.py runs/second/state.safetensors discriminator.safetensors`. In half
precision, whose rounding a few steps make good: a fourteenth of the state.
"""

from __future__ import annotations

import sys
from pathlib import Path

from safetensors import safe_open
from safetensors.torch import save_file


def main() -> None:
    """Read the state, write its discriminator and options."""
    state, kept = map(Path, sys.argv[1:3])
    with safe_open(state, "pt") as file:
        names = [name for name in file.keys() if name.startswith("D.")]  # noqa: SIM118 - no mapping
        tensors = {name: file.get_tensor(name).half() for name in names}
        save_file(tensors, kept, file.metadata())


if __name__ == "__main__":
    main()
