"""Distances for the training loop: the same numbers for any batch, the data's side computed once."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from creps_core.checkpoint import read_checkpoint
from creps_core.errors import InputError
from creps_core.generator import Generator
from tests.strategies import relaxed
from train.evaluation import DataStatistics, Sampling, data_against_data, frechet_of
from train.evaluation.samples import choose, generated, labels_for
from train.sampling import grid_line
from train.scenery import Scenery

SCENERY_64 = Path(__file__).parents[1] / "data" / "golden" / "scenery-64.pkl"
SIZE = 32
COUNT = 60


@pytest.fixture(scope="module")
def scenic() -> Generator:
    return read_checkpoint(SCENERY_64).build()


class Spy(Scenery):
    """Counts how many pictures were asked for."""

    asked = 0

    def sample(self, indices: Tensor, rows: Tensor, columns: Tensor) -> Tensor:
        self.asked += len(indices)
        return super().sample(indices, rows, columns)


class Labelled(Scenery):
    """Pictures of as many classes as one likes, twelve of them."""

    name = "labelled"

    def __init__(self, c_dim: int) -> None:
        super().__init__()
        self.c_dim = c_dim

    def __len__(self) -> int:
        return 12

    def labels(self, indices: Tensor) -> Tensor:
        return torch.nn.functional.one_hot(indices % self.c_dim, self.c_dim).float()


@relaxed
@given(st.integers(1, 300), st.integers(0, 2**31), st.integers(0, 2**32 - 1))
def test_chosen_pictures_differ_and_spread_over_the_set(count: int, more: int, seed: int) -> None:
    length = count + more
    chosen = choose(count, length, seed)
    assert len(set(chosen.tolist())) == count
    assert 0 <= int(chosen.min()) <= int(chosen.max()) < length
    assert torch.equal(chosen, choose(count, length, seed))
    with pytest.raises(InputError, match="fewer than"):
        choose(length + 1, length, seed)


def test_the_data_is_asked_once(scenic: Generator) -> None:
    pictures = Spy()
    statistics = DataStatistics(pictures, Sampling(SIZE, "endpoints", 20))
    first = statistics.frechet(scenic)
    assert pictures.asked == 20
    assert statistics.frechet(scenic) == first
    assert pictures.asked == 20
    assert frechet_of(scenic, pictures, 20, size=SIZE, grid="endpoints") == first


def test_the_batch_changes_nothing_and_the_seed_does(scenic: Generator) -> None:
    def value(batch: int, seed: int = 0) -> float:
        return frechet_of(scenic, Scenery(), 20, size=SIZE, grid="endpoints", batch=batch, seed=seed)

    assert value(7) == pytest.approx(value(20), rel=1e-4)
    assert value(20, seed=1) != pytest.approx(value(20), rel=1e-4)


def test_landscapes_are_nearer_to_landscapes_than_noise_and_data_is_nearest(
    scenic: Generator, generator: Generator
) -> None:
    def value(model: Generator) -> float:
        return frechet_of(model, Scenery(), COUNT, size=SIZE, grid="endpoints")

    floor = data_against_data(Scenery(), COUNT, size=SIZE, grid="endpoints")
    assert 0 < floor < value(scenic) < value(generator)


def test_generated_pictures_lie_on_the_grid_asked_for(scenic: Generator) -> None:
    for grid in ("endpoints", "centres"):
        sampling = Sampling(SIZE, grid, 3, seed=4, batch=2, truncation_psi=0.0)
        pictures = torch.cat(list(generated(scenic, None, sampling)))
        line = grid_line(grid, SIZE).float()
        with torch.no_grad():
            average = scenic(torch.ones(1, scenic.config.z_dim), line, line, truncation_psi=0.0)
        torch.testing.assert_close(pictures, average.expand(3, -1, -1, -1), rtol=0, atol=1e-5)


def test_classes_are_those_of_the_pictures_compared_with(golden: Callable[..., object]) -> None:
    model = golden("creps-32-conditional-clamped").generator  # type: ignore[attr-defined]
    indices = torch.tensor([0, 5, 6])
    labels = labels_for(model.config, Labelled(4), indices)
    assert labels is not None
    assert labels.argmax(1).tolist() == [0, 1, 2]
    sampling = Sampling(SIZE, "endpoints", 3)
    same = torch.cat(list(generated(model, labels, sampling)))
    other = torch.cat(list(generated(model, labels.roll(1, dims=1), sampling)))
    assert not torch.allclose(same, other)
    assert frechet_of(model, Labelled(4), 8, size=SIZE, grid="endpoints") > 0


def test_what_cannot_be_compared_is_refused(golden: Callable[..., object], scenic: Generator) -> None:
    model = golden("creps-32-conditional-clamped").generator  # type: ignore[attr-defined]
    with pytest.raises(InputError, match=r"4 classes, labelled has 3"):
        frechet_of(model, Labelled(3), 8, size=SIZE, grid="endpoints")
    with pytest.raises(InputError, match="4 classes, scenery has none"):
        frechet_of(model, Scenery(), 8, size=SIZE, grid="endpoints")
    with pytest.raises(InputError, match="has 12 pictures, fewer than the 13"):
        frechet_of(scenic, Labelled(2), 13, size=SIZE, grid="endpoints")
    with pytest.raises(InputError, match="need 14, labelled has 12"):
        data_against_data(Labelled(2), 7, size=SIZE, grid="endpoints")
    with pytest.raises(InputError, match="at least 2"):
        Sampling(SIZE, "endpoints", 1)
