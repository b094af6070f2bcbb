"""The Favourites section: small pictures of kept latents, to come back to."""

from __future__ import annotations

from PyQt6.QtCore import QSize, Qt, pyqtSignal
from PyQt6.QtGui import QKeyEvent, QMouseEvent
from PyQt6.QtWidgets import QGridLayout, QLabel, QMenu, QWidget

from creps_viewer.model import mixing
from creps_viewer.model.favourite_list import Favourite
from creps_viewer.model.state import Document
from creps_viewer.model.viewer_model import ViewerModel
from creps_viewer.panels.section import Panel, link_button
from creps_viewer.panels.thumbnail import Thumbnail

COLUMNS = 3
PICTURE = QSize(90, 72)
RANK = 3
NONE_YET = "None yet: Keep puts what you see here."


class FavouritePicture(Thumbnail):
    """One favourite. A double-click brings its view, too; Delete and the menu remove it."""

    whole_wanted = pyqtSignal()
    remove_wanted = pyqtSignal()

    def __init__(self, model: ViewerModel, favourite: Favourite) -> None:
        super().__init__(model, f"favourite {favourite.key}", PICTURE, RANK)
        self.favourite = favourite
        first = favourite.sources[0]
        self.set_caption(str(first.seed) if first.seed is not None else "")
        self.setAccessibleName(f"Favourite {first.seed if first.seed is not None else ''}".strip())
        self.setToolTip("Click for these latents, Shift-click for B, double-click for the view too")
        self.show_latents(favourite.sources, favourite.mix)

    def mouseDoubleClickEvent(self, a0: QMouseEvent | None) -> None:
        self.whole_wanted.emit()

    def keyPressEvent(self, a0: QKeyEvent | None) -> None:
        if a0 is not None and a0.key() in (Qt.Key.Key_Delete, Qt.Key.Key_Backspace):
            self.remove_wanted.emit()
        else:
            super().keyPressEvent(a0)

    def mousePressEvent(self, a0: QMouseEvent | None) -> None:
        if a0 is not None and a0.button() == Qt.MouseButton.RightButton:
            self.menu().popup(a0.globalPosition().toPoint())
        else:
            super().mousePressEvent(a0)

    def menu(self) -> QMenu:
        """What can be done with it."""
        menu = QMenu(self)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        for text, signal in (("Latents and view", self.whole_wanted), ("Remove", self.remove_wanted)):
            action = menu.addAction(text)
            assert action is not None
            action.triggered.connect(lambda _checked=False, signal=signal: signal.emit())
        return menu


class FavouritesPanel(Panel):
    """Shows and uses `model.favourites`."""

    title = "Favourites"

    def __init__(self, model: ViewerModel) -> None:
        super().__init__(model)
        self.pictures: list[FavouritePicture] = []
        self.none_yet = QLabel(NONE_YET)
        self.none_yet.setProperty("quiet", True)
        self.rows.addWidget(self.none_yet)
        self._grid = QGridLayout()
        self._grid.setSpacing(9)
        self._grid.setColumnStretch(COLUMNS, 1)
        self.rows.addLayout(self._grid)
        self.listen(model.favourites.changed, self._rebuild)
        self.listen(model.document_changed, self._document_changed)
        self._document_changed(model.document)
        self._rebuild()

    def header_action(self) -> QWidget:
        button = link_button("Keep", "Keep what you see among the favourites")
        button.clicked.connect(lambda: self.model.favourites.add_wanted.emit(self.model.state))
        return button

    def release(self) -> None:
        super().release()
        self._clear()

    def _use(self, favourite: Favourite, as_b: bool) -> None:
        if as_b:
            self.model.update(**mixing.with_second(self.model.state, favourite.sources[0]))
        else:
            self.model.update(sources=favourite.sources, mix=favourite.mix)

    def _use_whole(self, favourite: Favourite) -> None:
        self.model.update(sources=favourite.sources, mix=favourite.mix, view=favourite.view)

    def _clear(self) -> None:
        for picture in self.pictures:
            picture.release()
            self._grid.removeWidget(picture)
            picture.hide()
            picture.deleteLater()
        self.pictures = []

    def _rebuild(self) -> None:
        kept = {picture.favourite.key: picture for picture in self.pictures}
        listed = self.model.favourites.listed
        for key in kept.keys() - {favourite.key for favourite in listed}:
            gone = kept.pop(key)
            gone.release()
            gone.hide()
            gone.deleteLater()
        self.pictures = [kept.get(favourite.key) or self._picture(favourite) for favourite in listed]
        for picture in self.pictures:
            self._grid.removeWidget(picture)
        for number, picture in enumerate(self.pictures):
            self._grid.addWidget(picture, *divmod(number, COLUMNS))
        self.none_yet.setVisible(not self.pictures)

    def _picture(self, favourite: Favourite) -> FavouritePicture:
        picture = FavouritePicture(self.model, favourite)
        picture.clicked.connect(lambda as_b: self._use(favourite, as_b))
        picture.whole_wanted.connect(lambda: self._use_whole(favourite))
        picture.remove_wanted.connect(lambda: self.model.favourites.remove_wanted.emit(favourite.key))
        return picture

    def _document_changed(self, document: Document | None) -> None:
        self.setEnabled(document is not None)
