"""What both canvases share: the layers, what lies over them, the gestures, and when to repaint.

The stage listens to the model and says what a paint shows; a canvas only draws it. No pixels are touched
here.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from PyQt6.QtCore import QEvent, QObject, QPointF, Qt, QTimer, pyqtSignal
from PyQt6.QtWidgets import QWidget

from creps_core.frame import Frame
from creps_core.inspector import Inspection
from creps_core.view import Size
from creps_viewer.canvas.gestures import Gestures
from creps_viewer.canvas.layers import Drawn, Layer, LayerStack
from creps_viewer.canvas.overlays import Overlays, Reaction
from creps_viewer.canvas.pane import Pane
from creps_viewer.canvas.sprite import Sprite
from creps_viewer.canvas.wipe import Wipe
from creps_viewer.model.movable import Hand
from creps_viewer.model.second import Second
from creps_viewer.model.state import Document, ViewerState
from creps_viewer.model.timings import Timings
from creps_viewer.model.viewer_model import ViewerModel

FADE_SECONDS = 0.12
TICK_MS = 15


@dataclass(frozen=True)
class Scene:
    """One paint: every picture's layers coarse to fine, then sprites in order."""

    size: Size
    pictures: list[tuple[Pane, list[Drawn]]]
    sprites: list[Sprite]


class Stage(QObject):
    """The canvas without its pixels.

    Signals, for the window: `command(str)` one of panels, full_screen, escape, copy_picture, copy_view;
    `link_activated(str)` the action of the message's link; `painted()` after every paint.
    """

    command = pyqtSignal(str)
    link_activated = pyqtSignal(str)
    painted = pyqtSignal()

    def __init__(
        self,
        widget: QWidget,
        model: ViewerModel,
        timings: Timings | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        super().__init__(widget)
        self.model = model
        self.timings = timings or Timings()
        self.layers = LayerStack()
        self.animated = True
        self._widget, self._clock = widget, clock
        self._closed = False
        self._input_at: float | None = None
        self._paint_began = 0.0
        self.hand = Hand(model)
        self.gestures = Gestures(widget, self.hand, self._pointer_over, clock)
        self.overlays = Overlays(model, widget.font(), clock)
        self.wipe = Wipe(model, widget.font())
        self.gestures.command.connect(self._run)
        self.gestures.began.connect(self.overlays.gesture_began)
        self.gestures.input_arrived.connect(self._note_input)
        self.gestures.lens_touched.connect(self.overlays.touch_lens)
        self.gestures.cancelled.connect(self._let_go)
        self._ticker = QTimer(self)
        self._ticker.setTimerType(Qt.TimerType.PreciseTimer)
        self._ticker.setInterval(TICK_MS)
        self._ticker.timeout.connect(widget.update)
        model.changed.connect(self._on_changed)
        model.frame_changed.connect(self._on_frame)
        model.second_changed.connect(self._on_second)
        model.inspection_changed.connect(self._on_inspection)
        model.document_changed.connect(self._on_document)
        model.message_changed.connect(self._on_message)
        model.side.arrived.connect(self._on_side_picture)
        model.interrupted.connect(self.gestures.cancel)

    def set_animated(self, animated: bool) -> None:
        """Glides, fades and hints on or off; off, a picture can be taken at any time."""
        self.animated = animated
        self.gestures.motion.animated = animated
        self.overlays.animated = animated

    def resized(self) -> None:
        """The widget has a new size or scale factor."""
        self.model.set_canvas_size(self._picture_size())
        self._widget.update()

    def settled(self) -> bool:
        """Whether the canvas shows the settled pictures of the present state, opaque and at rest."""
        done = self.model.settled and (self.model.state.compare is None or self.model.second.settled)
        return done and not self._fading(self._clock()) and not self.gestures.motion.active

    def alive(self) -> list[Layer]:
        """All layers that have a right to a texture."""
        return self.layers.layers + self.wipe.layers.layers

    def close(self) -> None:
        """End gestures and stop listening; nothing is painted any more."""
        if self._closed:
            return
        self._closed = True
        self.gestures.cancel()
        self._ticker.stop()
        self.model.changed.disconnect(self._on_changed)
        self.model.frame_changed.disconnect(self._on_frame)
        self.model.second_changed.disconnect(self._on_second)
        self.model.inspection_changed.disconnect(self._on_inspection)
        self.model.document_changed.disconnect(self._on_document)
        self.model.message_changed.disconnect(self._on_message)
        self.model.side.arrived.disconnect(self._on_side_picture)
        self.model.interrupted.disconnect(self.gestures.cancel)

    def begin_paint(self) -> Scene:
        """What to paint now; `end_paint` must follow."""
        self._paint_began = time.perf_counter()
        size, view, now = self._device_size(), self.model.state.view, self._clock()
        ratio = self._widget.devicePixelRatioF()
        pictures = [
            (
                pane,
                self.wipe.drawn(pane.size, now) if pane.second else self.layers.drawn(view, pane.size, now),
            )
            for pane in self.wipe.panes(size, ratio)
        ]
        sprites = self.wipe.sprites(size, ratio) + self.overlays.sprites(size, ratio, pictures[0][0].size)
        self._want_minimap()
        # what fades needs another paint soon
        running = self._fading(now) or self.overlays.fading()
        if running != self._ticker.isActive():
            self._ticker.start() if running else self._ticker.stop()
        return Scene(size, pictures, sprites)

    def end_paint(self) -> None:
        """The paint is done."""
        now = time.perf_counter()
        self.timings.add("paint", 1e3 * (now - self._paint_began))
        if self._input_at is not None:
            self.timings.add("input", 1e3 * (now - self._input_at))
            self._input_at = None
        self.painted.emit()

    def _fading(self, now: float) -> bool:
        return self.layers.fading(now) or self.wipe.layers.fading(now)

    def _picture_size(self) -> Size:
        """Of one picture: the canvas's own, or half of it."""
        return self.wipe.panes(self._device_size(), self._widget.devicePixelRatioF())[0].size

    def _device_size(self) -> Size:
        ratio = self._widget.devicePixelRatioF()
        return Size(max(1, round(self._widget.width() * ratio)), max(1, round(self._widget.height() * ratio)))

    def _note_input(self) -> None:
        if self._input_at is None:
            self._input_at = time.perf_counter()

    def _on_changed(self, old: ViewerState, new: ViewerState) -> None:
        if old.compare != new.compare:
            self._arrange(new)
        self._widget.update()

    def _arrange(self, state: ViewerState) -> None:
        """The pictures may lie otherwise now."""
        compare = state.compare
        if (compare is None or compare.layout != "wipe") and self.wipe.cancel():
            self.model.end_gesture()
        self.hand.over_second = self.hand.over_second and compare is not None
        found = self.wipe.panes(self._device_size(), self._widget.devicePixelRatioF())
        self.gestures.origin = found[-1 if self.hand.over_second else 0].x
        self.resized()

    def _on_frame(self, frame: Frame) -> None:
        self.layers.add(frame, self.model.state.view, self.model.canvas_size, self._clock(), self._fade)
        self._widget.update()

    def _on_second(self, second: Second) -> None:
        self.wipe.take(second, self.model.canvas_size, self._clock(), self._fade)
        self._widget.update()

    @property
    def _fade(self) -> float:
        """How long what arrives now takes to become opaque, in seconds."""
        return FADE_SECONDS if self.animated and not self.model.moving else 0.0

    def _on_inspection(self, inspection: Inspection | None) -> None:
        self.layers.set_cover(None if inspection is None else inspection.frame, self._clock())
        self._widget.update()

    def _on_document(self, document: Document | None) -> None:
        if document is None:
            self.layers.clear()
        self.layers.set_backdrop(None, self._clock())
        self.overlays.minimap.set_picture(None)
        self._widget.update()

    def _on_message(self, message: object) -> None:
        self._widget.update()

    def _on_side_picture(self, key: str, frame: Frame) -> None:
        if key == self.overlays.minimap.KEY:
            self.overlays.minimap.set_picture(frame)
            self.layers.set_backdrop(frame, self._clock())
            self._widget.update()

    def _want_minimap(self) -> None:
        wanted = self.overlays.minimap.wanted()
        if wanted is not None:
            state = self.model.state
            view, size = wanted
            self.model.side.ask(self.overlays.minimap.KEY, view, size, state.sources, state.mix, rank=0)

    def _let_go(self) -> None:
        for held in (self.overlays.cancel(), self.wipe.cancel()):
            if held:
                self.model.end_gesture()

    def _run(self, command: str) -> None:
        match command:
            case "readout":
                self.overlays.toggle_readout()
            case "help":
                self.overlays.toggle_help()
            case "escape" if self.overlays.help_shown:
                self.overlays.toggle_help()
            case "escape" if self.gestures.busy:
                self.gestures.cancel()
            case _:
                self.command.emit(command)
        self._widget.update()

    def _pointer_over(self, position: QPointF, event: QEvent) -> bool:
        """Let what lies over the picture have a pointer event first; True when it took it."""
        ratio = self._widget.devicePixelRatioF()
        x, y = position.x() * ratio, position.y() * ratio
        reaction = self.overlays.pointer(x, y, event)
        if not reaction.taken:
            of_line = self.wipe.pointer(x, self._device_size(), ratio, event)
            reaction = of_line if of_line != Reaction() else reaction
        if not reaction.taken:
            self._aim(x, event)
        return self._react(reaction)

    def _aim(self, x: float, event: QEvent) -> None:
        """Let the hand lie on the picture under the pointer; what glides on another one ends."""
        found = self.wipe.panes(self._device_size(), self._widget.devicePixelRatioF())
        pane = next((pane for pane in found if pane.left <= x < pane.right), found[0])
        if event.type() == QEvent.Type.MouseMove:
            return  # only looking
        if pane.second != self.hand.over_second:
            self.gestures.motion.stop()
        self.hand.over_second = pane.second
        self.gestures.origin = pane.x

    def _react(self, reaction: Reaction) -> bool:
        """Do what the overlays say; True when the picture must not see the event."""
        if reaction.link:
            self.link_activated.emit(reaction.link)
        if reaction.gesture:
            self.model.begin_gesture()
        if reaction.goal is not None:
            if reaction.glide:
                self.gestures.motion.fly(reaction.goal)
            else:
                self.gestures.motion.stop()
                self.model.update(view=reaction.goal)
        if reaction.gesture is False:
            self.model.end_gesture()
        if reaction.cursor is not None:
            self._widget.setCursor(reaction.cursor)
        if reaction.taken or reaction.goal is not None:
            self._widget.update()
        return reaction.taken
