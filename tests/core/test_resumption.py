"""Changes of single styles: what the network keeps, that nothing earlier is computed again, and exactness."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction

import numpy as np
import pytest
import torch
from hypothesis import example, given, settings
from hypothesis import strategies as st
from torch import Tensor

from creps_core import refinement
from creps_core.features import known_level
from creps_core.frame import Frame
from creps_core.generator import Generator
from creps_core.grid import grid_for
from creps_core.image import to_uint8
from creps_core.lattice import Block
from creps_core.line_table import LineTable
from creps_core.plan import fold, pixel_flops
from creps_core.renderer import Renderer
from creps_core.resumption import (
    NOWHERE,
    first_level,
    last_block,
    line_share,
    pixel_share,
    shared_levels,
    shared_styles,
)
from creps_core.samples import Samples
from creps_core.view import Size, View
from tests.core.references import SMALL, random_ws, renderer_of, small_generator
from tests.core.tolerances import assert_same_bits

SIZE = Size(90, 70)
LINES = SIZE.width + SIZE.height
HOME = View(outside="generate")
TURNED = View(rotation_deg=25.0, outside="generate")
STYLES = range(SMALL.num_ws)
LEVELS = len(SMALL.levels)


@pytest.fixture(scope="module")
def generator() -> Generator:
    return small_generator()


@pytest.fixture
def renderer(generator: Generator) -> Iterator[Renderer]:
    with renderer_of(generator) as made:
        yield made


def changed(ws: Tensor, style: int, by: float = 1.0) -> Tensor:
    """Other latents that differ in one style."""
    other = ws.clone()
    other[:, style] += by
    return other


def last(frames: Iterator[Frame]) -> Frame:
    *_, frame = frames
    return frame


def samples_of(frame: Frame) -> Samples:
    assert isinstance(frame.samples, Samples)
    return frame.samples


def picture(renderer: Renderer, ws: Tensor, view: View) -> np.ndarray:
    """What an export of the view gives, [H, W, 3] levels."""
    return to_uint8(renderer.render(renderer.plan(ws), grid_for(view, SIZE), outside=view.outside))


@torch.no_grad()
def line_outputs(generator: Generator, ws: Tensor) -> tuple[list[Tensor], list[Tensor]]:
    """The output of every block and the bi-line of every level, by the reference network's layers."""
    first, *later = generator.synthesis.line_blocks
    x = first.fc1(first.input(torch.linspace(0, 1, 5), ws[:, 0], "row"), ws[:, 1])
    outputs, levels, total = [x], [], torch.zeros(())
    for m, block in enumerate(later, start=1):
        x = block.fc1(block.fc0(x, ws[:, 2 * m - 1]), ws[:, 2 * m])
        outputs.append(x)
        total = total + block.tores(x, ws[:, 2 * m + 1])
        levels.append(total)
    return outputs, levels


@pytest.mark.parametrize("style", STYLES)
def test_what_a_style_reaches_is_what_the_reference_network_says(generator: Generator, style: int) -> None:
    ws = random_ws(SMALL)
    before, after = line_outputs(generator, ws), line_outputs(generator, changed(ws, style))
    same_blocks, same_levels = (
        [torch.equal(a, b) for a, b in zip(*pair, strict=True)] for pair in zip(before, after, strict=True)
    )
    assert last_block(style) == sum(same_blocks) - 1
    assert shared_levels(style) == sum(same_levels)
    assert first_level(last_block(style)) <= shared_levels(style)


@given(st.lists(st.booleans(), min_size=SMALL.num_ws, max_size=SMALL.num_ws))
def test_shared_styles_are_the_leading_equal_ones(equal: list[bool]) -> None:
    ws = random_ws(SMALL)
    other = ws + torch.tensor([0.0 if same else 1.0 for same in equal])[None, :, None]
    assert shared_styles(ws, other) == ([*equal, False].index(False))


def test_shares_of_the_work_add_up(generator: Generator) -> None:
    assert line_share(SMALL, NOWHERE) == 1
    shares = [line_share(SMALL, block) for block in range(NOWHERE, len(SMALL.block_resolutions))]
    assert shares == sorted(shares, reverse=True)
    assert shares[-1] < 0.1
    head = fold(generator, random_ws(SMALL), torch.device("cpu")).head
    layers = [head.image, *(layer for block in head.blocks for layer in block)]
    work = sum(2 * layer.weight.shape[0] * (layer.weight.shape[1] - 1) for layer in layers)
    assert pixel_share(SMALL, 0) == 1
    assert pixel_share(SMALL, LEVELS) * pixel_flops(SMALL) == pytest.approx(work)


@pytest.mark.parametrize(
    ("view", "style"),
    [(view, style) for view in (HOME, View.from_zoom(0.5)) for style in STYLES] + [(TURNED, 4), (TURNED, 7)],
)
def test_a_change_of_one_style_gives_the_picture_bit_for_bit(
    renderer: Renderer, view: View, style: int
) -> None:
    ws = random_ws(SMALL)
    frame = last(renderer.passes(renderer.plan(ws), view, SIZE))
    for step in (1.0, 2.0, 0.0):  # the second goes on from what the first kept; the third is the way back
        other = changed(ws, style, step)
        frame = last(renderer.passes(renderer.plan(other), view, SIZE, previous=frame))
        assert_same_bits(frame.pixels[..., :3], picture(renderer, other, view))


@pytest.mark.parametrize("style", STYLES)
def test_a_later_layer_never_recomputes_the_earlier_ones(renderer: Renderer, style: int) -> None:
    ws = random_ws(SMALL)
    before = last(renderer.passes(renderer.plan(ws), HOME, SIZE))
    after = last(renderer.passes(renderer.plan(changed(ws, style)), HOME, SIZE, previous=before))
    if style == STYLES[-1]:
        assert after.stats.line_samples == 0
    else:
        assert after.stats.line_samples == round(LINES * line_share(SMALL, last_block(style)))
    whole = Block(range(SIZE.height), range(SIZE.width))
    assert known_level(samples_of(before).features, whole) == LEVELS
    inner = [kept for kept in samples_of(after).features if kept.level < LEVELS]
    assert [kept.level for kept in inner if kept.whole] == [shared_levels(style)] * (
        0 < shared_levels(style) < LEVELS
    )
    again = last(renderer.passes(renderer.plan(changed(ws, style, 2.0)), HOME, SIZE, previous=after))
    for kept in inner:  # the second step reads what the first left, and computes from there
        assert kept in samples_of(again).features


def test_after_undo_a_slider_still_goes_on_from_what_was_kept(renderer: Renderer) -> None:
    ws, style = random_ws(SMALL), SMALL.num_ws - 3
    frame = None
    for by in (0.0, 1.0, 0.0, 2.0):
        plan = renderer.plan(changed(ws, style, by))
        frame = last(renderer.passes(plan, HOME, SIZE, previous=frame))
    assert frame is not None
    assert frame.stats.line_samples == round(LINES * line_share(SMALL, last_block(style)))
    assert_same_bits(frame.pixels[..., :3], picture(renderer, changed(ws, style, 2.0), HOME))


def test_what_the_head_reads_survives_a_drag_of_the_last_style(renderer: Renderer) -> None:
    ws = random_ws(SMALL)
    frame = last(renderer.passes(renderer.plan(ws), HOME, SIZE))
    features = samples_of(frame).features
    for step in range(1, 4):
        other = renderer.plan(changed(ws, -1, float(step)))
        frame = last(renderer.passes(other, HOME, SIZE, previous=frame, moving=True))
        assert frame.exact
        assert frame.stats.line_samples == 0
        assert samples_of(frame).features[0] is features[0]


def test_a_drag_of_a_late_style_is_exact_and_of_an_early_one_a_draft(
    renderer: Renderer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("creps_core.renderer.draft_dtype", lambda _device: torch.bfloat16)
    ws = random_ws(SMALL)
    before = last(renderer.passes(renderer.plan(ws), HOME, SIZE))
    for style, exact in ((0, False), (4, False), (SMALL.num_ws - 1, True)):
        plan = renderer.plan(changed(ws, style))
        frame = last(renderer.passes(plan, HOME, SIZE, previous=before, moving=True))
        assert frame.exact is exact
        settled = last(renderer.passes(plan, HOME, SIZE, previous=frame if exact else before))
        assert_same_bits(settled.pixels[..., :3], picture(renderer, changed(ws, style), HOME))
        if exact:
            assert settled.stats.pixel_samples == 0  # nothing is left to do when the slider rests


@pytest.mark.parametrize("cache_mb", [0, 1, 512])
def test_what_is_kept_respects_the_cache(generator: Generator, cache_mb: int) -> None:
    with renderer_of(generator, cache_mb=cache_mb) as renderer:
        ws, frame, size = random_ws(SMALL), None, Size(170, 130)
        for style in (3, 4, 5, 7, 8, 2):
            ws = changed(ws, style)
            frame = last(renderer.passes(renderer.plan(ws), HOME, size, previous=frame))
            bound = renderer.cache_bytes
            assert sum(kept.nbytes for kept in samples_of(frame).features) <= 0.625 * bound
            tables = renderer.tables.tables
            assert len(tables) == 2 or sum(table.nbytes for table in tables) <= 0.375 * bound
            outputs = [t.outputs.values() for t in tables if isinstance(t, LineTable)]
            kept_bytes = sum(o.data.numel() * 4 for values in outputs for o in values)
            assert kept_bytes <= 0.375 * bound


def test_plans_share_the_layers_of_equal_styles(generator: Generator) -> None:
    cpu, ws = torch.device("cpu"), random_ws(SMALL)
    base = fold(generator, ws, cpu)
    for style in STYLES:
        other = changed(ws, style)
        shared, alone = fold(generator, other, cpu, earlier=[base]), fold(generator, other, cpu)
        for layer, dense in alone.layers.items():
            assert torch.equal(shared.layers[layer].weight, dense.weight)
        new = sum(shared.layers[layer] is not dense for layer, dense in base.layers.items())
        assert new <= 6, "more layers were folded than read the style"
    assert all(
        fold(generator, ws, cpu, torch.bfloat16, [base]).layers[layer].weight.dtype == torch.bfloat16
        for layer in base.layers
    )


steps = st.one_of(
    st.tuples(st.just("style"), st.sampled_from(STYLES), st.integers(0, 2)),
    st.tuples(st.just("pan"), st.integers(-40, 40)),
    st.tuples(st.just("zoom"), st.sampled_from([Fraction(-1), Fraction(0), Fraction(1)])),
    st.tuples(st.just("turn"), st.sampled_from([30.0, 0.0])),
    st.tuples(st.just("stop"), st.integers(1, 4)),
    st.tuples(st.just("moving")),
)


@settings(deadline=None, max_examples=20)
@example([("turn", 30.0), ("style", STYLES[-1], 1)], 0.0, 64)  # alone, that head asked for a coarser table
@given(st.lists(steps, min_size=4, max_size=12), st.sampled_from([0.0, 0.1]), st.sampled_from([1, 64]))
def test_any_history_of_sliders_gives_the_identical_frame(
    generator: Generator, history: list[tuple], budget: float, cache_mb: int
) -> None:
    view, weights, frame = HOME, [0] * SMALL.num_ws, None
    with pytest.MonkeyPatch.context() as patch, renderer_of(generator, cache_mb=cache_mb) as renderer:
        patch.setattr(refinement, "FIRST_PASS_SECONDS", budget)
        patch.setattr(refinement, "WORTHWHILE", 0.0 if budget == 0 else 3.0)
        for kind, *values in history:
            if kind == "style":
                weights[values[0]] = values[1]
            elif kind == "pan":
                step = Fraction(view.step(SIZE).xx)
                view = View(
                    view.center_x + values[0] * step, view.center_y, view.log2_zoom, outside="generate"
                )
            elif kind == "zoom":
                view = View(view.center_x, view.center_y, values[0], outside="generate")
            elif kind == "turn":
                view = View(view.center_x, view.center_y, view.log2_zoom, values[0], outside="generate")
            plan = renderer.plan(mixed(weights))
            request = renderer.passes(plan, view, SIZE, previous=frame, moving=kind == "moving")
            for number, newest in enumerate(request, start=1):
                if newest.exact and newest.samples is not None:
                    frame = newest
                if kind == "stop" and number == values[0]:
                    request.close()
                    break
        frame = last(renderer.passes(renderer.plan(mixed(weights)), view, SIZE, previous=frame))
    assert frame.settled
    with renderer_of(generator, threads=2) as fresh:
        assert_same_bits(frame.pixels[..., :3], picture(fresh, mixed(weights), view))


def mixed(weights: list[int]) -> Tensor:
    """Two latents, mixed style by style."""
    a, b = random_ws(SMALL, 0), random_ws(SMALL, 1)
    share = torch.tensor(weights)[None, :, None] / 2
    return a * (1 - share) + b * share
