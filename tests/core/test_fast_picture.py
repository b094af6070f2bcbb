"""Fast pictures: never more than one level off, whatever the view; smooth ones cost a fraction."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction

import numpy as np
import pytest

from creps_core.cancel import CancelToken
from creps_core.errors import Cancelled
from creps_core.fast_picture import fast_picture
from creps_core.grid import grid_for
from creps_core.image import to_uint8
from creps_core.latents import Source, resolve_ws
from creps_core.renderer import Renderer
from creps_core.view import Size, View
from creps_core.warps import parse_warp

SIZE = Size(230, 170)
RIDGE = {"center_x": Fraction("0.53"), "center_y": Fraction("0.52")}
VIEWS = {
    "3x": View.from_zoom(3, **RIDGE),
    "12x": View.from_zoom(12, **RIDGE),
    "64x": View.from_zoom(64, **RIDGE),
    "edge": View.from_zoom(5, center_x=Fraction(1), center_y=Fraction("0.1")),
    "framed": View.from_zoom(5, center_x=Fraction(1), center_y=Fraction("0.1"), outside="frame"),
    "outside": View.from_zoom(9, center_x=Fraction(4)),
    "quarter": View.from_zoom(7, rotation_deg=90, **RIDGE),
    "turned": View.from_zoom(7, rotation_deg=20, **RIDGE),
    "mirrored": View.from_zoom(7, stretch=(-1, 2), **RIDGE),
    "bent": View.from_zoom(9, warps=(parse_warp("lens:0.1,0,0.4,1"), parse_warp("tilt:0.2,0.1")), **RIDGE),
}


@pytest.fixture(scope="module")
def scenery(golden: object) -> Iterator[Renderer]:
    """Trained weights: smooth hills."""
    renderer = Renderer(golden("scenery-64").generator, "cpu", threads=2)  # type: ignore[operator]
    yield renderer
    renderer.close()


@pytest.fixture(scope="module")
def rough(golden: object) -> Iterator[Renderer]:
    """Random weights: kinks everywhere."""
    renderer = Renderer(golden("creps-64-random").generator, "cpu", threads=2)  # type: ignore[operator]
    yield renderer
    renderer.close()


def worst_level(renderer: Renderer, view: View, seed: int, size: Size = SIZE) -> int | None:
    plan = renderer.plan(resolve_ws(renderer.generator, [Source(seed=seed)]))
    grid = grid_for(view, size)
    fast = fast_picture(renderer, plan, grid, view.outside)
    if fast is None:
        return None
    exact = to_uint8(renderer.render(plan, grid, outside=view.outside))
    assert fast.shape == exact.shape
    return int(np.abs(to_uint8(fast).astype(int) - exact).max())


@pytest.mark.parametrize("name", VIEWS)
def test_no_channel_is_more_than_one_level_off(scenery: Renderer, name: str) -> None:
    for seed in (26, 7):
        worst = worst_level(scenery, VIEWS[name], seed)
        assert worst is None or worst <= 1
        assert worst is not None or name == "3x"


@pytest.mark.parametrize("zoom", [20, 100, 1000])
def test_nor_of_a_network_full_of_kinks(rough: Renderer, zoom: float) -> None:
    for seed in (0, 1):
        worst = worst_level(rough, View.from_zoom(zoom, **RIDGE), seed)
        assert worst is not None
        assert worst <= 1


def test_smooth_pictures_cost_a_fraction_of_their_samples(
    scenery: Renderer, monkeypatch: pytest.MonkeyPatch
) -> None:
    computed = 0
    tile_tasks = Renderer.tile_tasks

    def counted(self, sampler, blocks, write):  # type: ignore[no-untyped-def]
        nonlocal computed
        computed += sum(map(len, blocks))
        return tile_tasks(self, sampler, blocks, write)

    monkeypatch.setattr(Renderer, "tile_tasks", counted)
    plan = scenery.plan(resolve_ws(scenery.generator, [Source(seed=26)]))
    shares = []
    for zoom in (4, 16, 64):
        computed = 0
        view = View.from_zoom(zoom, **RIDGE)
        assert fast_picture(scenery, plan, grid_for(view, SIZE), "fade") is not None
        shares.append(computed / (SIZE.width * SIZE.height))
    assert shares[0] < 0.85
    assert shares[1] < 0.65
    assert shares[2] < 0.12


def test_pictures_too_small_or_too_coarse_are_left_to_the_renderer(scenery: Renderer) -> None:
    assert worst_level(scenery, View(), 26) is None  # hardly more pixels than trained ones
    assert worst_level(scenery, View.from_zoom(64), 26, Size(200, 20)) is None


def test_it_can_be_cancelled(scenery: Renderer) -> None:
    token = CancelToken()
    token.cancel()
    plan = scenery.plan(resolve_ws(scenery.generator, [Source(seed=26)]))
    with pytest.raises(Cancelled):
        fast_picture(scenery, plan, grid_for(VIEWS["12x"], SIZE), "fade", token)
