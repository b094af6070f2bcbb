"""Three steps in float64, alone or under torchrun: the gradients of the first, statistics of all."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import torch

sys.path.insert(0, str(Path(__file__).parents[2]))

from tests.train.runs import Gradients, small
from train.processes import Processes
from train.trainer import Trainer


def main(out: Path, *, shared_fakes: bool) -> None:
    torch.set_num_threads(1)
    config = small(precision="64", augment="ada", augment_p=0.3, augment_set="bgc", shared_fakes=shared_fakes)
    processes = Processes("cpu", "64")
    trainer = Trainer(config, Gradients(), processes)
    gradients: list[list[float]] = []
    average = processes.average_gradients

    def record(network: torch.nn.Module) -> None:
        average(network)
        parts = [p.grad.flatten() for p in network.parameters() if p.grad is not None]
        gradients.append(torch.cat(parts).tolist())

    processes.average_gradients = record  # type: ignore[method-assign]
    stats, phases = [], 0
    for _ in range(3):
        stats.append(trainer.step())
        phases = phases or len(gradients)
    if processes.first:
        record_of = {"processes": processes.count, "gradients": gradients[:phases], "stats": stats}
        out.write_text(json.dumps(record_of))
    processes.leave()


if __name__ == "__main__":
    main(Path(sys.argv[1]), shared_fakes="--shared-fakes" in sys.argv)
