"""An evaluation from beginning to end: measures what a request asks for and fills a report."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing

import torch

from creps_core.checkpoint import Checkpoint
from creps_core.config import TrainingGrid
from creps_core.errors import RunError
from creps_core.renderer import Renderer
from train.evaluation.against_data import compare_with_data, feature_network
from train.evaluation.data_free import measure_costs, measure_equivariance, measure_scale
from train.evaluation.drawing import in_rows, sheet
from train.evaluation.likeness import Lpips
from train.evaluation.report import Figure, Report
from train.evaluation.request import Request
from train.evaluation.views import picture_plan, rendered, square
from train.evaluation.watch import Watch
from train.pictures import Pictures

OpenData = Callable[[TrainingGrid], Pictures]
SAMPLES_SHOWN = 16
COLUMNS = 8


def evaluate(checkpoint: Checkpoint, open_data: OpenData | None, request: Request, watch: Watch) -> Report:
    """Measure everything that was asked for.

    Args:
        checkpoint: read from a file: its cost is measured by processes that read it again.
        open_data: the data with its samples on a grid; None leaves distances out.
        request: what to measure.
        watch: shows progress.

    Raises:
        InputError: data, network file and checkpoint do not go together.
        RunError: there is not enough memory on the device.
    """
    assert checkpoint.path is not None
    report = Report(
        {"name": checkpoint.path.name, "sha256": checkpoint.sha256, "config": checkpoint.config.to_dict()},
        {
            "metrics": list(request.metrics),
            "size": request.size,
            "samples": request.samples,
            "seed": request.seed,
            "truncation_psi": request.truncation_psi,
        },
    )
    lpips = Lpips(request.lpips, request.size) if request.lpips and "scale" in request.metrics else None
    network = feature_network(request) if open_data and request.of_data else None
    try:
        with closing(Renderer(checkpoint.build(), request.device)) as renderer:
            report.settings["device"] = renderer.device_name
            _show_samples(renderer, request, report, watch)
            if open_data and network:
                for grid in request.data_grids:
                    compare_with_data(checkpoint, open_data(grid), grid, network, request, report, watch)
            for grid in request.grids:
                if "scale" in request.metrics:
                    measure_scale(renderer, grid, lpips, request, report, watch)
            for grid in request.grids:
                if "equivariance" in request.metrics:
                    measure_equivariance(renderer, grid, request, report, watch)
        if "cost" in request.metrics:
            measure_costs(checkpoint, request, report, watch)
    except RuntimeError as error:
        if not isinstance(error, torch.OutOfMemoryError) and "allocate memory" not in str(error):
            raise  # on the CPU torch has no type of its own for it
        raise RunError("the device has too little memory; lower --batch or --size") from error
    return report


def _show_samples(renderer: Renderer, request: Request, report: Report, watch: Watch) -> None:
    grid = square(renderer.generator.config.grid, request.size)
    pictures = [
        rendered(renderer, picture_plan(renderer, number, request.seed, request.truncation_psi), grid)[0]
        for number in watch(range(SAMPLES_SHOWN), "samples", SAMPLES_SHOWN)
    ]
    caption = f"The first {SAMPLES_SHOWN}, not chosen, {request.size}×{request.size}."
    report.figures.append(Figure("Generated pictures", caption, sheet(in_rows(pictures, COLUMNS))))
