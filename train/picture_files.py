"""Files of a folder or a zip: which of them are pictures, and their bytes, within limits.

Nothing is ever unpacked to disk, so a zip cannot write anywhere; what its names point at does not matter.
"""

from __future__ import annotations

import os
import stat
import threading
import zipfile
import zlib
from abc import ABC, abstractmethod
from collections.abc import Iterator
from pathlib import Path, PurePosixPath, PureWindowsPath

from creps_core.errors import InputError

SUFFIXES = (".png", ".jpg", ".jpeg", ".webp")
LABEL_FILE = "dataset.json"
MAX_BYTES = 2**29  # of one file, unpacked: no picture within the pixel limit is larger
MAX_FILES = 10_000_000  # more cannot be numbered, and their names alone would fill the memory

_LONGEST = 120  # characters of a name that are shown


class BrokenPicture(InputError):
    """A file that should be a picture cannot be used.

    Attributes:
        file: its name within the folder or zip.
        reason: what is wrong, without the name.
    """

    def __init__(self, file: str, reason: str) -> None:
        super().__init__(f"{printable(file)}: {reason}")
        self.file = file
        self.reason = reason


class PictureFiles(ABC):
    """The pictures of a folder or zip by name, in sorted order; may be read from several threads.

    Attributes:
        path: the folder or zip.
        names: of all files that look like pictures by their suffix, with `/` between folders.
        others: how many further files there are; hidden ones and `dataset.json` are not counted.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        files: list[str] = []
        for name in self._list():
            if len(files) >= MAX_FILES:
                raise InputError(f"{path} holds more than {MAX_FILES:,} files; split it")
            if not _is_hidden(name):
                files.append(name)
        self.names = sorted(name for name in files if name.lower().endswith(SUFFIXES))
        self.has_labels = LABEL_FILE in files
        self.others = len(files) - len(self.names) - self.has_labels
        if not self.names:
            raise InputError(f"{path} holds no PNG, JPEG or WebP picture")

    @abstractmethod
    def _list(self) -> Iterator[str]:
        """Names of all files."""

    @abstractmethod
    def read(self, name: str, most: int | None = None) -> bytes:
        """A file, or its first `most` bytes; raises `BrokenPicture` if it cannot be had or is too large."""


class FolderFiles(PictureFiles):
    """Pictures in a folder and the folders in it; links to files are followed, links to folders are not."""

    def _list(self) -> Iterator[str]:
        for folder, folders, files in os.walk(self.path, onerror=_refuse):
            folders.sort()
            for file in files:
                yield PurePosixPath(os.path.relpath(os.path.join(folder, file), self.path)).as_posix()

    def read(self, name: str, most: int | None = None) -> bytes:
        """See `PictureFiles.read`."""
        path = self.path / name
        try:
            found = path.stat()
            if not stat.S_ISREG(found.st_mode):  # a pipe would be waited for without end
                raise BrokenPicture(name, "not an ordinary file")
            if found.st_size > MAX_BYTES:
                raise BrokenPicture(name, f"larger than {MAX_BYTES >> 20} MB")
            with path.open("rb") as file:
                return file.read(MAX_BYTES if most is None else most)
        except OSError as error:
            raise BrokenPicture(name, (error.strerror or str(error)).lower()) from error


class ZipFiles(PictureFiles):
    """Pictures in a zip, stored or compressed. Every thread of every process has a handle of its own."""

    def __init__(self, path: Path) -> None:
        self._local = threading.local()
        super().__init__(path)

    def _list(self) -> Iterator[str]:
        try:
            entries = self._handle().infolist()
        except (zipfile.BadZipFile, NotImplementedError, ValueError) as error:
            reason = printable(error).lower()
            raise InputError(f"{self.path} is neither a folder nor an intact zip ({reason})") from error
        seen = set()
        for entry in entries:
            if not entry.is_dir() and entry.filename not in seen:
                seen.add(entry.filename)
                yield entry.filename

    def read(self, name: str, most: int | None = None) -> bytes:
        """See `PictureFiles.read`."""
        as_path = PureWindowsPath(name)  # knows both kinds of slashes, and drives
        if as_path.anchor or ".." in as_path.parts:
            raise BrokenPicture(name, "its name points out of the zip")
        try:
            with self._handle().open(name) as file:
                data = file.read(MAX_BYTES if most is None else most)
                # What the entry says about its size is not relied on.
                too_large = len(data) == MAX_BYTES and file.read(1) != b""
        except (zipfile.BadZipFile, zlib.error, EOFError, ValueError, LookupError) as error:
            raise BrokenPicture(name, f"damaged in the zip ({printable(error)})") from error
        except (RuntimeError, NotImplementedError) as error:  # a password, an unknown compression
            raise BrokenPicture(name, printable(error)) from error
        except OSError as error:
            raise BrokenPicture(name, (error.strerror or str(error)).lower()) from error
        if too_large:
            raise BrokenPicture(name, f"larger than {MAX_BYTES >> 20} MB")
        return data

    def _handle(self) -> zipfile.ZipFile:
        # A forked child would share its parent's position in the file.
        if getattr(self._local, "process", None) != os.getpid():
            self._local.zip = zipfile.ZipFile(self.path)
            self._local.process = os.getpid()
        handle: zipfile.ZipFile = self._local.zip
        return handle


def open_files(path: Path) -> PictureFiles:
    """The pictures of a folder or zip; raises `InputError` if there is none, or `path` is neither."""
    try:
        if path.is_dir():
            return FolderFiles(path)
        if not path.exists():
            raise InputError(f"{path} does not exist")
        if not path.is_file():
            raise InputError(f"{path} is neither a folder nor a zip")
        return ZipFiles(path)
    except OSError as error:
        raise InputError(f"{path} cannot be read: {(error.strerror or str(error)).lower()}") from error


def printable(text: object) -> str:
    """A text out of a file, safe to show in a line: no control characters, not too long."""
    shown = "".join(c if c.isprintable() else ascii(c)[1:-1] for c in str(text))
    return shown if len(shown) <= _LONGEST else f"{shown[:_LONGEST]}…"


def _is_hidden(name: str) -> bool:
    """Hidden files, and the copies of file attributes that macOS puts into zips."""
    parts = PurePosixPath(name).parts
    return "__MACOSX" in parts or any(part.startswith(".") and not part.startswith("..") for part in parts)


def _refuse(error: OSError) -> None:
    reason = (error.strerror or str(error)).lower()
    raise InputError(f"{error.filename} cannot be read: {reason}") from error
