"""How a session names a checkpoint: by file name, hash and, on this machine, place; as data and as JSON."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from creps_core.errors import InputError

CHECKPOINT_KEYS = frozenset({"name", "sha256", "path"})


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

    def to_json(self, *, portable: bool = False) -> dict[str, str]:
        """A session's `checkpoint`; `portable` leaves out the path, as exports must."""
        values = {"name": self.name, "sha256": self.sha256}
        return values if self.path is None or portable else values | {"path": self.path}

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> CheckpointRef:
        """Read `to_json`'s object. Raises `InputError` that says what is wrong with it."""
        texts = {key: values.get(key, "") for key in ("name", "sha256")} | {"path": values.get("path")}
        for key, value in texts.items():
            if not isinstance(value, str) and not (key == "path" and value is None):
                raise InputError(f"the session's checkpoint has a {key} that is not a text")
        if not (texts["name"] or texts["path"]):
            raise InputError("the session does not name its checkpoint")
        return cls(**texts)
