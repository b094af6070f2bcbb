"""Files that appear when they are complete, and not before: written beside the target, then renamed."""

from __future__ import annotations

import contextlib
import os
import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from creps_core.errors import InputError, RunError


def check_folder(path: Path) -> None:
    """Raise `InputError` unless a file can be made (or replaced) at `path`."""
    folder = path.parent
    if path.is_dir():
        raise InputError(f"{path} is a folder; give a file name")
    if path.exists() and not path.is_file():
        raise InputError(f"{path} is not an ordinary file, so it cannot be replaced")
    if not folder.is_dir():
        raise InputError(f"the folder {folder} does not exist; make it first")
    if not os.access(folder, os.W_OK | os.X_OK):
        raise InputError(f"the folder {folder} is not writable; choose another one")


@contextlib.contextmanager
def replacing(path: Path) -> Iterator[BinaryIO]:
    """Open a temporary beside `path`; it takes the name when the block succeeds.

    On any exception, Ctrl-C included, the temporary is removed and an earlier file stays as it was.
    What the system refuses (a full disk) becomes a `RunError` that names `path`.
    """
    check_folder(path)
    target = Path(os.path.realpath(path))  # a link stays a link, what it points at is replaced
    temporary = target.with_name(f".creps-{secrets.token_hex(6)}.part")
    try:
        # Exclusive, and with the permissions of any new file, unlike tempfile's private ones.
        with open(temporary, "xb+") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, target)
    except OSError as error:
        raise RunError(f"{path} could not be written: {(error.strerror or str(error)).lower()}") from error
    finally:
        temporary.unlink(missing_ok=True)
