"""Runs glides and flights on the GUI thread's clock: everything that moves by itself, as one gesture."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction

from PyQt6.QtCore import QObject, Qt, QTimer

from creps_core.view import View
from creps_viewer.model.glide import GLIDE_SECONDS, Flight, Glide
from creps_viewer.model.movable import Movable

TICK_MS = 12


class Motion(QObject):
    """The glides that are going on; from the first to the last of them is one undo step."""

    def __init__(self, model: Movable, clock: Callable[[], float], parent: QObject) -> None:
        super().__init__(parent)
        self._model, self._clock = model, clock
        self._glides: list[Glide] = []
        self._flight: Flight | None = None
        self._expected: View | None = None  # where the flight put the view: others moving it end the flight
        self.animated = True  # False: everything arrives at once
        self._timer = QTimer(self)
        self._timer.setTimerType(Qt.TimerType.PreciseTimer)
        self._timer.setInterval(TICK_MS)
        self._timer.timeout.connect(self.tick)

    @property
    def active(self) -> bool:
        """Whether anything moves."""
        return bool(self._glides) or self._flight is not None

    def glide(
        self,
        px: float,
        py: float,
        *,
        octaves: Fraction = Fraction(0),
        pan: tuple[int, int] = (0, 0),
        degrees: float = 0.0,
    ) -> None:
        """Add a glide about a window position; those that run go on."""
        self._start()
        self._flight = None
        seconds = GLIDE_SECONDS if self.animated else 0.0
        self._glides.append(Glide(px, py, octaves, pan, degrees, seconds, self._clock()))
        self.tick()

    def fly(self, goal: View, seconds: float = GLIDE_SECONDS) -> None:
        """Go to a view; glides that run end where they are."""
        self._start()
        self._glides.clear()
        view = self._expected = self._model.state.view
        self._flight = Flight(view, goal, self._clock(), seconds if self.animated else 0.0)
        self.tick()

    def stop(self) -> None:
        """End all motion where it is."""
        if self.active:
            self._glides.clear()
            self._flight = None
            self._finish()

    def tick(self) -> None:
        """Do what is due by now."""
        if not self.active:
            return
        now, view = self._clock(), self._model.state.view
        if self._flight is not None:
            if view != self._expected:
                self._flight = None
            else:
                view = self._expected = self._flight.at(now)
                if self._flight.finished(now):
                    self._flight = None
        for glide in self._glides:
            view = glide.advance(view, self._model.canvas_size, now)
        self._glides = [glide for glide in self._glides if not glide.finished(now)]
        self._model.update(view=view)
        if not self.active:
            self._finish()

    def _start(self) -> None:
        if not self.active:
            self._model.begin_gesture()
            self._timer.start()

    def _finish(self) -> None:
        self._timer.stop()
        self._expected = None
        self._model.end_gesture()
