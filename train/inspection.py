"""What a set of pictures consists of, and whether training can read it as it is."""

from __future__ import annotations

import shlex
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from statistics import median_low
from typing import Any

from creps_core.errors import InputError
from train.class_labels import read_labels
from train.decoding import PictureInfo, decode
from train.ordered import ordered_map
from train.picture_files import BrokenPicture, PictureFiles, printable

MIN_SIZE = 8  # pixels per side: the smallest generator's
MAX_ADVISED = 1024  # the largest published size

_SHOWN = 3  # files that a message names

Infos = dict[str, PictureInfo | None]  # by name; None for a broken picture
Watch = Callable[[Iterable[Any]], Iterable[Any]]  # passes items on, and may show how many there were


@dataclass(frozen=True)
class Inspection:
    """All that is known about a set after decoding every picture."""

    files: PictureFiles
    infos: Infos
    broken: dict[str, str]  # reasons by name
    labels: dict[str, int] | None
    label_fault: str | None  # what is wrong with dataset.json

    @property
    def fault(self) -> str | None:
        """Why training cannot read the set as it is, None if it can."""
        return reading_fault(self.infos) or self.label_fault

    @property
    def advice(self) -> str | None:
        """The command to run if training cannot read the set and preparing it helps."""
        sides = [min(info.width, info.height) for info in self.infos.values() if info]
        if not self.fault or len(sides) < 2 or self.label_fault:
            return None
        typical = min(max(median_low(sides), MIN_SIZE), MAX_ADVISED)
        size = 1 << (typical.bit_length() - 1)
        source = self.files.path
        out = f"{source.resolve().stem}-{size}.zip"
        return f"creps-data prepare {shlex.quote(str(source))} --size {size} --out {shlex.quote(out)}"

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        infos = [info for info in self.infos.values() if info]
        return {
            "path": str(self.files.path),
            "pictures": len(infos),
            "sizes": _counts(f"{info.width}x{info.height}" for info in infos),
            "modes": _counts(info.mode for info in infos),
            "turned": sum(info.turned for info in infos),
            "transparent": sum(info.transparent for info in infos),
            "animated": sum(info.animated for info in infos),
            "labels": self.labels and _by_class(self.labels),
            "broken": [{"file": file, "reason": reason} for file, reason in self.broken.items()],
            "other_files": self.files.others,
            "readable": self.fault is None,
            "fault": self.fault,
            "advice": self.advice,
        }


def inspect(files: PictureFiles, watch: Watch = lambda items: items) -> Inspection:
    """Decode every picture of a set, to find the broken ones."""

    def look(name: str) -> PictureInfo | str:
        try:
            return decode(files.read(name), name)[0]
        except BrokenPicture as error:
            return error.reason

    found = dict(zip(files.names, watch(ordered_map(look, files.names)), strict=True))
    labels, label_fault = None, None
    try:
        labels = read_labels(files)
    except InputError as error:
        label_fault = str(error)
    return Inspection(
        files=files,
        infos={name: None if isinstance(info, str) else info for name, info in found.items()},
        broken={name: info for name, info in found.items() if isinstance(info, str)},
        labels=labels,
        label_fault=label_fault,
    )


def reading_fault(infos: Infos) -> str | None:
    """Why training cannot read these pictures as they are, in one line; None if it can."""
    broken = [name for name, info in infos.items() if info is None]
    if broken:
        return f"{len(broken)} of {len(infos)} pictures cannot be read: {_first_of(broken)}"
    unlike = [name for name, info in infos.items() if info and not info.is_plain_square]
    if unlike:
        return f"{len(unlike)} of {len(infos)} pictures are not plain square RGB: {_first_of(unlike)}"
    sizes = {name: info.width for name, info in infos.items() if info}
    common = next(iter(sizes.values()))
    others = [name for name, size in sizes.items() if size != common]
    if others:
        return f"not all pictures are {common} × {common} like the first: {_first_of(others)}"
    if common < MIN_SIZE:
        return f"pictures of {common} × {common} are too small, {MIN_SIZE} × {MIN_SIZE} is the least"
    if len(infos) < 2:
        return "one picture is not a set; training needs two or more"
    return None


def _first_of(names: list[str]) -> str:
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return ", ".join(printable(name) for name in names[:_SHOWN]) + more


def _counts(values: Iterable[str]) -> dict[str, int]:
    """How often each occurs, the most frequent first."""
    return dict(sorted(Counter(values).items(), key=lambda item: (-item[1], item[0])))


def _by_class(labels: dict[str, int]) -> dict[str, int]:
    return {str(label): count for label, count in sorted(Counter(labels.values()).items())}
