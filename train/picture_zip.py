"""Writing a training set: a zip of PNGs in the layout and with the labels of StyleGAN's data sets."""

from __future__ import annotations

import contextlib
import io
import json
import os
import zipfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from PIL import Image

from creps_core.atomic import check_folder, replacing
from creps_core.errors import InputError
from train.picture_files import LABEL_FILE, MAX_FILES

_EPOCH = (1980, 1, 1, 0, 0, 0)  # the earliest time a zip can tell: equal pictures give equal bytes
_PER_FOLDER = 1000


class PictureZip:
    """An open zip that pictures are added to, in order."""

    def __init__(self, archive: zipfile.ZipFile) -> None:
        self._archive = archive
        self._labels: list[int | None] = []

    def __len__(self) -> int:
        return len(self._labels)

    def add(self, png: bytes, label: int | None = None) -> None:
        """Add a picture and its class."""
        if len(self) >= MAX_FILES:
            raise InputError(f"a set holds at most {MAX_FILES:,} pictures")
        self._write(entry_name(len(self)), png)
        self._labels.append(label)

    def finish(self, classes: Sequence[str] | None = None) -> None:
        """Write the labels; `classes` are the names of the classes, where they have any."""
        labels = [[entry_name(i), label] for i, label in enumerate(self._labels)]
        has_labels = any(label is not None for label in self._labels)
        content: dict[str, object] = {"labels": labels if has_labels else None}
        if classes:
            content["classes"] = list(classes)
        self._write(LABEL_FILE, json.dumps(content, ensure_ascii=True).encode())

    def _write(self, name: str, data: bytes) -> None:
        entry = zipfile.ZipInfo(name, _EPOCH)
        entry.create_system = 3  # on every system the same
        entry.external_attr = 0o644 << 16
        self._archive.writestr(entry, data, zipfile.ZIP_STORED)


@contextlib.contextmanager
def writing_zip(path: Path) -> Iterator[PictureZip]:
    """Open a zip for writing; `path` is made or replaced when the block has succeeded, not before."""
    with replacing(path) as file, zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as archive:
        yield PictureZip(archive)


def check_zip_target(path: Path, source: Path | None = None) -> None:
    """Raise `InputError` unless a zip of pictures of `source` can be written to `path`."""
    if path.suffix.lower() != ".zip":
        raise InputError(f"{path} does not end in .zip; give the output that suffix")
    check_folder(path)
    if source is not None and path.exists() and source.exists() and os.path.samefile(source, path):
        raise InputError(f"{path} is the source itself; choose another name for the output")


def entry_name(index: int) -> str:
    """Name of a picture in the zip: 00000/img00000000.png, a thousand to a folder."""
    return f"{index // _PER_FOLDER:05d}/img{index:08d}.png"


def to_png(picture: Image.Image) -> bytes:
    """A picture as PNG, without any metadata."""
    buffer = io.BytesIO()
    Image.frombytes(picture.mode, picture.size, picture.tobytes()).save(buffer, "PNG")
    return buffer.getvalue()
