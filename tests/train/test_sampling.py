"""Randomness belongs to samples, and grids look where they should."""

from __future__ import annotations

import torch
from hypothesis import given
from hypothesis import strategies as st

from train.randomness import normals, uniforms
from train.sampling import Looks, data_indices, grid_line, whole


@given(st.integers(0, 2**32 - 1), st.lists(st.integers(0, 2**40), min_size=1, max_size=6), st.integers(1, 9))
def test_numbers_do_not_depend_on_the_other_samples(seed: int, samples: list[int], count: int) -> None:
    together = uniforms(seed, "a", samples, count)
    for row, sample in zip(together, samples, strict=True):
        assert torch.equal(row, uniforms(seed, "a", [sample], count)[0])
        assert torch.equal(row[:1], uniforms(seed, "a", [sample], count + 3)[0, :1])
    assert together.shape == (len(samples), count)
    assert (together >= 0).all()
    assert (together < 1).all()


def test_streams_seeds_and_samples_are_independent() -> None:
    base = normals(0, "z", [5], 4)
    for other in (normals(1, "z", [5], 4), normals(0, "y", [5], 4), normals(0, "z", [6], 4)):
        assert not torch.equal(base, other)
    many = normals(0, "z", range(400), 64)
    assert abs(float(many.mean())) < 0.03
    assert abs(float(many.std()) - 1) < 0.02
    neighbours = (many[1:] * many[:-1]).mean()
    assert abs(float(neighbours)) < 0.03


def test_training_grids_are_those_of_the_files() -> None:
    assert torch.equal(grid_line("endpoints", 5), torch.linspace(0, 1, 5, dtype=torch.float64))
    assert grid_line("centres", 4).tolist() == [0.125, 0.375, 0.625, 0.875]


def test_without_windows_and_jitter_all_share_the_training_grid() -> None:
    looks = Looks("centres", 0, windows=0, window_zoom=4, jitter=False)
    drawn, plain = looks.draw("real", range(3), 8), whole("centres", 8, 3)
    assert drawn.shared
    assert torch.equal(drawn.rows, plain.rows)
    assert torch.equal(drawn.columns, plain.columns)


@given(st.integers(0, 2**31), st.sampled_from(["centres", "endpoints"]))
def test_windows_lie_in_the_picture_and_are_no_deeper_than_asked(sample: int, grid: str) -> None:
    looks = Looks(grid, 0, windows=1, window_zoom=4, jitter=False)  # type: ignore[arg-type]
    look = looks.draw("real", [sample], 8)
    for line in (look.rows[0], look.columns[0]):
        assert line.min() >= 0
        assert line.max() <= 1
        steps = line.diff()
        assert torch.allclose(steps, steps[:1].expand(7), rtol=1e-9)
        full = grid_line(grid, 8)[1] - grid_line(grid, 8)[0]  # type: ignore[arg-type]
        assert full / 4 * (1 - 1e-9) <= steps[0] <= full * (1 + 1e-9)
    assert torch.allclose(look.rows[0].diff(), look.columns[0].diff())  # pixels stay square


def test_jitter_moves_by_at_most_half_a_pitch_and_by_nothing_on_average() -> None:
    looks = Looks("centres", 0, windows=0, window_zoom=4, jitter=True)
    look = looks.draw("real", range(500), 8)
    moved = (look.rows - grid_line("centres", 8))[:, 0] * 8
    assert moved.abs().max() <= 0.5
    assert moved.abs().max() > 0.45
    assert abs(float(moved.mean())) < 0.05


def test_every_epoch_shows_every_picture_once_in_an_order_of_its_own() -> None:
    first, second = (data_indices(0, range(10 * k, 10 * k + 10), 10).tolist() for k in (0, 1))
    assert sorted(first) == sorted(second) == list(range(10))
    assert first != second
    assert data_indices(0, [13, 4], 10).tolist() == [second[3], first[4]]


def test_endless_sets_are_taken_in_order() -> None:
    assert data_indices(0, [7, 8], 2**31).tolist() == [7, 8]
