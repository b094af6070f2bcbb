"""The objectives against their formulas, written once more."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from train.losses import discriminator_loss, generator_loss, gradient_penalty, path_lengths


def log1p_exp(values: Tensor) -> Tensor:
    return torch.tensor([math.log1p(math.exp(float(v))) for v in values], dtype=values.dtype)


FAKE = torch.tensor([-1.5, 0.0, 2.0], dtype=torch.float64)
REAL = torch.tensor([0.5, -0.25, 3.0], dtype=torch.float64)


def test_logistic_losses() -> None:
    assert torch.allclose(generator_loss("logistic", FAKE), log1p_exp(-FAKE))
    assert torch.allclose(discriminator_loss("logistic", FAKE, REAL), log1p_exp(FAKE) + log1p_exp(-REAL))


def test_pairing_losses_see_only_differences() -> None:
    assert torch.allclose(generator_loss("pairing", FAKE, REAL), log1p_exp(REAL - FAKE))
    assert torch.allclose(discriminator_loss("pairing", FAKE, REAL), log1p_exp(FAKE - REAL))
    assert torch.allclose(
        discriminator_loss("pairing", FAKE + 5, REAL + 5), discriminator_loss("pairing", FAKE, REAL)
    )


def test_the_gradient_penalty_of_a_quadratic_is_known() -> None:
    torch.manual_seed(0)
    images = torch.randn(2, 3, 4, 4, dtype=torch.float64, requires_grad=True)
    scale = torch.tensor(1.5, dtype=torch.float64, requires_grad=True)
    penalty = gradient_penalty((scale * images.square()).sum(dim=(1, 2, 3)), images)
    assert torch.allclose(penalty, (2 * 1.5 * images).square().sum(dim=(1, 2, 3)) / 2)
    (slope,) = torch.autograd.grad(penalty.sum(), scale)  # it can be trained against
    assert torch.allclose(slope, 2 * penalty.sum() / 1.5)


def test_path_lengths_of_a_linear_generator_are_those_of_its_matrix() -> None:
    torch.manual_seed(0)
    matrix = torch.randn(3 * 4 * 4, 5, dtype=torch.float64)
    ws = torch.randn(2, 1, 5, dtype=torch.float64, requires_grad=True)
    images = (ws[:, 0] @ matrix.T).view(2, 3, 4, 4)
    noise = torch.randn(2, 3, 4, 4, dtype=torch.float64)
    expected = (noise.view(2, -1) @ matrix / 4).norm(dim=1)
    assert torch.allclose(path_lengths(images, ws, noise), expected)


def test_path_lengths_average_over_styles() -> None:
    ws = torch.ones(1, 2, 1, dtype=torch.float64, requires_grad=True)
    images = (3 * ws[:, :1] + 4 * ws[:, 1:]).view(1, 1, 1, 1)
    lengths = path_lengths(images, ws, torch.ones(1, 1, 1, 1, dtype=torch.float64))
    assert torch.allclose(lengths, torch.tensor([math.sqrt((9 + 16) / 2)], dtype=torch.float64))
