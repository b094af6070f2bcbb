"""The View section: every number of the view, exact and typable, and the stack of warps."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable
from fractions import Fraction
from typing import Any

from PyQt6.QtCore import Qt
from PyQt6.QtWidgets import QLabel, QPushButton, QWidget

from creps_core.decimals import decimal_string
from creps_core.errors import InputError
from creps_core.view import MAX_LOG2_ZOOM, MIN_LOG2_ZOOM, View, log2_of, quantise_degrees
from creps_viewer.model.viewer_model import ViewerModel
from creps_viewer.panels.number_field import NumberField, parse_exact, parse_real
from creps_viewer.panels.rows import Choice, Row, format_full
from creps_viewer.panels.section import Panel, link_button
from creps_viewer.panels.warp_list import WarpList

OUTSIDE = (("fade", "Fade to the ground"), ("frame", "Frame: stop at the edge"), ("generate", "Generate on"))


class ViewPanel(Panel):
    """Edits `state.view`.

    Args:
        model: the viewer's model.
        home: leads home, gliding.
    """

    title = "View"

    def __init__(self, model: ViewerModel, home: Callable[[], None]) -> None:
        super().__init__(model)
        self._home = home
        self.zoom = NumberField("Zoom", _read_zoom, _show_zoom, _full_zoom, _step_zoom)
        self.rotation = NumberField("Rotation", _read_degrees, _show_degrees, format_full, _step_degrees)
        self.center_x, self.center_y = (self._centre_field(f"Centre {axis}") for axis in "xy")
        self.stretch_x, self.stretch_y = (_stretch_field(f"Stretch {axis}") for axis in "xy")
        self.mirror_x, self.mirror_y = (_toggle("Left–right", 0), _toggle("Upside down", 1))
        self.outside = Choice(OUTSIDE, "Outside the picture")
        self.warps = WarpList(self._set_warps, model.begin_gesture, model.end_gesture)
        rotate = QLabel("Rotate")
        for row in (
            Row(
                "Zoom",
                self.zoom,
                rotate,
                self.rotation,
                tip="Magnification; 2^20 is understood. Degrees, clockwise",
            ),
            Row("Centre", self.center_x, self.center_y, tip="Plane point in the window's middle, any digits"),
            Row("Stretch", self.stretch_x, self.stretch_y, tip="Along x and y; negative mirrors"),
            Row("Mirror", self.mirror_x, self.mirror_y, tip="Swap left and right, or top and bottom"),
            Row("Outside", self.outside, tip="What is shown beyond the trained picture"),
        ):
            self.rows.addWidget(row)
        self.rows.addWidget(self.warps)
        self._bind()

    def header_action(self) -> QWidget:
        button = link_button("Home", "Back to the whole picture: clears rotation, stretch and warps (Home)")
        button.clicked.connect(self._home)
        return button

    def _centre_field(self, name: str) -> NumberField:
        def step(value: Fraction, steps: float) -> Fraction:
            tenth = Fraction(2) ** (-4 - math.floor(self.model.state.view.log2_zoom))
            return value + Fraction(steps) * tenth

        return NumberField(name, _read_centre, _show_centre, decimal_string, step)

    def _bind(self) -> None:
        bind = self.bindings
        bind.number(self.zoom, lambda s: s.view.log2_zoom, lambda v: self._set(log2_zoom=v))
        bind.number(self.rotation, lambda s: s.view.rotation_deg, lambda v: self._set(rotation_deg=v))
        bind.number(self.center_x, lambda s: s.view.center_x, lambda v: self._set(center_x=v))
        bind.number(self.center_y, lambda s: s.view.center_y, lambda v: self._set(center_y=v))
        bind.number(self.stretch_x, lambda s: s.view.stretch[0], lambda v: self._set_stretch(0, v))
        bind.number(self.stretch_y, lambda s: s.view.stretch[1], lambda v: self._set_stretch(1, v))
        bind.choice(self.outside, lambda s: s.view.outside, lambda v: self._set(outside=v))
        bind.follow(lambda s: self.warps.show_warps(s.view.warps))
        for axis, button in enumerate((self.mirror_x, self.mirror_y)):
            button.clicked.connect(lambda _checked, a=axis: self._mirror(a))
        bind.follow(lambda s: self._show_mirrors(s.view))

    def _set(self, **changes: Any) -> None:
        self.model.update(view=dataclasses.replace(self.model.state.view, **changes))

    def _set_stretch(self, axis: int, value: float) -> None:
        stretch = list(self.model.state.view.stretch)
        stretch[axis] = value
        self._set(stretch=tuple(stretch))

    def _mirror(self, axis: int) -> None:
        self._set_stretch(axis, -self.model.state.view.stretch[axis])

    def _show_mirrors(self, view: View) -> None:
        for axis, button in enumerate((self.mirror_x, self.mirror_y)):
            button.setChecked(view.stretch[axis] < 0)

    def _set_warps(self, warps: tuple[Any, ...]) -> None:
        self._set(warps=warps)


def _toggle(text: str, axis: int) -> QPushButton:
    button = QPushButton(text)
    button.setCheckable(True)
    button.setToolTip("Mirror left and right" if axis == 0 else "Mirror top and bottom")
    button.setCursor(Qt.CursorShape.PointingHandCursor)
    return button


def _stretch_field(name: str) -> NumberField:
    return NumberField(
        name, _read_stretch, _show_stretch, format_full, lambda v, n: round(v + 0.05 * n, 9) or 0.05
    )


def _read_zoom(text: str) -> Fraction:
    plain = text.strip().replace(" ", "")
    if plain.startswith("2^"):
        log2_zoom = parse_exact(plain[2:], "a power of two")
    else:
        zoom = parse_exact(plain, "a zoom")
        if zoom <= 0:
            raise InputError("expected a zoom above 0, as in 12.4, 1e6 or 2^20")
        log2_zoom = log2_of(float(zoom))
    if not MIN_LOG2_ZOOM <= log2_zoom <= MAX_LOG2_ZOOM:
        raise InputError(f"expected a zoom from 2^{MIN_LOG2_ZOOM} to 2^{MAX_LOG2_ZOOM}")
    return log2_zoom


def _show_zoom(log2_zoom: Fraction) -> str:
    zoom = 2.0 ** float(log2_zoom)
    text = f"{zoom:.4g}" if not 1e4 <= zoom < 1e6 else f"{zoom:.0f}"
    return f"{text}×"


def _full_zoom(log2_zoom: Fraction) -> str:
    return (
        f"2^{log2_zoom}"
        if log2_zoom.denominator == 1 and log2_zoom > 13
        else format_full(2.0 ** float(log2_zoom))
    )


def _step_zoom(log2_zoom: Fraction, steps: float) -> Fraction:
    stepped = log2_zoom + Fraction(round(steps * 2**17), 2**20)  # an eighth of an octave
    return min(max(stepped, Fraction(MIN_LOG2_ZOOM)), Fraction(MAX_LOG2_ZOOM))


def _read_degrees(text: str) -> float:
    return quantise_degrees(parse_real(text, "degrees", -1e6, 1e6))


def _show_degrees(value: float) -> str:
    return f"{value:.1f}°".replace("-", "−")


def _step_degrees(value: float, steps: float) -> float:
    return quantise_degrees(value + steps)


def _read_centre(text: str) -> Fraction:
    value = parse_exact(text, "a coordinate")
    if abs(value) > 2**20:
        raise InputError("expected a coordinate between −1048576 and 1048576")
    return value


def _show_centre(value: Fraction) -> str:
    return f"{float(value):.6g}".replace("-", "−")


def _read_stretch(text: str) -> float:
    value = parse_real(text, "a stretch", -1e6, 1e6)
    if abs(value) < 1e-6:
        raise InputError("expected a stretch of size 1e-6 to 1e6; negative mirrors")
    return value


def _show_stretch(value: float) -> str:
    return f"{value:.4g}".replace("-", "−")
