"""Checkpoints: read native and published files by their content, write native ones.

What a published pickle is and why reading it is safe: see `creps_core.official_pkl`.
"""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

import torch
from torch import Tensor

from creps_core.atomic import replacing
from creps_core.cancel import CancelToken
from creps_core.checkpoint_errors import (
    CheckpointError,
    CorruptCheckpointError,
    NewerFormatError,
    NotACheckpointError,
    OtherNetworkError,
    TensorMismatchError,
    TruncatedCheckpointError,
    UnknownClassError,
    UnknownGlobalError,
    UnsafeCheckpointError,
)
from creps_core.config import GeneratorConfig
from creps_core.foreign_files import foreign_file_error
from creps_core.generator import Generator
from creps_core.native_file import FORMAT, looks_native, read_native, write_native
from creps_core.official_pkl import read_published
from creps_core.pickle_stand_ins import TensorRef
from creps_core.tensor_names import check_shapes, config_from_shapes, expected_shapes
from creps_core.torch_storage import FLOATS, read_tensor

Progress = Callable[[int, int], None]  # bytes done, bytes in all

_CHUNK = 2**20
_PICKLE_SUFFIXES = (".pkl", ".pickle", ".pt", ".pth")


@dataclass(frozen=True, eq=False)
class Checkpoint:
    """A generator's sizes and weights, read from a file and found complete."""

    config: GeneratorConfig
    tensors: dict[str, Tensor]  # float32 on the CPU, names as in published files
    source: dict[str, str]  # where it came from
    path: Path | None
    sha256: str  # of the file
    extra: dict[str, str] = field(default_factory=dict)  # metadata that others wrote, kept when saved again
    details: dict[str, object] = field(default_factory=dict)  # what else the file tells, for creps-info

    def build(self) -> Generator:
        """A generator with weights of its own, in eval mode, that asks for no gradients."""
        with torch.random.fork_rng(devices=[]):  # the weights it starts with are thrown away
            generator = Generator(self.config)
        generator.load_state_dict(self.tensors, strict=True)
        return generator.eval().requires_grad_(False)


def read_checkpoint(
    path: str | os.PathLike[str], progress: Progress | None = None, cancel: CancelToken | None = None
) -> Checkpoint:
    """Read a checkpoint, native or published; which one is told by content, not by name.

    Nothing of the file is ever executed. Of a published file only G_ema is read into memory.

    Args:
        path: the file.
        progress: called with (bytes done, bytes in all) while numbers are read.
        cancel: polled at least once per megabyte.

    Raises:
        CheckpointError: the file cannot be used; its message names the file and all that is wrong.
        Cancelled: `cancel` was set.
    """
    path = Path(path)
    try:
        with _open(path) as file:
            return _read(file, path, _Work(progress, cancel))
    except CheckpointError as error:
        error.file_name = path.name or str(path)
        raise
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        failure = CheckpointError(f"the file cannot be read: {reason}; check the path and its permissions")
        failure.file_name = path.name or str(path)
        raise failure from error


def save_checkpoint(
    path: str | os.PathLike[str],
    generator: Generator,
    source: Mapping[str, str],
    extra: Mapping[str, str] | None = None,
) -> None:
    """Write a native checkpoint. `path` is replaced when the new file is complete, not before.

    Args:
        path: the file to write.
        generator: its weights are saved as float32.
        source: where it came from, shown by creps-info; no absolute paths.
        extra: metadata of others to keep.
    """
    _save(Path(path), generator.config, generator.state_dict(), source, extra or {})


def convert_checkpoint(checkpoint: Checkpoint, path: str | os.PathLike[str]) -> None:
    """Write a checkpoint that was read as a native file, with a note of where it came from."""
    _save(Path(path), checkpoint.config, checkpoint.tensors, checkpoint.source, checkpoint.extra)


def _save(
    path: Path,
    config: GeneratorConfig,
    tensors: Mapping[str, Tensor],
    source: Mapping[str, str],
    extra: Mapping[str, str],
) -> None:
    ordered = {name: tensors[name] for name in expected_shapes(config)}
    with replacing(path) as file:
        write_native(file, config, ordered, source, extra)


def bundled_checkpoint() -> Path:
    """The model that comes with the program: in a source checkout as well as installed."""
    # Installed, `assets` lies beside `creps_core` as it does in the checkout.
    path = Path(__file__).resolve().parent.parent / "assets" / "scenery.safetensors"
    if not path.is_file():
        raise CheckpointError(f"the bundled model is missing ({path}); install the program again")
    return path


class _Work:
    """Progress and cancellation of one reading."""

    def __init__(self, progress: Progress | None, cancel: CancelToken | None) -> None:
        self._progress = progress
        self._cancel = cancel
        self._done = 0
        self.total = 0

    def poll(self) -> None:
        if self._cancel:
            self._cancel.check()

    def add(self, count: int) -> None:
        self.poll()
        self._done += count
        if self._progress:
            self._progress(self._done, self.total)


def _open(path: Path) -> BinaryIO:
    """Open a regular file; a pipe or a device could block for ever."""
    if path.is_dir():
        raise NotACheckpointError("this is a folder; open a CREPS checkpoint (.pkl or .safetensors)")
    if not stat.S_ISREG(path.stat().st_mode):
        raise NotACheckpointError(
            "this is not an ordinary file; open a CREPS checkpoint (.pkl or .safetensors)"
        )
    return path.open("rb")


def _read(file: BinaryIO, path: Path, work: _Work) -> Checkpoint:
    size = os.fstat(file.fileno()).st_size
    head = file.read(512)
    if not head:
        raise NotACheckpointError("the file is empty; copy or download it again")
    if looks_native(head) or (path.suffix == ".safetensors" and size < 9):
        native = read_native(file, size)
        check_shapes({name: ref.shape for name, ref in native.tensors.items()}, native.config)
        tensors = _load(file, size, native.tensors, work)
        details: dict[str, object] = {"format": f"CREPS safetensors, format {FORMAT}"}
        sha256 = _sha256(file, work)
        return Checkpoint(native.config, tensors, native.source, path, sha256, native.extra, details)
    if not head.startswith(b"\x80"):
        raise _foreign(file, size, head, path, work)
    published = read_published(file, size, work.poll)
    shapes = {name: ref.shape for name, ref in published.tensors.items()}
    config = config_from_shapes(shapes, published.init_kwargs)
    check_shapes(shapes, config)
    tensors = _load(file, size, published.tensors, work)
    details = {
        "format": f"published pickle, protocol {published.protocol}",
        "networks": published.networks,
        "classes": list(published.classes),
        "training_set": published.training_set,
    }
    sha256 = _sha256(file, work)
    source = {"converted_from": path.name, "sha256": sha256, "network": "G_ema"}
    return Checkpoint(config, tensors, source, path, sha256, {}, details)


def _load(file: BinaryIO, size: int, refs: Mapping[str, TensorRef], work: _Work) -> dict[str, Tensor]:
    """Read all tensors as float32. Their shapes were checked against a generator's before."""
    wrong = [
        f"{name} is made of {ref.storage.dtype}, expected floating-point numbers"
        for name, ref in refs.items()
        if ref.storage.dtype not in FLOATS
    ]
    if wrong:
        raise TensorMismatchError(wrong)
    # No number takes less than two bytes: more of them than that means that tensors share their storage.
    if 2 * sum(ref.span for ref in refs.values()) > size:
        raise CorruptCheckpointError("its tensors claim more numbers than the file holds")
    work.total = size + sum(4 * ref.numel for ref in refs.values())
    tensors: dict[str, Tensor] = {}
    for name, ref in refs.items():
        tensors[name] = read_tensor(file, ref)
        work.add(4 * ref.numel)
    broken = [
        f"{name} has numbers that are not finite" for name, t in tensors.items() if not t.isfinite().all()
    ]
    if broken:
        raise TensorMismatchError(broken)
    return tensors


def _sha256(file: BinaryIO, work: _Work) -> str:
    digest = hashlib.sha256()
    file.seek(0)
    while chunk := file.read(_CHUNK):
        digest.update(chunk)
        work.add(len(chunk))
    return digest.hexdigest()


def _foreign(file: BinaryIO, size: int, head: bytes, path: Path, work: _Work) -> CheckpointError:
    """What to say about a file that is no checkpoint; a pickle of an old protocol may be a hostile one."""
    if path.suffix.lower() in _PICKLE_SUFFIXES:
        try:
            read_published(file, size, work.poll)
        except OtherNetworkError as error:
            return error
        except UnsafeCheckpointError as error:
            # A text file may read like a pickle that names something, but what it names is no identifier.
            if any(name.replace(".", "").isidentifier() for name in error.problems):
                return error
        except CheckpointError:
            pass  # not a pickle after all
    return foreign_file_error(file, head)


__all__ = [
    "Checkpoint",
    "CheckpointError",
    "CorruptCheckpointError",
    "NewerFormatError",
    "NotACheckpointError",
    "OtherNetworkError",
    "Progress",
    "TensorMismatchError",
    "TruncatedCheckpointError",
    "UnknownClassError",
    "UnknownGlobalError",
    "UnsafeCheckpointError",
    "bundled_checkpoint",
    "convert_checkpoint",
    "expected_shapes",
    "read_checkpoint",
    "save_checkpoint",
]
