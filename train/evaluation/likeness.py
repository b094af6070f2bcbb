"""How alike two pictures are that should be the same: PSNR, SSIM, LPIPS, and the magnified difference."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor
from torchmetrics.functional.image import structural_similarity_index_measure

from creps_core.errors import InputError
from train.evaluation.features import argument_names, first_line, load_torchscript

RANGE = 2.0  # pictures lie on [-1, 1]
BEST_DB = 120.0  # reported for pictures that agree to float32
MAGNIFIED = 10  # of the residual map, as in the paper's figure
LEAST_SSIM_SIDE = 11  # its window


def psnr(a: Tensor, b: Tensor, valid: Tensor | None = None) -> float:
    """Peak signal-to-noise ratio in dB of [1, 3, H, W] on [-1, 1], at most 120.

    `valid` [H, W] selects the pixels that count.
    """
    squares = (a.double() - b.double()).square()
    error = float((squares if valid is None else squares[:, :, valid]).mean())
    floor = RANGE**2 * 10 ** (-BEST_DB / 10)
    return float(10 * torch.log10(torch.tensor(RANGE**2 / max(error, floor), dtype=torch.float64)))


def ssim(a: Tensor, b: Tensor) -> float:
    """Structural similarity of [1, 3, H, W] on [-1, 1], 1 = equal."""
    value = structural_similarity_index_measure(a.double(), b.double(), data_range=RANGE)
    assert isinstance(value, Tensor)
    return float(value)


def residual(a: Tensor, b: Tensor) -> Tensor:
    """|a − b| × 10 as a picture on [-1, 1]: black is equal."""
    return ((a - b).abs() * MAGNIFIED - 1).clamp(-1, 1)


class Lpips:
    """Perceptual distance by a TorchScript file that the user names; **running it runs the code in it**.

    Two kinds are understood: a network called with two pictures [N, 3, H, W] on [-1, 1], and one that has
    an argument `return_lpips` and turns pictures on 0 … 255 into rows whose squared distance is LPIPS.
    """

    def __init__(self, path: Path, size: int) -> None:
        self.name = f"TorchScript {path.name}"
        self._network = load_torchscript(path)
        grey = torch.zeros(1, 3, size, size)
        try:
            self._rows = "return_lpips" in argument_names(self._network)
            self(grey, grey)
        except (RuntimeError, TypeError, ValueError, AttributeError) as error:
            raise InputError(
                f"{path.name} cannot be used for LPIPS: it must turn two pictures [N, 3, H, W] into "
                f"distances; {first_line(error)}"
            ) from error

    @torch.no_grad()
    def __call__(self, a: Tensor, b: Tensor) -> float:
        """The mean distance of [N, 3, H, W] on [-1, 1]."""
        if not self._rows:
            return float(self._network(a, b).mean())
        options = {"resize_images": False, "return_lpips": True}
        rows = [self._network((x + 1) * 127.5, **options) for x in (a, b)]
        return float((rows[0] - rows[1]).square().sum(dim=1).mean())
