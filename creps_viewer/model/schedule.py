"""Which request to send when: a pure state machine. It knows no threads, no clock and no pictures.

Latest wins, but not so eagerly that a long gesture starves: a running request is left alone until its first
pass is on the screen, then the newest state is asked for. When a gesture ends, what was made as a draft is
asked for again, settled.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from enum import Enum, auto


class Phase(Enum):
    """What the render thread is doing for us."""

    IDLE = auto()  # nothing
    BLIND = auto()  # a request runs, none of its passes has arrived
    STALE = auto()  # the same, and something newer is wanted as soon as one has
    SHOWN = auto()  # a request runs, at least one of its passes has arrived


class Event(Enum):
    """What may happen."""

    CHANGED = auto()  # another picture is wanted: view, latents, size or document
    GESTURE_BEGAN = auto()
    GESTURE_ENDED = auto()
    FRAME = auto()  # a pass of the running request arrived
    DONE = auto()  # the running request is complete, or failed
    CLOSED = auto()  # no picture is wanted any more: the document was closed


class Action(Enum):
    """What to do about it."""

    NOTHING = auto()
    SEND = auto()  # submit the present state; whatever runs is cancelled
    CANCEL = auto()  # cancel whatever runs


@dataclass(frozen=True)
class Schedule:
    """The machine's state; `step` gives the next one."""

    phase: Phase = Phase.IDLE
    moving: bool = False  # a gesture lasts
    draft: bool = False  # the newest request was sent during a gesture

    def step(self, event: Event) -> tuple[Schedule, Action]:
        """The state after `event`, and what to do."""
        match event:
            case Event.CHANGED:
                return self._wait() if self._blind else self._send()
            case Event.GESTURE_BEGAN:
                return dataclasses.replace(self, moving=True), Action.NOTHING
            case Event.GESTURE_ENDED:
                ended = dataclasses.replace(self, moving=False)
                if not self.draft:
                    return ended, Action.NOTHING
                return ended._wait() if self._blind else ended._send()
            case Event.FRAME:
                if self.phase is Phase.STALE:
                    return self._send()
                shown = Phase.SHOWN if self.phase is Phase.BLIND else self.phase
                return dataclasses.replace(self, phase=shown), Action.NOTHING
            case Event.DONE:
                if self.phase is Phase.STALE:
                    return self._send()
                return dataclasses.replace(self, phase=Phase.IDLE), Action.NOTHING
            case Event.CLOSED:
                return Schedule(moving=self.moving), Action.CANCEL

    @property
    def _blind(self) -> bool:
        return self.phase in (Phase.BLIND, Phase.STALE)

    def _wait(self) -> tuple[Schedule, Action]:
        return dataclasses.replace(self, phase=Phase.STALE), Action.NOTHING

    def _send(self) -> tuple[Schedule, Action]:
        return Schedule(Phase.BLIND, moving=self.moving, draft=self.moving), Action.SEND
