"""Pictures in a folder or zip as a training set, sampled at whatever coordinates training asks for."""

from __future__ import annotations

import threading
from pathlib import Path

import torch
from torch import Tensor

from creps_core.config import TrainingGrid
from creps_core.errors import InputError
from train.class_labels import read_labels
from train.decoding import PictureInfo, decode_plain, read_info
from train.inspection import reading_fault
from train.picture_files import BrokenPicture, PictureFiles, open_files
from train.resampling import AxisFilter, axis_filter, resample

_HEAD_BYTES = 2**16  # where nearly every header ends


def open_pictures(
    path: str | Path, grid: TrainingGrid = "endpoints", *, mirror: bool = False, cache_mb: int = 1024
) -> StoredPictures:
    """Open a folder (with the folders in it) or a zip of pictures for training.

    All must be square RGB of one size; otherwise, or if one cannot be read, or if there are fewer than two,
    `InputError` says so and what to run. Only headers are read here.

    Args:
        path: folder or zip; labels are read from its `dataset.json`, if it has one.
        grid: where pixels lie, the training grid: at linspace(0, 1, n) or at (i + ½)/n.
        mirror: the set has every picture a second time, left and right exchanged.
        cache_mb: memory for decoded pictures, in MiB: those first asked for stay until it is full.
    """
    files = open_files(Path(path))
    infos = {name: _read_header(files, name) for name in files.names}
    if fault := reading_fault(infos):
        advice = "; make a set of them with creps-data prepare" if len(infos) > 1 else ""
        raise InputError(f"{files.path}: {fault}{advice}")
    size = next(info.width for info in infos.values() if info)
    return StoredPictures(files, size, grid, mirror=mirror, cache_mb=cache_mb)


class StoredPictures:
    """A training set made of files (see `train.pictures.Pictures`). May be used from several threads."""

    def __init__(
        self, files: PictureFiles, size: int, grid: TrainingGrid, *, mirror: bool, cache_mb: int
    ) -> None:
        self.name = files.path.resolve().name
        self.size = size  # pixels per side
        self.grid: TrainingGrid = grid
        self._files = files
        self._mirror = mirror
        labels = read_labels(files)
        self._classes = torch.tensor([labels[name] for name in files.names]) if labels else None
        self.c_dim = 0 if self._classes is None else int(self._classes.max()) + 1
        self._cache: dict[int, Tensor] = {}
        self._free = cache_mb * 2**20
        self._lock = threading.Lock()

    def __len__(self) -> int:
        """How many pictures there are, mirrored ones included."""
        return len(self._files.names) * (2 if self._mirror else 1)

    def labels(self, indices: Tensor) -> Tensor:
        """One-hot labels of pictures `indices` (int64 [N]): float32 [N, c_dim]."""
        stored = self._stored(indices)
        if self._classes is None:
            return torch.zeros(len(stored), 0, device=indices.device)
        one_hot = torch.nn.functional.one_hot(self._classes[stored], self.c_dim)
        return one_hot.to(indices.device, torch.float32)

    def sample(self, indices: Tensor, rows: Tensor, columns: Tensor) -> Tensor:
        """Sample pictures `indices` (int64 [N]) at rows [N, H] and columns [N, W], float64, ascending.

        Returns float32 [N, 3, H, W] on the device of `rows`, computed on the CPU: the pixels themselves at
        the stored grid, else filtered by Lanczos-3. Raises `BrokenPicture` if a file cannot be decoded.
        """
        filters: dict[bytes, AxisFilter] = {}  # a batch mostly shares one grid

        def filter_for(points: Tensor) -> AxisFilter:
            key = points.numpy().tobytes()
            if key not in filters:
                filters[key] = axis_filter(points, self.size, self.grid)
            return filters[key]

        stored = self._stored(indices)
        out = torch.empty(len(stored), 3, rows.shape[1], columns.shape[1])
        y, x = (points.detach().to("cpu", torch.float64).contiguous() for points in (rows, columns))
        mirrored = indices.cpu() >= len(self._files.names)
        for i, index in enumerate(stored.tolist()):
            pixels = self.pixels(index)
            out[i] = resample(pixels.flip(-1) if mirrored[i] else pixels, filter_for(y[i]), filter_for(x[i]))
        return out.to(rows.device)

    def pixels(self, index: int) -> Tensor:
        """The pixels of stored picture `index`: uint8 [3, size, size], not to be changed."""
        with self._lock:
            kept = self._cache.get(index)
        if kept is not None:
            return kept
        name = self._files.names[index]
        pixels = torch.from_numpy(decode_plain(self._files.read(name), name, self.size))
        pixels = pixels.permute(2, 0, 1).contiguous()
        with self._lock:
            # Every epoch visits every picture once, so none is worth more than those kept already.
            if index not in self._cache and self._free >= pixels.numel():
                self._free -= pixels.numel()
                self._cache[index] = pixels
        return pixels

    def _stored(self, indices: Tensor) -> Tensor:
        """Numbers of the files behind `indices`."""
        indices = indices.cpu()
        if len(indices) and not 0 <= int(indices.min()) <= int(indices.max()) < len(self):
            raise IndexError(f"picture {indices.tolist()} of a set of {len(self)}")
        return indices % len(self._files.names)


def _read_header(files: PictureFiles, name: str) -> PictureInfo | None:
    """The header; None if the picture is broken."""
    for most in (_HEAD_BYTES, None):  # a long profile may come before the picture
        try:
            return read_info(files.read(name, most), name)
        except BrokenPicture:
            continue
    return None
