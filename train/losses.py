"""The objectives, as pure functions of logits, pictures and gradients; every loss is given per sample.

Logistic: Goodfellow et al. 2014, non-saturating. Pairing: the relativistic loss of Jolicoeur-Martineau 2018
with gradient penalties on both sides (Huang et al., NeurIPS 2024). R1: Mescheder et al. 2018. Path length:
Karras et al. 2020, section 3.2.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn.functional import softplus

from train.config import Loss

PATH_DECAY = 0.01  # how fast the mean path length follows


def generator_loss(kind: Loss, fake: Tensor, real: Tensor | None = None) -> Tensor:
    """What the generator minimises, [N]. `real` logits are needed by the pairing loss."""
    if kind == "logistic":
        return softplus(-fake)
    assert real is not None
    return softplus(real - fake)


def discriminator_loss(kind: Loss, fake: Tensor, real: Tensor) -> Tensor:
    """What the discriminator minimises, [N]."""
    if kind == "logistic":
        return softplus(fake) + softplus(-real)
    return softplus(fake - real)


def gradient_penalty(logits: Tensor, images: Tensor) -> Tensor:
    """½·‖∂logit/∂image‖² of every picture, [N]; differentiable once more."""
    (gradient,) = torch.autograd.grad(logits.sum(), images, create_graph=True)
    return gradient.square().sum(dim=(1, 2, 3)) / 2


def path_lengths(images: Tensor, ws: Tensor, noise: Tensor) -> Tensor:
    """How far a picture moves as its ws move: ‖Jᵀy‖ for random pictures y, [N].

    Args:
        images: [N, 3, H, W], made from `ws`.
        ws: [N, num_ws, w_dim].
        noise: standard normal numbers in the shape of `images`.
    """
    height, width = images.shape[2:]
    pull = (images * noise).sum() / math.sqrt(height * width)
    (gradient,) = torch.autograd.grad(pull, ws, create_graph=True)
    return gradient.square().sum(dim=2).mean(dim=1).sqrt()
