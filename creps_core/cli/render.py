"""`creps-render`: one picture of one view into a file, by the same engine as the window."""

from __future__ import annotations

import signal
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from creps_core.cli.common import checkpoint_path, run_command, terminate
from creps_core.cli.options import (
    DEVICE,
    FILE,
    NUMBER,
    POINT,
    SEED,
    SEEDS,
    SIZE,
    STRETCH,
    WARP,
    WINDOW,
    checkpoint_option,
    latent_options,
)

if TYPE_CHECKING:
    from creps_core.checkpoint import Checkpoint
    from creps_core.cli.render_request import RenderRequest
    from creps_core.generator import Generator
    from creps_core.picture_export import ExportOptions
    from creps_core.pyramid import Progress
    from creps_core.session import Session
    from creps_core.sheet import Sheet
    from creps_core.source import Mix


@click.command("creps-render", context_settings={"max_content_width": 100})
@checkpoint_option
@click.option(
    "--session",
    "session_path",
    type=FILE,
    help="A session, or a PNG or MP4 that carries one; flags override it.",
)
@latent_options
@click.option("--mix-seed", type=SEED, metavar="M", help="Second seed, for --mix-from.")
@click.option(
    "--mix-from", type=click.IntRange(0), metavar="L", help="Take the styles from L on from --mix-seed."
)
@click.option(
    "--center", type=POINT, help="Point in the middle; the picture is 0,0 … 1,1.  [default: 0.5,0.5]"
)
@click.option(
    "--zoom", type=NUMBER, metavar="Z", help="1 fits the picture into the shorter side.  [default: 1]"
)
@click.option("--rotate", type=NUMBER, metavar="DEG", help="Turn the picture clockwise.")
@click.option("--stretch", type=STRETCH, help="Stretch factors; negative mirrors.")
@click.option(
    "--warp",
    "warps",
    type=WARP,
    multiple=True,
    help="lens:x,y,r,s  swirl:x,y,r,deg  wave:ax,ay,fx,fy,phase  tilt:ax,ay; may be repeated.",
)
@click.option(
    "--outside",
    type=click.Choice(["fade", "frame", "generate"]),
    help="Beyond the trained picture.  [default: fade; .npy and --window: generate]",
)
@click.option(
    "--window",
    type=WINDOW,
    help="Samples linspace(Y0, Y1) x linspace(X0, X1), ends included, instead of a view.",
)
@click.option("--size", type=SIZE, help="Width and height in pixels.")
@click.option(
    "--out",
    type=FILE,
    required=True,
    help=".png .tif .jpg, .dzi: Deep Zoom with a page, or .npy: float32 [H, W, 3], unclamped.",
)
@click.option(
    "--bits",
    type=click.Choice(["8", "16", "32"]),
    help="Per channel: 16 for PNG and TIFF, 32 for float TIFF.  [default: 8]",
)
@click.option("--pyramid", is_flag=True, help="TIFF in tiles with reduced levels; like .dzi, resumable.")
@click.option("--sheet", type=SEEDS, help="A sheet of many seeds, each of --size: 0-63 or 3,7,20-29.")
@click.option(
    "--columns", type=click.IntRange(1), metavar="N", help="Of the sheet.  [default: as many as rows]"
)
@click.option("--labels/--no-labels", default=True, help="Seeds below the sheet's pictures.  [default: yes]")
@click.option("--device", type=DEVICE, default="auto", show_default=True, help="Where to compute.")
@click.option("--debug", is_flag=True, expose_value=False, help="Show a traceback when something fails.")
def command(
    ckpt: Path | None, session_path: Path | None, out: Path, bits: str | None, device: str, **flags: Any
) -> None:
    """Render a picture at any size, from any part of the image plane.

    A .dzi or a pyramid that was interrupted goes on where it stopped when the same command is given again.
    """
    from creps_core.cli.render_request import RenderFlags, resolve, resolve_sheet
    from creps_core.picture_export import ExportOptions, check_export
    from creps_core.session import read_session

    # Everything that can be wrong about the request is found before anything large is imported or read.
    session = read_session(session_path) if session_path else None
    options = ExportOptions(int(bits) if bits else None, flags.pop("pyramid"))
    sheet = resolve_sheet(flags.pop("sheet"), flags.pop("columns"), flags.pop("labels"), flags["seed"])
    request = resolve(RenderFlags(**flags), session, always_generate=out.suffix.lower() == ".npy")
    check_export(out, options, sheet.layout(request.size).size if sheet else request.size)
    path = checkpoint_path(ckpt, session, session_path)

    from creps_core.checkpoint import read_checkpoint
    from creps_core.cli.convert import progress_bar

    with progress_bar("reading") as progress:
        checkpoint = read_checkpoint(path, progress)
    _check_class(flags["label"], checkpoint)
    _render(request, sheet, checkpoint, path, session, out, options, device)


def _check_class(label: int | None, checkpoint: Checkpoint) -> None:
    if label and not checkpoint.config.c_dim:
        raise click.UsageError(f"--class {label}: this checkpoint has no classes")


def _render(
    request: RenderRequest,
    sheet: Sheet | None,
    checkpoint: Checkpoint,
    path: Path,
    session: Session | None,
    out: Path,
    options: ExportOptions,
    device: str,
) -> None:
    from creps_core.cancel import CancelToken
    from creps_core.contact_sheet import picture_of
    from creps_core.picture_export import export_picture, is_tiled
    from creps_core.renderer import Renderer

    generator = checkpoint.build()
    latents = (request.sources, _mix(request, generator))
    metadata = _metadata(request, sheet, latents[1], checkpoint, path, session)
    token = CancelToken()
    with (
        closing(Renderer(generator, device)) as renderer,
        _progress(out.name, "tile" if is_tiled(out, options) else "row") as progress,
    ):
        picture = picture_of(renderer, latents, request.grid, request.outside, sheet, token)
        try:
            export_picture(
                out,
                picture,
                options,
                metadata=metadata,
                checkpoint=checkpoint.sha256,
                cancel=token,
                progress=progress,
            )
        except BaseException:
            token.cancel()  # whatever still runs on other threads stops at its next tile
            raise


def _mix(request: RenderRequest, generator: Generator) -> Mix | None:
    """The mix by style, None for one source alone."""
    from creps_core.latents import mix_from

    if request.mix_from is not None:
        return mix_from(generator.config.num_ws, request.mix_from)
    return request.mix


def _metadata(
    request: RenderRequest,
    sheet: Sheet | None,
    mix: Mix | None,
    checkpoint: Checkpoint,
    path: Path,
    session: Session | None,
) -> str | None:
    """The session that the picture carries; None when no view says what it shows."""
    from creps_core.session import CheckpointRef, Session, session_to_json
    from creps_core.sheet import session_of

    if request.view is None:
        return None
    made = Session(
        checkpoint=CheckpointRef(path.name, checkpoint.sha256),
        sources=request.sources,
        mix=mix,
        view=request.view,
        size=request.size,
        keyframes=session.keyframes if session else None,
        loop=session.loop if session else False,
        unknown=session.unknown if session else {},
    )
    return session_to_json(session_of(made, sheet), portable=True)


@contextmanager
def _progress(name: str, unit: str) -> Iterator[Progress | None]:
    """A bar with the time left on stderr, on a terminal only."""
    if not sys.stderr.isatty():
        yield None
        return
    from tqdm import tqdm

    with tqdm(desc=name, unit=unit, leave=False, file=sys.stderr) as bar:

        def show(done: int, total: int, kept: int = 0) -> None:
            bar.initial = kept  # no measure of speed
            bar.n, bar.total = done, total
            bar.refresh()

        yield show


def main() -> None:
    """The console script."""
    signal.signal(signal.SIGTERM, terminate)
    run_command(command)


if __name__ == "__main__":
    main()
