"""The command `creps-viewer`: its options, and the order in which the viewer comes up.

Only the options are read before it is known that a window can open; torch is loaded last, by the thread
that reads the checkpoint, when the window is on the screen.
"""

from __future__ import annotations

from pathlib import Path

import click

from creps_core.cli.common import run_command
from creps_core.cli.options import DEVICE, FILE, NUMBER, SEED, SIZE
from creps_core.errors import RunError
from creps_core.view import Size
from creps_viewer.display import display_problem
from creps_viewer.options import SCREENSHOT_SECONDS, SCREENSHOT_SIZE, Options


@click.command(
    "creps-viewer",
    help="Open a checkpoint (.safetensors or published .pkl) and explore it. FILE may also be a session, or "
    "a picture that carries one.",
    epilog="Opens --session, else --ckpt or FILE, else the last session, else the bundled model.",
)
@click.argument("file", type=FILE, required=False)
@click.option("--ckpt", type=FILE, help="The checkpoint to open.")
@click.option("--seed", type=SEED, metavar="N", help="Seed of the picture, 0 to 4294967295.")
@click.option("--trunc", type=NUMBER, metavar="PSI", help="Truncation: 0 is the average picture, 1 none.")
@click.option("--device", type=DEVICE, default="auto", show_default=True, help="Where to compute.")
@click.option("--cache", type=click.IntRange(0, 1 << 20), default=512, show_default=True, metavar="MB",
              help="Memory that may be kept for reuse.")  # fmt: skip
@click.option("--session", type=FILE, help="The session to restore: .json, or a picture that carries one.")
@click.option("--screenshot", type=FILE, metavar="OUT.png",
              help="Save the window's picture once it is settled, and leave.")  # fmt: skip
@click.option("--size", type=SIZE, help="With --screenshot: the window's size.  [default: 1280x800]")
@click.option("--timeout", type=click.FloatRange(min=0, min_open=True), metavar="S",
              help="With --screenshot: seconds to wait at most.  [default: 120]")  # fmt: skip
@click.option("--debug", is_flag=True, help="Show tracebacks, log more.")
def viewer(
    file: Path | None,
    ckpt: Path | None,
    seed: int | None,
    trunc: float | None,
    device: str,
    cache: int,
    session: Path | None,
    screenshot: Path | None,
    size: Size | None,
    timeout: float | None,
    debug: bool,
) -> int:
    """Check that a window can open, and run it."""
    if screenshot is None and (size is not None or timeout is not None):
        raise click.UsageError("--size and --timeout belong to --screenshot")
    if file is not None and ckpt is not None:
        raise click.UsageError("give the checkpoint once, as FILE or with --ckpt")
    problem = display_problem()
    if problem is not None:
        raise RunError(problem)
    from creps_viewer.application import run

    return run(
        Options(
            file=ckpt or file,
            seed=seed,
            psi=trunc,
            device=device,
            cache_mb=cache,
            session=session,
            screenshot=screenshot,
            size=size or SCREENSHOT_SIZE,
            timeout=timeout or SCREENSHOT_SECONDS,
            debug=debug,
        )
    )


def main() -> None:
    """Entry point of the command."""
    run_command(viewer)
