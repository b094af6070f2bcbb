"""Turned and warped views: within half a level of dense evaluation, everywhere in the frame."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction

import numpy as np
import pytest
import torch

from creps_core.general import TAPS, LatticeTable, catmull_rom
from creps_core.grid import GROUND, GeneralGrid, grid_for
from creps_core.image import to_uint8
from creps_core.samplers import GROUND_FLOAT
from creps_core.view import OffPlaneError, Size, View
from creps_core.warps import Lens, Swirl, Tilt, Wave
from tests.conftest import Golden
from tests.core.references import SMALL, dense_points, random_ws, renderer_of, small_generator
from tests.core.tolerances import HALF_LEVEL, assert_close, assert_same_bits

SIZE = Size(60, 44)
CENTRE = (Fraction("0.45"), Fraction("0.52"))
LENS, SWIRL = Lens(0.1, 0.05, 0.4, 1.5), Swirl(-0.1, 0.0, 0.5, 90.0)
WAVE, TILT = Wave(0.02, 0.03, 2.0, 1.0, 30.0), Tilt(0.4, -0.3)

VIEWS = {
    "turned": View(*CENTRE, rotation_deg=30.0, outside="generate"),
    "turned a hair": View(*CENTRE, rotation_deg=2.0**-20, outside="generate"),
    "lens": View(*CENTRE, warps=(LENS,), outside="generate"),
    "swirl": View(*CENTRE, warps=(SWIRL,), outside="generate"),
    "wave": View(*CENTRE, warps=(WAVE,), outside="generate"),
    "tilt": View(*CENTRE, warps=(TILT,), outside="generate"),
    "all": View(*CENTRE, Fraction(1, 2), -71.0, (1.5, -0.75), (WAVE, LENS, SWIRL, TILT), "generate"),
    "near": View(*CENTRE, Fraction(6), 14.0, outside="generate"),
    "far": View(*CENTRE, Fraction(-1), 45.0, outside="generate"),
}


def all_points(view: View, size: Size) -> np.ndarray:
    """The exact plane points of every pixel as doubles, [H·W, 2] of (x, y)."""
    pixels = [(row, column) for row in range(size.height) for column in range(size.width)]
    return np.array([view.plane_point(j + 0.5, i + 0.5, size) for i, j in pixels], dtype=np.float64)


@pytest.mark.parametrize(
    ("file", "name"),
    [("scenery-64", name) for name in VIEWS] + [("creps-64-random", "turned"), ("creps-64-random", "all")],
)
def test_every_pixel_is_within_half_a_level_of_dense_evaluation(
    golden: Callable[[str], Golden], file: str, name: str
) -> None:
    view, source = VIEWS[name], golden(file)
    ws = source.tensors["ws.seed0.psi1.0"]
    points = all_points(view, SIZE)
    shown = ((points >= -1) & (points <= 2)).all(axis=1)
    with renderer_of(source.generator) as made:
        got = made.render(made.plan(ws), grid_for(view, SIZE)).reshape(-1, 3)
    assert isinstance(grid_for(view, SIZE), GeneralGrid)
    assert_close(got[shown], dense_points(source.generator, ws, points[shown]), HALF_LEVEL)
    assert (got[~shown] == GROUND_FLOAT).all()


def test_a_denser_table_was_needed_by_the_wilder_network(golden: Callable[[str], Golden]) -> None:
    """The density is measured, not a constant; and it does not depend on what was measured before."""
    densities = {}
    for file, other in (("scenery-64", "ws.seed5.psi0.7"), ("creps-64-random", "ws.seed77.psi0.7")):
        source = golden(file)
        with renderer_of(source.generator) as made:
            densities[file] = made.density(made.plan(source.tensors["ws.seed0.psi1.0"]))
        with renderer_of(source.generator) as made:
            made.density(made.plan(source.tensors[other]))
            again = made.density(made.plan(source.tensors["ws.seed0.psi1.0"]))
        assert again == densities[file]
    assert densities["scenery-64"].per_unit < densities["creps-64-random"].per_unit


def test_beyond_a_tilts_horizon_is_ground() -> None:
    view = View(warps=(Tilt(2.0, 1.0),), outside="generate")
    generator, ws = small_generator(), random_ws(SMALL)
    with renderer_of(generator) as made:
        got = made.render(made.plan(ws), grid_for(view, SIZE))
    nothing = np.zeros((SIZE.height, SIZE.width), dtype=bool)
    for i, j in np.ndindex(nothing.shape):
        try:
            view.plane_point(j + 0.5, i + 0.5, SIZE)
        except OffPlaneError:
            nothing[i, j] = True
    assert 0.05 < nothing.mean() < 0.6
    assert (got[nothing] == GROUND_FLOAT).all()
    assert (to_uint8(got)[nothing] == GROUND).all()
    assert np.isfinite(got).all()


def test_a_window_without_any_point_computes_nothing() -> None:
    generator, ws = small_generator(), random_ws(SMALL)
    view = View(Fraction(40), Fraction(40), rotation_deg=10.0, outside="generate")
    with renderer_of(generator) as made:
        last = list(made.passes(made.plan(ws), view, SIZE))[-1]
    assert last.settled
    assert last.stats.line_samples == 0
    assert (last.pixels == (*GROUND, 255)).all()


def test_catmull_rom_is_exact_for_quadratics_and_hits_the_entries() -> None:
    t = np.linspace(0, 1, 33)[:-1]
    weights = catmull_rom(t)
    np.testing.assert_allclose(weights.sum(axis=1), 1, atol=1e-6)
    for power in (0, 1, 2):
        np.testing.assert_allclose(weights @ (TAPS.astype(float) ** power), t**power, atol=1e-5)
    np.testing.assert_array_equal(weights[0], [0, 1, 0, 0])


@pytest.mark.parametrize("per_unit", [128, 320, 7168])
def test_a_table_keeps_its_entries_while_it_grows(per_unit: int) -> None:
    generator, ws = small_generator(), random_ws(SMALL)
    with renderer_of(generator) as made:
        table = LatticeTable(made.plan(ws), True, per_unit, torch.device("cpu"))
    for wanted_entries in ([5, 9], [7, 200], [0, 5, table.slots.size - 1]):
        wanted = np.zeros(table.slots.size, dtype=bool)
        wanted[wanted_entries] = True
        batch = table.missing(wanted)
        expected = [e for e in wanted_entries if table.slots[e] < 0]
        coordinates = (np.array(expected) + table.first) / per_unit
        np.testing.assert_allclose(batch.coarse + batch.fine, coordinates, atol=1e-15)
        assert np.array_equal(batch.coarse, np.round(batch.coarse * 2.0**26) * 2.0**-26)
        marks = torch.tensor(expected, dtype=torch.float32).view(1, 1, -1, 1)
        batch.write(
            slice(0, len(expected)),
            marks.expand(len(SMALL.levels), SMALL.biline_channels, -1, SMALL.thickness),
        )
    for entry in (0, 5, 7, 9, 200, table.slots.size - 1):
        assert (table.data[:, table.slots[entry]] == entry).all()


def test_what_is_kept_between_views_does_not_change_a_bit() -> None:
    generator, ws = small_generator(), random_ws(SMALL)
    turned, bent = grid_for(VIEWS["turned"], SIZE), grid_for(VIEWS["lens"], SIZE)
    with renderer_of(generator) as made:
        plan = made.plan(ws)
        first = made.render(plan, turned)
        made.render(plan, bent)
        made.render(made.plan(random_ws(SMALL, 1)), turned)
        assert_same_bits(made.render(plan, turned), first)
    with renderer_of(generator) as made:
        made.render(made.plan(random_ws(SMALL, 1)), bent)
        assert_same_bits(made.render(made.plan(ws), turned), first)
