"""Take the README's pictures from the real window: `python docs/make_screenshots.py [FOLDER]`.

Needs a display; `xvfb-run` gives one. Every picture is a session opened by `creps-viewer --screenshot`.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from fractions import Fraction
from pathlib import Path
from typing import Any

from creps_core.checkpoint import bundled_checkpoint, read_checkpoint
from creps_core.comparison import Comparison
from creps_core.inspector import Inspector
from creps_core.keyframe import Keyframe
from creps_core.session import CheckpointRef, Session, write_session
from creps_core.source import Source
from creps_core.view import View, log2_of
from creps_core.warps import Lens, Swirl
from creps_viewer.application import SHOWN_FIRST

SIZE = "1440x900"
VIEWS = {
    "home": View(),
    "zoomed": View(Fraction("0.31"), Fraction("0.4"), log2_of(3)),  # the peak
    "bent": View(
        log2_zoom=Fraction(1, 2),
        rotation_deg=20,
        warps=(Swirl(-0.1, 0.1, 0.6, 60), Lens(0.3, -0.1, 0.22, 1.5)),
    ),
}
A, B = SHOWN_FIRST, Source(seed=86)
JOURNEY = (
    Keyframe(VIEWS["home"], (A,), seconds=2),
    Keyframe(VIEWS["zoomed"], (A,), seconds=3, easing="smooth"),
    Keyframe(
        View.from_zoom(9, center_x=Fraction("0.45"), center_y=Fraction("0.46"), rotation_deg=14),
        (A,),
        seconds=2.5,
    ),
    Keyframe(VIEWS["home"], (B,)),
)
SHARES = (0.0,) * 4 + (0.7,) * 3 + (1.0,) * 6  # of B: its layout not at all, its form in part, its palette

# name → what its session holds beside checkpoint, latents and home
SHOTS: dict[str, dict[str, Any]] = {
    **{name: {"view": view} for name, view in VIEWS.items()},
    "mixing": {"sources": (A, B), "mix": tuple((1 - share, share) for share in SHARES)},
    "journey": {"view": VIEWS["zoomed"], "keyframes": JOURNEY},
    "inside": {"inspector": Inspector(open=True, level=32, channel=0)},
    "compare": {"compare": Comparison(sources=(Source(seed=4),))},
}


def main(folder: Path) -> None:
    """Write one picture per shot into the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    path = bundled_checkpoint()
    checkpoint = CheckpointRef.of(path, read_checkpoint(path).sha256)
    with tempfile.TemporaryDirectory() as scratch:
        for name, fields in SHOTS.items():
            file = Path(scratch) / f"{name}.json"
            write_session(file, Session(checkpoint, **{"sources": (A,), **fields}))
            picture = folder / f"{name}.png"
            command = [sys.executable, "-m", "creps_viewer", "--session", str(file)]
            subprocess.run([*command, "--screenshot", str(picture), "--size", SIZE], check=True)
            sys.stdout.write(f"{picture}\n")


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else Path(__file__).parent / "screenshots"))
