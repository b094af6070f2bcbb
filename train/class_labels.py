"""Class labels in the convention of StyleGAN's data sets: `dataset.json` beside the pictures.

    {"labels": [["00000/img00000000.png", 3], ["00000/img00000001.png", 0], …]}

or `{"labels": null}`. Classes are whole numbers from 0. Folders are never taken for classes here.
"""

from __future__ import annotations

import json
from pathlib import PurePosixPath
from typing import Any

from creps_core.errors import InputError
from train.picture_files import LABEL_FILE, PictureFiles, printable

MAX_CLASSES = 2**16  # a typing error, not a class, lies beyond


def read_labels(files: PictureFiles) -> dict[str, int] | None:
    """Class of every picture by name, or None if the set has no labels.

    Names that are no pictures of the set are passed over. Raises `InputError` for a damaged file, for a class
    that is not a whole number in 0 … `MAX_CLASSES` − 1, and for a picture without a class.
    """
    if not files.has_labels:
        return None
    where = f"{files.path}: {LABEL_FILE}"
    try:
        content = json.loads(files.read(LABEL_FILE))
    except (ValueError, RecursionError) as error:
        raise InputError(f"{where} is not JSON: {printable(error)}") from error
    entries = content.get("labels") if isinstance(content, dict) else content
    if entries is None:
        return None
    if not isinstance(entries, list):
        raise InputError(f'{where} holds no list "labels"')
    labels = dict(_entry(entry, where) for entry in entries)
    missing = [name for name in files.names if name not in labels]
    if missing:
        more = f" and {len(missing) - 1} more" if len(missing) > 1 else ""
        raise InputError(f"{where} gives no class for {printable(missing[0])}{more}")
    return {name: labels[name] for name in files.names}


def labels_from_folders(files: PictureFiles) -> tuple[dict[str, int], list[str]]:
    """The folder at the top that a picture lies in as its class, in sorted order, and the folders' names."""
    tops = {}
    for name in files.names:
        top, *rest = PurePosixPath(name).parts
        if not rest:
            raise InputError(f"{files.path}: {printable(name)} lies in no folder, so it has no class")
        tops[name] = top
    folders = sorted(set(tops.values()))
    if len(folders) > MAX_CLASSES:
        raise InputError(
            f"{files.path} has {len(folders)} folders at the top, more than {MAX_CLASSES} classes"
        )
    numbers = {folder: number for number, folder in enumerate(folders)}
    return {name: numbers[top] for name, top in tops.items()}, folders


def _entry(entry: Any, where: str) -> tuple[str, int]:
    if not (isinstance(entry, list) and len(entry) == 2 and isinstance(entry[0], str)):
        raise InputError(f"{where}: {printable(entry)} is not a pair of a file's name and its class")
    name, label = entry
    if type(label) is not int or not 0 <= label < MAX_CLASSES:
        reason = f"expected a whole number in 0 … {MAX_CLASSES - 1}"
        raise InputError(f"{where}: {printable(name)} has class {printable(label)}, {reason}")
    return name.replace("\\", "/"), label
