"""Plays and scrubs the journey: moves the model's view along it, as one gesture.

Speed is the clock's: while a gesture lasts the renderer answers with drafts, and what it cannot keep up with
costs resolution, never time.
"""

from __future__ import annotations

from collections.abc import Callable

from PyQt6.QtCore import QObject, Qt, QTimer, pyqtSignal

from creps_core.journey import Journey
from creps_viewer.model import timeline
from creps_viewer.model.state import ViewerState
from creps_viewer.model.viewer_model import ViewerModel

TICK_MS = 16


class Player(QObject):
    """The playhead. Whoever else moves the picture stops it."""

    moved = pyqtSignal(float)  # seconds
    playing_changed = pyqtSignal(bool)

    def __init__(self, model: ViewerModel, clock: Callable[[], float]) -> None:
        super().__init__()
        self._model, self._clock = model, clock
        self._journey: tuple[object, Journey] | None = None  # by what it was made of
        self._began: float | None = None  # when the journey's start would have been shown
        self._expected: object = None  # the picture that the playhead shows
        self.seconds = 0.0
        self._timer = QTimer(self)
        self._timer.setTimerType(Qt.TimerType.PreciseTimer)
        self._timer.setInterval(TICK_MS)
        self._timer.timeout.connect(self.tick)
        model.interrupted.connect(self.stop)
        model.changed.connect(self._changed)

    @property
    def playing(self) -> bool:
        """Whether it runs."""
        return self._began is not None

    @property
    def journey(self) -> Journey | None:
        """The present journey, None without keyframes or checkpoint."""
        state, document = self._model.state, self._model.document
        if document is None:
            return None
        key = (state.keyframes, state.loop, document.config.num_ws)
        if self._journey is None or self._journey[0] != key:
            made = timeline.journey_of(state, document.config.num_ws)
            if made is None:
                return None
            self._journey = (key, made)
        return self._journey[1]

    def toggle(self) -> None:
        """Play, or stop where it is."""
        if self.playing:
            self.stop()
        else:
            self.play()

    def play(self) -> None:
        """From the playhead on; from the start when it is at the end."""
        journey = self.journey
        if journey is None or not journey.seconds or self.playing:
            return
        if self.seconds >= journey.seconds:
            self.seconds = 0.0
        self._model.begin_gesture()
        self._began = self._clock() - self.seconds
        self._timer.start()
        self.playing_changed.emit(True)
        self._show(self.seconds)

    def stop(self) -> None:
        """Stand still; what was played is one undo step."""
        if self._began is None:
            return
        self._began = None
        self._timer.stop()
        self._model.end_gesture()
        self.playing_changed.emit(False)

    def tick(self) -> None:
        """Show the moment that the clock says."""
        journey = self.journey
        if self._began is None:
            return
        if journey is None or not journey.seconds:
            self.stop()
            return
        seconds = self._clock() - self._began
        if journey.loop:
            seconds %= journey.seconds
        self._show(min(seconds, journey.seconds))
        if seconds >= journey.seconds:
            self.stop()

    def seek(self, seconds: float) -> None:
        """Put the playhead at a time and show it; playing goes on from there."""
        journey = self.journey
        if journey is None:
            return
        seconds = min(max(seconds, 0.0), journey.seconds)
        if self._began is not None:
            self._began = self._clock() - seconds
        self._show(seconds)

    def seek_to(self, index: int) -> None:
        """Put the playhead on a keyframe and show exactly that."""
        self.stop()
        state = timeline.go_to(self._model.state, index)
        self.seconds, self._expected = timeline.time_of(state, index), state.picture
        self._model.update(**vars(state))
        self.moved.emit(self.seconds)

    def _show(self, seconds: float) -> None:
        journey = self.journey
        if journey is None:
            return
        state = timeline.at(self._model.state, journey, seconds)
        self.seconds, self._expected = seconds, state.picture
        self._model.update(**vars(state))
        self.moved.emit(seconds)

    def _changed(self, _old: ViewerState, new: ViewerState) -> None:
        if new.picture == self._expected:
            return
        self.stop()
        self._expected = new.picture
        for index, frame in enumerate(new.keyframes):
            if (frame.view, frame.sources, frame.mix) == new.picture:
                self.seconds = timeline.time_of(new, index)
                self.moved.emit(self.seconds)
                return
