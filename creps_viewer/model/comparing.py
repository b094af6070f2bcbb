"""Comparing as pure functions: what the keys, the bar and the menus make of a state's comparison."""

from __future__ import annotations

import dataclasses
from typing import Any

from creps_core.comparison import Comparison
from creps_core.session import Session
from creps_core.source import MAX_SEED, Mix, Source
from creps_viewer.model.state import ViewerState

WIPE_STEP = 0.02  # of the width, one press of a key


def toggled(state: ViewerState, *, mixed_in: bool = False) -> Comparison | None:
    """No comparison any more, else one with another seed; `mixed_in`: with the second source of the mix."""
    if state.compare is not None and state.compare.shows == "picture" and not mixed_in:
        return None
    return _as_laid_out(state, sources=(another_source(state, mixed_in),))


def toggled_residual(state: ViewerState) -> Comparison | None:
    """The scale-consistency view, or none any more."""
    if state.compare is not None and state.compare.shows == "residual":
        return None
    return _as_laid_out(state, shows="residual")


def with_checkpoint(state: ViewerState) -> Comparison:
    """The same latents; which checkpoint is filled in when it is open."""
    return _as_laid_out(state)


def with_session(state: ViewerState, session: Session) -> Comparison:
    """A session's picture; its view is kept for when the views are unlinked."""
    return _as_laid_out(state, sources=session.sources, mix=session.mix, view=session.view)


def with_seed(compare: Comparison, seed: int, like: Source) -> Comparison:
    """The second picture from another seed, in its class and truncation, else in those of `like`."""
    source = compare.sources[0] if compare.sources else like
    return dataclasses.replace(compare, sources=(source.reseeded(seed),), mix=None)


def with_link_toggled(state: ViewerState, compare: Comparison) -> Comparison:
    """Views linked or not; the second one goes on from where it was picked, else from the first one's."""
    if compare.linked:
        return dataclasses.replace(compare, linked=False, view=compare.view or state.view)
    return dataclasses.replace(compare, linked=True, view=None)


def with_layout_toggled(compare: Comparison) -> Comparison:
    """Side by side instead of one over the other, or the reverse."""
    return dataclasses.replace(compare, layout="wipe" if compare.layout == "side" else "side")


def with_wipe(compare: Comparison, wipe: float) -> Comparison:
    """The line elsewhere, 0 … 1 of the width."""
    return dataclasses.replace(compare, wipe=min(max(wipe, 0.0), 1.0))


def another_source(state: ViewerState, mixed_in: bool = False) -> Source:
    """What to compare with when nothing is named: the mix's second source, or the next seed."""
    first, *others = state.sources
    if mixed_in and others:
        return others[0]
    return first.reseeded(((first.seed or 0) + 1) % (MAX_SEED + 1))


def title_of(sources: tuple[Source, ...], mix: Mix | None) -> str:
    """Latents in a few words."""
    first = sources[0]
    stored = "a stored latent" if first.lattice is None else "between seeds"
    title = first.name or (f"seed {first.seed}" if first.seed is not None else stored)
    return title if mix is None else f"{title}, mixed"


def _as_laid_out(state: ViewerState, **fields: Any) -> Comparison:
    """A new comparison that lies as the present one does."""
    old = state.compare or Comparison()
    return Comparison(layout=old.layout, wipe=old.wipe, **fields)
