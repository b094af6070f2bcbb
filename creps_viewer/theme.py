"""The look: colours, the type, the palette and the one style sheet. No widgets are defined here."""

from __future__ import annotations

from PyQt6.QtCore import QPointF, QRectF, Qt
from PyQt6.QtGui import QBrush, QColor, QFont, QIcon, QLinearGradient, QPainter, QPalette, QPixmap
from PyQt6.QtWidgets import (
    QApplication,
    QProxyStyle,
    QStyle,
    QStyleFactory,
    QStyleHintReturn,
    QStyleOption,
    QWidget,
)

GROUND = "#0e1013"  # behind the picture, and inside fields
PANEL = "#16191e"  # the sidebar
LINE = "#22262d"  # hairlines, quiet buttons
HOVER = "#2b3039"  # a quiet button under the pointer
TEXT = "#d7dae0"
QUIET = "#858c98"
ACCENT = "#f2a65a"  # what can be dragged or is active
ACCENT_HOVER = "#f7b878"
ON_ACCENT = "#1b1309"  # text on the accent
ERROR = "#e58b7b"  # a muted warning red; never large

TEXT_PX = 12
LABEL_PX = 64  # the label column of every row
SIDEBAR_PX = 320
CORNER_PX = 6

_STYLE = f"""
* {{ font-size: {TEXT_PX}px; }}
QMainWindow, QDialog {{ background: {GROUND}; }}
QDialog {{ background: {PANEL}; }}
QLabel {{ color: {TEXT}; background: transparent; }}
QLabel[quiet="true"] {{ color: {QUIET}; }}
QLabel[bad="true"] {{ color: {ERROR}; }}
QLabel[heading="true"] {{ font-size: 16px; font-weight: 600; }}
QToolTip {{ color: {TEXT}; background: {LINE}; border: 1px solid #363c46; padding: 0 2px; }}

QLineEdit {{
    color: {TEXT}; background: {GROUND}; border: 1px solid {LINE}; border-radius: {CORNER_PX}px;
    padding: 0 7px; min-height: 24px; max-height: 24px;
    selection-background-color: {ACCENT}; selection-color: {ON_ACCENT};
}}
QLineEdit:hover {{ border-color: #363c46; }}
QLineEdit:focus {{ border-color: {ACCENT}; }}
QLineEdit[bad="true"] {{ border-color: {ERROR}; color: {ERROR}; }}
QLineEdit:disabled {{ color: {QUIET}; }}
QLineEdit[flat="true"] {{
    background: transparent; border-color: transparent; border-radius: 5px;
    padding: 0 1px 0 3px; min-height: 20px; max-height: 20px;
}}
QLineEdit[flat="true"]:hover {{ border-color: {LINE}; }}
QLineEdit[flat="true"]:focus {{ background: {GROUND}; border-color: {ACCENT}; }}
QLineEdit[flat="true"][bad="true"] {{ background: {GROUND}; border-color: {ERROR}; }}

QPushButton, QToolButton[button="true"] {{
    color: {TEXT}; background: {LINE}; border: 1px solid transparent; border-radius: {CORNER_PX}px;
    padding: 0 10px; min-height: 24px; max-height: 24px;
}}
QPushButton:hover, QToolButton[button="true"]:hover {{ background: {HOVER}; }}
QPushButton:pressed {{ background: {GROUND}; }}
QPushButton:focus {{ border-color: {ACCENT}; outline: none; }}
QPushButton:checked {{ background: #3a3228; border-color: {ACCENT}; color: {ACCENT}; }}
QPushButton:disabled {{ color: {QUIET}; background: #1b1f25; }}
QPushButton[primary="true"] {{ color: {ON_ACCENT}; background: {ACCENT}; font-weight: 600; }}
QPushButton[primary="true"]:hover {{ background: {ACCENT_HOVER}; }}
QPushButton[primary="true"]:focus {{ border-color: {TEXT}; }}
QPushButton[primary="true"]:disabled {{ color: {QUIET}; background: {LINE}; }}
QPushButton[over="true"] {{ background: rgba(22, 25, 30, 190); }}
QPushButton[over="true"]:hover {{ background: rgba(43, 48, 57, 220); }}

QToolButton {{ color: {QUIET}; background: transparent; border: none; border-radius: 5px; padding: 2px 6px; }}
QToolButton:hover {{ color: {TEXT}; background: {LINE}; }}
QToolButton:focus {{ color: {ACCENT}; }}
QToolButton::menu-indicator {{ image: none; width: 0; }}
QToolButton[over="true"] {{ color: rgba(215, 218, 224, 200); padding: 4px 8px; }}
QToolButton[over="true"]:checked, QToolButton[over="true"]:focus {{ color: {ACCENT}; }}
QToolButton[over="true"]:disabled {{ color: {QUIET}; }}
QToolButton[over="true"]:hover, QToolButton[over="true"]:pressed {{
    color: white; background: rgba(22, 25, 30, 150);
}}

QMenu {{
    color: {TEXT}; background: {PANEL}; border: 1px solid #2d323b; border-radius: 8px; padding: 5px;
}}
QMenu::item {{ padding: 5px 26px 5px 12px; border-radius: 5px; }}
QMenu::item:selected {{ background: {LINE}; color: white; }}
QMenu::item:disabled {{ color: #5a606b; }}
QMenu::item:checked {{ color: {ACCENT}; }}
QMenu::indicator {{ width: 0; height: 0; }}
QMenu::separator {{ height: 1px; background: {LINE}; margin: 5px 8px; }}

QComboBox QAbstractItemView {{
    color: {TEXT}; background: {PANEL}; border: 1px solid #2d323b; padding: 4px; outline: none;
    selection-background-color: {LINE}; selection-color: white;
}}

QFileDialog QComboBox {{
    color: {TEXT}; background: {GROUND}; border: 1px solid {LINE}; border-radius: {CORNER_PX}px;
    padding: 0 8px; min-height: 24px;
}}
QFileDialog QComboBox::drop-down {{ border: none; width: 20px; }}
QFileDialog QTreeView, QFileDialog QListView {{
    color: {TEXT}; background: {GROUND}; border-radius: {CORNER_PX}px;
    selection-background-color: {LINE}; selection-color: white;
}}
QHeaderView, QHeaderView::section {{ color: {QUIET}; background: {GROUND}; border: none; padding: 4px 6px; }}

QScrollArea, QAbstractScrollArea {{ background: transparent; border: none; }}
QScrollBar:vertical {{ background: transparent; width: 8px; margin: 0; }}
QScrollBar::handle {{ background: #2d323b; border-radius: 3px; }}
QScrollBar::handle:vertical {{ min-height: 32px; margin: 0 2px 0 0; }}
QScrollBar::handle:hover {{ background: #454c58; }}
QScrollBar:horizontal {{ background: transparent; height: 8px; }}
QScrollBar::handle:horizontal {{ min-width: 32px; margin: 0 0 2px 0; }}
QScrollBar::add-line, QScrollBar::sub-line {{ width: 0; height: 0; }}
QScrollBar::add-page, QScrollBar::sub-page {{ background: transparent; }}

QCheckBox {{ color: {TEXT}; spacing: 8px; }}
QCheckBox:focus {{ color: {ACCENT}; }}
QCheckBox:disabled {{ color: {QUIET}; }}
QCheckBox::indicator {{
    width: 14px; height: 14px; background: {GROUND}; border: 1px solid #4a515d; border-radius: 4px;
}}
QCheckBox::indicator:hover {{ border-color: {QUIET}; }}
QCheckBox::indicator:checked {{ background: {ACCENT}; border-color: {ACCENT}; }}

QProgressBar {{ background: {LINE}; border: none; border-radius: 2px; max-height: 4px; min-height: 4px; }}
QProgressBar::chunk {{ background: {ACCENT}; border-radius: 2px; }}
QTextBrowser {{ color: {TEXT}; background: {GROUND}; border-radius: 8px; padding: 8px; }}
"""


class _Style(QProxyStyle):
    """Fusion without its habits: tool tips take their time, buttons carry no icons, words no underlines."""

    def styleHint(
        self,
        hint: QStyle.StyleHint,
        option: QStyleOption | None = None,
        widget: QWidget | None = None,
        returnData: QStyleHintReturn | None = None,
    ) -> int:
        if hint == QStyle.StyleHint.SH_ToolTip_WakeUpDelay:
            return 600
        if hint in (
            QStyle.StyleHint.SH_UnderlineShortcut,
            QStyle.StyleHint.SH_DialogButtonBox_ButtonsHaveIcons,
        ):
            return 0
        return super().styleHint(hint, option, widget, returnData)


def apply_theme(app: QApplication) -> None:
    """Give the whole application its style, palette, font and icon."""
    app.setStyle(_Style(QStyleFactory.create("Fusion")))
    app.setPalette(_palette())
    app.setFont(tabular(app.font()))
    app.setStyleSheet(_STYLE)
    app.setWindowIcon(app_icon())


def tabular(font: QFont) -> QFont:
    """`font` at the interface's size, its digits all equally wide so that numbers do not dance."""
    font = QFont(font)
    font.setPixelSize(TEXT_PX)
    if hasattr(font, "setFeature"):  # Qt 6.7; older ones show the font's own digits
        font.setFeature(QFont.Tag("tnum"), 1)
    return font


def repolish(widget: QWidget) -> None:
    """Apply the style sheet again after a property that it selects on has changed."""
    style = widget.style()
    if style is not None:
        style.unpolish(widget)
        style.polish(widget)


def app_icon() -> QIcon:
    """Rows meet columns: a bright crossing on the dark ground, drawn, so that no file is needed."""
    icon = QIcon()
    for side in (16, 32, 64, 128, 256):
        icon.addPixmap(_draw_icon(side))
    return icon


def _draw_icon(side: int) -> QPixmap:
    pixmap = QPixmap(side, side)
    pixmap.fill(Qt.GlobalColor.transparent)
    painter = QPainter(pixmap)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(QColor(PANEL))
    painter.drawRoundedRect(QRectF(0, 0, side, side), side * 0.22, side * 0.22)
    along, across = side * 0.76, side * 0.12
    for turn, place in ((0, 0.40), (90, 0.60)):
        painter.save()
        painter.translate(side / 2, side / 2)
        painter.rotate(turn)
        shade = QLinearGradient(QPointF(-along / 2, 0), QPointF(along / 2, 0))
        shade.setColorAt(0, QColor(242, 166, 90, 50))
        shade.setColorAt(place, QColor(ACCENT))
        shade.setColorAt(1, QColor(242, 166, 90, 50))
        painter.setBrush(QBrush(shade))
        painter.drawRoundedRect(
            QRectF(-along / 2, (place - 0.5) * side - across / 2, along, across), across / 2, across / 2
        )
        painter.restore()
    painter.setBrush(QColor("white"))
    painter.drawEllipse(QPointF(side * 0.60, side * 0.40), side * 0.09, side * 0.09)
    painter.end()
    return pixmap


def _palette() -> QPalette:
    palette = QPalette()
    role = QPalette.ColorRole
    for which, colour in (
        (role.Window, PANEL),
        (role.WindowText, TEXT),
        (role.Base, GROUND),
        (role.AlternateBase, PANEL),
        (role.Text, TEXT),
        (role.PlaceholderText, QUIET),
        (role.Button, LINE),
        (role.ButtonText, TEXT),
        (role.BrightText, "#ffffff"),
        (role.Highlight, ACCENT),
        (role.HighlightedText, ON_ACCENT),
        (role.Link, ACCENT),
        (role.LinkVisited, ACCENT),
        (role.ToolTipBase, LINE),
        (role.ToolTipText, TEXT),
    ):
        palette.setColor(which, QColor(colour))
    for which in (role.Text, role.WindowText, role.ButtonText):
        palette.setColor(QPalette.ColorGroup.Disabled, which, QColor(QUIET))
    return palette
