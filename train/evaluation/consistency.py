"""Scale consistency, the paper's section 3.2: a picture, and the same at twice the size, reduced.

The reduction averages 2 × 2 samples. On `centres` the four lie around the sample of the smaller picture, so
both pictures frame the same. On `endpoints`, as published, linspaces of n and of 2n begin and end at the same
points: the mean of two neighbours is at (2i + ½)/(2n − 1) instead of i/(n − 1), which is right in the middle
and off by a quarter of a sample at the border. The published numbers contain that misfit.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch.nn.functional as F
from torch import Tensor

from creps_core.config import TrainingGrid
from creps_core.plan import Plan
from creps_core.renderer import Renderer
from train.evaluation.likeness import Lpips, psnr, ssim
from train.evaluation.views import rendered, square


@dataclass(frozen=True, eq=False)
class ScaleCase:
    """One latent at both sizes."""

    small: Tensor  # [1, 3, size, size], clamped to [-1, 1]
    reduced: Tensor  # of twice the size, clamped, then reduced
    psnr: float  # dB
    ssim: float
    lpips: float | None


def scale_case(
    renderer: Renderer, plan: Plan, grid: TrainingGrid, size: int, lpips: Lpips | None
) -> ScaleCase:
    """Compare `size` with 2 × `size`, reduced."""
    small = rendered(renderer, plan, square(grid, size)).clamp(-1, 1)
    large = rendered(renderer, plan, square(grid, 2 * size)).clamp(-1, 1)
    reduced = F.avg_pool2d(large, 2)
    distance = lpips(small, reduced) if lpips else None
    return ScaleCase(small, reduced, psnr(small, reduced), ssim(small, reduced), distance)
