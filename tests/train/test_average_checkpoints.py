"""The step that made the bundled model out of a run's snapshots."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import torch

from creps_core.checkpoint import read_checkpoint, save_checkpoint
from tests.core.references import small_generator

ROOT = Path(__file__).parents[2]


def test_snapshots_are_averaged_weight_by_weight(tmp_path: Path) -> None:
    files = [tmp_path / f"snapshot-{n}.safetensors" for n in range(3)]
    for n, file in enumerate(files):
        generator = small_generator()
        with torch.no_grad():
            generator.synthesis.block0.fc0.bias.fill_(n**2)
        save_checkpoint(file, generator, {"kimg": str(n)})
    averaged = tmp_path / "averaged.safetensors"
    script = ROOT / "docs" / "average_checkpoints.py"
    subprocess.run([sys.executable, script, averaged, *files], cwd=ROOT, check=True)
    made, last = read_checkpoint(averaged), read_checkpoint(files[-1])
    assert made.source == {"kimg": "2", "average_of": "3"}
    name = "synthesis.block0.fc0.bias"
    torch.testing.assert_close(made.tensors[name], torch.full_like(last.tensors[name], 5 / 3))
    for other in last.tensors.keys() - {name}:
        assert torch.equal(made.tensors[other], last.tensors[other]), other
