"""Distances between two sets of feature rows: Fréchet, kernel, precision and recall."""

from __future__ import annotations

import warnings

import torch
from torch import Tensor, nn
from torchmetrics.image.fid import FrechetInceptionDistance
from torchmetrics.image.kid import KernelInceptionDistance

from creps_core.errors import InputError
from train.evaluation.request import NEIGHBOURS

SUBSETS = 100
MOST_IN_SUBSET = 1000
_ROWS_AT_ONCE = 256


class _Rows(nn.Module):
    """A feature network for what is features already: they are computed once and serve every distance."""

    def __init__(self, num_features: int) -> None:
        super().__init__()
        self.num_features = num_features

    def forward(self, rows: Tensor) -> Tensor:
        return rows


def frechet(real: Tensor, fake: Tensor) -> float:
    """Fréchet distance of two Gaussians fitted to float64 [N, D] rows (Heusel et al. 2017)."""
    # One process of a training run measures while the others wait: it must not look for their share.
    metric = FrechetInceptionDistance(feature=_Rows(real.shape[1]), sync_on_compute=False)
    metric.update(real, real=True)
    metric.update(fake, real=False)
    return max(0.0, float(metric.compute()))  # rounding may leave equal sets just below


def kernel(real: Tensor, fake: Tensor, seed: int = 0) -> tuple[float, float]:
    """Kernel distance: unbiased squared MMD of the cubic kernel (Bińkowski et al. 2018).

    Args:
        real: float64 [N, D] rows.
        fake: float64 [M, D] rows.
        seed: of the random subsets.

    Returns:
        mean and standard deviation over 100 random subsets of at most 1000 rows.
    """
    with warnings.catch_warnings(), torch.random.fork_rng(devices=[]):
        warnings.simplefilter("ignore")  # that it keeps all features: they are here anyway
        torch.manual_seed(seed)
        # Half a small set: whole ones would be the same every time and show no spread.
        subset = max(2, min(MOST_IN_SUBSET, len(real) // 2, len(fake) // 2))
        metric = KernelInceptionDistance(
            feature=_Rows(real.shape[1]), subsets=SUBSETS, subset_size=subset, sync_on_compute=False
        )
        metric.update(real, real=True)
        metric.update(fake, real=False)
        mean, deviation = metric.compute()
    return float(mean), float(deviation)


def precision_recall(real: Tensor, fake: Tensor, neighbours: int = NEIGHBOURS) -> tuple[float, float]:
    """Precision and recall by nearest neighbours (Kynkäänniemi et al. 2019, equations 1 and 2).

    The manifold of a set is the union of balls around its rows that reach to their `neighbours`-th nearest
    row of the same set. Precision is the share of fake rows on the manifold of real ones, recall the share
    of real rows on that of the fake ones.

    Args:
        real: float64 [N, D] rows.
        fake: float64 [M, D] rows.
        neighbours: the paper's k.

    Raises:
        InputError: a set has no more rows than `neighbours`.
    """
    least = min(len(real), len(fake))
    if least <= neighbours:
        raise InputError(
            f"precision and recall look at {neighbours} neighbours, so they need more than {least} pictures; "
            f"use --count {neighbours + 1} or more"
        )
    return _share_inside(fake, real, neighbours), _share_inside(real, fake, neighbours)


def _share_inside(points: Tensor, manifold: Tensor, neighbours: int) -> float:
    """The share of points [M, D] within any ball of the manifold of rows [N, D]."""
    # A row's nearest row is itself, at distance 0: the k-th neighbour is the (k + 1)-th smallest.
    radii = [_distances(rows, manifold).kthvalue(neighbours + 1, dim=1).values for rows in _split(manifold)]
    radius = torch.cat(radii)  # [N]
    inside = [(_distances(rows, manifold) <= radius).any(dim=1) for rows in _split(points)]
    return float(torch.cat(inside).double().mean())


def _split(rows: Tensor) -> tuple[Tensor, ...]:
    return rows.split(_ROWS_AT_ONCE)


def _distances(a: Tensor, b: Tensor) -> Tensor:
    # Not by a matrix product: the distance of equal rows must be exactly 0.
    return torch.cdist(a, b, compute_mode="donot_use_mm_for_euclid_dist")
