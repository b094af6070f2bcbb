"""What training asks of its pictures: any samples of any picture, by index and coordinate.

A generator without a resolution is trained on samples, not on files: whoever holds the pictures is asked for
exactly the coordinates that the generator synthesises, and answers with as much detail as it has there.
"""

from __future__ import annotations

from typing import Protocol

from torch import Tensor


class Pictures(Protocol):
    """A training set. Its methods may be called from several threads."""

    name: str  # "scenery", or the name of the folder or zip
    c_dim: int  # number of classes, 0 without labels

    def __len__(self) -> int:
        """How many pictures there are."""

    def labels(self, indices: Tensor) -> Tensor:
        """One-hot labels of pictures `indices` (int64 [N]): float32 [N, c_dim]."""

    def sample(self, indices: Tensor, rows: Tensor, columns: Tensor) -> Tensor:
        """Sample pictures `indices` (int64 [N]) at rows [N, H] (y) and columns [N, W] (x).

        Coordinates ascend uniformly, float64, in plane units: the whole picture lies on [0, 1]². Every value
        is the picture averaged over one pitch around its point, so that coarse grids show no aliasing.
        Returns float32 [N, 3, H, W], RGB in [-1, 1].
        """
