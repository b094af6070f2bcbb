"""Take the README's pictures from the real window: `python docs/make_screenshots.py [FOLDER]`.

Needs a display; `xvfb-run` gives one. Every picture is a session opened by `creps-viewer --screenshot`.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from fractions import Fraction
from pathlib import Path

from creps_core.checkpoint import bundled_checkpoint, read_checkpoint
from creps_core.comparison import Comparison
from creps_core.inspector import Inspector
from creps_core.keyframe import Keyframe
from creps_core.session import CheckpointRef, Session, write_session
from creps_core.source import Source
from creps_core.view import View, log2_of
from creps_core.warps import Lens, Swirl

SIZE = "1440x900"
SEED = 26  # of the bundled model
VIEWS = {
    "home": View(),
    "zoomed": View(Fraction("0.53"), Fraction("0.5"), log2_of(3)),  # the sun behind the ridge
    "bent": View(
        log2_zoom=Fraction(1, 2),
        rotation_deg=20,
        warps=(Swirl(-0.1, 0.1, 0.6, 60), Lens(0.3, -0.1, 0.22, 1.5)),
    ),
}
INSIDE = Inspector(open=True, level=16, channel=3)
JOURNEY = (
    Keyframe(VIEWS["home"], (Source(seed=SEED),), seconds=2),
    Keyframe(VIEWS["zoomed"], (Source(seed=SEED),), seconds=3, easing="smooth"),
    Keyframe(
        View.from_zoom(9, center_x=Fraction("0.55"), rotation_deg=14), (Source(seed=SEED),), seconds=2.5
    ),
    Keyframe(VIEWS["home"], (Source(seed=88),)),
)
COMPARISON = Comparison(sources=(Source(seed=7),))


def main(folder: Path) -> None:
    """Write one picture per view into the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    path = bundled_checkpoint()
    checkpoint = CheckpointRef.of(path, read_checkpoint(path).sha256)
    with tempfile.TemporaryDirectory() as scratch:
        extra = [("journey", VIEWS["zoomed"]), ("inside", VIEWS["home"]), ("compare", VIEWS["home"])]
        for name, view in [*VIEWS.items(), *extra]:
            session = Session(
                checkpoint,
                (Source(seed=SEED),),
                None,
                view,
                keyframes=JOURNEY if name == "journey" else None,
                inspector=INSIDE if name == "inside" else Inspector(),
                compare=COMPARISON if name == "compare" else None,
            )
            file = Path(scratch) / f"{name}.json"
            write_session(file, session)
            picture = folder / f"{name}.png"
            command = [sys.executable, "-m", "creps_viewer", "--session", str(file)]
            subprocess.run([*command, "--screenshot", str(picture), "--size", SIZE], check=True)
            sys.stdout.write(f"{picture}\n")


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else Path(__file__).parent / "screenshots"))
