"""From the network's range [-1, 1] to whole levels: the only place where pictures are quantised."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def to_uint8(values: NDArray[np.float32]) -> NDArray[np.uint8]:
    """8-bit levels, as the published tools write them: clamp(v·127.5 + 128, 0, 255), truncated."""
    levels = values * np.float32(127.5)
    levels += np.float32(128)
    return np.clip(levels, 0, 255, out=levels).astype(np.uint8)


def to_uint16(values: NDArray[np.float32]) -> NDArray[np.uint16]:
    """16-bit levels over the full range, the same rule: clamp(v·32767.5 + 32768, 0, 65535), truncated.

    So -1 is 0, 1 is 65535 and what lies between goes to the nearest level.
    """
    levels = values * np.float64(32767.5)  # float32 cannot hold the half level
    levels += 32768
    return np.clip(levels, 0, 65535, out=levels).astype(np.uint16)
