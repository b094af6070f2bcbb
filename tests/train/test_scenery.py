"""The drawn landscapes: functions of the index and of the coordinates, at any resolution."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from train.scenery import Scenery
from train.scenery.scene import draw_scenes

SCENERY = Scenery()


def lines(size: int, count: int, start: float = 0.0, span: float = 1.0) -> Tensor:
    line = start + span * (torch.arange(size, dtype=torch.float64) + 0.5) / size
    return line.expand(count, -1)


def pictures(indices: Tensor, size: int, corner: tuple[float, float] = (0, 0), span: float = 1.0) -> Tensor:
    rows, columns = (lines(size, len(indices), start, span) for start in corner)
    return SCENERY.sample(indices, rows, columns)


def averaged(images: Tensor, size: int) -> Tensor:
    return torch.nn.functional.adaptive_avg_pool2d(images, size)


def test_describes_itself():
    assert (SCENERY.name, SCENERY.c_dim) == ("scenery", 0)
    assert len(SCENERY) >= 10**9
    assert SCENERY.labels(torch.tensor([3, 5])).shape == (2, 0)


def test_same_index_same_picture_other_index_other_picture():
    indices = torch.tensor([0, 1, 2**31 - 1])
    first, again = pictures(indices, 32), pictures(indices, 32)
    assert torch.equal(first, again)
    assert (first[0] - first[1]).abs().mean() > 0.02
    other = Scenery(seed=1).sample(indices, lines(32, 3), lines(32, 3))
    assert (first - other).abs().mean() > 0.02


def test_a_picture_does_not_depend_on_its_batch():
    indices = torch.arange(40)
    together = pictures(indices, 64)
    for chosen in ([7], [39, 3], list(range(5, 22))):
        alone = pictures(torch.tensor(chosen), 64)
        torch.testing.assert_close(alone, together[chosen], atol=2e-6, rtol=0)


def test_values_are_colours_and_no_picture_is_black_or_flat():
    images = pictures(torch.arange(300), 32)
    assert images.dtype == torch.float32
    assert images.min() >= -1
    assert images.max() <= 1
    assert (images.mean((1, 2, 3)) > -0.85).all()
    assert (images.flatten(1).std(1) > 0.05).all()


def test_every_hour_and_every_composition_occurs():
    scene = draw_scenes(0, range(2000))
    hours = torch.bincount(scene.hour.floor().long(), minlength=10)
    assert (hours > 120).all()
    assert 0.3 < scene.lake.mean() < 0.7
    ridges = torch.bincount((scene.base < 2).sum(1), minlength=6)
    assert (ridges[:2] == 0).all()
    assert (ridges[2:] > 200).all()


@pytest.mark.parametrize("size", [32, 64, 128])
def test_a_coarse_picture_is_the_fine_one_averaged(size):
    indices = torch.arange(24)
    difference = (pictures(indices, size) - averaged(pictures(indices, 512), size)).abs()
    assert difference.mean() < 0.03
    assert difference.mean((1, 2, 3)).max() < 0.05


@pytest.mark.parametrize("zoom", [4, 32])
def test_a_window_shows_more_detail_of_the_same_picture(zoom):
    indices = torch.arange(24)
    corner, span = (0.5, 0.25), 1 / zoom
    coarse, fine = pictures(indices, 16, corner, span), pictures(indices, 256, corner, span)
    assert (coarse - averaged(fine, 16)).abs().mean() < 0.02


def test_zooming_in_finds_detail_that_was_not_there():
    scene = draw_scenes(0, range(30))
    indices = torch.nonzero(scene.sharp[:, -1] > 0.2).flatten()[:4]
    assert len(indices) > 0
    window = {"corner": (0.55, 0.3), "span": 0.125}
    fine = pictures(indices, 256, **window)
    enlarged = torch.nn.functional.interpolate(pictures(indices, 16, **window), size=256, mode="bilinear")
    assert (fine - enlarged).abs().max() > 0.1


@settings(max_examples=25, deadline=None)
@given(
    start=st.floats(-1e6, 1e6),
    pitch=st.floats(1e-12, 1e3),
    shape=st.tuples(st.integers(1, 9), st.integers(1, 9)),
    index=st.integers(0, 2**31 - 1),
)
def test_any_coordinate_has_a_colour(start, pitch, shape, index):
    height, width = shape
    rows = start + pitch * torch.arange(height, dtype=torch.float64)[None]
    columns = -start + pitch * torch.arange(width, dtype=torch.float64)[None]
    image = SCENERY.sample(torch.tensor([index]), rows, columns)
    assert image.shape == (1, 3, height, width)
    assert image.isfinite().all()
    assert image.abs().max() <= 1
