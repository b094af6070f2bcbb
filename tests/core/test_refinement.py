"""Coarse to fine: the last frame is the picture bit for bit, whatever came before; no sample twice."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from creps_core import refinement
from creps_core.cancel import CancelToken
from creps_core.errors import Cancelled
from creps_core.frame import Frame
from creps_core.generator import Generator
from creps_core.grid import GROUND, grid_for, outside_alpha
from creps_core.image import to_uint8
from creps_core.renderer import Renderer
from creps_core.view import Size, View
from creps_core.warps import Lens
from tests.core.references import SMALL, random_ws, renderer_of, small_generator
from tests.core.tolerances import assert_same_bits

SIZE = Size(90, 70)
TOTAL = SIZE.width * SIZE.height
HOME = View(outside="generate")
TURNED = View(rotation_deg=25.0, outside="generate")


@pytest.fixture(scope="module")
def generator() -> Generator:
    return small_generator()


@pytest.fixture
def renderer(generator: Generator) -> Iterator[Renderer]:
    with renderer_of(generator) as made:
        yield made


@pytest.fixture
def slow(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every picture takes too long for one pass."""
    monkeypatch.setattr(refinement, "FIRST_PASS_SECONDS", 0.0)
    monkeypatch.setattr(refinement, "WORTHWHILE", 0.0)


def picture(renderer: Renderer, ws: Tensor, view: View, size: Size = SIZE) -> np.ndarray:
    """What an export of the view gives, [H, W, 3] levels."""
    return to_uint8(renderer.render(renderer.plan(ws), grid_for(view, size), outside=view.outside))


def last(frames: Iterator[Frame]) -> Frame:
    *_, frame = frames
    return frame


VIEWS = [
    HOME,
    View(),
    View.from_zoom(0.4),
    View.from_zoom(0.4, outside="frame"),
    View(rotation_deg=90.0),
    View(rotation_deg=180.0, stretch=(-1.0, 1.0)),
    TURNED,
    View(warps=(Lens(0.1, 0.0, 0.4, 2.0),)),
]


@pytest.mark.parametrize("view", VIEWS)
@pytest.mark.parametrize("size", [SIZE, Size(131, 17), Size(1, 1)])
@pytest.mark.usefixtures("slow")
def test_passes_are_subsets_of_the_final_picture(
    renderer: Renderer, ws: Tensor, view: View, size: Size
) -> None:
    frames = list(renderer.passes(renderer.plan(ws), view, size))
    final = picture(renderer, ws, view, size)
    assert [frame.settled for frame in frames] == [False] * (len(frames) - 1) + [True]
    own = [frame for frame in frames if frame.view == view]  # drafts of turned views have views of their own
    assert [frame.stride for frame in own] == [64, 32, 16, 8, 4, 2, 1]
    assert [frame.pass_number for frame in own] == [1, 2, 3, 4, 5, 6, 7]
    for frame in own:
        a, b = frame.origin
        assert_same_bits(frame.pixels[..., :3], final[a :: frame.stride, b :: frame.stride])
        assert (frame.pixels[..., 3] == 255).all()
    assert own[-1].pixels.shape == (size.height, size.width, 4)


@pytest.mark.usefixtures("slow")
def test_passes_together_compute_every_sample_once(renderer: Renderer, ws: Tensor) -> None:
    frames = list(renderer.passes(renderer.plan(ws), HOME, SIZE))
    assert frames[-1].stats.pixel_samples == TOTAL
    assert frames[-1].stats.line_samples == SIZE.width + SIZE.height
    for frame in frames:  # cumulative, and no more than what is shown
        assert frame.stats.pixel_samples == frame.pixels.shape[0] * frame.pixels.shape[1]


@pytest.mark.usefixtures("slow")
def test_turned_views_cost_little_more_than_direct(renderer: Renderer, ws: Tensor) -> None:
    plan, size = renderer.plan(ws), Size(160, 120)
    frames = list(renderer.passes(plan, TURNED, size))
    assert size.width * size.height <= frames[-1].stats.pixel_samples <= 1.15 * size.width * size.height
    assert any(frame.view != TURNED for frame in frames), "no draft came first"
    assert frames[-1].stats.table_per_unit == renderer.density(plan).per_unit
    again = last(renderer.passes(plan, TURNED, size))
    assert again.stats.line_samples == 0


@pytest.mark.usefixtures("slow")
def test_drafts_of_turned_views_show_the_plane_where_they_say(renderer: Renderer, ws: Tensor) -> None:
    view, size = View(Fraction("0.4"), Fraction("0.6"), Fraction(1), 40.0), Size(200, 160)
    drafts = [f for f in renderer.passes(renderer.plan(ws), view, size) if f.view != view]
    assert drafts
    for draft in drafts:
        assert draft.view.is_separable
        assert draft.pixels.shape[:2] == (draft.size.height, draft.size.width)
        again = picture(renderer, ws, draft.view, draft.size).astype(int)
        # the draft's own lattice and its view's pixels differ by the rounding of log2(zoom) alone
        assert np.abs(again - draft.pixels[..., :3]).max() <= 1


def test_a_quick_picture_comes_in_one_pass(renderer: Renderer, ws: Tensor) -> None:
    frames = list(renderer.passes(renderer.plan(ws), HOME, Size(24, 20)))
    assert len(frames) == 1
    assert frames[0].settled


shifts = st.tuples(
    st.integers(-SIZE.width - 3, SIZE.width + 3), st.integers(-SIZE.height - 3, SIZE.height + 3)
)


def panned(view: View, right: int, down: int) -> View:
    """The view moved by whole pixels."""
    step = view.step(SIZE)
    return View(
        view.center_x + right * Fraction(step.xx) + down * Fraction(step.yx),
        view.center_y + right * Fraction(step.xy) + down * Fraction(step.yy),
        view.log2_zoom,
        view.rotation_deg,
        view.stretch,
        view.warps,
        view.outside,
    )


@settings(deadline=None, max_examples=25)
@given(shifts, st.sampled_from([0.0, 90.0, 180.0]))
def test_a_pan_keeps_identical_pixels_and_computes_only_the_strips(
    generator: Generator, ws: Tensor, shift: tuple[int, int], rotation: float
) -> None:
    view = View(log2_zoom=Fraction(3, 8), rotation_deg=rotation, outside="generate")
    with renderer_of(generator) as renderer:
        plan = renderer.plan(ws)
        before = last(renderer.passes(plan, view, SIZE))
        moved = panned(view, *shift)
        after = last(renderer.passes(plan, moved, SIZE, previous=before))
        kept = max(0, SIZE.width - abs(shift[0])) * max(0, SIZE.height - abs(shift[1]))
        assert after.stats.pixel_samples == TOTAL - kept
        assert after.stats.reused == pytest.approx(kept / TOTAL)
        new_lines = min(abs(shift[0]), SIZE.width) + min(abs(shift[1]), SIZE.height)
        assert after.stats.line_samples == new_lines
        assert_same_bits(after.pixels[..., :3], picture(renderer, ws, moved))


def test_a_change_of_the_last_style_costs_the_head_alone(renderer: Renderer, ws: Tensor) -> None:
    other = ws.clone()
    other[:, -1] += 1
    for view in (HOME, View.from_zoom(0.5), TURNED):
        before = last(renderer.passes(renderer.plan(ws), view, SIZE))
        features = before.samples.features  # type: ignore[attr-defined]
        after = last(renderer.passes(renderer.plan(other), view, SIZE, previous=before))
        assert after.stats.line_samples == 0
        assert after.samples.features[0] is features[0]  # type: ignore[attr-defined]
        assert after.latents != before.latents
        assert (after.pixels != before.pixels).any()
        assert_same_bits(after.pixels[..., :3], picture(renderer, other, view))


@pytest.mark.parametrize("outside", ["fade", "frame"])
def test_nothing_is_computed_beyond_the_border(renderer: Renderer, ws: Tensor, outside: str) -> None:
    view = View(log2_zoom=Fraction(-2), outside=outside)  # type: ignore[arg-type]
    grid = grid_for(view, SIZE)
    weights = [outside_alpha(line.values(), view.outside) > 0 for line in (grid.y, grid.x)]  # type: ignore[union-attr]
    rows, columns = (int(weight.sum()) for weight in weights)
    assert rows < SIZE.height
    frame = last(renderer.passes(renderer.plan(ws), view, SIZE))
    assert frame.stats.pixel_samples == rows * columns
    assert frame.stats.line_samples == rows + columns
    assert (frame.pixels[~np.outer(*weights)] == (*GROUND, 255)).all()
    nowhere = View(Fraction(9), outside=view.outside)
    empty = last(renderer.passes(renderer.plan(ws), nowhere, SIZE))
    assert (empty.stats.pixel_samples, empty.stats.line_samples) == (0, 0)
    assert empty.settled
    assert empty.flat


@pytest.mark.usefixtures("slow")
@pytest.mark.parametrize("view", [HOME, TURNED])
def test_moving_drafts_then_settled(renderer: Renderer, ws: Tensor, view: View) -> None:
    plan = renderer.plan(ws)
    moving = list(renderer.passes(plan, view, SIZE, moving=True))
    assert {frame.latents for frame in moving} >= {plan.key}
    settled = last(renderer.passes(plan, view, SIZE, previous=moving[-1]))
    assert settled.settled
    assert_same_bits(settled.pixels[..., :3], picture(renderer, ws, view))


@pytest.mark.usefixtures("slow")
def test_moving_leaves_one_worker_idle(
    generator: Generator, ws: Tensor, monkeypatch: pytest.MonkeyPatch
) -> None:
    with renderer_of(generator, threads=3) as renderer:
        limits = []
        run = renderer.pool.run
        monkeypatch.setattr(
            renderer.pool,
            "run",
            lambda tasks, cancel, limit=None: (limits.append(limit), run(tasks, cancel, limit)),
        )
        list(renderer.passes(renderer.plan(ws), HOME, SIZE, moving=True))
        assert set(limits) == {2}


@pytest.mark.usefixtures("slow")
def test_after_a_cancelled_pass_the_rest_is_computed_and_the_picture_is_the_same(
    renderer: Renderer, ws: Tensor
) -> None:
    plan, token = renderer.plan(ws), CancelToken()
    passes = renderer.passes(plan, HOME, SIZE, cancel=token)
    frames = [next(passes) for _ in range(4)]
    token.cancel()
    with pytest.raises(Cancelled):
        next(passes)
    rest = last(renderer.passes(plan, HOME, SIZE, previous=frames[-1]))
    assert rest.settled
    assert rest.stats.pixel_samples <= TOTAL
    assert_same_bits(rest.pixels[..., :3], picture(renderer, ws, HOME))


def test_frames_handed_out_are_not_written_again(renderer: Renderer, ws: Tensor) -> None:
    plan = renderer.plan(ws)
    first = last(renderer.passes(plan, HOME, SIZE))
    copy = first.pixels.copy()
    list(renderer.passes(renderer.plan(random_ws(SMALL, 1)), HOME, SIZE, previous=first))
    list(renderer.passes(plan, panned(HOME, 5, 0), SIZE, previous=first))
    assert_same_bits(first.pixels, copy)


def test_flat_pictures_are_said_to_be_flat(renderer: Renderer, ws: Tensor) -> None:
    deep = last(renderer.passes(renderer.plan(ws), View(log2_zoom=Fraction(40)), SIZE))
    assert deep.flat
    assert not last(renderer.passes(renderer.plan(ws), HOME, SIZE)).flat


steps = st.one_of(
    st.tuples(st.just("pan"), st.integers(-40, 40), st.integers(-40, 40)),
    st.tuples(st.just("zoom"), st.sampled_from([Fraction(-1, 2), Fraction(1, 4), Fraction(1)])),
    st.tuples(st.just("turn"), st.sampled_from([90.0, 30.0, 0.0])),
    st.tuples(st.just("latent"), st.integers(0, 2)),
    st.tuples(st.just("head"), st.integers(0, 2)),
    st.tuples(st.just("outside"), st.sampled_from(["fade", "frame", "generate"])),
    st.tuples(st.just("cancel"), st.integers(1, 5)),
    st.tuples(st.just("moving")),
)


@settings(deadline=None, max_examples=20)
@given(st.lists(steps, min_size=3, max_size=9), st.sampled_from([0.0, 0.001, 0.1]))
def test_any_history_gives_the_identical_frame(
    generator: Generator, history: list[tuple], budget: float
) -> None:
    """Pans, zooms, turns, other latents, drafts and cancelled requests leave no trace in a settled frame."""
    view, body, head, frame = HOME, 0, 0, None
    with pytest.MonkeyPatch.context() as patch, renderer_of(generator, cache_mb=1) as renderer:
        patch.setattr(refinement, "FIRST_PASS_SECONDS", budget)
        for kind, *values in history:
            if kind == "pan":
                view = panned(view, *values)
            elif kind == "zoom":
                view = _with(view, log2_zoom=view.log2_zoom + values[0])
            elif kind == "turn":
                view = _with(view, rotation_deg=values[0])
            elif kind == "outside":
                view = _with(view, outside=values[0])
            body = values[0] if kind == "latent" else body
            head = values[0] if kind == "head" else head
            plan = renderer.plan(_styles(body, head))
            token = CancelToken()
            request = renderer.passes(plan, view, SIZE, previous=frame, moving=kind == "moving", cancel=token)
            for number, newest in enumerate(request, start=1):
                frame = newest
                if kind == "cancel" and number == values[0]:
                    request.close()
                    break
        frame = last(renderer.passes(renderer.plan(_styles(body, head)), view, SIZE, previous=frame))
    assert frame.settled
    with renderer_of(generator, threads=2) as fresh:
        assert_same_bits(frame.pixels[..., :3], picture(fresh, _styles(body, head), view))


def _styles(body: int, head: int) -> Tensor:
    ws = random_ws(SMALL, body)
    ws[:, -1] = random_ws(SMALL, 100 + head)[:, -1]
    return ws


def _with(view: View, **fields: object) -> View:
    return View(**{**vars(view), **fields})  # type: ignore[arg-type]
