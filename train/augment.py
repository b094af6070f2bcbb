"""Augmentation of what the discriminator sees: the transformations of StyleGAN2-ADA.

Karras et al. 2020, "Training Generative Adversarial Networks with Limited Data", appendix B. Real and
generated pictures are transformed alike, each transformation with probability p times its multiplier. As long
as p stays below about 0.8, the generator learns undistorted pictures all the same (section 2.2 there).

Two things differ from the paper's description: mirrored edges go on without end instead of being padded, and
samples that a transformation spares, or that only pixel-exact ones hit, are not resampled.
"""

from __future__ import annotations

import torch
from torch import Tensor

from train.augment_bands import apply_band_filter
from train.augment_colour import apply_colour
from train.augment_config import AugmentConfig
from train.augment_corruptions import apply_cutout, apply_noise
from train.augment_draws import COUNT, Draws
from train.augment_geometry import apply_geometry


class Augmentation:
    """The pipeline for one choice of transformations; a function of its arguments, without state.

    Attributes:
        count: how many uniform numbers it needs per sample; the same for every choice.
    """

    count = COUNT

    def __init__(self, config: AugmentConfig) -> None:
        self.config = config

    def __call__(self, images: Tensor, uniforms: Tensor, p: float | Tensor) -> Tensor:
        """Transform a batch; differentiable with respect to the images, twice.

        Args:
            images: [N, 3, W, W], W ≥ 8, about -1 to 1, of any floating type and device. Half types are
                transformed in float32, whatever autocast says.
            uniforms: float64 [N, count] in [0, 1), best on the CPU, where they are used. A sample's
                transformations depend on its own row alone.
            p: strength in [0, 1], a number or a tensor of one; with 0 the images come back untouched.

        Returns:
            [N, 3, W, W] of the images' type.

        Raises:
            ValueError: shapes that do not fit, or p outside [0, 1].
        """
        p = float(p)
        _check(images, uniforms, p)
        if p == 0:
            return images
        draws = Draws(uniforms.to("cpu", torch.float64), self.config, p)
        strengths = self.config.strengths
        with torch.autocast(images.device.type, enabled=False):
            x = images.to(torch.promote_types(images.dtype, torch.float32))
            x = apply_geometry(x, draws, strengths)
            x = apply_colour(x, draws, strengths)
            x = apply_band_filter(x, draws, strengths)
            x = apply_noise(x, draws, strengths)
            x = apply_cutout(x, draws, strengths)
            return x.to(images.dtype)


def _check(images: Tensor, uniforms: Tensor, p: float) -> None:
    count, channels, height, width = images.shape
    if channels != 3 or height != width or width < 8:
        raise ValueError(f"images are {list(images.shape)}, expected [N, 3, W, W] with W ≥ 8")
    if uniforms.shape != (count, COUNT):
        raise ValueError(f"uniforms are {list(uniforms.shape)}, expected {[count, COUNT]}")
    if not 0 <= p <= 1:
        raise ValueError(f"p is {p}, expected a number from 0 to 1")
