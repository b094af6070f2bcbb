"""`creps-data`: look at a set of pictures, prepare one for training, or draw one."""

from __future__ import annotations

import json
import signal
import sys
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import click
from PIL import ImageColor
from tqdm import tqdm

from creps_core.cli.common import run_command
from creps_core.cli.options import FILE, Parsed
from creps_core.errors import InputError
from train.cli.progress import counted
from train.picture_files import BrokenPicture, open_files, printable

if TYPE_CHECKING:
    from train.inspection import Inspection
    from train.preparation import Fit

MAX_SIZE = 2**14  # pixels per side of a training picture
TERMINATED = 143  # what a shell reports for SIGTERM

_MODES = {
    "RGB": "RGB",
    "RGBA": "RGB with alpha",
    "L": "grey",
    "LA": "grey with alpha",
    "P": "palette",
    "CMYK": "CMYK",
    "I;16": "16-bit grey",
    "1": "black and white",
}


def parse_colour(text: str) -> tuple[int, int, int]:
    """An opaque colour: a name, #rgb, #rrggbb and the like."""
    try:
        return ImageColor.getrgb(text)[:3]
    except ValueError as error:
        raise InputError(f"{text!r} is not a colour such as white or #20242c") from error


SIZE = click.IntRange(8, MAX_SIZE)
COLOUR = Parsed("COLOUR", parse_colour)
DEBUG = click.option("--debug", is_flag=True, expose_value=False, help="Show a traceback if something fails.")
OUT = click.option("--out", type=FILE, required=True, metavar="OUT.zip", help="Zip to write.")


@click.group("creps-data", no_args_is_help=False, context_settings={"max_content_width": 100})
def command() -> None:
    """Look at pictures, and make training sets of them.

    A set is a folder (with the folders in it) or a zip of PNG, JPEG and WebP pictures. Classes come from a
    dataset.json beside them, as in StyleGAN's sets.
    """


@command.command("inspect")
@click.argument("path", type=FILE)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object instead of text.")
@DEBUG
def inspect_command(path: Path, as_json: bool) -> None:
    """Say what a set holds and whether training can read it as it is.

    Every picture is decoded, and broken ones are listed by name.
    """
    from train.inspection import inspect

    files = open_files(path)
    found = inspect(files, partial(counted, total=len(files.names), what="reading", unit="pictures"))
    click.echo(json.dumps(found.to_dict(), indent=2, ensure_ascii=False) if as_json else _as_text(found))


@command.command("prepare", short_help="Make a training set of any pictures.")
@click.argument("source", type=FILE)
@click.option("--size", type=SIZE, required=True, help="Pixels per side; a power of two for the presets.")
@OUT
@click.option(
    "--fit",
    type=click.Choice(["crop", "pad"]),
    default="crop",
    show_default=True,
    help="The largest square in the middle, or all of the picture between bars.",
)
@click.option(
    "--background",
    type=COLOUR,
    default="white",
    show_default=True,
    help="Behind transparent pictures, and the bars.",
)
@click.option("--labels-from-folders", is_flag=True, help="The folder at the top is a picture's class.")
@DEBUG
def prepare_command(
    source: Path, size: int, out: Path, fit: Fit, background: tuple[int, int, int], labels_from_folders: bool
) -> None:
    """Make a training set of any pictures: square RGB of one size, in a zip of PNGs.

    Grey, palette, transparent, 16-bit, CMYK and camera-turned pictures are converted, of animations the first
    frame is taken, and sizes change by Lanczos filtering. Broken pictures are named and left out. SOURCE is
    not changed; OUT.zip is replaced when the new one is complete, not before.
    """
    from train.preparation import Preparation, prepare

    how = Preparation(size, fit, background, labels_from_folders)
    files = open_files(source)
    watch = partial(counted, total=len(files.names), what="preparing", unit="pictures")
    done = prepare(files, out, how, watch, _report_broken)
    notes = [f"{done.pictures:,} pictures of {size} × {size}"]
    if done.classes:
        notes.append(f"{done.classes} classes")
    if done.enlarged:
        notes.append(f"{done.enlarged:,} enlarged from less")
    if done.broken:
        notes.append(f"{len(done.broken):,} broken ones left out")
    if files.others:
        notes.append(f"{files.others:,} other files passed over")
    click.echo(f"{out}: {', '.join(notes)}")


@command.command("scenery")
@click.option("--size", type=SIZE, required=True, help="Pixels per side.")
@click.option("--count", type=click.IntRange(1), required=True, help="How many pictures.")
@OUT
@click.option(
    "--first",
    type=click.IntRange(0),
    default=0,
    show_default=True,
    metavar="INDEX",
    help="The first picture; each is the same at every size.",
)
@click.option(
    "--grid",
    type=click.Choice(["centres", "endpoints"]),
    default="centres",
    show_default=True,
    help="Where samples lie: at (i + ½)/n, or from 0 to 1, ends included.",
)
@DEBUG
def scenery_command(size: int, count: int, out: Path, first: int, grid: Any) -> None:
    """Draw landscapes to train on, without downloading anything."""
    from train.drawn import store
    from train.scenery import Scenery

    watch = partial(counted, total=count, what="drawing", unit="pictures")
    store(Scenery(), out, range(first, first + count), size, grid, watch)
    click.echo(f"{out}: {count:,} pictures of {size} × {size}, grid {grid}")


def _as_text(found: Inspection) -> str:
    report = found.to_dict()
    sizes = {size.replace("x", " × "): count for size, count in report["sizes"].items()}
    modes = {_MODES.get(mode, mode): count for mode, count in report["modes"].items()}
    others = f"{report['other_files']:,}" if report["other_files"] else ""
    marks = {name: report[name] for name in ("turned", "transparent", "animated") if report[name]}
    rows = [
        ("pictures", f"{report['pictures']:,}"),
        ("sizes", _counts(sizes)),
        ("kinds", _counts(modes)),
        ("of these", _counts(marks)),
        ("classes", _counts(report["labels"]) if report["labels"] else "none"),
        ("other files", others),
        ("broken", f"{len(report['broken']):,}" if report["broken"] else ""),
        *(("", f"{printable(broken['file'])}: {broken['reason']}") for broken in report["broken"]),
        ("training", report["fault"] or "can read this set as it is"),
        ("run", report["advice"]),
    ]
    width = max(len(name) for name, _ in rows)
    return "\n".join(
        [printable(found.files.path), *(f"  {name:<{width}}  {text}" for name, text in rows if text)]
    )


def _counts(counts: dict[str, int], shown: int = 12) -> str:
    parts = [f"{name} ({count:,})" for name, count in counts.items()]
    more = [f"{len(parts) - shown} more"] if len(parts) > shown else []
    return ", ".join(parts[:shown] + more)


def _report_broken(broken: BrokenPicture) -> None:
    tqdm.write(f"creps-data: left out {broken}", file=sys.stderr)  # above the bar, if there is one


def _terminate(_signal: int, _frame: object) -> None:
    sys.exit(TERMINATED)  # an exception, so that the temporary file is removed


def main() -> NoReturn:
    """Run the command."""
    signal.signal(signal.SIGTERM, _terminate)
    run_command(command)


if __name__ == "__main__":
    main()
