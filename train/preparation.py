"""From pictures of any kind and shape to a training set: square RGB of one size, in a zip."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, assert_never

from PIL import Image

from creps_core.errors import InputError
from train.class_labels import labels_from_folders, read_labels
from train.decoding import WHITE, decode, to_rgb
from train.inspection import Watch
from train.ordered import ordered_map
from train.picture_files import BrokenPicture, PictureFiles
from train.picture_zip import check_zip_target, to_png, writing_zip

Fit = Literal["crop", "pad"]


@dataclass(frozen=True)
class Preparation:
    """How pictures are made alike."""

    size: int  # pixels per side of the result
    fit: Fit = "crop"  # the largest square in the middle, or the whole picture with bars
    background: tuple[int, int, int] = WHITE  # behind transparent pictures, and the bars
    labels_from_folders: bool = False  # the folder at the top is the class; else from dataset.json


@dataclass(frozen=True)
class Prepared:
    """What came of it."""

    pictures: int
    enlarged: int  # of the pictures: those that had fewer pixels than were asked for
    broken: tuple[BrokenPicture, ...]
    classes: int  # number of classes, 0 without labels


def prepare(
    files: PictureFiles,
    out: Path,
    how: Preparation,
    watch: Watch = lambda items: items,
    on_broken: Callable[[BrokenPicture], None] = lambda broken: None,
) -> Prepared:
    """Write a training set of `files` to the zip `out`, which appears when it is complete.

    A broken picture is reported to `on_broken` and left out. Raises `InputError` if none is left, if `out`
    cannot be made, or for labels that cannot be used; `RunError` if writing fails.
    """
    check_zip_target(out, files.path)
    labels, folders = labels_from_folders(files) if how.labels_from_folders else (read_labels(files), None)

    def work(name: str) -> tuple[str, bytes | BrokenPicture, bool]:
        try:
            picture = decode(files.read(name), name)[1]
            return name, to_png(make_square(to_rgb(picture, how.background), how)), _is_small(picture, how)
        except BrokenPicture as error:
            return name, error, False

    broken, enlarged = [], 0
    with writing_zip(out) as target, closing(ordered_map(work, files.names)) as results:
        for name, made, is_small in watch(results):
            if isinstance(made, BrokenPicture):
                broken.append(made)
                on_broken(made)
                continue
            target.add(made, labels[name] if labels else None)
            enlarged += is_small
        if not len(target):
            raise InputError(f"{files.path}: none of the {len(broken)} pictures can be read")
        target.finish(folders)
        pictures = len(target)
    classes = max(labels.values()) + 1 if labels else 0
    return Prepared(pictures=pictures, enlarged=enlarged, broken=tuple(broken), classes=classes)


def make_square(picture: Image.Image, how: Preparation) -> Image.Image:
    """An RGB picture at `how.size` per side, by pillow's anti-aliased Lanczos filter."""
    width, height = picture.size
    side = how.size
    if how.fit == "crop":
        short = min(width, height)
        left, top = (width - short) // 2, (height - short) // 2
        middle = picture.crop((left, top, left + short, top + short))
        return middle.resize((side, side), Image.Resampling.LANCZOS)
    if how.fit == "pad":
        long = max(width, height)
        inner = (max(1, round(width * side / long)), max(1, round(height * side / long)))
        square = Image.new("RGB", (side, side), how.background)
        corner = ((side - inner[0]) // 2, (side - inner[1]) // 2)
        square.paste(picture.resize(inner, Image.Resampling.LANCZOS), corner)
        return square
    assert_never(how.fit)


def _is_small(picture: Image.Image, how: Preparation) -> bool:
    relevant = min(picture.size) if how.fit == "crop" else max(picture.size)
    return relevant < how.size
