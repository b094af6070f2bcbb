"""A run's folder: what lies where, and what is kept.

state.safetensors             all that --resume needs, replaced at every snapshot
latest.safetensors            the averaged generator, for the viewer to follow
best.safetensors              the one with the least Fréchet distance
snapshot-000200.safetensors   every snapshot's, the last few kept; the number is kimg
samples-000200.png            pictures of fixed latents
zoom-000200.png               one of them at 1×, 2×, 4× and 8×
metrics.jsonl                 one line of numbers per report; TensorBoard's events lie in events/
config.json                   the options, as they are now
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

from torch.utils.tensorboard import SummaryWriter

from creps_core.atomic import replacing
from creps_core.checkpoint import save_checkpoint
from creps_core.errors import InputError, RunError
from creps_core.generator import Generator
from train.config import TrainConfig


class RunFolder:
    """Reads and writes a run's folder; every file is complete or not there."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._events: SummaryWriter | None = None

    @property
    def state(self) -> Path:
        """The saved state."""
        return self.path / "state.safetensors"

    @property
    def latest(self) -> Path:
        """The newest checkpoint."""
        return self.path / "latest.safetensors"

    def create(self, config: TrainConfig) -> None:
        """Make a folder for a new run; one that holds a run already is refused."""
        if self.state.exists():
            raise InputError(f"{self.path} holds a run already; go on with --resume, or name another folder")
        try:
            self.path.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise RunError(
                f"{self.path} could not be made: {(error.strerror or str(error)).lower()}"
            ) from error
        self.describe(config)

    def describe(self, config: TrainConfig) -> None:
        """Write down the options: at the start, and when a resumed run changes some."""
        with replacing(self.path / "config.json") as file:
            file.write(config.to_json().encode() + b"\n")

    def rewind(self, nimg: int) -> None:
        """Forget what was reported after picture `nimg`: a resumed run reports it again."""
        metrics, kept = self.path / "metrics.jsonl", []
        if metrics.exists():
            for line in metrics.read_text(encoding="utf-8").splitlines():
                try:
                    if json.loads(line)["nimg"] <= nimg:
                        kept.append(line)
                except (ValueError, KeyError):
                    continue  # the line that was being written when the run was killed
            with replacing(metrics) as file:
                file.write("".join(f"{line}\n" for line in kept).encode())

    def report(self, nimg: int, values: dict[str, Any]) -> None:
        """Append numbers to metrics.jsonl and TensorBoard."""
        try:
            with open(self.path / "metrics.jsonl", "a", encoding="utf-8") as file:
                file.write(json.dumps({"nimg": nimg, **values}) + "\n")
            if self._events is None:
                self._events = SummaryWriter(str(self.path / "events"), purge_step=nimg // 1000)
            for name, value in values.items():
                self._events.add_scalar(name, value, nimg // 1000)
        except OSError as error:
            raise RunError(
                f"{self.path} could not be written: {(error.strerror or str(error)).lower()}; "
                "the last saved state is intact: go on with --resume"
            ) from error

    def snapshot(self, generator: Generator, kimg: float, source: dict[str, str], keep: int) -> None:
        """Save a checkpoint under its number and as the latest; remove the oldest beyond `keep`."""
        save_checkpoint(self.latest, generator, source)
        if keep:
            save_checkpoint(self.numbered("snapshot", kimg, ".safetensors"), generator, source)
        for old in sorted(self.path.glob("snapshot-*.safetensors"))[: -keep or None]:
            old.unlink(missing_ok=True)

    def keep_best(self) -> None:
        """The latest checkpoint is the best one so far."""
        with replacing(self.path / "best.safetensors") as file, open(self.latest, "rb") as latest:
            shutil.copyfileobj(latest, file)

    def numbered(self, name: str, kimg: float, suffix: str) -> Path:
        """A file of one snapshot."""
        return self.path / f"{name}-{round(kimg):06d}{suffix}"

    def close(self) -> None:
        """Write out what is buffered."""
        if self._events is not None:
            self._events.close()
