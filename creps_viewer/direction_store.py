"""Named directions, kept between runs: one small JSON file for every checkpoint."""

from __future__ import annotations

import json
import logging
from collections.abc import Sequence
from pathlib import Path

from creps_core.atomic import replacing
from creps_core.errors import CrepsError
from creps_core.session import CheckpointRef, Session, session_from_json, session_to_json
from creps_core.source import Source

log = logging.getLogger(__name__)


class DirectionStore:
    """Files in `folder`, named by the checkpoint's sha256. They are sessions whose sources are directions."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def load(self, sha256: str) -> tuple[Source, ...]:
        """The directions kept for a checkpoint; none where there is no file that can be read."""
        path = self._path(sha256)
        try:
            sources = session_from_json(path.read_text("utf-8")).sources
        except FileNotFoundError:
            return ()
        except (CrepsError, OSError, ValueError) as error:
            log.warning("the directions in %s cannot be read: %s", path, error)
            return ()
        return tuple(source for source in sources if source.w is not None)

    def save(self, sha256: str, directions: Sequence[Source]) -> None:
        """Keep these directions for a checkpoint, in place of what was kept.

        Raises:
            CrepsError, OSError: the file cannot be written.
        """
        path = self._path(sha256)
        path.parent.mkdir(parents=True, exist_ok=True)
        if not directions:
            path.unlink(missing_ok=True)
            return
        session = Session(CheckpointRef("directions", sha256), sources=tuple(directions))
        text = json.dumps(json.loads(session_to_json(session)))
        with replacing(path) as file:
            file.write(text.encode("utf-8") + b"\n")

    def _path(self, sha256: str) -> Path:
        return self._folder / f"{sha256[:32]}.json"
