"""`creps-train`: from pictures to a checkpoint that the viewer opens while training runs."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn, TypeVar, get_args, get_type_hints

import click

from creps_core.cli.common import run_command
from creps_core.cli.options import DEVICE, FILE
from creps_core.errors import InputError
from train.config import PRESETS, TrainConfig, preset

Command = TypeVar("Command", bound=Callable[..., Any])


def config_options(command: Command) -> Command:
    """Give a command an option for every field of `TrainConfig`; those not given are None."""
    hints = get_type_hints(TrainConfig, include_extras=True)
    for field in reversed(dataclasses.fields(TrainConfig)):
        kind, text = get_args(hints[field.name])
        name = "--" + field.name.replace("_", "-")
        text = f"{text}  [default: {field.default!r}]".replace("'", "")
        if kind is bool:
            command = click.option(f"{name}/--no-{name[2:]}", default=None, help=text)(command)
        else:
            choices = get_args(kind)
            kind = click.Choice(choices) if choices else kind
            command = click.option(name, type=kind, default=None, help=text)(command)
    return command


@click.command(name="creps-train")
@click.option("--preset", "preset_name", type=click.Choice(list(PRESETS)), help="Options to start from.")
@click.option("--out", type=FILE, help="Folder of a new run.")
@click.option(
    "--resume", type=FILE, help="Folder of a run to go on with; options given here replace its own."
)
@click.option("--init", type=FILE, help="Checkpoint whose averaged generator to start from.")
@click.option(
    "--init-discriminator",
    "discriminator",
    type=FILE,
    help="A run's state.safetensors whose discriminator to start with; nothing is frozen then.",
)
@click.option("--device", type=DEVICE, default="auto", show_default=True, help="auto, cpu, cuda or mps.")
@config_options
@click.option("--debug", is_flag=True, help="Show a traceback when something fails.")
def command(
    preset_name: str | None,
    out: Path | None,
    resume: Path | None,
    init: Path | None,
    discriminator: Path | None,
    device: str,
    debug: bool,
    **values: Any,
) -> None:
    """Train a CREPS generator on pictures.

    \b
    creps-train --preset tiny --out runs/first
    creps-train --preset 256 --data pictures.zip --out runs/mine
    creps-train --resume runs/mine
    torchrun --nproc-per-node 4 -m train.cli.train --preset 512 --data pictures.zip --out runs/four

    The folder's latest.safetensors can be watched with creps-viewer (File, Follow this file). Ctrl-C saves
    before it leaves.
    """  # noqa: D301 - \b is click's mark for lines to leave as they are
    given = {name: value for name, value in values.items() if value is not None}
    if (out is None) == (resume is None):
        raise InputError("give --out for a new run, or --resume for one to go on with")
    if resume is not None and (preset_name or init or discriminator):
        raise InputError(
            "--preset, --init and --init-discriminator start a new run; give --resume single options only"
        )
    # torch takes a second to load, and faults in the options should not have to wait for it.
    from train.run import resume_run, start_run

    if resume is not None:
        resume_run(resume, given, device)
        return
    assert out is not None
    config = preset(preset_name, **given) if preset_name else TrainConfig(**given)
    start_run(out, config, init, device, discriminator)


def main() -> NoReturn:
    """Run the command."""
    run_command(command)


if __name__ == "__main__":
    main()
