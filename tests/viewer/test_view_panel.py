"""The View section and its number fields: exact numbers in, exact numbers kept, nonsense refused."""

from __future__ import annotations

import math
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PyQt6.QtCore import Qt

from creps_core.config import GeneratorConfig
from creps_core.errors import InputError
from creps_core.view import View
from creps_core.warps import Lens, Tilt
from creps_viewer.model.state import Document, ViewerState
from creps_viewer.model.viewer_model import ViewerModel
from creps_viewer.panels.number_field import NumberField, parse_exact, parse_real
from creps_viewer.panels.rows import format_full
from creps_viewer.panels.view_panel import ViewPanel
from tests.viewer.people import shown, type_into


def document(**sizes: int) -> Document:
    return Document("trial", None, "0" * 64, GeneratorConfig(resolution=64, **sizes), 1)


@pytest.fixture
def model() -> ViewerModel:
    model = ViewerModel()
    model.set_document(document())
    return model


@pytest.fixture
def view(qtbot, model) -> ViewPanel:
    return shown(qtbot, ViewPanel(model, lambda: None), 288, 700)


def test_a_typed_centre_keeps_every_digit(qtbot, model, view):
    digits = "0.417320000000000000000000000000000000000000001"
    type_into(qtbot, view.center_x, digits)
    assert model.state.view.center_x == Fraction(digits)
    view.zoom.setFocus()
    assert view.center_x.text() == "0.41732"
    view.center_x.setFocus()
    assert view.center_x.text() == digits


def test_looking_at_a_field_changes_nothing(qtbot, model, view):
    before = ViewerState(
        view=View(
            center_x=Fraction("0.123456789012345678901234567890"),
            center_y=Fraction("-0.3"),
            log2_zoom=Fraction(12345678, 2**20),
            rotation_deg=33.3,
            stretch=(1.1, -0.7),
            warps=(Lens(0.1, -0.2, 1 / 3, 1.5),),
        )
    )
    model.reset_state(before)
    for field in view.findChildren(NumberField):
        field.setFocus()
        qtbot.keyClick(field, Qt.Key.Key_Return)
    view.outside.setFocus()
    assert model.state == before
    assert not model.can_undo


@pytest.mark.parametrize(
    ("text", "log2_zoom"),
    [("1", 0), ("8x", 3), ("2^20", 20), ("0.25", -2), ("2^-1", -1), ("1048576×", 20), ("2^512", 512)],
)
def test_a_typed_zoom(qtbot, model, view, text, log2_zoom):
    type_into(qtbot, view.zoom, text)
    assert model.state.view.log2_zoom == log2_zoom


@pytest.mark.parametrize("text", ["0", "-3", "much", "1e400", "2^600", "nan", "inf", ""])
def test_a_bad_zoom_keeps_the_old_one(qtbot, model, view, text):
    model.update(view=View.from_zoom(8))
    with qtbot.waitSignal(view.zoom.rejected):
        type_into(qtbot, view.zoom, text)
    assert model.state.view.log2_zoom == 3
    view.rotation.setFocus()  # leaving shows the value again
    assert view.zoom.text() == "8×"


def test_every_other_number_of_the_view_can_be_typed(qtbot, model, view):
    type_into(qtbot, view.rotation, "14.5°")
    type_into(qtbot, view.center_y, "1e-30")
    type_into(qtbot, view.stretch_x, "0,5")
    type_into(qtbot, view.stretch_y, "−2")
    shown = model.state.view
    assert (shown.rotation_deg, shown.center_y, shown.stretch) == (14.5, Fraction(1, 10**30), (0.5, -2.0))
    assert view.mirror_y.isChecked()
    assert not view.mirror_x.isChecked()
    qtbot.mouseClick(view.mirror_y, Qt.MouseButton.LeftButton)
    assert model.state.view.stretch == (0.5, 2.0)


def test_warps_are_added_edited_and_removed_in_their_order(qtbot, model, view):
    for index in (0, 3):
        view.warps.add.activated.emit(index)
    assert [type(w) for w in model.state.view.warps] == [Lens, Tilt]
    lens, tilt = view.warps.cards
    type_into(qtbot, lens.rows["s"].field, "-2.25")
    type_into(qtbot, tilt.rows["ax"].field, "0.125")
    assert model.state.view.warps[0] == Lens(0.0, 0.0, 0.3, -2.25)
    assert model.state.view.warps[1] == Tilt(0.125, 0.5)
    with qtbot.waitSignal(lens.rows["r"].field.rejected):
        type_into(qtbot, lens.rows["r"].field, "-1")
    qtbot.mouseClick(lens.remove, Qt.MouseButton.LeftButton)
    assert model.state.view.warps == (Tilt(0.125, 0.5),)
    assert len(view.warps.cards) == 1
    model.undo()
    assert view.warps.cards[0].rows["s"].value == -2.25


def test_outside_is_chosen(model, view):
    view.outside.activated.emit(view.outside.findData("frame"))
    assert model.state.view.outside == "frame"


@given(st.floats(allow_nan=False, allow_infinity=False, min_value=-1e290, max_value=1e290))
def test_the_full_text_of_a_double_reads_back_as_itself(value):
    assert parse_real(format_full(value)) == value


@given(st.integers(-(10**30), 10**30), st.integers(0, 60))
def test_any_decimal_is_read_exactly(digits, places):
    value = Fraction(digits, 10**places)
    text = f"{digits}e-{places}"
    assert parse_exact(text) == value


@given(st.text(max_size=12))
def test_whatever_is_typed_is_a_number_or_refused(text):
    try:
        value = parse_real(text)
    except InputError as error:
        assert "expected" in str(error)
    else:
        assert math.isfinite(value)
