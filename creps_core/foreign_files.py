"""Naming files that are no checkpoints, by their first bytes, so that the message can say what they are."""

from __future__ import annotations

import codecs
import re
import zipfile
from typing import BinaryIO

from creps_core.checkpoint_errors import CheckpointError, NotACheckpointError, OtherNetworkError
from creps_core.families import recognise

_KINDS = (
    (b"\x89PNG", "a PNG picture"),
    (b"\xff\xd8\xff", "a JPEG picture"),
    (b"GIF8", "a GIF picture"),
    (b"RIFF", "a RIFF file (WebP, WAV or AVI)"),
    (b"II*\0", "a TIFF picture"),
    (b"MM\0*", "a TIFF picture"),
    (b"\x1f\x8b", "a gzip archive"),
    (b"\x89HDF", "an HDF5 file"),
    (b"\x93NUMPY", "a NumPy array"),
    (b"%PDF", "a PDF document"),
    (b"7z\xbc\xaf", "a 7z archive"),
    (b"<", "a web page"),
)
_LFS = b"version https://git-lfs"
_MAX_INDEX = 4 * 2**20  # bytes of an archive's index that are searched for names


def foreign_file_error(file: BinaryIO, head: bytes) -> CheckpointError:
    """The error for a file that is neither safetensors nor a pickle; `head` are its first bytes."""
    if head.startswith(b"PK\x03\x04"):
        return _archive_error(file)
    if head.startswith(_LFS):
        return NotACheckpointError("this is a Git LFS pointer, not the file itself; run git lfs pull")
    otherwise = "a text file" if _is_text(head) else "not a file of a known kind"
    kind = next((kind for magic, kind in _KINDS if head.startswith(magic)), otherwise)
    return NotACheckpointError(f"this is {kind}; open a CREPS checkpoint (.pkl or .safetensors)")


def _archive_error(file: BinaryIO) -> CheckpointError:
    """A zip archive. Those of torch.save name their tensors in data.pkl, which is only searched as text."""
    try:
        with zipfile.ZipFile(file) as archive:
            index = next((name for name in archive.namelist() if name.endswith("data.pkl")), None)
            if index is None:
                return NotACheckpointError(
                    "this is a zip archive; open a CREPS checkpoint (.pkl or .safetensors)"
                )
            with archive.open(index) as part:
                words = re.findall(rb"[A-Za-z_][\w.]+", part.read(_MAX_INDEX))
    except (zipfile.BadZipFile, OSError, RuntimeError, NotImplementedError, EOFError, ValueError):
        return NotACheckpointError("this is a damaged zip archive; open a CREPS checkpoint")
    family = recognise((), [word.decode()[:200] for word in words])
    if family:
        return OtherNetworkError(family)
    return NotACheckpointError(
        "this is a torch.save archive; open a published .pkl or a .safetensors checkpoint"
    )


def _is_text(head: bytes) -> bool:
    try:
        text = codecs.getincrementaldecoder("utf-8")().decode(head)  # the last character may be cut
    except UnicodeDecodeError:
        return False
    return all(character.isprintable() or character in "\t\n\r\f" for character in text)
