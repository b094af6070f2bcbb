"""`creps-video`: a journey through pictures as a video, by the same engine as the window."""

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
    SIZE,
    ZOOMED,
    checkpoint_option,
    latent_options,
)

if TYPE_CHECKING:
    from creps_core.checkpoint import Checkpoint
    from creps_core.cli.video_request import VideoRequest
    from creps_core.session import Session
    from creps_core.video import Shown, VideoOptions


@click.command("creps-video", context_settings={"max_content_width": 100})
@checkpoint_option
@click.option(
    "--session",
    "session_path",
    type=FILE,
    help="A session, or a PNG, MP4 or WebM that carries one: its keyframes, or a zoom to its view.",
)
@latent_options
@click.option("--from", "start", type=ZOOMED, help="Centre and zoom at the start.  [default: 0.5,0.5,1]")
@click.option("--to", "end", type=ZOOMED, help="Centre and zoom at the end.  [default: the session's view]")
@click.option(
    "--seconds", type=NUMBER, metavar="S", help="Of the whole video.  [default: the keyframes', or 10]"
)
@click.option("--loop", is_flag=True, help="Go back to the start, without a seam.")
@click.option("--fps", type=NUMBER, default=30.0, show_default=True, metavar="N", help="Frames per second.")
@click.option("--size", type=SIZE, help="Width and height in pixels; odd sides of an .mp4 become even.")
@click.option("--out", type=FILE, required=True, help=".mp4 .webm .gif, or a folder: PNGs, resumable.")
@click.option(
    "--supersample",
    type=click.IntRange(1, 3),
    default=1,
    show_default=True,
    help="Samples per pixel along each axis.",
)
@click.option("--fast", is_flag=True, help="Interpolate where it is smooth: at most one level of 255 off.")
@click.option("--device", type=DEVICE, default="auto", show_default=True, help="Where to compute.")
@click.option("--debug", is_flag=True, expose_value=False, help="Show a traceback when something fails.")
def command(
    ckpt: Path | None,
    session_path: Path | None,
    out: Path,
    fps: float,
    supersample: int,
    fast: bool,
    device: str,
    **flags: Any,
) -> None:
    """Film a journey: between keyframes of a session, or a plain zoom.

    A session's keyframes are travelled on the optimal path between them. In a folder, complete frames of
    the same request are kept, so that an interrupted command can be run again.
    """
    from creps_core.cli.video_request import VideoFlags, resolve
    from creps_core.session import read_session
    from creps_core.video import VideoOptions, check_video, video_size

    # Everything that can be wrong about the request is found before anything large is imported or read.
    session = read_session(session_path) if session_path else None
    request = resolve(VideoFlags(**flags), session)
    size = video_size(out, request.size)
    check_video(out, size, fps)
    path = checkpoint_path(ckpt, session, session_path)

    from creps_core.checkpoint import read_checkpoint
    from creps_core.cli.convert import progress_bar

    with progress_bar("reading") as progress:
        checkpoint = read_checkpoint(path, progress)
    if flags["label"] and not checkpoint.config.c_dim:
        raise click.UsageError(f"--class {flags['label']}: this checkpoint has no classes")
    if size != request.size:
        click.echo(f"creps-video: H.264 needs even sides: {size.width}x{size.height} is rendered", err=True)
    options = VideoOptions(size, fps, supersample, fast)
    _film(request, options, checkpoint, path, session, out, device)


def _film(
    request: VideoRequest,
    options: VideoOptions,
    checkpoint: Checkpoint,
    path: Path,
    session: Session | None,
    out: Path,
    device: str,
) -> None:
    from creps_core.cancel import CancelToken
    from creps_core.journey import Journey
    from creps_core.renderer import Renderer
    from creps_core.session import CheckpointRef
    from creps_core.video import write_video
    from creps_core.video_frames import JourneyFrames, session_text

    generator = checkpoint.build()
    journey = Journey(request.keyframes, generator.config.num_ws, loop=request.loop)
    reference = CheckpointRef(path.name, checkpoint.sha256)
    token = CancelToken()
    with closing(Renderer(generator, device)) as renderer:
        frames = JourneyFrames(renderer, journey, options, reference, token)
        text = session_text(journey, reference, options.size, session)
        with _progress(out.name, len(frames)) as shown:
            try:
                write_video(out, frames, options.fps, metadata=text, cancel=token, shown=shown)
            except BaseException:
                token.cancel()  # whatever still runs on other threads stops at its next tile
                raise


@contextmanager
def _progress(name: str, frames: int) -> Iterator[Shown | None]:
    """A bar with the time left on stderr, on a terminal only."""
    if not sys.stderr.isatty():
        yield None
        return
    from tqdm import tqdm

    with tqdm(desc=name, total=frames, unit="frame", leave=False, file=sys.stderr) as bar:

        def show(done: int, made: object) -> None:
            if made is None:
                bar.initial += 1  # kept from before: no measure of speed
            bar.update(done - bar.n)

        yield show


def main() -> None:
    """The console script."""
    signal.signal(signal.SIGTERM, terminate)
    run_command(command)


if __name__ == "__main__":
    main()
