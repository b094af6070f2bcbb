"""Style mixing as pure functions: source A, source B, and B's weight in every style.

The state's `mix` holds the weights of all sources; A's and B's of a style add up to 1. Sources beyond the
second are added on top and are left alone here.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from creps_core.source import MAX_SEED, Mix, Source
from creps_viewer.model.state import ViewerState

Weights = tuple[float, ...]  # B's, one for each style, 0 … 1


def second(state: ViewerState) -> Source:
    """Source B; until one is chosen, the seed after A's."""
    if len(state.sources) > 1:
        return state.sources[1]
    first = state.sources[0]
    seed = 0 if first.seed is None else (first.seed + 1) % (MAX_SEED + 1)
    return Source(seed=seed, label=first.label, psi=first.psi, cutoff=first.cutoff)


def weights(state: ViewerState, num_ws: int) -> Weights:
    """B's weight in every style; without a mix B has none."""
    if state.mix is None or len(state.sources) < 2 or len(state.mix) != num_ws:
        return (0.0,) * num_ws
    return tuple(row[1] for row in state.mix)


def with_weights(state: ViewerState, new: Sequence[float]) -> dict[str, Any]:
    """The changes of the state that give B these weights."""
    sources = (state.sources[0], second(state), *state.sources[2:])
    return {"sources": sources, "mix": _mix(sources, new, _further(state, len(new)))}


def with_second(state: ViewerState, source: Source) -> dict[str, Any]:
    """The changes that make `source` B; its weights stay."""
    return {"sources": (state.sources[0], source, *state.sources[2:]), "mix": state.mix}


def swapped(state: ViewerState) -> dict[str, Any]:
    """The changes that exchange A and B; the sliders stay where they are."""
    return {"sources": (second(state), state.sources[0], *state.sources[2:]), "mix": state.mix}


def level(of: Weights, styles: Iterable[int]) -> float:
    """What a master slider shows: the mean weight of its styles."""
    chosen = [of[i] for i in styles]
    return sum(chosen) / len(chosen) if chosen else 0.0


def with_level(of: Weights, styles: Iterable[int], value: float) -> Weights:
    """The weights when a master slider is moved to `value`: its styles keep their order.

    All reach 0 and 1 together, and the mean is `value` in between.
    """
    styles = list(styles)
    before, value = level(of, styles), min(max(value, 0.0), 1.0)

    def moved(weight: float) -> float:
        if value in (0.0, 1.0) or before in (0.0, 1.0):
            return value
        if value > before:
            return weight + (1 - weight) * (value - before) / (1 - before)
        return weight * value / before

    return tuple(moved(weight) if i in styles else weight for i, weight in enumerate(of))


def solo(of: Weights, styles: Iterable[int]) -> Weights:
    """Only these styles from B: as much as before, or wholly when they had none."""
    styles = set(styles)
    kept = tuple(weight if i in styles else 0.0 for i, weight in enumerate(of))
    return kept if any(kept) else tuple(float(i in styles) for i in range(len(of)))


def with_weight(of: Weights, style: int, value: float) -> Weights:
    """The weights with one style's changed."""
    return tuple(value if i == style else weight for i, weight in enumerate(of))


def _further(state: ViewerState, num_ws: int) -> list[tuple[float, ...]]:
    """The weights of the sources beyond the second, style by style."""
    count = len(state.sources) - 2
    if state.mix is None or len(state.mix) != num_ws or count <= 0:
        return [(0.0,) * max(count, 0)] * num_ws
    return [row[2:] for row in state.mix]


def _mix(sources: Sequence[Source], new: Sequence[float], further: Sequence[tuple[float, ...]]) -> Mix | None:
    """The mix, or None where source A alone is left."""
    if not any(new) and not any(map(any, further)):
        return None
    return tuple((1 - weight, weight, *rest) for weight, rest in zip(new, further, strict=True))
