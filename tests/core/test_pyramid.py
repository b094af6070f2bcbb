"""Pyramids: which tiles there are, made in bounded memory and in an order that can be gone on with."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from creps_core.lattice import Rect
from creps_core.pyramid import Pyramid, PyramidMaker, Tile, halved
from creps_core.view import Size

SIDES = st.integers(1, 70)


class Memory:
    """A store that keeps tiles in memory, and stops after so many."""

    def __init__(self, most: int = 10**9) -> None:
        self.tiles: dict[Tile, NDArray[Any]] = {}
        self.order: list[Tile] = []
        self.most = most

    def read(self, tile: Tile) -> NDArray[Any] | None:
        return self.tiles.get(tile)

    def write(self, tile: Tile, pixels: NDArray[Any]) -> None:
        if len(self.order) == self.most:
            raise InterruptedError
        self.order.append(tile)
        self.tiles[tile] = pixels


def noise(size: Size, dtype: Any = np.uint8) -> NDArray[Any]:
    rng = np.random.default_rng(0)
    if np.dtype(dtype).kind == "f":
        return rng.normal(size=(size.height, size.width, 3)).astype(dtype)
    return rng.integers(0, np.iinfo(dtype).max, (size.height, size.width, 3), dtype, endpoint=True)


def put_together(store: Memory, pyramid: Pyramid, level: int) -> NDArray[Any]:
    rows, columns = pyramid.shape(level)
    parts = [[store.tiles[Tile(level, r, c)] for c in range(columns)] for r in range(rows)]
    return np.concatenate([np.concatenate(row, axis=1) for row in parts])


def crop(whole: NDArray[Any], rect: Rect) -> NDArray[Any]:
    return whole[rect.top : rect.bottom, rect.left : rect.right]


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
def test_half_a_picture_is_the_mean_of_what_there_is(dtype: Any) -> None:
    pixels = noise(Size(7, 5), dtype)
    half = halved(pixels)
    assert (half.shape, half.dtype) == ((3, 4, 3), np.dtype(dtype))
    for row in range(3):
        for column in range(4):
            part = pixels[2 * row : 2 * row + 2, 2 * column : 2 * column + 2].reshape(-1, 3).astype(float)
            mean = part.mean(0)
            wanted = mean if dtype == np.float32 else np.floor(mean + 0.5)
            np.testing.assert_allclose(half[row, column], wanted, rtol=1e-6)


@settings(max_examples=60, deadline=None)
@given(SIDES, SIDES, st.sampled_from([8, 16]), st.sampled_from([1, 16]))
def test_every_level_is_the_half_of_the_one_below(width: int, height: int, tile: int, least: int) -> None:
    whole = noise(Size(width, height))
    pyramid, store = Pyramid(Size(width, height), tile, least), Memory()
    PyramidMaker(pyramid, lambda rect: crop(whole, rect), store).make()
    np.testing.assert_array_equal(put_together(store, pyramid, 0), whole)
    for level in range(1, len(pyramid.levels)):
        below = put_together(store, pyramid, level - 1)
        np.testing.assert_array_equal(put_together(store, pyramid, level), halved(below))
    assert pyramid.shape(pyramid.top.level) == (1, 1)
    assert max(pyramid.levels[-1]) <= max(least, tile)
    assert least > 1 or pyramid.levels[-1] == (1, 1)


@settings(max_examples=60, deadline=None)
@given(SIDES, SIDES, st.data())
def test_interrupted_anywhere_the_same_tiles_come_out_and_none_twice(
    width: int, height: int, data: st.DataObject
) -> None:
    whole, pyramid = noise(Size(width, height)), Pyramid(Size(width, height), 8, 1)
    rendered: list[Rect] = []

    def render(rect: Rect) -> NDArray[Any]:
        rendered.append(rect)
        return crop(whole, rect)

    plain = Memory()
    PyramidMaker(pyramid, render, plain).make()
    store = Memory(most=data.draw(st.integers(0, len(plain.order) - 1)))
    with pytest.raises(InterruptedError):
        PyramidMaker(pyramid, render, store).make()
    before, rendered[:] = list(store.order), []
    store.most = 10**9
    seen: list[tuple[int, int, int]] = []
    PyramidMaker(pyramid, render, store, lambda *now: seen.append(now)).make()
    assert store.order == plain.order
    for tile in plain.order:
        np.testing.assert_array_equal(store.tiles[tile], plain.tiles[tile])
    bases = np.prod(pyramid.shape(0))
    kept = sum(tile.level == 0 for tile in before)
    assert len(rendered) == bases - kept
    assert seen[-1] == (bases, bases, kept)
    assert [done for done, _, _ in seen] == sorted(done for done, _, _ in seen)


def test_levels_and_tiles_of_a_million_pixels_a_side() -> None:
    pyramid = Pyramid(Size(10**6, 10**6), 512, 1)
    assert len(pyramid.levels) == 21
    assert pyramid.base_tiles(pyramid.top) == 1954**2
    corner = pyramid.below(Tile(2, 488, 488))
    assert corner == [Tile(1, 976, 976)]
    assert pyramid.base_tiles(corner[0]) == 4
    assert pyramid.rect(Tile(0, 1953, 1953)) == Rect(999936, 999936, 10**6, 10**6)


def test_tiles_come_in_squares_so_that_few_rows_and_columns_are_in_use() -> None:
    """What lets neighbouring tiles share embeddings in bounded memory."""
    pyramid, store = Pyramid(Size(128, 128), 8, 1), Memory()
    PyramidMaker(pyramid, lambda rect: crop(noise(pyramid.size), rect), store).make()
    base = [tile for tile in store.order if tile.level == 0]
    for start in range(0, len(base), 16):
        part = base[start : start + 16]
        assert len({tile.row for tile in part}) == len({tile.column for tile in part}) == 4
