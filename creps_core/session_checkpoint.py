"""Finds the checkpoint that a session names: where it was, beside the session, or the bundled one."""

from __future__ import annotations

import hashlib
from pathlib import Path

from creps_core.errors import InputError
from creps_core.session import CheckpointRef


def file_sha256(path: Path) -> str:
    """The file's sha256 in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def find_checkpoint(ref: CheckpointRef, session_path: Path, bundled: Path | None = None) -> Path:
    """The file a session was made with.

    Looked up by its path (a relative one starts at the session's folder), then by its name beside the
    session; `bundled` is taken when it has the session's sha256.

    Raises:
        InputError: nothing is there, or what is there has another sha256; the message names both.
    """
    folder = session_path.parent
    places = [folder / ref.path] if ref.path else []
    # The name alone: a session from elsewhere does not choose other folders of this machine.
    places += [folder / Path(ref.name).name] if ref.name else []
    found = [place for place in dict.fromkeys(places) if place.is_file()]
    if not ref.sha256 and found:
        return found[0]
    hashes = {place: file_sha256(place) for place in found}
    for place, value in hashes.items():
        if value == ref.sha256:
            return place
    if ref.sha256 and bundled is not None and bundled.is_file() and file_sha256(bundled) == ref.sha256:
        return bundled
    if found:
        raise InputError(
            f"{found[0]} (sha256 {hashes[found[0]][:12]}…) is not the session's checkpoint "
            f"{ref.name} (sha256 {ref.sha256[:12]}…); give the right file with --ckpt"
        )
    looked = " and ".join(map(str, dict.fromkeys(places)))
    raise InputError(
        f"the session's checkpoint {ref.name} was not found (looked at {looked}); give it with --ckpt"
    )
