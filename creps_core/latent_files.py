"""Latents from files: a saved z or w as .npy, or the first source of a session or of a picture with one."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from creps_core.config import GeneratorConfig
from creps_core.errors import InputError
from creps_core.session import read_session
from creps_core.source import Source

LATENT_FILES = "*.npy *.json *.png *.mp4 *.webm"
MOST_NUMBERS = 2**20


def read_latent(path: Path, config: GeneratorConfig) -> Source:
    """The latent in a file, as a source of a generator of these sizes.

    A `.npy` holds z or w as [n] or [1, n], or ws as [1, num_ws, w_dim] with all styles alike; where z and w
    have one length it is taken as w, unless its name begins with z.

    Raises:
        InputError: there is no such file, no latent in it, or one that does not fit.
    """
    if path.suffix.lower() != ".npy":
        return read_session(path).sources[0]
    try:
        values = np.load(path, allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        raise InputError(f"{path.name} holds no latent: {error}") from None
    if not isinstance(values, np.ndarray) or values.dtype.kind != "f" or values.size > MOST_NUMBERS:
        raise InputError(f"{path.name} holds no latent: expected an array of floats")
    if values.shape == (1, config.num_ws, config.w_dim) and (values == values[:, :1]).all():
        values = values[:, 0]
    vector = values[0] if values.ndim == 2 and len(values) == 1 else values
    if not np.isfinite(vector).all():
        raise InputError(f"{path.name} holds no latent: not all of its numbers are finite")
    numbers = tuple(float(value) for value in vector.ravel())
    as_z = path.name.lower().startswith("z") or config.w_dim != len(numbers)
    length = config.z_dim if as_z else config.w_dim
    if vector.ndim != 1 or len(numbers) != length:
        raise InputError(
            f"{path.name} has the shape {list(values.shape)}, expected [{config.w_dim}] for w or "
            f"[{config.z_dim}] for z"
        )
    return Source(z=numbers) if as_z else Source(w=numbers)
