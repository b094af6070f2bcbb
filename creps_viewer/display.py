"""Whether a window can open at all, found out before Qt does: without a display Qt aborts the process.

Must not import PyQt6 at module level: its absence is one of the things to report.
"""

from __future__ import annotations

import ctypes
import ctypes.util
import importlib.util
import os
import socket
import sys
from pathlib import Path

HEADLESS_HINT = "creps-render draws pictures without one"
NO_WINDOW_PLATFORMS = ("offscreen", "minimal", "eglfs", "linuxfb", "vnc", "minimalegl", "vkkhrdisplay")


def display_problem() -> str | None:
    """One line on why no window can open here, or None when one can."""
    try:
        import PyQt6.QtWidgets  # noqa: F401
    except ImportError as error:
        return _import_problem(error)
    if not sys.platform.startswith("linux"):
        return None
    platform = os.environ.get("QT_QPA_PLATFORM", "").split(":")[0].split(";")[0]
    if platform in NO_WINDOW_PLATFORMS:
        return None
    wayland, x11 = os.environ.get("WAYLAND_DISPLAY"), os.environ.get("DISPLAY")
    if not wayland and not x11:
        return f"no display was found (DISPLAY and WAYLAND_DISPLAY are not set); {HEADLESS_HINT}"
    if wayland and platform in ("", "wayland") and _wayland_answers(wayland):
        return None
    if x11 and platform in ("", "xcb"):
        return _xcb_problem(x11)
    if wayland:
        return f"the display {wayland} cannot be reached; {HEADLESS_HINT}"
    return None


def _import_problem(error: ImportError) -> str:
    text = " ".join(str(error).split())
    if "PyQt6" in text and isinstance(error, ModuleNotFoundError):
        return f"PyQt6 is not installed; install it with: pip install PyQt6 ({HEADLESS_HINT})"
    packages = {"libEGL.so.1": "libegl1", "libGL.so.1": "libgl1", "libxkbcommon.so.0": "libxkbcommon0"}
    for library, package in {
        **packages,
        "libfontconfig.so.1": "libfontconfig1",
        "libdbus-1.so.3": "libdbus-1-3",
    }.items():
        if library in text:
            return f"the system library {library} is missing; on Debian or Ubuntu: apt install {package}"
    return f"PyQt6 cannot be loaded ({text}); {HEADLESS_HINT}"


def _wayland_answers(name: str) -> bool:
    path = Path(os.environ.get("XDG_RUNTIME_DIR", "/run")) / name
    with socket.socket(socket.AF_UNIX) as probe:
        probe.settimeout(2)
        try:
            probe.connect(str(path))
        except OSError:
            return False
    return True


def _xcb_problem(display: str) -> str | None:
    missing = _missing_plugin_library()
    if missing:
        return f"Qt's window plugin lacks {missing}; on Debian or Ubuntu: apt install libxcb-cursor0"
    if not _x11_answers(display):
        return f"the display {display} cannot be reached; {HEADLESS_HINT}"
    return None


def _x11_answers(display: str) -> bool:
    """Connect as Qt will, authorisation included; libxcb reports failure where Qt would abort."""
    name = ctypes.util.find_library("xcb") or "libxcb.so.1"
    try:
        xcb = ctypes.CDLL(name)
    except OSError:
        return True  # not for us to say; the plugin's own check has passed
    xcb.xcb_connect.restype = ctypes.c_void_p
    xcb.xcb_connect.argtypes = [ctypes.c_char_p, ctypes.c_void_p]
    xcb.xcb_connection_has_error.argtypes = [ctypes.c_void_p]
    xcb.xcb_disconnect.argtypes = [ctypes.c_void_p]
    connection = xcb.xcb_connect(os.fsencode(display), None)
    failed = bool(xcb.xcb_connection_has_error(connection))
    xcb.xcb_disconnect(connection)
    return not failed


def _missing_plugin_library() -> str | None:
    """Load Qt's X11 plugin as Qt will; what the loader misses, or None."""
    spec = importlib.util.find_spec("PyQt6")
    for folder in spec.submodule_search_locations or [] if spec else []:
        plugin = Path(folder) / "Qt6" / "plugins" / "platforms" / "libqxcb.so"
        if plugin.is_file():
            try:
                ctypes.CDLL(str(plugin))
            except OSError as error:
                return str(error).split(":")[0]
    return None
