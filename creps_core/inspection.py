"""Looking inside: a level's embeddings along the window's edges, and a picture of it over the whole window.

What a level is made of is `levels`' business; here it meets a view, a stride and colours. Views that are
turned or bent have no rows and columns: there the plane's own are shown, over the range in sight.
"""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from creps_core.cancel import CancelToken
from creps_core.diverging import diverging, round_limit
from creps_core.frame import Frame
from creps_core.grid import GROUND, SYNTHESIS_RANGE, GeneralGrid, SeparableGrid, grid_for
from creps_core.image import to_uint8
from creps_core.inspector import Inspection, Inspector, Strip
from creps_core.lattice import Block
from creps_core.levels import Hands, composed, contribution, embeddings, level_shares, prepare
from creps_core.plan import Plan
from creps_core.renderer import Renderer
from creps_core.samplers import Floats, SeparableSampler
from creps_core.view import Size, View, log2_of

PLANE_SAMPLES = 256  # along the longer axis, where a view has no rows and columns of its own
DRAFT_SAMPLES = 192  # likewise, while something moves
FEATURE_PIXELS = 2**20  # a composition costs 2·R flop per pixel
PICTURE_PIXELS = 2**18  # one that runs through the decoders costs as much as the picture itself
DRAFT_PICTURE_PIXELS = 2**13


def inspect(
    renderer: Renderer,
    plan: Plan,
    view: View,
    size: Size,
    inspector: Inspector,
    *,
    draft: bool = False,
    cancel: CancelToken | None = None,
) -> Inspection:
    """What `inspector` shows of a plan in a window.

    Over the picture lies, at a limited resolution:
        feature: the composition F_k of one channel, or one lane's share of it;
        without: the picture whose level k is not composed;
        alone: the picture of which no other level is;
        difference: the picture less `without`, in units of `frame_limit`, grey where there is none;
        picture: nothing.

    Args:
        renderer: its tables are used: after a frame of the same view no line sample is computed.
        plan: of float32.
        view: any; see `plane_window` for turned and warped ones.
        size: of the window.
        inspector: what to show; what the generator does not have is replaced by the nearest.
        draft: something moves: every few samples will do.
        cancel: polled between tiles and chunks.

    Raises:
        Cancelled: by the token.
    """
    inspector = inspector.fitting(plan.config)
    own_view, own_size = plane_window(view, size)
    grid = grid_for(own_view, own_size)
    assert isinstance(grid, SeparableGrid)
    sampler = renderer.sampler(plan, grid, view.outside, keep=True, cancel=cancel)
    assert isinstance(sampler, SeparableSampler)
    stride = -(-max(own_size) // DRAFT_SAMPLES) if draft else 1
    lines = _every(grid, stride)
    hands = Hands(renderer, cancel, moving=draft)
    prepare(hands, sampler, lines)
    biline = embeddings(sampler, plan.config.levels.index(inspector.level), lines)
    row, column = (_floats(line[inspector.channel]) for line in biline)
    rows = Strip("row", row, lines.rows.start, stride, round_limit(row))
    columns = Strip("column", column.T, lines.columns.start, stride, round_limit(column))
    down, across = (columns, rows) if grid.transposed else (rows, columns)
    frame, limit = _over_picture(hands, sampler, own_view, inspector, stride)
    return Inspection(
        inspector=inspector,
        aligned=view.is_separable,
        view=own_view,
        size=own_size,
        down=down,
        across=across,
        frame=frame,
        frame_limit=limit,
        shares=level_shares(hands, sampler),
    )


def plane_window(view: View, size: Size) -> tuple[View, Size]:
    """The window whose rows and columns are inspected: the view itself wherever it has rows and columns.

    Otherwise an upright one over the part of the plane in sight, at most `PLANE_SAMPLES` on a side.
    """
    if view.is_separable:
        return view, size
    low, high = SYNTHESIS_RANGE if view.outside == "generate" else (-0.1, 1.1)
    rows, columns = (np.unique(np.linspace(0, n - 1, min(n, 65)).astype(np.int64)) for n in size[::-1])
    ranges = []
    for centre, offsets in zip(
        (view.center_y, view.center_x), GeneralGrid(view, size).offsets(rows, columns), strict=True
    ):
        seen = offsets[np.isfinite(offsets)]
        if not seen.size:
            return View(outside=view.outside), Size(PLANE_SAMPLES, PLANE_SAMPLES)
        ends = (centre + Fraction(float(seen.min())), centre + Fraction(float(seen.max())))
        ranges.append([min(max(end, Fraction(low)), Fraction(high)) for end in ends])
    (top, bottom), (left, right) = ranges
    longer = max(bottom - top, right - left)
    if min(bottom - top, right - left) <= 0:
        return View(outside=view.outside), Size(PLANE_SAMPLES, PLANE_SAMPLES)
    width, height = (
        max(1, math.ceil(PLANE_SAMPLES * (b - a) / longer)) for a, b in ((left, right), (top, bottom))
    )
    zoom = log2_of(PLANE_SAMPLES / (float(longer) * min(width, height)))
    own = View((left + right) / 2, (top + bottom) / 2, zoom, outside=view.outside)
    return own, Size(width, height)


def _over_picture(
    hands: Hands, sampler: SeparableSampler, view: View, inspector: Inspector, stride: int
) -> tuple[Frame | None, float]:
    """What lies over the picture, and the limit of its colours (0: it is a picture)."""
    shown = inspector.shown
    if shown == "picture":
        return None, 0.0
    grid = SeparableGrid(sampler.rows.line, sampler.columns.line, view.rotation_deg in (90.0, -90.0))
    most = FEATURE_PIXELS if shown == "feature" else DRAFT_PICTURE_PIXELS if hands.moving else PICTURE_PIXELS
    while grid.y.count * grid.x.count > most * stride**2:
        stride += 1
    block = _every(grid, stride)
    prepare(hands, sampler, block)
    level = sampler.plan.config.levels.index(inspector.level)
    if shown == "feature":
        values = _floats(composed(embeddings(sampler, level, block), inspector.channel, inspector.lane))
        alpha = sampler.alpha(block)
        limit = round_limit(values if alpha is None else values[alpha > 0])
        pixels = _over_ground_levels(diverging(values, limit), alpha)
    else:
        values, limit = contribution(hands, sampler, level, shown, block)
        pixels = to_uint8(values)
    rgbx = np.dstack([pixels, np.full(pixels.shape[:2], 255, dtype=np.uint8)])
    origin = (block.rows.start, block.columns.start)
    if grid.transposed:
        rgbx, origin = rgbx.swapaxes(0, 1), origin[::-1]
    pixels = np.ascontiguousarray(rgbx)
    key = f"{sampler.plan.key} {inspector}"
    return Frame(view, grid.size(), key, pixels, stride, origin, 1, 1, settled=not hands.moving), limit


def _over_ground_levels(colours: NDArray[np.uint8], alpha: Floats | None) -> NDArray[np.uint8]:
    """Levels [h, w, 3] blended over the ground's; weight 1 leaves them as they are."""
    if alpha is None:
        return colours
    ground = np.array(GROUND, dtype=np.float32)
    return np.round(ground + alpha[..., None] * (colours - ground)).astype(np.uint8)


def _every(grid: SeparableGrid, stride: int) -> Block:
    """Every stride-th row and column, beginning in the middle of the first stride."""
    rows, columns = (range(min(stride // 2, n - 1), n, stride) for n in (grid.y.count, grid.x.count))
    return Block(rows, columns)


def _floats(values: Tensor) -> Floats:
    return np.ascontiguousarray(values.float().cpu().numpy())
