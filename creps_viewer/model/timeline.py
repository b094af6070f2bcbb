"""The journey as the timeline edits it: pure functions from state to state, and what it shows at a time.

Undo, saving and restoring come with the state. Playing needs a clock and is `panels.player`'s.
"""

from __future__ import annotations

import dataclasses
from typing import Any

from creps_core.errors import InputError
from creps_core.journey import Journey
from creps_core.keyframe import Easing, Keyframe
from creps_core.view import View
from creps_viewer.model.state import ViewerState

NEW_SECONDS = 2.0
ZOOM_SECONDS = 10.0  # of a plain zoom

EASING_NAMES: dict[Easing, str] = {
    "ease": "ease",
    "linear": "linear",
    "ease-in": "ease in",
    "ease-out": "ease out",
    "smooth": "pass through",
    "hold": "hold",
}


def shown_keyframe(state: ViewerState, seconds: float = NEW_SECONDS, easing: Easing = "ease") -> Keyframe:
    """A keyframe of what is shown."""
    return Keyframe(state.view, state.sources, state.mix, seconds, easing)


def add(state: ViewerState) -> ViewerState:
    """What is shown, as a new last keyframe."""
    return dataclasses.replace(state, keyframes=(*state.keyframes, shown_keyframe(state)))


def change(state: ViewerState, index: int, **fields: Any) -> ViewerState:
    """Replace fields of a keyframe; `InputError` for seconds out of range."""
    frames = list(state.keyframes)
    frames[index] = dataclasses.replace(frames[index], **fields)
    return dataclasses.replace(state, keyframes=tuple(frames))


def set_to_shown(state: ViewerState, index: int) -> ViewerState:
    """Make a keyframe what is shown; its segment stays."""
    return change(state, index, view=state.view, sources=state.sources, mix=state.mix)


def duplicate(state: ViewerState, index: int) -> ViewerState:
    """A copy after the keyframe."""
    frames = state.keyframes
    return dataclasses.replace(state, keyframes=(*frames[: index + 1], frames[index], *frames[index + 1 :]))


def delete(state: ViewerState, index: int) -> ViewerState:
    """Without the keyframe and its segment."""
    return dataclasses.replace(state, keyframes=state.keyframes[:index] + state.keyframes[index + 1 :])


def move(state: ViewerState, index: int, to: int) -> ViewerState:
    """Put a keyframe, with its segment, at another place."""
    frames = list(state.keyframes)
    frames.insert(min(max(to, 0), len(frames) - 1), frames.pop(index))
    return dataclasses.replace(state, keyframes=tuple(frames))


def go_to(state: ViewerState, index: int) -> ViewerState:
    """Show a keyframe."""
    frame = state.keyframes[index]
    return dataclasses.replace(state, view=frame.view, sources=frame.sources, mix=frame.mix)


def journey_of(state: ViewerState, num_ws: int) -> Journey | None:
    """The journey, or None when it has no keyframe."""
    return Journey(state.keyframes, num_ws, loop=state.loop) if state.keyframes else None


def zoom_from_home(state: ViewerState, seconds: float = ZOOM_SECONDS) -> tuple[Keyframe, ...]:
    """From the whole picture to what is shown.

    Raises:
        InputError: the whole picture is shown already.
    """
    home = View(outside=state.view.outside)
    if home == state.view:
        raise InputError("this is the whole picture; zoom to where the video should end first")
    end = shown_keyframe(state, seconds)
    return dataclasses.replace(end, view=home), end


def time_of(state: ViewerState, index: int) -> float:
    """When a keyframe is met."""
    return sum(frame.seconds for frame in state.keyframes[:index])


def at(state: ViewerState, journey: Journey, seconds: float) -> ViewerState:
    """The state that shows a moment of the journey."""
    moment = journey.at(min(seconds, journey.seconds))
    return dataclasses.replace(state, view=moment.view, sources=moment.sources, mix=moment.mix)
