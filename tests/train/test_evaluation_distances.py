"""The distances against a second writing, and precision and recall where the answer is known."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from torch import Tensor

from creps_core.errors import InputError
from train.evaluation.distances import SUBSETS, frechet, kernel, precision_recall


def rows(seed: int, count: int, width: int, scale: float = 1.0, shift: float = 0.0) -> Tensor:
    rng = np.random.RandomState(seed)
    mixing = rng.randn(width, width)
    return torch.from_numpy(rng.randn(count, width) @ mixing * scale + shift)


def root(matrix: NDArray[np.float64]) -> NDArray[np.float64]:
    values, vectors = np.linalg.eigh(matrix)
    return (vectors * np.sqrt(np.clip(values, 0, None))) @ vectors.T


def frechet_again(a: NDArray[np.float64], b: NDArray[np.float64]) -> float:
    """|μ₁ − μ₂|² + tr(Σ₁ + Σ₂ − 2 (Σ₁^½ Σ₂ Σ₁^½)^½), by symmetric roots."""
    first, second = np.cov(a.T), np.cov(b.T)
    cross = root(root(first) @ second @ root(first))
    return float(((a.mean(0) - b.mean(0)) ** 2).sum() + np.trace(first + second - 2 * cross))


@pytest.mark.parametrize(("count", "width"), [(40, 5), (200, 30), (25, 40)])  # the last of low rank
def test_frechet_agrees_with_a_second_writing(count: int, width: int) -> None:
    real, fake = rows(1, count, width), rows(2, count + 3, width, 1.3, 0.4)
    expected = frechet_again(real.numpy(), fake.numpy())
    assert frechet(real, fake) == pytest.approx(expected, rel=2e-5)
    assert frechet(fake, real) == pytest.approx(expected, rel=2e-5)


def test_frechet_of_equal_sets_is_nothing_and_of_a_shift_its_square() -> None:
    real = rows(3, 100, 8)
    assert frechet(real, real) == pytest.approx(0, abs=1e-6)
    shift = torch.arange(8, dtype=torch.float64)
    assert frechet(real, real + shift) == pytest.approx(float(shift.square().sum()), rel=1e-8)


def mmd_again(a: NDArray[np.float64], b: NDArray[np.float64]) -> float:
    """Unbiased: equal indices are left out within a set."""

    def cubic(x: NDArray[np.float64], y: NDArray[np.float64]) -> NDArray[np.float64]:
        return (x @ y.T / x.shape[1] + 1) ** 3

    n, m = len(a), len(b)
    within = (cubic(a, a).sum() - np.trace(cubic(a, a))) / (n * (n - 1))
    within += (cubic(b, b).sum() - np.trace(cubic(b, b))) / (m * (m - 1))
    return float(within - 2 * cubic(a, b).mean())


def test_kernel_agrees_with_a_second_writing() -> None:
    real, fake = rows(4, 60, 6), rows(5, 44, 6, 1.2, 0.3)
    before = torch.random.get_rng_state()
    mean, spread = kernel(real, fake, seed=7)
    assert torch.equal(before, torch.random.get_rng_state())
    draws = torch.Generator().manual_seed(7)
    values = [
        mmd_again(
            real[torch.randperm(60, generator=draws)[:22]].numpy(),
            fake[torch.randperm(44, generator=draws)[:22]].numpy(),
        )
        for _ in range(SUBSETS)
    ]
    assert mean == pytest.approx(np.mean(values), rel=1e-9)
    assert spread == pytest.approx(np.std(values), rel=1e-9)
    assert kernel(real, fake, seed=7) == (mean, spread)


def cluster(seed: int, centre: float, count: int = 20) -> Tensor:
    return torch.from_numpy(np.random.RandomState(seed).rand(count, 3) + centre)


def test_precision_and_recall_where_the_answer_is_known() -> None:
    a, b, far = cluster(0, 0.0), cluster(1, 100.0), cluster(2, -500.0)
    both = torch.cat([a, b])
    assert precision_recall(both, both) == (1, 1)
    assert precision_recall(both, far) == (0, 0)
    assert precision_recall(both, a) == (1, 0.5)  # a kind is missing
    assert precision_recall(a, both) == (0.5, 1)  # half of it looks like nothing known
    assert precision_recall(both, torch.cat([a, far])) == (0.5, 0.5)
    assert precision_recall(a[:1].repeat(8, 1), a[:1].repeat(5, 1)) == (1, 1)  # radius 0


def test_the_third_neighbour_decides() -> None:
    """Real rows at 0, 1, 3, 6 and 100 on a line: the balls around them reach 6, 5, 3, 6 and 99 far."""
    real = torch.tensor([[0.0], [1.0], [3.0], [6.0], [100.0]], dtype=torch.float64)
    fake = torch.tensor([[-6.0], [-6.01], [0.9], [199.01]], dtype=torch.float64)
    assert precision_recall(real, fake)[0] == 0.5


@settings(deadline=None, max_examples=40)
@given(seed=st.integers(0, 10**6), n=st.integers(5, 30), m=st.integers(5, 30), k=st.integers(1, 4))
def test_precision_and_recall_agree_with_loops(seed: int, n: int, m: int, k: int) -> None:
    rng = np.random.RandomState(seed)
    real, fake = rng.randint(0, 5, (n, 2)).astype(float), rng.randint(1, 6, (m, 2)).astype(float)

    def share(points: NDArray[np.float64], manifold: NDArray[np.float64]) -> float:
        radii = [sorted(np.hypot(*(manifold - row).T))[k] for row in manifold]
        return float(
            np.mean(
                [
                    any(np.hypot(*(p - row)) <= r for row, r in zip(manifold, radii, strict=True))
                    for p in points
                ]
            )
        )

    found = precision_recall(torch.from_numpy(real), torch.from_numpy(fake), k)
    assert found == pytest.approx((share(fake, real), share(real, fake)))
    order = torch.from_numpy(rng.permutation(n))
    assert precision_recall(torch.from_numpy(real)[order], torch.from_numpy(fake), k) == pytest.approx(found)


def test_too_few_pictures_for_the_neighbours() -> None:
    with pytest.raises(InputError, match="more than 3 pictures"):
        precision_recall(cluster(0, 0.0, 3), cluster(1, 0.0, 9))
