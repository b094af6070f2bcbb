"""Directions in the state: sources beyond A and B whose w is added, so many deviations, to some styles."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from creps_core.source import Source
from creps_viewer.model import mixing
from creps_viewer.model.state import ViewerState

FIRST = 2  # the place of the first direction among the sources: A and B come before


def added(state: ViewerState) -> tuple[Source, ...]:
    """The directions that the state uses."""
    return tuple(source for source in state.sources[FIRST:] if source.w is not None)


def strength(state: ViewerState, direction: Source) -> float:
    """How many deviations are added along a direction, where any are; 0 when it is not used."""
    column = _column(state, direction)
    return max(column, key=abs, default=0.0)


def styles_of(state: ViewerState, direction: Source) -> range:
    """From the first to the last style that it is added to; empty when it is not used."""
    used = [i for i, weight in enumerate(_column(state, direction)) if weight]
    return range(used[0], used[-1] + 1) if used else range(0)


def with_strength(
    state: ViewerState, direction: Source, value: float, styles: range, num_ws: int
) -> dict[str, Any]:
    """The changes of the state that add `value` deviations to these styles, and none to the others."""
    columns = {other: _column(state, other) or [0.0] * num_ws for other in state.sources[FIRST:]}
    same = next((other for other in columns if other.w == direction.w), direction)
    columns[same] = [value if i in styles else 0.0 for i in range(num_ws)]
    if not any(columns[same]):
        del columns[same]
    return _with_columns(state, columns, num_ws)


def without_directions(state: ViewerState, num_ws: int) -> dict[str, Any]:
    """The changes that leave A and B alone."""
    return _with_columns(state, {}, num_ws)


def renamed(state: ViewerState, direction: Source, name: str) -> dict[str, Any]:
    """The changes that call a direction otherwise, where the state uses it."""
    new = (source.called(name) if source.w == direction.w else source for source in state.sources)
    return {"sources": tuple(new)}


def _column(state: ViewerState, direction: Source) -> list[float]:
    for k, source in enumerate(state.sources[FIRST:], start=FIRST):
        if source.w == direction.w and state.mix is not None:
            return [row[k] for row in state.mix]
    return []


def _with_columns(
    state: ViewerState, columns: Mapping[Source, Sequence[float]], num_ws: int
) -> dict[str, Any]:
    weights = mixing.weights(state, num_ws)
    if not columns:
        bare = ViewerState(view=state.view, sources=state.sources[:FIRST])
        return mixing.with_weights(bare, weights)
    sources = (state.sources[0], mixing.second(state), *columns)
    rows = zip(weights, *columns.values(), strict=True)
    return {"sources": sources, "mix": tuple((1 - row[0], *row) for row in rows)}
