"""`creps-convert IN.pkl OUT.safetensors`: a checkpoint of any kind as a native file."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NoReturn

import click
from tqdm import tqdm

from creps_core.checkpoint import Progress, convert_checkpoint, read_checkpoint
from creps_core.cli.common import run_command
from creps_core.errors import InputError


@click.command(name="creps-convert")
@click.argument("source", metavar="IN.pkl", type=click.Path(path_type=Path))
@click.argument("target", metavar="OUT.safetensors", type=click.Path(path_type=Path))
@click.option("--debug", is_flag=True, help="Show a traceback when something fails.")
def command(source: Path, target: Path, debug: bool) -> None:
    """Convert a published checkpoint to the native format.

    Nothing inside IN.pkl is executed, and only its G_ema is kept. IN may be a native file as well. OUT is
    replaced when the new file is complete, not before.
    """
    if target.suffix.lower() != ".safetensors":
        raise InputError(f"{target} does not end in .safetensors; give the output that suffix")
    if target.exists() and source.exists() and os.path.samefile(source, target):
        raise InputError(f"{target} is the input itself; choose another name for the output")
    with progress_bar("reading") as progress:
        checkpoint = read_checkpoint(source, progress)
    convert_checkpoint(checkpoint, target)


@contextmanager
def progress_bar(what: str) -> Iterator[Progress | None]:
    """A bar on stderr that counts bytes; nothing where stderr is not a terminal."""
    if not sys.stderr.isatty():
        yield None
        return
    with tqdm(desc=what, unit="B", unit_scale=True, leave=False, file=sys.stderr) as bar:

        def progress(done: int, total: int) -> None:
            bar.total = total
            bar.update(done - bar.n)

        yield progress


def main() -> NoReturn:
    """Run the command."""
    run_command(command)


if __name__ == "__main__":
    main()
