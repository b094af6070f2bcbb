"""Starting a run and going on with one."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

from creps_core.checkpoint import read_checkpoint
from creps_core.errors import InputError
from creps_core.generator import Generator
from train.config import TrainConfig
from train.loop import Loop
from train.pictures import Pictures
from train.processes import Processes
from train.run_folder import RunFolder
from train.scenery import Scenery
from train.state import read_config
from train.stored import open_pictures
from train.trainer import Trainer

INIT_FREEZE_KIMG = 20.0  # a fresh discriminator learns alone before it may pull at given weights


def start_run(
    out: Path, config: TrainConfig, init: Path | None, device: str, discriminator: Path | None = None
) -> None:
    """Train in a new folder `out`; `init` names a checkpoint to start from.

    `discriminator` names a training state whose discriminator judges from the first picture on; beside
    `init` without it, a fresh one learns alone first.

    Raises:
        InputError: the pictures, the checkpoint, the state or the options cannot be used.
        RunError: something failed on the way; what was saved is intact.
        Cancelled: a signal asked to leave.
    """
    given = read_checkpoint(init).build() if init else None
    if discriminator is not None:
        config = _with_judge_of(config, discriminator)
    if given is not None:
        config = _with_sizes_of(config, given, frozen=discriminator is None)
    processes = Processes(device, config.precision)
    pictures = open_set(config)
    trainer = Trainer(config, pictures, processes)
    if given is not None:
        if given.config != trainer.state.generator.config:
            raise InputError(f"{init} has {given.config.c_dim} classes, the pictures have {pictures.c_dim}")
        trainer.state.start_from(given)
    if discriminator is not None:
        trainer.state.judge_by(discriminator)
    folder = RunFolder(out)
    if processes.first:
        folder.create(config)
    processes.wait()
    Loop(trainer, folder, _source(pictures, init)).run()


def resume_run(path: Path, changes: dict[str, Any], device: str) -> None:
    """Go on with the run in `path`, with some options changed. Raises as `start_run`."""
    folder = RunFolder(path)
    if not folder.state.is_file():
        raise InputError(f"{path} holds no saved run; start one with --out")
    config = dataclasses.replace(read_config(folder.state), **changes)
    processes = Processes(device, config.precision)
    pictures = open_set(config)
    trainer = Trainer(config, pictures, processes)
    trainer.state.load(folder.state)
    if processes.first:
        folder.rewind(trainer.state.progress.nimg)
        folder.describe(config)
    processes.wait()
    Loop(trainer, folder, _source(pictures, None)).run()


def open_set(config: TrainConfig) -> Pictures:
    """The pictures that `config.data` names."""
    return Scenery() if config.data == "scenery" else open_pictures(Path(config.data), config.grid)


def _with_judge_of(config: TrainConfig, state: Path) -> TrainConfig:
    """The options with the sizes of the state's discriminator: given weights fit no others."""
    theirs = read_config(state)
    names = ("d_channel_base", "d_channel_max", "d_low_pass", "mbstd_group")
    return dataclasses.replace(config, **{name: getattr(theirs, name) for name in names})


def _with_sizes_of(config: TrainConfig, generator: Generator, *, frozen: bool) -> TrainConfig:
    """The options with the generator's own sizes; `frozen`: it waits for a fresh discriminator."""
    sizes = {name: value for name, value in generator.config.to_dict().items() if name != "c_dim"}
    freeze = config.freeze_kimg or (INIT_FREEZE_KIMG if frozen else 0.0)
    return dataclasses.replace(config, **sizes, conditional=generator.config.c_dim > 0, freeze_kimg=freeze)


def _source(pictures: Pictures, init: Path | None) -> dict[str, str]:
    source = {"made_by": "creps-train", "data": pictures.name}
    return {**source, "init": init.name} if init else source
