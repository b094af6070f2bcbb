"""Nested lattices and tiles: every sample once, whatever the area, the anchor and the strides."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from creps_core.lattice import STRIDES, Block, Rect, lattice, new_blocks, strides_from, tiles
from tests.strategies import relaxed

Sample = tuple[int, int]

rects = st.builds(
    lambda top, left, height, width: Rect(top, left, top + height, left + width),
    *2 * [st.integers(-30, 30)],
    *2 * [st.integers(0, 40)],
)
anchors = st.tuples(st.integers(-20, 60), st.integers(-20, 60))


def samples(block: Block) -> list[Sample]:
    return [(i, j) for i in block.rows for j in block.columns]


def inside(rect: Rect) -> set[Sample]:
    return {(i, j) for i in range(rect.top, rect.bottom) for j in range(rect.left, rect.right)}


@relaxed
@given(rects, anchors, st.sampled_from([1, *STRIDES]))
def test_passes_partition_the_area_and_grow_to_nested_lattices(
    area: Rect, anchor: tuple[int, int], first: int
) -> None:
    done: Counter[Sample] = Counter()
    last = None
    for stride in strides_from(first):
        for block in new_blocks(area, stride, last, anchor):
            done.update(samples(block))
        expected = {
            (i, j) for i, j in inside(area) if not (i - anchor[0]) % stride and not (j - anchor[1]) % stride
        }
        assert set(done) == expected  # everything on this stride's lattice, nothing else
        last = stride
    assert set(done) == inside(area)
    assert not done or max(done.values()) == 1


def test_the_anchor_is_in_the_first_pass_when_it_lies_in_the_area() -> None:
    blocks = new_blocks(Rect(0, 0, 100, 100), 64, None, (50, 50))
    assert (50, 50) in samples(blocks[0])
    assert new_blocks(Rect(0, 0, 9, 9), 8, 8, (4, 4)) == []  # the same stride again: nothing new


@relaxed
@given(st.integers(-50, 50), st.integers(0, 90), st.integers(1, 64), st.integers(-99, 99))
def test_a_lattice_is_every_number_that_is_congruent_to_its_anchor(
    start: int, count: int, stride: int, anchor: int
) -> None:
    got = lattice(start, start + count, stride, anchor)
    assert list(got) == [n for n in range(start, start + count) if (n - anchor) % stride == 0]


@relaxed
@given(st.integers(0, 90), st.integers(0, 90), st.integers(1, 9), st.integers(256, 2000))
def test_tiles_cover_a_block_once_and_fit(height: int, width: int, stride: int, pixels: int) -> None:
    block = Block(range(3, 3 + height * stride, stride), range(5, 5 + width * stride, stride))
    parts = list(tiles(block, pixels))
    assert all(0 < len(part) <= pixels for part in parts)
    covered = Counter(sample for part in parts for sample in samples(part))
    assert set(covered) == set(samples(block))
    assert not covered or max(covered.values()) == 1


@pytest.mark.parametrize(("height", "width", "most"), [(1024, 1024, 1024), (1024, 32, 32), (32, 1024, 32)])
def test_full_frames_and_strips_are_cut_without_waste(height: int, width: int, most: int) -> None:
    assert len(list(tiles(Block(range(height), range(width)), 1024))) <= most


@relaxed
@given(rects, rects)
def test_minus_and_intersect_split_a_rectangle_without_overlap(whole: Rect, hole: Rect) -> None:
    rest = whole.minus(hole)
    assert len(rest) <= 4
    assert all(rest)
    counted = Counter(sample for part in rest for sample in inside(part))
    assert set(counted) == inside(whole) - inside(hole)
    assert not counted or max(counted.values()) == 1
    assert inside(whole.intersect(hole)) == inside(whole) & inside(hole)
    assert bool(whole) == bool(inside(whole)) == bool(whole.area)
    assert whole.area == len(inside(whole))


def test_strides_halve_down_to_one() -> None:
    for first in (1, *STRIDES):
        strides = strides_from(first)
        assert strides[0] == first
        assert strides[-1] == 1
        assert all(a == 2 * b for a, b in pairwise(strides))
