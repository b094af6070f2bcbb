"""Looking inside shows what the picture is made of: the reference's embeddings, the renderer's very bits."""

from __future__ import annotations

import math
from collections.abc import Collection
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from creps_core.biline import compose
from creps_core.cancel import CancelToken
from creps_core.diverging import STEPS, diverging, palette, round_limit
from creps_core.errors import Cancelled, InputError
from creps_core.generator import Generator
from creps_core.grid import GROUND, SeparableGrid, grid_for
from creps_core.image import to_uint8
from creps_core.inspection import inspect, plane_window
from creps_core.inspector import Inspector
from creps_core.lattice import Block
from creps_core.levels import (
    Hands,
    composed,
    contribution,
    embeddings,
    level_shares,
    picture_of_levels,
    prepare,
)
from creps_core.lines import embed_bilines
from creps_core.renderer import Renderer
from creps_core.samplers import SeparableSampler
from creps_core.session import CheckpointRef, Session, session_from_json, session_to_json
from creps_core.view import Size, View
from creps_core.warps import Lens
from tests.core.references import SMALL
from tests.core.tolerances import REFERENCE, assert_close, assert_same_bits

SIZE = Size(37, 29)
VIEW = View(log2_zoom=Fraction(3, 8), outside="generate")
LEVELS = range(len(SMALL.levels))


def prepared(
    renderer: Renderer, ws: Tensor, view: View = VIEW, size: Size = SIZE
) -> tuple[SeparableSampler, Block]:
    grid = grid_for(view, size)
    assert isinstance(grid, SeparableGrid)
    sampler = renderer.sampler(renderer.plan(ws), grid, view.outside, keep=True)
    assert isinstance(sampler, SeparableSampler)
    block = Block(range(grid.y.count), range(grid.x.count))
    prepare(Hands(renderer), sampler, block)
    return sampler, block


@torch.no_grad()
def reference_of_levels(
    generator: Generator, ws: Tensor, grid: SeparableGrid, levels: Collection[int]
) -> np.ndarray:
    """`SynthesisNetwork.forward`, where F_k is 0 for all other levels, [H, W, 3]."""
    net = generator.synthesis
    rows, columns = (torch.from_numpy(line.values()).float() for line in (grid.y, grid.x))
    features = [compose(biline) for biline in embed_bilines(net.line_blocks, ws, rows, columns)]
    features = [f if k in levels else torch.zeros_like(f) for k, f in enumerate(features)]
    feature = features[0]
    for level, composition in zip(generator.config.levels[1:], features[1:], strict=True):
        feature = net.decoder(level)(feature) + composition
    feature = net.decoder_last(feature)
    feature, img = net.block0(feature, net.decoder_img(feature), ws[:, -1])
    _, img = net.block1(feature, img, ws[:, -1])
    return img[0].permute(1, 2, 0).numpy()


def test_embeddings_are_the_reference_s(small: Generator, ws: Tensor, renderer: Renderer) -> None:
    sampler, block = prepared(renderer, ws)
    rows, columns = (torch.from_numpy(t.line.values()).float() for t in (sampler.rows, sampler.columns))
    with torch.no_grad():
        wanted = embed_bilines(small.synthesis.line_blocks, ws, rows, columns)
    for level, want in zip(LEVELS, wanted, strict=True):
        got = embeddings(sampler, level, block)
        assert_close(got.row, want.row[0], REFERENCE)
        assert_close(got.column, want.column[0], REFERENCE)
        for channel in (0, SMALL.biline_channels - 1):
            assert_close(composed(got, channel), compose(want)[0, channel], 10 * REFERENCE)


def test_a_composition_has_the_bits_of_the_picture_s_own(ws: Tensor, renderer: Renderer) -> None:
    """Whatever the tile: the sum over lanes is rounded as the kernels round it, for all channels at once."""
    sampler, block = prepared(renderer, ws, size=Size(64, 48))
    tile = Block(block.rows[16:40], block.columns[7:60])
    for level in LEVELS:
        biline = embeddings(sampler, level, block)
        rows = sampler.rows.data[level][:, 16:40]
        together = torch.bmm(
            rows, sampler.columns.data[level][:, 7:60].transpose(1, 2)
        )  # as a tile's kernel does
        for channel in range(SMALL.biline_channels):
            assert_same_bits(composed(biline, channel)[16:40, 7:60], together[channel])
            assert_same_bits(composed(embeddings(sampler, level, tile), channel), together[channel])


def test_lanes_add_up_to_the_composition(ws: Tensor, renderer: Renderer) -> None:
    sampler, block = prepared(renderer, ws)
    biline = embeddings(sampler, 1, block)
    lanes = sum(composed(biline, 2, lane) for lane in range(SMALL.thickness))
    assert_close(lanes, composed(biline, 2), 1e-5)


def test_all_levels_are_the_picture_itself(ws: Tensor, renderer: Renderer) -> None:
    for view in (VIEW, View(rotation_deg=90), View(outside="frame")):
        sampler, block = prepared(renderer, ws, view)
        grid = grid_for(view, SIZE)
        whole = renderer.render(renderer.plan(ws), grid, outside=view.outside)
        got = picture_of_levels(Hands(renderer), sampler, LEVELS, block)
        assert_same_bits(got, np.ascontiguousarray(whole.swapaxes(0, 1)) if view.rotation_deg else whole)


@pytest.mark.parametrize("levels", [(), (0,), (1,), (2,), (0, 1), (0, 2), (1, 2)])
def test_some_levels_are_the_reference_without_the_others(
    small: Generator, ws: Tensor, renderer: Renderer, levels: tuple[int, ...]
) -> None:
    sampler, block = prepared(renderer, ws)
    grid = grid_for(VIEW, SIZE)
    assert isinstance(grid, SeparableGrid)
    got = picture_of_levels(Hands(renderer), sampler, levels, block)
    assert_close(got, reference_of_levels(small, ws, grid, levels), REFERENCE)


def test_looking_leaves_the_picture_as_it_was(ws: Tensor, renderer: Renderer) -> None:
    sampler, block = prepared(renderer, ws)
    before = sampler.rows.data.clone()
    picture_of_levels(Hands(renderer), sampler, [1], block)
    assert torch.equal(sampler.rows.data, before)


def test_a_difference_is_the_picture_less_the_one_without(ws: Tensor, renderer: Renderer) -> None:
    sampler, block = prepared(renderer, ws)
    whole = picture_of_levels(Hands(renderer), sampler, LEVELS, block)
    without, _ = contribution(Hands(renderer), sampler, 1, "without", block)
    change, limit = contribution(Hands(renderer), sampler, 1, "difference", block)
    assert_close(change * limit, whole.clip(-1, 1) - without.clip(-1, 1), 1e-6)
    assert np.abs(change).max() <= 1


def test_shares_are_root_mean_squares_in_levels(small: Generator, ws: Tensor, renderer: Renderer) -> None:
    sampler, _ = prepared(renderer, ws)  # smaller than what is sampled: every pixel counts
    grid = grid_for(VIEW, SIZE)
    assert isinstance(grid, SeparableGrid)
    whole = reference_of_levels(small, ws, grid, LEVELS).clip(-1, 1)
    for level, share in zip(LEVELS, level_shares(Hands(renderer), sampler), strict=True):
        less = reference_of_levels(small, ws, grid, [k for k in LEVELS if k != level]).clip(-1, 1)
        assert share == pytest.approx(127.5 * math.sqrt(np.square(whole - less).mean()), abs=0.01)


def test_where_nothing_is_shown_no_level_contributes(ws: Tensor, renderer: Renderer) -> None:
    away = View(center_x=Fraction(9), center_y=Fraction(9), outside="frame")
    found = inspect(renderer, renderer.plan(ws), away, SIZE, Inspector(True, 16))
    assert found.shares == (0.0, 0.0, 0.0)
    assert found.frame is not None
    assert (found.frame.pixels[..., :3] == GROUND).all()


@pytest.mark.parametrize("rotation", [0.0, 90.0, 180.0, -90.0])
def test_edges_and_feature_belong_to_the_window_s_pixels(
    ws: Tensor, renderer: Renderer, rotation: float
) -> None:
    view = View(rotation_deg=rotation, outside="generate", stretch=(-1.0, 1.0))
    inspector = Inspector(True, 16, channel=3)
    found = inspect(renderer, renderer.plan(ws), view, SIZE, inspector)
    assert (found.aligned, found.view, found.size) == (True, view, SIZE)
    assert found.down.axis == ("row" if rotation in (0.0, 180.0) else "column")
    assert found.down.values.shape == (SIZE.height, SMALL.thickness)
    assert found.across.values.shape == (SIZE.width, SMALL.thickness)
    product = found.down.values @ found.across.values.T  # the paper's figure
    assert found.frame is not None
    assert (found.frame.stride, found.frame.origin, found.frame.view) == (1, (0, 0), view)
    assert_close(found.frame.pixels[..., :3].astype(float), diverging(product, found.frame_limit), 3)
    sampler, block = prepared(renderer, ws, view)
    exact = composed(embeddings(sampler, 1, block), 3).numpy()
    exact = exact if rotation in (0.0, 180.0) else exact.T
    assert (found.frame.pixels[..., :3] == diverging(exact, found.frame_limit)).all()


def test_pictures_over_the_canvas_are_quantised_like_any_other(ws: Tensor, renderer: Renderer) -> None:
    sampler, block = prepared(renderer, ws, View())
    for shown in ("without", "alone"):
        found = inspect(renderer, renderer.plan(ws), View(), SIZE, Inspector(True, 32, shown=shown))
        values, limit = contribution(Hands(renderer), sampler, 2, shown, block)
        assert found.frame is not None
        assert (found.frame.pixels[..., :3] == to_uint8(values)).all()
        assert found.frame_limit == limit == 0
    nothing = inspect(renderer, renderer.plan(ws), View(), SIZE, Inspector(True, 32, shown="picture"))
    assert nothing.frame is None


def test_a_draft_has_some_of_the_settled_samples(ws: Tensor, renderer: Renderer) -> None:
    view, size = View(outside="generate"), Size(500, 400)
    plan, inspector = renderer.plan(ws), Inspector(True, 32, channel=1)
    draft = inspect(renderer, plan, view, size, inspector, draft=True)
    settled = inspect(renderer, plan, view, size, inspector)
    for few, all_ in ((draft.down, settled.down), (draft.across, settled.across)):
        assert few.stride > 1
        assert_same_bits(few.values, all_.values[few.origin :: few.stride])
    assert draft.frame is not None
    assert draft.frame.pixels.shape[0] * draft.frame.stride <= size.height + draft.frame.stride


def test_after_a_frame_no_line_sample_is_computed(ws: Tensor, renderer: Renderer, monkeypatch: Any) -> None:
    plan, view, size = renderer.plan(ws), View(log2_zoom=Fraction(1, 4)), Size(120, 90)
    list(renderer.passes(plan, view, size))
    computed = []
    prepare_as_ever = SeparableSampler.prepare

    def counting(self: SeparableSampler, *args: Any) -> Any:
        computed.append(prepare_as_ever(self, *args))
        return computed[-1]

    monkeypatch.setattr(SeparableSampler, "prepare", counting)
    inspect(renderer, plan, view, size, Inspector(True, 32, shown="difference"))
    assert computed
    # the ground around the picture has embeddings, too, which the picture did not need
    assert sum(computed) <= size.width - size.height


def test_a_look_can_be_cancelled(ws: Tensor, renderer: Renderer) -> None:
    token = CancelToken()
    token.cancel()
    with pytest.raises(Cancelled):
        inspect(renderer, renderer.plan(ws), View(), SIZE, Inspector(True), cancel=token)


@settings(max_examples=30, deadline=None)
@given(st.floats(-180, 180), st.integers(0, 60), st.integers(20, 400), st.integers(20, 400), st.booleans())
def test_bent_views_are_inspected_over_the_plane_in_sight(
    degrees: float, octaves: int, width: int, height: int, bent: bool
) -> None:
    warps = (Lens(0.1, 0.0, 0.3, 1.0),) if bent else ()
    view = View(rotation_deg=degrees, log2_zoom=Fraction(octaves), warps=warps, outside="generate")
    size = Size(width, height)
    own, own_size = plane_window(view, size)
    if view.is_separable:
        assert (own, own_size) == (view, size)
        return
    assert own.is_separable
    assert max(own_size) <= 257
    grid = grid_for(own, own_size)
    assert isinstance(grid, SeparableGrid)
    for px, py in ((0.5, 0.5), (width - 0.5, 0.5), (width / 2, height / 2)):
        x, y = view.plane_point(px, py, size)
        for line, at in ((grid.x, x), (grid.y, y)):
            ends = line.start - line.step, line.start + line.count * line.step
            assert ends[0] <= min(max(at, Fraction(-1)), Fraction(2)) <= ends[1]


def test_a_turned_view_shows_the_upright_figure(ws: Tensor, renderer: Renderer) -> None:
    turned = View(rotation_deg=30, outside="generate")
    found = inspect(renderer, renderer.plan(ws), turned, SIZE, Inspector(True, 16, channel=2))
    assert not found.aligned
    assert found.frame is not None
    upright = inspect(renderer, renderer.plan(ws), found.view, found.size, Inspector(True, 16, channel=2))
    assert (found.frame.pixels == upright.frame.pixels).all()  # type: ignore[union-attr]


def test_colours_are_dark_at_zero_and_as_light_on_either_side() -> None:
    colours = palette().astype(float)
    lightness = colours @ [0.2126, 0.7152, 0.0722]
    assert lightness.argmin() == STEPS
    assert (np.diff(lightness[STEPS:]) >= -0.8).all()  # rising, but for the rounding to whole levels
    assert (np.diff(lightness[: STEPS + 1]) <= 0.8).all()
    assert colours[0, 2] > colours[0, 0]  # negative is bluish
    assert colours[-1, 0] > colours[-1, 2]
    values = np.array([-9, -1, 0, 1, 9], dtype=np.float32)
    assert (diverging(values, 1.0) == palette()[[0, 0, STEPS, 2 * STEPS, 2 * STEPS]]).all()


@given(st.lists(st.floats(-1e6, 1e6, width=32), max_size=8))
def test_a_limit_is_round_and_near(values: list[float]) -> None:
    array = np.array(values, dtype=np.float32)
    limit, most = round_limit(array), float(np.abs(array).max(initial=0))
    assert limit >= most > 0 or (most == 0 and limit == 1)
    assert most == 0 or limit <= 2.0001 * most


def test_an_inspector_goes_through_a_session_and_fits_its_checkpoint() -> None:
    inspector = Inspector(True, 64, 40, 7, "alone")
    session = Session(CheckpointRef("a.pkl", ""), inspector=inspector)
    assert session_from_json(session_to_json(session)).inspector == inspector
    assert "inspector" not in session_to_json(Session(CheckpointRef("a.pkl", "")))
    fitted = inspector.fitting(SMALL)
    assert fitted == Inspector(True, 32, SMALL.biline_channels - 1, SMALL.thickness - 1, "alone")
    assert fitted.fitting(SMALL) == fitted


@pytest.mark.parametrize(
    "values",
    [{"level": "8"}, {"channel": -1}, {"lane": 1.5}, {"open": 1}, {"shown": "nothing"}, {"channel": None}],
)
def test_a_damaged_inspector_is_refused(values: dict[str, Any]) -> None:
    with pytest.raises(InputError, match="inspector"):
        Inspector.from_json(values)
