"""The part of an evaluation that compares generated pictures with data."""

from __future__ import annotations

from torch import Tensor

from creps_core.checkpoint import Checkpoint
from creps_core.config import TrainingGrid
from creps_core.device import pick_device
from train.evaluation.distances import frechet, kernel, precision_recall
from train.evaluation.drawing import in_rows, sheet
from train.evaluation.features import FeatureNetwork, FixedNetwork, TorchScriptNetwork
from train.evaluation.meter import DataStatistics, halves
from train.evaluation.report import Figure, Report, Row
from train.evaluation.request import NEIGHBOURS, Request
from train.evaluation.samples import Sampling, drawn, labels_for
from train.evaluation.watch import Watch
from train.pictures import Pictures

SHOWN = 16
COLUMNS = 8


def feature_network(request: Request) -> FeatureNetwork:
    """The network that the request names, on its device."""
    device, _ = pick_device(request.device)
    if request.inception is None:
        return FixedNetwork().to(device)
    return TorchScriptNetwork(request.inception, request.size).to(device)


def compare_with_data(
    checkpoint: Checkpoint,
    pictures: Pictures,
    grid: TrainingGrid,
    network: FeatureNetwork,
    request: Request,
    report: Report,
    watch: Watch,
) -> None:
    """Distances to the data, and the distances of data to data that a perfect generator would reach."""
    sampling = Sampling(
        request.size, grid, request.count, request.seed, request.batch, request.truncation_psi
    )
    device, _ = pick_device(request.device)
    data = DataStatistics(pictures, sampling, network, device, watch=watch)
    labels_for(checkpoint.config, pictures, data.indices[:1])  # before the long work
    fake = data.features_of(checkpoint.build().to(device))
    note = f"{request.count} pictures" + ("" if network.comparable else ", own network")
    report.rows += _distance_rows(data.features, fake, request, grid, "", note)
    floor = min(request.count, len(pictures) // 2)
    if floor > NEIGHBOURS:
        second = Sampling(request.size, grid, floor, request.seed, request.batch)
        pair = halves(pictures, second, network, device, watch)
        rows = _distance_rows(
            pair[0].features, pair[1].features, request, grid, "data: ", f"2 × {floor} pictures"
        )
        report.rows += rows
    _remember_data(pictures, network, data, request, report)


def _distance_rows(
    real: Tensor, fake: Tensor, request: Request, grid: str, prefix: str, note: str
) -> list[Row]:
    rows = []
    if "frechet" in request.metrics:
        value = frechet(real, fake)
        rows.append(Row("frechet", prefix + "Fréchet distance", grid, value, better="lower", note=note))
    if "kernel" in request.metrics:
        value, spread = kernel(real, fake, request.seed)
        rows.append(Row("kernel", prefix + "kernel distance", grid, value, "", spread, "lower", note))
    if "pr" in request.metrics:
        for name, share in zip(("precision", "recall"), precision_recall(real, fake), strict=True):
            rows.append(Row("pr", prefix + name, grid, share, better="higher", note=note))
    return rows


def _remember_data(
    pictures: Pictures, network: FeatureNetwork, data: DataStatistics, request: Request, report: Report
) -> None:
    if "network" in report.settings:
        return  # the second grid: said and shown already
    report.settings["data"] = pictures.name
    report.settings["count"] = request.count
    report.settings["network"] = {"name": network.name, "sha256": network.sha256}
    if network.comparable:
        report.remarks.append(
            f"Distances by {network.name} (sha256 {network.sha256}): comparable with published numbers only "
            "if those were made with the same network, count and size."
        )
    else:
        report.remarks.append(
            f"Distances by our own {network.name} (sha256 {network.sha256}): "
            "NOT COMPARABLE WITH PUBLISHED NUMBERS, only with each other."
        )
    if request.count < 2 * network.num_features:
        report.remarks.append(
            f"{request.count} pictures are few for {network.num_features} features: the Fréchet distance is "
            "too large by a bias that depends on the count. Compare with the row data: Fréchet distance."
        )
    few = next(iter(drawn(pictures, data.indices[:SHOWN], data.sampling))).cpu()
    report.figures.append(
        Figure("Data", f"Of {pictures.name}, not chosen.", sheet(in_rows(list(few), COLUMNS)))
    )
