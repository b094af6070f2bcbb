"""The accuracies the design promises, and one way to compare with them."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

REFERENCE = 1e-4  # separable settled frames against the float32 reference, on [−1, 1]
HALF_LEVEL = 0.5 / 127.5  # general grids against dense evaluation
CLAMPED = 1e-4  # of a picture's maximum, where activations run into their clamps
THREADS = 1e-6  # the same picture on another number of workers


def assert_close(got: npt.ArrayLike, want: npt.ArrayLike, tolerance: float) -> float:
    """Fail unless shapes agree and no element differs by more; says where it is worst, and returns it.

    A NaN on either side is a failure.
    """
    a, b = np.asarray(got, dtype=np.float64), np.asarray(want, dtype=np.float64)
    assert a.shape == b.shape, f"shapes {a.shape} and {b.shape}"
    assert a.size, "nothing to compare"
    distance = np.abs(a - b)
    at = np.unravel_index(int(np.argmax(distance)), distance.shape)  # a NaN counts as the largest
    worst = float(distance[at])
    where = tuple(int(i) for i in at)
    assert worst <= tolerance, f"off by {worst:.3g} at {where}, allowed {tolerance:.3g}: {a[at]} for {b[at]}"
    return worst


def assert_same_bits(got: npt.ArrayLike, want: npt.ArrayLike) -> None:
    """Fail unless both are the same bits: NaN equals NaN, and 0 differs from −0."""
    a, b = np.ascontiguousarray(got), np.ascontiguousarray(want)
    kinds = [(array.dtype, array.shape) for array in (a, b)]
    assert kinds[0] == kinds[1], f"{kinds[0]} and {kinds[1]}"
    if a.tobytes() == b.tobytes():
        return
    rows = a.reshape(len(a), -1).view(np.uint8) != b.reshape(len(b), -1).view(np.uint8)
    raise AssertionError(f"{int(rows.any(axis=1).sum())} of {len(a)} rows differ")
