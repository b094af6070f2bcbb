"""Sessions: which checkpoint, latents and view; as JSON, and as the text inside pictures and videos.

Torch-free, so that a window can be restored before torch is loaded. Finding the checkpoint a session
names is in `session_checkpoint`.
"""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from creps_core.atomic import replacing
from creps_core.errors import InputError
from creps_core.picture_metadata import MAX_TEXT_BYTES, read_png_text, read_video_comment, sniff
from creps_core.source import Mix, Source
from creps_core.view import Size, View

FORMAT = 1
MAX_SIDE = 2**31 - 1
_TOP_KEYS = {"format", "checkpoint", "sources", "mix", "view", "keyframes"}
_CHECKPOINT_KEYS = {"name", "sha256", "path"}
_SOURCE_KEYS = {"seed", "lattice", "z", "w", "class", "psi", "cutoff", "name"}
_VIEW_KEYS = {"center", "log2_zoom", "rotation_deg", "stretch", "warps", "outside", "size"}


@dataclass(frozen=True)
class CheckpointRef:
    """The checkpoint a session was made with."""

    name: str  # of the file, with its suffix
    sha256: str  # of the file, "" when unknown
    path: str | None = None  # where it was; never in exported pictures

    @classmethod
    def of(cls, path: Path, sha256: str) -> CheckpointRef:
        """The reference to a file on this machine."""
        return cls(path.name, sha256, str(path.absolute()))


@dataclass(frozen=True)
class Session:
    """Everything that makes a picture again.

    `unknown` holds the keys that this version does not know, in a document of the same shape; they are
    written back where they were. Keyframes are kept as they are.
    """

    checkpoint: CheckpointRef
    sources: tuple[Source, ...] = (Source(seed=0),)
    mix: Mix | None = None  # None: the first source alone
    view: View = field(default_factory=View)
    size: Size | None = None
    keyframes: Sequence[Any] | None = None
    unknown: dict[str, Any] = field(default_factory=dict)


def read_session(path: Path | str) -> Session:
    """Read a session file, or the session that a PNG, MP4 or WebM carries.

    Raises:
        InputError: no such file, no session in it, a damaged one, or one of a newer format.
    """
    path = Path(path)
    if not path.is_file():
        raise InputError(f"{path}: there is no such file")
    kind = sniff(path)
    text: str | None
    if kind is None:
        text = _read_text(path)
    elif kind == "png":
        text = read_png_text(path, "creps")
    else:
        text = read_video_comment(path, kind)
    if text is None:
        raise InputError(f"{path} carries no session; only pictures and videos exported from here do")
    try:
        return session_from_json(text)
    except InputError as error:
        raise InputError(f"{path}: {error}") from None


def write_session(path: Path | str, session: Session) -> None:
    """Write a session file; an earlier one is replaced when the new one is complete."""
    with replacing(Path(path)) as file:
        file.write(session_to_json(session, indent=1).encode("utf-8") + b"\n")


def session_to_json(session: Session, *, portable: bool = False, indent: int | None = None) -> str:
    """The session as JSON text; `portable` leaves out the checkpoint's path, as exports must."""
    checkpoint = {"name": session.checkpoint.name, "sha256": session.checkpoint.sha256}
    if session.checkpoint.path is not None and not portable:
        checkpoint["path"] = session.checkpoint.path
    view = session.view.to_json()
    if session.size is not None:
        view["size"] = list(session.size)
    document: dict[str, Any] = {
        "format": FORMAT,
        "checkpoint": checkpoint,
        "sources": [_source_to_json(source) for source in session.sources],
    }
    if session.mix is not None:
        document["mix"] = [list(row) for row in session.mix]
    document["view"] = view
    if session.keyframes is not None:
        document["keyframes"] = list(session.keyframes)
    # Plain ASCII passes unharmed through any tag, file system name and locale.
    return json.dumps(_merged(document, session.unknown), indent=indent, allow_nan=False)


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
    checkpoint = _object(document.get("checkpoint"), "checkpoint")
    entries = _list(document.get("sources", [{"seed": 0}]), "sources")
    sources = tuple(_source_from_json(_object(entry, "source")) for entry in entries)
    if not sources:
        raise InputError("the session has no source of latents")
    view = _object(document.get("view", {}), "view")
    keyframes = document.get("keyframes")
    return Session(
        checkpoint=_checkpoint_from_json(checkpoint),
        sources=sources,
        mix=_mix_from_json(document.get("mix"), len(sources)),
        view=View.from_json({key: value for key, value in view.items() if key != "size"}),
        size=_size_from_json(view.get("size")),
        keyframes=None if keyframes is None else tuple(_list(keyframes, "keyframes")),
        unknown=_unknown_keys(document, checkpoint, entries, view),
    )


def _unknown_keys(
    document: dict[str, Any], checkpoint: dict[str, Any], sources: list[Any], view: dict[str, Any]
) -> dict[str, Any]:
    unknown = _others(document, _TOP_KEYS)
    nested = {
        "checkpoint": _others(checkpoint, _CHECKPOINT_KEYS),
        "sources": [_others(source, _SOURCE_KEYS) for source in sources],
        "view": _others(view, _VIEW_KEYS),
    }
    if not any(nested["sources"]):
        nested["sources"] = []
    return unknown | {key: value for key, value in nested.items() if value}


def _others(values: dict[str, Any], known: set[str]) -> dict[str, Any]:
    return {key: value for key, value in values.items() if key not in known}


def _merged(known: Any, unknown: Any) -> Any:
    """`known` with `unknown`'s keys added at every level; lists pair up by position."""
    if isinstance(known, dict) and isinstance(unknown, dict):
        common = {
            key: _merged(value, unknown[key]) if key in unknown else value for key, value in known.items()
        }
        return common | {key: value for key, value in unknown.items() if key not in known}
    if isinstance(known, list) and isinstance(unknown, list):
        return [_merged(*pair) for pair in zip(known, unknown, strict=False)] + known[len(unknown) :]
    return known


def _source_to_json(source: Source) -> dict[str, Any]:
    which: dict[str, Any]
    if source.seed is not None:
        which = {"seed": source.seed}
    elif source.lattice is not None:
        which = {"lattice": list(source.lattice)}
    elif source.z is not None:
        which = {"z": list(source.z)}
    else:
        which = {"w": list(source.w or ())}
    which |= {"class": source.label, "psi": source.psi, "cutoff": source.cutoff}
    return which | ({"name": source.name} if source.name else {})


def _source_from_json(values: dict[str, Any]) -> Source:
    fields: dict[str, Any] = {}
    if values.get("seed") is not None:
        fields["seed"] = _integer(values["seed"], "seed")
    if values.get("lattice") is not None:
        x, y = _pair(values["lattice"], "lattice")
        fields["lattice"] = x, y
    for name in ("z", "w"):
        if values.get(name) is not None:
            fields[name] = tuple(_number(value, name) for value in _list(values[name], name))
    cutoff = values.get("cutoff")
    return Source(
        **fields,
        label=_integer(values.get("class", 0), "class"),
        psi=_number(values.get("psi", 1.0), "psi"),
        cutoff=None if cutoff is None else _integer(cutoff, "cutoff"),
        name=_text(values.get("name", ""), "name"),
    )


def _checkpoint_from_json(values: dict[str, Any]) -> CheckpointRef:
    texts = {key: values.get(key, "") for key in ("name", "sha256")} | {"path": values.get("path")}
    for key, value in texts.items():
        if not isinstance(value, str) and not (key == "path" and value is None):
            raise InputError(f"the session's checkpoint has a {key} that is not a text")
    if not (texts["name"] or texts["path"]):
        raise InputError("the session does not name its checkpoint")
    return CheckpointRef(**texts)


def _mix_from_json(values: Any, sources: int) -> Mix | None:
    if values is None:
        return None
    rows = [_list(row, "mix") for row in _list(values, "mix")]
    if any(len(row) != sources for row in rows):
        raise InputError(f"every style of the session's mix needs {sources} weights, one for each source")
    return tuple(tuple(_number(weight, "mix") for weight in row) for row in rows)


def _size_from_json(value: Any) -> Size | None:
    if value is None:
        return None
    sides = [_integer(side, "size") for side in _list(value, "size")]
    if len(sides) != 2 or not all(1 <= side <= MAX_SIDE for side in sides):
        raise InputError("the session's size is not two whole numbers of at least 1")
    return Size(*sides)


def _object(value: Any, name: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise InputError(f"the session's {name} is missing or not a JSON object")
    return value


def _list(value: Any, name: str) -> list[Any]:
    if not isinstance(value, list):
        raise InputError(f"the session's {name} is not a list")
    return value


def _pair(value: Any, name: str) -> tuple[float, float]:
    numbers = [_number(entry, name) for entry in _list(value, name)]
    if len(numbers) != 2:
        raise InputError(f"the session's {name} is not two numbers")
    return numbers[0], numbers[1]


def _text(value: Any, name: str) -> str:
    if not isinstance(value, str):
        raise InputError(f"the session's {name} is {str(value)[:40]!r}, expected a text")
    return value


def _integer(value: Any, name: str) -> int:
    if type(value) is not int or value < 0:
        raise InputError(f"the session's {name} is {str(value)[:40]!r}, expected a whole number")
    return value


def _number(value: Any, name: str) -> float:
    # Compared before converting: JSON's whole numbers may be larger than any double.
    if type(value) not in (int, float) or not abs(value) <= 1e300 or not math.isfinite(value):
        raise InputError(f"the session's {name} has {str(value)[:40]!r} where a number belongs")
    return float(value)


def _refuse_constant(name: str) -> float:
    raise ValueError(name)


def _read_text(path: Path) -> str:
    if path.stat().st_size > MAX_TEXT_BYTES:
        raise InputError(f"{path} is too large for a session ({MAX_TEXT_BYTES} bytes at most)")
    try:
        return path.read_text("utf-8")
    except UnicodeDecodeError:
        raise InputError(f"{path} is neither a session nor a PNG, MP4 or WebM that carries one") from None
