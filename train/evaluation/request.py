"""What is asked of an evaluation; everything that can be wrong about it is found here, before any work."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from creps_core.config import TrainingGrid
from creps_core.errors import InputError

OF_DATA = ("frechet", "kernel", "pr")
DATA_FREE = ("scale", "equivariance", "cost")
METRICS = (*OF_DATA, *DATA_FREE)
GRIDS: tuple[TrainingGrid, ...] = ("endpoints", "centres")
LEAST_SIDE = {"frechet": 16, "kernel": 16, "pr": 16, "scale": 11, "equivariance": 32}  # pixels
NEIGHBOURS = 3  # k of precision and recall, as in the paper
BATCH = 4  # pictures computed at once; of 16, a CPU's cache holds no layer, and they took twice as long


@dataclass(frozen=True)
class Request:
    """One evaluation."""

    metrics: tuple[str, ...]
    data_grids: tuple[TrainingGrid, ...]  # for distances
    grids: tuple[TrainingGrid, ...]  # for scale consistency and equivariance
    size: int  # pixels a side; scale consistency compares with twice that
    count: int  # pictures on each side of a distance
    samples: int  # pictures for scale consistency and equivariance
    seed: int = 0
    batch: int = BATCH
    truncation_psi: float = 1.0
    device: str = "cpu"
    inception: Path | None = None
    lpips: Path | None = None

    def __post_init__(self) -> None:
        if self.samples < 1:
            raise InputError("at least 1 picture is needed for scale consistency and equivariance")
        for metric in self.metrics:
            if self.size < LEAST_SIDE.get(metric, 1):
                raise InputError(
                    f"{metric} needs pictures of at least {LEAST_SIDE[metric]} pixels, not {self.size}; "
                    "use a larger --size or leave it out of --metrics"
                )
        if self.of_data and self.count < 2:
            raise InputError(f"--count {self.count}: a distribution needs at least 2 pictures")
        if "pr" in self.metrics and self.count <= NEIGHBOURS:
            raise InputError(
                f"--count {self.count}: precision and recall look at {NEIGHBOURS} neighbours, so they need "
                f"more than {NEIGHBOURS} pictures"
            )

    @property
    def of_data(self) -> tuple[str, ...]:
        """The metrics that compare with data."""
        return tuple(metric for metric in self.metrics if metric in OF_DATA)


def parse_metrics(text: str) -> tuple[str, ...]:
    """`all`, or names separated by commas, in the order in which they are reported.

    Raises:
        InputError: a name is unknown.
    """
    names = {name.strip() for name in text.split(",")}
    if unknown := sorted(names - {*METRICS, "all"}):
        raise InputError(f"{', '.join(map(repr, unknown))}: the metrics are {', '.join(METRICS)}, or all")
    return METRICS if "all" in names else tuple(name for name in METRICS if name in names)
