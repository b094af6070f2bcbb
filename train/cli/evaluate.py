"""`creps-eval`: how good a checkpoint's pictures are, and how true the generator stays to itself."""

from __future__ import annotations

import signal
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn, TypeVar

import click

from creps_core.atomic import check_folder, replacing
from creps_core.cli.common import run_command
from creps_core.cli.options import DEVICE, FILE, NUMBER, SEED, Parsed
from creps_core.errors import InputError
from train.cli.progress import counted
from train.evaluation.request import BATCH, GRIDS, METRICS, OF_DATA, Request, parse_metrics

if TYPE_CHECKING:
    from creps_core.checkpoint import Checkpoint
    from creps_core.config import TrainingGrid
    from train.evaluation.evaluate import OpenData
    from train.evaluation.report import Report
    from train.pictures import Pictures

T = TypeVar("T")
TERMINATED = 143  # what a shell reports for SIGTERM
DEFAULT_COUNT = 1000
METRIC_LIST = Parsed("LIST", parse_metrics)


@click.command("creps-eval", context_settings={"max_content_width": 100})
@click.argument("checkpoint", type=FILE, required=False)
@click.option(
    "--data",
    metavar="scenery|PATH",
    help="What the pictures should be like: the drawn landscapes, or a folder or zip of pictures. Without it "
    "only what needs no data is measured.",
)
@click.option(
    "--metrics",
    type=METRIC_LIST,
    help=f"Of {','.join(METRICS)}; or all.  [default: all, without --data those that need none]",
)
@click.option(
    "--count",
    type=click.IntRange(2),
    metavar="N",
    help=f"Pictures on each side of a distance.  [default: {DEFAULT_COUNT}, or all if there are fewer]",
)
@click.option(
    "--samples",
    type=click.IntRange(1),
    default=16,
    show_default=True,
    metavar="N",
    help="Pictures for scale and equivariance.",
)
@click.option(
    "--size",
    type=click.IntRange(11, 8192),
    metavar="N",
    help="Pixels a side; scale compares N with 2N (the paper: 256).  [default: the trained resolution]",
)
@click.option(
    "--grid",
    type=click.Choice([*GRIDS, "both"]),
    help="Samples at linspace(0, 1, n), at (i + 1/2)/n, or both one after the other.  "
    "[default: distances on the checkpoint's own, the rest on both]",
)
@click.option(
    "--trunc",
    type=NUMBER,
    default=1.0,
    show_default=True,
    metavar="PSI",
    help="Truncation: 0 the average picture, 1 none.",
)
@click.option(
    "--inception",
    type=FILE,
    help="A TorchScript feature network instead of the built-in one. RUNS THE CODE IN THE FILE.",
)
@click.option("--lpips", type=FILE, help="A TorchScript LPIPS network, for scale. RUNS THE CODE IN THE FILE.")
@click.option(
    "--batch", type=click.IntRange(1), default=BATCH, show_default=True, metavar="N", help="Pictures at once."
)
@click.option("--seed", type=SEED, default=0, show_default=True, help="Of latents and chosen pictures.")
@click.option("--device", type=DEVICE, default="auto", show_default=True, help="Where to compute.")
@click.option(
    "--out",
    type=FILE,
    help="FILE.html (one page, pictures included), FILE.json, or a folder for both, made if missing.",
)
@click.option("--debug", is_flag=True, expose_value=False, help="Show a traceback when something fails.")
def command(
    checkpoint: Path | None,
    data: str | None,
    metrics: tuple[str, ...] | None,
    count: int | None,
    samples: int,
    size: int | None,
    grid: str | None,
    trunc: float,
    inception: Path | None,
    lpips: Path | None,
    batch: int,
    seed: int,
    device: str,
    out: Path | None,
) -> None:
    """Measure a checkpoint, by default the bundled model.

    \b
    frechet       Fréchet distance of generated pictures to the data
    kernel        kernel distance (unbiased)
    pr            precision (what is generated looks like data) and recall (and all of the data is there)
    scale         a picture against the same at twice the size, reduced
    equivariance  moved and turned pictures against the original, moved and turned
    cost          time and peak memory per picture at 256, 512 and 1024

    Distances by the built-in network are not comparable with published numbers, only with each other.
    """  # noqa: D301  # click wants the control character itself: it keeps the lines of a list
    targets = _targets(out)
    if data is None and metrics and (needing := [name for name in metrics if name in OF_DATA]):
        raise InputError(
            f"{', '.join(needing)}: needs pictures to compare with; give --data scenery or a path"
        )
    chosen = metrics or tuple(name for name in METRICS if data is not None or name not in OF_DATA)

    from creps_core.checkpoint import bundled_checkpoint, read_checkpoint
    from creps_core.cli.convert import progress_bar

    with progress_bar("reading") as progress:
        model = read_checkpoint(checkpoint or bundled_checkpoint(), progress)
    own: tuple[TrainingGrid, ...] = (model.config.grid,)
    named: tuple[TrainingGrid, ...] = tuple(one for one in GRIDS if grid in (one, "both"))
    open_data = _opened(data, named or own) if data is not None and set(chosen) & set(OF_DATA) else None
    if count is None:
        count = min(DEFAULT_COUNT, len(open_data((named or own)[0]))) if open_data else DEFAULT_COUNT
    request = Request(
        chosen,
        named or own,
        named or GRIDS,
        size or model.config.resolution,
        count,
        samples,
        seed,
        batch,
        trunc,
        device,
        inception,
        lpips,
    )
    _run(model, open_data, request, targets)


def _run(model: Checkpoint, open_data: OpenData | None, request: Request, targets: list[Path]) -> None:
    from train.evaluation.evaluate import evaluate

    report = evaluate(model, open_data, request, _bar)
    if open_data is None and not request.of_data:
        report.remarks.append("Nothing was compared with data: for distances give --data.")
    click.echo(report.to_text())
    for target in targets:
        _write(report, target)
        click.echo(f"wrote {target}", err=True)


def _write(report: Report, target: Path) -> None:
    from train.evaluation.page import page

    text = page(report) if target.suffix == ".html" else report.to_json()
    with replacing(target) as file:
        file.write(text.encode())


def _targets(out: Path | None) -> list[Path]:
    """The files to write, found writable before anything is measured; makes the folder if it is one."""
    if out is None:
        return []
    if out.suffix in (".html", ".json"):
        targets = [out]
    elif out.suffix and not out.is_dir():
        raise InputError(f"{out.name}: the suffix must be .html or .json; a folder's name has none")
    else:
        _make_folder(out)
        targets = [out / "report.html", out / "report.json"]
    for target in targets:
        check_folder(target)
    return targets


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(exist_ok=True)
    except FileNotFoundError:
        raise InputError(f"the folder {folder.parent} does not exist; make it first") from None
    except FileExistsError:
        raise InputError(f"{folder} is a file; name a folder, or a file .html or .json") from None


def _opened(data: str, grids: tuple[TrainingGrid, ...]) -> OpenData:
    """The data with its pixels on each grid, opened now, so that faults show before any work."""
    from train.scenery import Scenery
    from train.stored import open_pictures

    sets: dict[TrainingGrid, Pictures] = {
        grid: Scenery() if data == "scenery" else open_pictures(data, grid) for grid in grids
    }
    return sets.__getitem__


def _bar(items: Iterable[T], what: str, total: int) -> Iterable[T]:
    return counted(items, total, what, "step")


def _terminate(_signal: int, _frame: object) -> None:
    sys.exit(TERMINATED)  # an exception, so that temporary files are removed and child processes end


def main() -> NoReturn:
    """Run the command."""
    signal.signal(signal.SIGTERM, _terminate)
    run_command(command)


if __name__ == "__main__":
    main()
