"""Exports that take long enough to be interrupted: what is complete is kept beside, and gone on with.

The folder `NAME.part` holds what there is of NAME, and the request it belongs to. Nothing has the final name
before everything is there.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

from creps_core.atomic import check_folder, replacing
from creps_core.errors import Cancelled, InputError, RunError

REQUEST = "request.json"
LOCK = "lock"


def part_folder(path: Path) -> Path:
    """Where the parts of an interrupted export are: beside what `path` stands for, links followed."""
    target = Path(os.path.realpath(path))
    return target.with_name(f"{target.name}.part")


def check_resumable(path: Path) -> None:
    """Raise `InputError` unless `path` can be made (or replaced), and its parts beside it."""
    check_folder(path)
    check_folder(Path(os.path.realpath(path)))
    if (part := part_folder(path)).exists() and not part.is_dir():
        raise InputError(f"{part} is in the way; move it, or choose another name")


@contextmanager
def resumable(path: Path, request: dict[str, Any]) -> Iterator[Path]:
    """The folder to work in: a new one, or that of the same request's interruption.

    It is removed when the block succeeds and stays otherwise.

    Raises:
        InputError: the folder holds another request's parts, or someone else is at work in it.
        RunError: the system refused to write; what is complete is kept.
        Cancelled, KeyboardInterrupt: as raised inside, with words on how to go on.
    """
    check_resumable(path)
    work = part_folder(path)
    kept = f"what is complete is kept in {work.name}: the same request goes on from there"
    try:
        work.mkdir(exist_ok=True)
        with (work / LOCK).open("ab") as lock:
            _take(lock, work)
            _check_request(work, request)
            yield work
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise RunError(f"{path} could not be written: {reason}; {kept}") from error
    except RunError as error:
        raise RunError(f"{error}; {kept}") from error
    except Cancelled:
        raise Cancelled(f"stopped; {kept}") from None
    except KeyboardInterrupt:
        raise KeyboardInterrupt(f"interrupted; {kept}") from None
    shutil.rmtree(work, ignore_errors=True)  # the export is complete, whatever is left of this


def _check_request(work: Path, request: dict[str, Any]) -> None:
    text = json.dumps(request, indent=1, sort_keys=True)
    file = work / REQUEST
    if file.exists():
        if file.read_text("utf-8") != text:
            raise InputError(
                f"{work} keeps what there is of another picture; give its request to finish that one, "
                "delete the folder, or choose another name"
            )
        return
    if any(entry.name != LOCK and not entry.name.startswith(".creps-") for entry in work.iterdir()):
        raise InputError(f"{work} is not an interrupted export; move it, or choose another name")
    with replacing(file) as out:
        out.write(text.encode("utf-8"))


def _take(lock: BinaryIO, work: Path) -> None:
    """Let no other process work in the folder; the system lets go when this one ends, however it does."""
    if sys.platform == "win32":
        return  # a file that is open there cannot be replaced by another process anyway
    import fcntl

    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise InputError(
            f"another process is at work in {work}; wait for it, or choose another name"
        ) from None
