"""The one table of gestures and keys: the canvas obeys it, the help sheet (H) shows it."""

from __future__ import annotations

from dataclasses import dataclass

from PyQt6.QtCore import Qt

_Key = Qt.Key
_NONE = Qt.KeyboardModifier.NoModifier
_CTRL = Qt.KeyboardModifier.ControlModifier
_SHIFT = Qt.KeyboardModifier.ShiftModifier


@dataclass(frozen=True)
class Binding:
    """Something the user can do. `command` is None for what a pointer does."""

    shown: str  # as the help sheet writes it
    does: str
    command: str | None = None
    keys: tuple[tuple[Qt.Key, Qt.KeyboardModifier], ...] = ()
    anywhere: bool = False  # True where the key also holds while a panel has the focus (the window's job)


def _key(
    *keys: Qt.Key, modifiers: Qt.KeyboardModifier = _NONE
) -> tuple[tuple[Qt.Key, Qt.KeyboardModifier], ...]:
    return tuple((key, modifiers) for key in keys)


BINDINGS: tuple[Binding, ...] = (
    Binding("Wheel, pinch", "zoom at the pointer"),
    Binding("Drag", "move the picture"),
    Binding("Right-drag, Shift-drag", "turn it about the pressed point"),
    Binding("Ctrl-drag", "put a lens there, or move it"),
    Binding("Ctrl-wheel", "strength of the lens"),
    Binding("L held, drag or arrows", "walk between neighbouring seeds"),
    Binding("Double-click", "zoom in 2× there"),
    Binding("+  −", "zoom in, out", "zoom_in", _key(_Key.Key_Plus, _Key.Key_Equal)),
    Binding("", "", "zoom_out", _key(_Key.Key_Minus)),
    Binding("← ↑ → ↓", "move", "left", _key(_Key.Key_Left)),
    Binding("", "", "right", _key(_Key.Key_Right)),
    Binding("", "", "up", _key(_Key.Key_Up)),
    Binding("", "", "down", _key(_Key.Key_Down)),
    Binding("[  ]", "turn", "turn_left", _key(_Key.Key_BracketLeft)),
    Binding("", "", "turn_right", _key(_Key.Key_BracketRight)),
    Binding("M", "mirror", "mirror", _key(_Key.Key_M)),
    Binding("Home", "the whole picture, upright and unbent", "home", _key(_Key.Key_Home)),
    Binding("Backspace", "remove the lens", "remove_lens", _key(_Key.Key_Backspace)),
    Binding("R", "next random seed", "random_seed", _key(_Key.Key_R)),
    Binding("S", "sheet of seeds to pick from", "seeds", _key(_Key.Key_S)),
    Binding("K", "add a keyframe", "keyframe", _key(_Key.Key_K)),
    Binding("Space", "play the journey, or stop", "play", _key(_Key.Key_Space)),
    Binding("C", "compare with another seed", "compare", _key(_Key.Key_C)),
    Binding("Shift+C", "scale consistency", "residual", _key(_Key.Key_C, modifiers=_SHIFT)),
    Binding("X", "wipe, or side by side", "compare_layout", _key(_Key.Key_X)),
    Binding("U", "unlink or link the compared views", "compare_link", _key(_Key.Key_U)),
    Binding(",  .", "move the wipe line", "wipe_left", _key(_Key.Key_Comma)),
    Binding("", "", "wipe_right", _key(_Key.Key_Period)),
    Binding("Ctrl+Z", "undo", "undo", _key(_Key.Key_Z, modifiers=_CTRL), True),
    Binding(
        "Ctrl+Shift+Z",
        "redo",
        "redo",
        _key(_Key.Key_Z, modifiers=_CTRL | _SHIFT) + _key(_Key.Key_Y, modifiers=_CTRL),
        True,
    ),
    Binding("Ctrl+C", "copy the picture", "copy_picture", _key(_Key.Key_C, modifiers=_CTRL)),
    Binding("Ctrl+Shift+C", "copy the view as text", "copy_view", _key(_Key.Key_C, modifiers=_CTRL | _SHIFT)),
    Binding("F", "full screen", "full_screen", _key(_Key.Key_F)),
    Binding(
        "Tab, F9", "hide or show the panels", "panels", _key(_Key.Key_Tab, _Key.Key_Backtab, _Key.Key_F9)
    ),
    Binding("B", "look inside: the bi-lines", "inspect", _key(_Key.Key_B)),
    Binding("I", "hide or show the readout", "readout", _key(_Key.Key_I)),
    Binding("H", "this list", "help", _key(_Key.Key_H)),
    Binding("Escape", "leave full screen, then cancel", "escape", _key(_Key.Key_Escape)),
)

# what the canvas passes on to the window
WINDOW_COMMANDS = frozenset(
    {"copy_picture", "copy_view", "full_screen", "panels", "readout", "help", "escape"}
    | {"seeds", "keyframe", "play", "inspect"}
    | {"compare", "residual", "compare_layout", "compare_link", "wipe_left", "wipe_right"}
)

# what tells keyboards apart but not keys: the keypad, and Shift where the character needs it (+)
_IGNORED = Qt.KeyboardModifier.KeypadModifier | Qt.KeyboardModifier.GroupSwitchModifier
_SHIFTED = {_Key.Key_Plus, _Key.Key_Backtab, _Key.Key_BracketLeft, _Key.Key_BracketRight}


def command_for(key: int, modifiers: Qt.KeyboardModifier) -> str | None:
    """The command that a key press stands for."""
    modifiers &= ~_IGNORED
    for binding in BINDINGS:
        for bound, wanted in binding.keys:
            allowed = modifiers & ~_SHIFT if bound in _SHIFTED else modifiers
            if key == bound and allowed == wanted:
                return binding.command
    return None


def sheet_rows() -> list[tuple[str, str]]:
    """(keys, what they do), as the help sheet shows them."""
    return [(binding.shown, binding.does) for binding in BINDINGS if binding.shown]
