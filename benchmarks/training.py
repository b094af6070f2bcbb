"""A step of training: pictures per second, bfloat16, training's own synthesis, and drawing the data."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from functools import partial

import torch

from benchmarks.rows import Row, median_row
from benchmarks.setting import Setting, interleaved, ratios
from creps_core.checkpoint import bundled_checkpoint, read_checkpoint
from train.config import TrainConfig, preset
from train.evaluation.request import BATCH
from train.evaluation.samples import Sampling, generated
from train.processes import Processes
from train.sampling import Looks, whole
from train.scenery import Scenery
from train.synthesis import synthesise
from train.trainer import Trainer

MB = 2**20


def run(setting: Setting) -> list[Row]:
    """The bundled model's steps at the sizes it is trained at; on a GPU when there is one."""
    config = preset("tiny" if setting.tiny else "scenery")
    rows: list[Row] = []
    for size in (16,) if setting.tiny else (32, 64):
        at = dataclasses.replace(config, resolution=size, stages="")
        rows += [*_step(setting, at), _shared(setting, at), _synthesis(setting, at)]
    rows += _drawing(setting, 16 if setting.tiny else 64)
    rows.append(_compared(setting, 16 if setting.tiny else 128))
    return rows


def _trainer(config: TrainConfig) -> Trainer:
    return Trainer(config, Scenery(), Processes("auto", config.precision))


def _step_times(setting: Setting, trainers: Mapping[str, Trainer]) -> dict[str, list[float]]:
    """Seconds of each one's steps, in turns; a step reads its losses, so it waits for the device."""
    for trainer in trainers.values():
        trainer.step()  # every kernel is chosen, every buffer made
    return interleaved({kind: trainer.step for kind, trainer in trainers.items()}, max(3, setting.repeats))


def _step(setting: Setting, config: TrainConfig) -> list[Row]:
    trainers = {kind: _trainer(dataclasses.replace(config, precision=kind)) for kind in ("32", "bf16")}
    device = trainers["32"].processes.device
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(device)
    times = _step_times(setting, trainers)
    name = f"{config.resolution}², batch {config.batch}, {device.type}"
    rows = [
        median_row("training", f"{name}, {kind}", [config.batch / t for t in times[kind]], "img/s")
        for kind in times
    ]
    rows.append(median_row("training", f"{name}, bf16 over 32", ratios(times["32"], times["bf16"]), "×"))
    if device.type == "cuda":
        peak = torch.cuda.max_memory_allocated(device) / MB
        rows.append(Row("training", f"{name}, peak memory of both", peak, "MB"))
    return rows


def _shared(setting: Setting, config: TrainConfig) -> Row:
    """Steps that show both networks the same synthesised pictures against steps that do not."""
    trainers = {
        kind: _trainer(dataclasses.replace(config, precision="bf16", shared_fakes=kind == "shared"))
        for kind in ("separate", "shared")
    }
    times = _step_times(setting, trainers)
    name = f"{config.resolution}², shared pictures over separate ones"
    return median_row("training", name, ratios(times["separate"], times["shared"]), "×")


def _synthesis(setting: Setting, config: TrainConfig) -> Row:
    """Pictures and gradients by `train.synthesis` against the reference, both in bfloat16."""
    trainer = _trainer(dataclasses.replace(config, precision="bf16"))
    processes, generator = trainer.processes, trainer.state.generator
    like = generator.mapping.w_avg
    ws = generator.mapping(torch.randn(config.batch, config.z_dim).to(like)).detach()
    looks = Looks(config.grid, 0, windows=1, window_zoom=4, jitter=True)
    look = looks.draw("benchmark", range(config.batch), config.resolution)
    rows, columns = look.rows.to(like), look.columns.to(like)

    def reference() -> None:
        with processes.arithmetic():
            images = generator.synthesis(ws, rows, columns)
        images.float().sum().backward()

    def ordered() -> None:
        synthesise(generator.synthesis, ws, rows, columns, processes.layer_dtype).sum().backward()

    reference()
    ordered()
    times = interleaved({"reference": reference, "ordered": ordered}, max(3, setting.repeats))
    name = f"{config.resolution}², synthesis and gradients over the reference"
    return median_row("training", name, ratios(times["reference"], times["ordered"]), "×")


def _compared(setting: Setting, size: int) -> Row:
    """Pictures as they are made to be compared, as many at once as `creps-eval` does over 16."""
    generator = read_checkpoint(bundled_checkpoint()).build()
    batches = {"usual": BATCH, "16": 16}

    def make(batch: int) -> None:
        for _ in generated(generator, None, Sampling(size, "centres", 16, batch=batch)):
            pass

    makers = {name: partial(make, batch) for name, batch in batches.items()}
    times = interleaved(makers, max(3, setting.repeats))
    name = f"{size}², pictures to compare, {BATCH} at once over 16"
    return median_row("training", name, ratios(times["16"], times["usual"]), "×")


def _drawing(setting: Setting, size: int) -> list[Row]:
    pictures, count = Scenery(), 32
    look = whole("centres", size, count)

    def draw() -> None:
        pictures.sample(torch.arange(count), look.rows, look.columns)

    draw()
    times = interleaved({"draw": draw}, max(3, setting.repeats))["draw"]
    milliseconds = [1000 * t / count for t in times]
    return [median_row("training", f"drawing a landscape, {size}²", milliseconds, "ms")]
