"""Take the README's pictures of what opens over the window: the seed sheet, directions, the two forms.

`python docs/make_screenshots_of_forms.py [FOLDER]`; needs a display. The real viewer runs, with settings of
its own, and its menus are used.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from PyQt6.QtWidgets import QApplication, QWidget

from creps_viewer.application import Viewer
from creps_viewer.options import Options
from creps_viewer.settings import Settings
from creps_viewer.theme import apply_theme

PATIENCE = 60.0  # seconds for any of them to be complete


class Visit:
    """A viewer on the bundled model, and the patience to wait for it."""

    def __init__(self, scratch: Path) -> None:
        self.viewer = Viewer(Options(), Settings(scratch / "settings.ini"), None)
        self.viewer.canvas.stage.set_animated(False)
        self.viewer.window.resize(1280, 800)
        self.viewer.window.show()
        self.viewer.start()
        self.wait(self.viewer.canvas.stage.settled)

    def wait(self, ready: Callable[[], bool]) -> None:
        """Until it is ready and the small pictures have come."""
        end = time.monotonic() + PATIENCE
        rest = 0
        while rest < 20:
            QApplication.processEvents()
            time.sleep(0.02)
            rest = rest + 1 if ready() and not self.viewer.bridge.side_jobs else 0
            if time.monotonic() > end:
                raise SystemExit("the window was not ready in time")

    def choose(self, entry: str) -> None:
        """Use an entry of the menus."""
        self.viewer.commands.menus.actions[entry].trigger()

    def dialog(self) -> QWidget:
        """What has opened over the window."""
        windows = [w for w in QApplication.topLevelWidgets() if w.isVisible() and w is not self.viewer.window]
        (window,) = [w for w in windows if w.inherits("QDialog")]
        return window


def main(folder: Path) -> None:
    """Write the four pictures."""
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as scratch:
        application = QApplication([])
        apply_theme(application)
        visit = Visit(Path(scratch))
        sections = visit.viewer.window.sidebar.sections
        for entry in ("seeds", "export", "film_zoom"):
            visit.choose(entry)
            visit.wait(lambda: True)
            dialog = visit.dialog()
            dialog.grab().save(str(folder / f"{entry}.png"))
            dialog.close()
        for title in ("Source", "Style mixing"):
            sections[title].set_folded(True)
        sections["Directions"].set_folded(False)
        directions = visit.viewer.model.directions
        directions.wanted.emit()
        visit.wait(lambda: bool(directions.listed) and visit.viewer.canvas.stage.settled())
        visit.viewer.window.grab().save(str(folder / "directions.png"))
        visit.viewer.window.close()
        visit.viewer.close()


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else Path(__file__).parent / "screenshots"))
