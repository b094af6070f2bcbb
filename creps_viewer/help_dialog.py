"""About the viewer: what it is and whose work it stands on."""

from __future__ import annotations

from importlib import metadata

from PyQt6.QtCore import Qt
from PyQt6.QtWidgets import QDialog, QHBoxLayout, QLabel, QPushButton, QTextBrowser, QVBoxLayout, QWidget

from creps_viewer.theme import app_icon

LIBRARIES = (
    ("torch", "PyTorch", "BSD-3-Clause"),
    ("numpy", "NumPy", "BSD-3-Clause"),
    ("PyQt6", "PyQt", "GPL-3.0 or commercial"),
    ("PyQt6-Qt6", "Qt", "LGPL-3.0"),
    ("pyqtgraph", "PyQtGraph", "MIT"),
    ("PyOpenGL", "PyOpenGL", "BSD-3-Clause"),
    ("safetensors", "safetensors", "Apache-2.0"),
    ("psygnal", "psygnal", "BSD-3-Clause"),
    ("pillow", "Pillow", "MIT-CMU"),
    ("tifffile", "tifffile", "BSD-3-Clause"),
    ("platformdirs", "platformdirs", "MIT"),
    ("click", "click", "BSD-3-Clause"),
    ("tqdm", "tqdm", "MPL-2.0 and MIT"),
)


class AboutDialog(QDialog):
    """One page: the method, the libraries with version and licence."""

    def __init__(self, parent: QWidget | None) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setWindowTitle("About")
        self.setFixedSize(460, 420)
        column = QVBoxLayout(self)
        column.setContentsMargins(20, 18, 20, 16)
        column.setSpacing(12)
        head = QHBoxLayout()
        icon = QLabel()
        icon.setPixmap(app_icon().pixmap(48, 48))
        title = QLabel("CREPS viewer")
        title.setProperty("heading", True)
        head.addWidget(icon)
        head.addWidget(title, 1)
        column.addLayout(head)
        about = QLabel(
            "Pictures without a resolution: the network is asked for every pixel of the window, at any zoom. "
            "CREPS: Column–Row Entangled Pixel Synthesis (Nguyen et al., CVPR 2023)."
        )
        about.setWordWrap(True)
        column.addWidget(about)
        page = QTextBrowser()
        rows = "".join(
            f"<tr><td>{name}</td><td>&nbsp; {_version(package)}</td><td>&nbsp; {licence}</td></tr>"
            for package, name, licence in LIBRARIES
        )
        page.setHtml(f"<table>{rows}</table>")
        column.addWidget(page, 1)
        close = QPushButton("Close")
        close.clicked.connect(self.close)
        foot = QHBoxLayout()
        foot.addStretch(1)
        foot.addWidget(close)
        column.addLayout(foot)


def _version(package: str) -> str:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return "–"
