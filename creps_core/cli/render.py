"""`creps-render`: one picture of one view into a file, by the same engine as the window."""

from __future__ import annotations

import signal
import sys
from collections.abc import Callable, Iterator
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
    SIZE,
    STRETCH,
    WARP,
    WINDOW,
)

if TYPE_CHECKING:
    from torch import Tensor

    from creps_core.checkpoint import Checkpoint
    from creps_core.cli.render_request import RenderRequest
    from creps_core.generator import Generator
    from creps_core.session import Session


@click.command("creps-render", context_settings={"max_content_width": 100})
@click.option(
    "--ckpt",
    type=FILE,
    help="Checkpoint, .safetensors or a published .pkl.  [default: the session's, or the bundled model]",
)
@click.option(
    "--session",
    "session_path",
    type=FILE,
    help="A session, or a PNG or MP4 that carries one; flags override it.",
)
@click.option("--seed", type=SEED, help="Picture number.  [default: 0]")
@click.option(
    "--class",
    "label",
    type=click.IntRange(0),
    metavar="C",
    help="Class, for a conditional checkpoint.  [default: 0]",
)
@click.option(
    "--trunc", type=NUMBER, metavar="PSI", help="Truncation: 0 the average picture, 1 none.  [default: 1]"
)
@click.option("--trunc-cutoff", type=click.IntRange(0), metavar="K", help="Truncate the first K styles only.")
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
    "--out", type=FILE, required=True, help=".png .tif .jpg, or .npy: float32 [H, W, 3], unclamped."
)
@click.option(
    "--bits",
    type=click.Choice(["8", "16", "32"]),
    help="Per channel: 16 for PNG and TIFF, 32 for float TIFF.  [default: 8]",
)
@click.option("--device", type=DEVICE, default="auto", show_default=True, help="Where to compute.")
@click.option("--debug", is_flag=True, expose_value=False, help="Show a traceback when something fails.")
def command(
    ckpt: Path | None, session_path: Path | None, out: Path, bits: str | None, device: str, **flags: Any
) -> None:
    """Render a picture at any size, from any part of the image plane."""
    from creps_core.cli.render_request import RenderFlags, resolve
    from creps_core.session import read_session
    from creps_core.stills import check_target

    # Everything that can be wrong about the request is found before anything large is imported or read.
    session = read_session(session_path) if session_path else None
    request = resolve(RenderFlags(**flags), session, always_generate=out.suffix.lower() == ".npy")
    channel_bits = check_target(out, int(bits) if bits else None, request.size)
    path = checkpoint_path(ckpt, session, session_path)

    from creps_core.checkpoint import read_checkpoint
    from creps_core.cli.convert import progress_bar

    with progress_bar("reading") as progress:
        checkpoint = read_checkpoint(path, progress)
    _check_class(flags["label"], checkpoint)
    _render(request, checkpoint, path, session, out, channel_bits, device)


def _check_class(label: int | None, checkpoint: Checkpoint) -> None:
    if label and not checkpoint.config.c_dim:
        raise click.UsageError(f"--class {label}: this checkpoint has no classes")


def _render(
    request: RenderRequest,
    checkpoint: Checkpoint,
    path: Path,
    session: Session | None,
    out: Path,
    bits: int,
    device: str,
) -> None:
    from creps_core.cancel import CancelToken
    from creps_core.renderer import Renderer
    from creps_core.stills import write_still

    generator = checkpoint.build()
    mix, ws = _latents(request, generator)
    metadata = _metadata(request, mix, checkpoint, path, session)
    token = CancelToken()
    with (
        closing(Renderer(generator, device)) as renderer,
        _progress(out.name, request.size.height) as progress,
    ):
        bands = renderer.bands(
            renderer.plan(ws), request.grid, outside=request.outside, cancel=token, progress=progress
        )
        try:
            write_still(out, request.size, bands, bits=bits, metadata=metadata, cancel=token)
        except BaseException:
            token.cancel()  # whatever still runs on other threads stops at its next tile
            raise


def _latents(request: RenderRequest, generator: Generator) -> tuple[Any, Tensor]:
    """The mix by style, None for one source alone, and the ws it gives."""
    from creps_core.latents import mix_from, resolve_ws

    mix = request.mix
    if request.mix_from is not None:
        mix = mix_from(generator.config.num_ws, request.mix_from)
    return mix, resolve_ws(generator, request.sources, mix)


def _metadata(
    request: RenderRequest, mix: Any, checkpoint: Checkpoint, path: Path, session: Session | None
) -> str | None:
    """The session that the picture carries; None when no view says what it shows."""
    from creps_core.session import CheckpointRef, Session, session_to_json

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
    return session_to_json(made, portable=True)


@contextmanager
def _progress(name: str, rows: int) -> Iterator[Callable[[int, int], None] | None]:
    """A bar with the time left on stderr, on a terminal only."""
    if not sys.stderr.isatty():
        yield None
        return
    from tqdm import tqdm

    with tqdm(desc=name, total=rows, unit="row", leave=False, file=sys.stderr) as bar:

        def show(done: int, total: int) -> None:
            bar.total = total
            bar.update(done - bar.n)

        yield show


def main() -> None:
    """The console script."""
    signal.signal(signal.SIGTERM, terminate)
    run_command(command)


if __name__ == "__main__":
    main()
