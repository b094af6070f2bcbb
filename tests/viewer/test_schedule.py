"""The render schedule as a table, and what it guarantees for any order of events."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from creps_viewer.model.schedule import Action, Event, Phase, Schedule

IDLE, BLIND, STALE, SHOWN = Phase.IDLE, Phase.BLIND, Phase.STALE, Phase.SHOWN
NOTHING, SEND, CANCEL = Action.NOTHING, Action.SEND, Action.CANCEL

# (phase, event): (next phase, action) while no gesture lasts and the newest request was no draft
TABLE = {
    (IDLE, Event.CHANGED): (BLIND, SEND),
    (BLIND, Event.CHANGED): (STALE, NOTHING),
    (STALE, Event.CHANGED): (STALE, NOTHING),
    (SHOWN, Event.CHANGED): (BLIND, SEND),
    (IDLE, Event.GESTURE_BEGAN): (IDLE, NOTHING),
    (BLIND, Event.GESTURE_BEGAN): (BLIND, NOTHING),
    (STALE, Event.GESTURE_BEGAN): (STALE, NOTHING),
    (SHOWN, Event.GESTURE_BEGAN): (SHOWN, NOTHING),
    (IDLE, Event.GESTURE_ENDED): (IDLE, NOTHING),
    (BLIND, Event.GESTURE_ENDED): (BLIND, NOTHING),
    (STALE, Event.GESTURE_ENDED): (STALE, NOTHING),
    (SHOWN, Event.GESTURE_ENDED): (SHOWN, NOTHING),
    (IDLE, Event.FRAME): (IDLE, NOTHING),
    (BLIND, Event.FRAME): (SHOWN, NOTHING),
    (STALE, Event.FRAME): (BLIND, SEND),
    (SHOWN, Event.FRAME): (SHOWN, NOTHING),
    (IDLE, Event.DONE): (IDLE, NOTHING),
    (BLIND, Event.DONE): (IDLE, NOTHING),
    (STALE, Event.DONE): (BLIND, SEND),
    (SHOWN, Event.DONE): (IDLE, NOTHING),
    (IDLE, Event.CLOSED): (IDLE, CANCEL),
    (BLIND, Event.CLOSED): (IDLE, CANCEL),
    (STALE, Event.CLOSED): (IDLE, CANCEL),
    (SHOWN, Event.CLOSED): (IDLE, CANCEL),
}

# what differs when a gesture ends and the newest request was a draft: it is asked for again, settled
AFTER_DRAFT = {IDLE: (BLIND, SEND), BLIND: (STALE, NOTHING), STALE: (STALE, NOTHING), SHOWN: (BLIND, SEND)}


def test_table_is_complete() -> None:
    assert set(TABLE) == {(phase, event) for phase in Phase for event in Event}


@pytest.mark.parametrize("moving", [False, True])
@pytest.mark.parametrize(("phase", "event"), TABLE)
def test_every_phase_and_event(phase: Phase, event: Event, moving: bool) -> None:
    after, action = Schedule(phase, moving=moving).step(event)
    assert (after.phase, action) == TABLE[phase, event]
    expected = {Event.GESTURE_BEGAN: True, Event.GESTURE_ENDED: False}.get(event, moving)
    assert after.moving is expected
    if action is SEND:
        assert after.draft is after.moving


@pytest.mark.parametrize("phase", Phase)
def test_a_draft_is_settled_when_the_gesture_ends(phase: Phase) -> None:
    after, action = Schedule(phase, moving=True, draft=True).step(Event.GESTURE_ENDED)
    assert (after.phase, action) == AFTER_DRAFT[phase]
    assert not after.moving
    if action is SEND:
        assert not after.draft


class Thread:
    """What the schedule believes of the render thread, played out: passes arrive, newer requests win."""

    def __init__(self) -> None:
        self.schedule = Schedule()
        self.state = 0  # what is wanted
        self.running: tuple[int, bool] | None = None  # (state, draft)
        self.shown: tuple[int, bool] | None = None  # of the last request that was completed

    def happens(self, event: Event) -> None:
        if event is Event.CHANGED:
            self.state += 1
        if event is Event.DONE:
            self.shown = self.running
            self.running = None
        self.schedule, action = self.schedule.step(event)
        if action is SEND:
            self.running = (self.state, self.schedule.moving)
        elif action is CANCEL:
            self.running = None

    def possible(self, event: Event) -> bool:
        match event:
            case Event.FRAME | Event.DONE:
                return self.running is not None
            case Event.GESTURE_BEGAN:
                return not self.schedule.moving
            case Event.GESTURE_ENDED:
                return self.schedule.moving
        return event is not Event.CLOSED


@given(st.lists(st.sampled_from(list(Event)), max_size=60))
def test_whatever_happens_the_last_state_is_shown_settled(events: list[Event]) -> None:
    thread = Thread()
    thread.happens(Event.CHANGED)
    for event in events:
        if thread.possible(event):
            thread.happens(event)
    if thread.schedule.moving:
        thread.happens(Event.GESTURE_ENDED)
    for _ in range(4):
        if thread.running is not None:
            thread.happens(Event.DONE)
    assert thread.running is None
    assert thread.shown == (thread.state, False)


@given(st.integers(1, 50))
def test_a_long_drag_does_not_starve(moves: int) -> None:
    """However many moves come before a request's first pass, that pass is awaited."""
    schedule, _ = replace(Schedule(), moving=True).step(Event.CHANGED)
    for _ in range(moves):
        schedule, action = schedule.step(Event.CHANGED)
        assert action is NOTHING
    _, action = schedule.step(Event.FRAME)
    assert action is SEND


def test_every_event_is_sent_somewhere() -> None:
    bridge = Path(__file__).parents[2] / "creps_viewer" / "service" / "bridge.py"
    sent = set(re.findall(r"Event\.([A-Z_]+)", bridge.read_text(encoding="utf-8")))
    assert sent == {event.name for event in Event}
