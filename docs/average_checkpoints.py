"""Average several snapshots of a run, which are averages of the generator over a short time themselves.

`python docs/average_checkpoints.py averaged.safetensors runs/scenery/snapshot-*.safetensors`. Over a longer
time tremor cancels out as lower rates would let it; unlike them it can be chosen after the run
(Karras et al. 2024, "Analyzing and Improving the Training Dynamics of Diffusion Models", section 3).
"""

from __future__ import annotations

import dataclasses
import sys
from pathlib import Path

import torch

from creps_core.checkpoint import read_checkpoint, save_checkpoint


def main() -> None:
    """Read the snapshots, write their mean."""
    averaged, *paths = map(Path, sys.argv[1:])
    checkpoints = [read_checkpoint(path) for path in paths]
    last = checkpoints[-1]
    mean = {
        name: torch.stack([checkpoint.tensors[name].double() for checkpoint in checkpoints])
        .mean(dim=0)
        .float()
        for name in last.tensors
    }
    generator = dataclasses.replace(last, tensors=mean).build()
    save_checkpoint(averaged, generator, {**last.source, "average_of": str(len(paths))})


if __name__ == "__main__":
    main()
