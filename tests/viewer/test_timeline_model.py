"""The timeline's functions: what they do to the state, and that every one of them can be undone."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from creps_core.errors import InputError
from creps_core.keyframe import Keyframe
from creps_core.source import Source
from creps_core.view import View
from creps_viewer.model import timeline
from creps_viewer.model.state import ViewerState
from creps_viewer.model.viewer_model import ViewerModel

FRAMES = tuple(Keyframe(View.from_zoom(zoom), seconds=zoom) for zoom in (1, 2, 4))
STATE = ViewerState(View.from_zoom(8), (Source(seed=5),), keyframes=FRAMES)


def zooms(state: ViewerState) -> list[float]:
    return [frame.view.zoom for frame in state.keyframes]


def test_adding_takes_what_is_shown() -> None:
    added = timeline.add(STATE).keyframes[-1]
    assert (added.view, added.sources, added.seconds) == (STATE.view, STATE.sources, 2.0)


def test_keyframes_take_their_segments_along() -> None:
    moved = timeline.move(STATE, 0, 2)
    assert zooms(moved) == [2, 4, 1]
    assert [frame.seconds for frame in moved.keyframes] == [2, 4, 1]
    assert timeline.move(moved, 2, 0) == STATE
    assert timeline.move(STATE, 1, 99) == timeline.move(STATE, 1, 2)


def test_the_rest() -> None:
    assert zooms(timeline.duplicate(STATE, 1)) == [1, 2, 2, 4]
    assert zooms(timeline.delete(STATE, 1)) == [1, 4]
    assert zooms(timeline.set_to_shown(STATE, 1)) == [1, 8, 4]
    assert timeline.set_to_shown(STATE, 1).keyframes[1].seconds == 2
    assert timeline.go_to(STATE, 2).view == FRAMES[2].view
    assert timeline.time_of(STATE, 2) == 3
    with pytest.raises(InputError, match="seconds"):
        timeline.change(STATE, 0, seconds=-1.0)


def test_a_zoom_from_home_ends_where_one_is() -> None:
    start, end = timeline.zoom_from_home(STATE, 4.0)
    assert (start.view, end.view, start.sources, start.seconds) == (View(), STATE.view, STATE.sources, 4.0)
    with pytest.raises(InputError, match="whole picture"):
        timeline.zoom_from_home(ViewerState())


def test_a_moment_shows_without_touching_the_keyframes() -> None:
    journey = timeline.journey_of(STATE, 4)
    assert journey is not None
    shown = timeline.at(STATE, journey, 1.0)
    assert (shown.view, shown.keyframes) == (FRAMES[1].view, FRAMES)
    assert timeline.journey_of(ViewerState(), 4) is None


edits = st.sampled_from(
    [
        timeline.add,
        lambda s: timeline.duplicate(s, 0) if s.keyframes else s,
        lambda s: timeline.delete(s, len(s.keyframes) - 1) if s.keyframes else s,
        lambda s: timeline.move(s, 0, 1) if s.keyframes else s,
        lambda s: timeline.change(s, 0, seconds=s.keyframes[0].seconds + 1) if s.keyframes else s,
        lambda s: timeline.change(s, 0, easing="hold") if s.keyframes else s,
    ]
)


@settings(max_examples=50, deadline=None)
@given(st.lists(edits, max_size=8))
def test_every_edit_can_be_undone(steps) -> None:
    model = ViewerModel(ViewerState(View(center_x=Fraction(1, 4))))
    states = [model.state]
    for step in steps:
        model.update(**vars(step(model.state)))
        if model.state != states[-1]:
            states.append(model.state)
    for state in reversed(states[:-1]):
        model.undo()
        assert model.state == state
    assert not model.can_undo
