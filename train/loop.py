"""The run around the steps: reports, snapshots, and leaving in good order."""

from __future__ import annotations

import signal
import time
from functools import cached_property
from types import FrameType
from typing import Self

import torch

from creps_core.device import is_faster
from creps_core.errors import Cancelled
from train.evaluation import DataStatistics, Sampling
from train.previews import sample_grid, write_png, zoom_strip
from train.run_folder import RunFolder
from train.status import Clock, Status
from train.trainer import Trainer

REPORT_SECONDS = 20.0  # about between two lines of metrics
ECHO_SECONDS = 1.0  # in which a second signal is the first one passed on
PREVIEW_COLUMNS, PREVIEW_ROWS = 8, 4
PREVIEW_SIDE = 256  # pixels of a preview at most
ZOOMED_SEEDS = (0, 1, 2, 3)


class Leaving:
    """Remembers that Ctrl-C or SIGTERM asked the run to end; a second Ctrl-C ends it at once.

    torchrun passes on what the terminal has sent to all already: what comes twice in a second came once.
    """

    def __init__(self) -> None:
        self.signal: int | None = None
        self._since = 0.0

    def __enter__(self) -> Self:
        self._before = {s: signal.signal(s, self._asked) for s in (signal.SIGINT, signal.SIGTERM)}
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _asked(self, number: int, _: FrameType | None) -> None:
        if self.signal is None:
            self.signal, self._since = number, time.monotonic()
        elif number == signal.SIGINT and time.monotonic() - self._since > ECHO_SECONDS:
            raise KeyboardInterrupt


class Loop:
    """Trains until the end of the run, and saves on the way."""

    def __init__(self, trainer: Trainer, folder: RunFolder, source: dict[str, str]) -> None:
        self._trainer, self._folder, self._source = trainer, folder, source
        self._config, self._processes = trainer.config, trainer.processes
        self._progress = trainer.state.progress
        self._status = Status(self._progress.nimg, self._total, speak=self._processes.first)

    @property
    def _total(self) -> int:
        return round(self._config.kimg * 1000)

    @property
    def _ended(self) -> bool:
        return self._progress.nimg >= self._total

    def run(self) -> None:
        """Train.

        Raises:
            Cancelled: a signal asked to leave; everything is saved.
            RunError: the disk is full, or the losses are no longer finite; the last state is intact.
        """
        progress, batch = self._progress, self._config.batch
        self._advise()
        clock, reported = Clock(), time.monotonic()
        with Leaving() as leaving:
            try:
                while not self._ended:
                    begun = time.monotonic()
                    values = self._trainer.step()
                    progress.seconds += time.monotonic() - begun
                    clock.add(batch)
                    self._status.step(batch, self._note(values))
                    leave = self._processes.any(leaving.signal is not None)
                    due = leave or self._ended or self._crossed(self._config.snapshot_kimg)
                    due = due or self._crossed(self._config.metric_kimg)
                    if due or time.monotonic() - reported > REPORT_SECONDS:
                        self._report(values, clock.rate())
                        reported = time.monotonic()
                    if due:
                        self._save()
                    if leave:
                        self._processes.leave()
                        raise self._left(leaving.signal)
                self._processes.leave()
            finally:
                self._status.close()
                self._folder.close()

    def _advise(self) -> None:
        """Say what would train faster: without arithmetic for it, bfloat16 is emulated, and slow."""
        processes = self._processes
        if not processes.first or self._config.precision != "bf16":
            return
        if not is_faster(torch.bfloat16, processes.device):
            self._status.say(
                f"bfloat16 is no faster than float32 on this {processes.device.type}, and may be far slower; "
                "--precision 32 avoids it"
            )

    def _crossed(self, kimg: float) -> bool:
        """Whether this step went past a multiple of `kimg`."""
        every, nimg = kimg * 1000, self._progress.nimg
        return every > 0 and nimg // every > (nimg - self._config.batch) // every

    def _note(self, values: dict[str, float]) -> str:
        losses = (f"{name[5:]} {value:.2f}" for name, value in values.items() if name.startswith("loss_"))
        return " ".join([f"{self._trainer.moment().size}²", *losses])

    def _report(self, values: dict[str, float], rate: float) -> None:
        if self._processes.first:
            moment, seconds = self._trainer.moment(), round(self._progress.seconds, 1)
            known = {"size": moment.size, "augment_p": moment.augment_p, "seconds": seconds}
            self._folder.report(self._progress.nimg, {**values, **known, "images_per_second": round(rate, 2)})

    def _save(self) -> None:
        """State, checkpoints and pictures; the state goes last: a resumed run makes the rest again."""
        state, config, folder = self._trainer.state, self._config, self._folder
        if self._processes.first:
            state.check_finite()
            kimg = self._progress.nimg / 1000
            folder.snapshot(state.average, kimg, {**self._source, "kimg": f"{kimg:g}"}, config.keep)
            side = min(config.resolution, PREVIEW_SIDE)
            grid = sample_grid(state.average, side, PREVIEW_COLUMNS, PREVIEW_ROWS)
            write_png(folder.numbered("samples", kimg, ".png"), grid)
            strip = zoom_strip(state.average, side, ZOOMED_SEEDS)
            write_png(folder.numbered("zoom", kimg, ".png"), strip)
            measured = self._measure() if self._crossed(config.metric_kimg) or self._ended else ""
            state.save(folder.state)
            self._status.say(f"{kimg:8.1f} kimg  {self._progress.seconds / 60:6.1f} min  saved{measured}")
        self._processes.wait()

    @cached_property
    def _data(self) -> DataStatistics:
        """What generated pictures are compared with; computed at the first measurement."""
        config, pictures = self._config, self._trainer.objective.pictures
        count = min(config.metric_count, len(pictures))
        return DataStatistics(
            pictures, Sampling(config.resolution, config.grid, count), device=self._processes.device
        )

    def _measure(self) -> str:
        """The Fréchet distance of the averaged generator, where it is asked for; the best one is kept."""
        progress = self._progress
        if not self._config.metric_kimg:
            return ""
        distance = self._data.frechet(self._trainer.state.average)
        self._folder.report(progress.nimg, {"frechet": distance})
        if progress.best is None or distance < progress.best:
            progress.best, progress.best_nimg = distance, progress.nimg
            self._folder.keep_best()
        return f"  Fréchet {distance:.3g}"

    def _left(self, number: int | None) -> Cancelled:
        error = Cancelled(
            f"stopped and saved at {self._progress.nimg / 1000:.1f} kimg; go on with "
            f"creps-train --resume {self._folder.path}"
        )
        error.exit_code = 128 + (number or signal.SIGINT)
        return error
