"""Sessions: which checkpoint, latents and view; as JSON, and as the text inside pictures and videos.

Torch-free, so that a window can be restored before torch is loaded. Finding the checkpoint a session
names is in `session_checkpoint`.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from creps_core.atomic import replacing
from creps_core.checkpoint_ref import CHECKPOINT_KEYS
from creps_core.checkpoint_ref import CheckpointRef as CheckpointRef  # a session is nothing without it
from creps_core.comparison import Comparison
from creps_core.errors import InputError
from creps_core.inspector import Inspector
from creps_core.json_fields import json_integer, json_list, json_object, merged, other_keys
from creps_core.keyframe import Keyframe
from creps_core.picture_metadata import (
    MAX_TEXT_BYTES,
    read_png_text,
    read_tiff_description,
    read_video_comment,
    sniff,
)
from creps_core.source import Mix, Source
from creps_core.source_json import SOURCE_KEYS, mix_from_json, source_from_json, source_to_json
from creps_core.view import VIEW_KEYS, Size, View

FORMAT = 1
MAX_SIDE = 2**31 - 1
_TOP_KEYS = {"format", "checkpoint", "sources", "mix", "view", "keyframes", "loop", "inspector", "compare"}


@dataclass(frozen=True)
class Session:
    """Everything that makes a picture again.

    `unknown` holds the keys that this version does not know, in a document of the same shape; they are
    written back where they were.
    """

    checkpoint: CheckpointRef
    sources: tuple[Source, ...] = (Source(seed=0),)
    mix: Mix | None = None  # None: the first source alone
    view: View = field(default_factory=View)
    size: Size | None = None
    keyframes: tuple[Keyframe, ...] | None = None
    loop: bool = False  # the last keyframe leads back to the first
    inspector: Inspector = field(default_factory=Inspector)  # what the viewer shows of the network's inside
    compare: Comparison | None = None  # what lies beside the picture
    unknown: dict[str, Any] = field(default_factory=dict)


def read_session(path: Path | str) -> Session:
    """Read a session file, or the session that a PNG, TIFF, MP4, WebM or .dzi carries.

    Raises:
        InputError: no such file, no session in it, a damaged one, or one of a newer format.
    """
    path = Path(path)
    if path.suffix.lower() == ".dzi":
        path = beside_deepzoom(path)
    if not path.is_file():
        raise InputError(f"{path}: there is no such file")
    kind = sniff(path)
    text: str | None
    if kind is None:
        text = _read_text(path)
    elif kind == "png":
        text = read_png_text(path, "creps")
    elif kind == "tiff":
        text = read_tiff_description(path)
    else:
        text = read_video_comment(path, kind)
    if text is None:
        raise InputError(f"{path} carries no session; only pictures and videos exported from here do")
    try:
        return session_from_json(text)
    except InputError as error:
        raise InputError(f"{path}: {error}") from None


def beside_deepzoom(path: Path) -> Path:
    """Where the session of a .dzi is: in a file of its own."""
    return path.with_suffix(".session.json")


def write_session(path: Path | str, session: Session) -> None:
    """Write a session file; an earlier one is replaced when the new one is complete."""
    with replacing(Path(path)) as file:
        file.write(session_to_json(session, indent=1).encode("utf-8") + b"\n")


def session_to_json(session: Session, *, portable: bool = False, indent: int | None = None) -> str:
    """The session as JSON text; `portable` leaves out the checkpoint's path, as exports must."""
    view = session.view.to_json()
    if session.size is not None:
        view["size"] = list(session.size)
    document: dict[str, Any] = {
        "format": FORMAT,
        "checkpoint": session.checkpoint.to_json(portable=portable),
        "sources": [source_to_json(source) for source in session.sources],
    }
    if session.mix is not None:
        document["mix"] = [list(row) for row in session.mix]
    document["view"] = view
    if session.keyframes is not None:
        document["keyframes"] = [keyframe.to_json() for keyframe in session.keyframes]
    if session.loop:
        document["loop"] = True
    if session.compare is not None:
        document["compare"] = session.compare.to_json(portable=portable)
    if session.inspector != Inspector():
        document["inspector"] = session.inspector.to_json()
    # Plain ASCII passes unharmed through any tag, file system name and locale.
    return json.dumps(merged(document, session.unknown), indent=indent, allow_nan=False)


def session_from_json(text: str) -> Session:
    """Read `session_to_json`'s text. Raises `InputError` that says what is wrong with it."""
    try:
        document = json.loads(text, parse_constant=_refuse_constant)
    except (ValueError, RecursionError):
        raise InputError("this is not a session: no readable JSON") from None
    if not isinstance(document, dict) or "format" not in document:
        raise InputError('this is not a session: it has no "format"')
    version = document["format"]
    if type(version) is not int or version < 1:
        raise InputError(f"the session's format is {str(version)[:40]}, expected {FORMAT}")
    if version > FORMAT:
        raise InputError(
            f"the session's format {version} is newer than {FORMAT}, which this version reads; update it"
        )
    checkpoint = json_object(document.get("checkpoint"), "checkpoint")
    entries = json_list(document.get("sources", [{"seed": 0}]), "sources")
    sources = tuple(source_from_json(json_object(entry, "source")) for entry in entries)
    if not sources:
        raise InputError("the session has no source of latents")
    view = json_object(document.get("view", {}), "view")
    mix = mix_from_json(document.get("mix"), len(sources))
    shown = Keyframe(View.from_json(view), sources, mix)
    loop = document.get("loop", False)
    if not isinstance(loop, bool):
        raise InputError("the session's loop is neither true nor false")
    return Session(
        checkpoint=CheckpointRef.from_json(checkpoint),
        sources=sources,
        mix=mix,
        view=shown.view,
        size=_size_from_json(view.get("size")),
        keyframes=_keyframes_from_json(document.get("keyframes"), shown),
        loop=loop,
        compare=None if document.get("compare") is None else Comparison.from_json(document["compare"]),
        inspector=Inspector.from_json(json_object(document.get("inspector", {}), "inspector")),
        unknown=_unknown_keys(document, checkpoint, entries, view),
    )


def _keyframes_from_json(values: Any, shown: Keyframe) -> tuple[Keyframe, ...] | None:
    if values is None:
        return None
    return tuple(Keyframe.from_json(entry, shown) for entry in json_list(values, "keyframes"))


def _unknown_keys(
    document: dict[str, Any], checkpoint: dict[str, Any], sources: list[Any], view: dict[str, Any]
) -> dict[str, Any]:
    unknown = other_keys(document, _TOP_KEYS)
    nested = {
        "checkpoint": other_keys(checkpoint, CHECKPOINT_KEYS),
        "sources": [other_keys(source, SOURCE_KEYS) for source in sources],
        "view": other_keys(view, VIEW_KEYS | {"size"}),
    }
    if not any(nested["sources"]):
        nested["sources"] = []
    return unknown | {key: value for key, value in nested.items() if value}


def _size_from_json(value: Any) -> Size | None:
    if value is None:
        return None
    sides = [json_integer(side, "size") for side in json_list(value, "size")]
    if len(sides) != 2 or not all(1 <= side <= MAX_SIDE for side in sides):
        raise InputError("the session's size is not two whole numbers of at least 1")
    return Size(*sides)


def _refuse_constant(name: str) -> float:
    raise ValueError(name)


def _read_text(path: Path) -> str:
    if path.stat().st_size > MAX_TEXT_BYTES:
        raise InputError(f"{path} is too large for a session ({MAX_TEXT_BYTES} bytes at most)")
    try:
        return path.read_text("utf-8")
    except UnicodeDecodeError:
        raise InputError(
            f"{path} is neither a session nor a PNG, TIFF, MP4 or WebM that carries one"
        ) from None
