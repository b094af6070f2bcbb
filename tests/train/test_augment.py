"""The pipeline of augmentations: gradients, types, batches, and how often what happens."""

from __future__ import annotations

import math
from collections.abc import Callable

import pytest
import torch
from torch import Tensor
from torch.autograd import gradcheck, gradgradcheck

from creps_core.errors import InputError
from tests.train.augmenting import EVERYTHING, SINGLE, drawn, noise
from train.augment import Augmentation
from train.augment_config import AUGMENT_SETS, AugmentConfig, AugmentStrengths, augment_set
from train.augment_draws import COLUMNS, COUNT

# Nothing happens when nothing should


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16])
def test_at_strength_zero_the_images_come_back_untouched(dtype: torch.dtype) -> None:
    images = noise(3, 16, dtype)
    augmented = Augmentation(EVERYTHING)(images, torch.zeros(3, COUNT, dtype=torch.float64), 0.0)
    assert augmented is images


def test_the_empty_set_changes_nothing_at_any_strength() -> None:
    images = noise(3, 16)
    assert torch.equal(Augmentation(augment_set("none"))(images, drawn(3), 1.0), images)


def test_spared_samples_keep_their_bits() -> None:
    images, rows = noise(40, 16, torch.float32), drawn(40)
    deciding = torch.stack([rows[:, columns.start] for columns in COLUMNS.values()], 1)
    spared = (deciding >= 0.1).all(1)
    augmented = Augmentation(EVERYTHING)(images, rows, 0.1)
    assert 0 < spared.sum() < 40
    assert torch.equal(augmented[spared], images[spared])


# Gradients, types, batches


@pytest.mark.parametrize("name", ["blit", "geom", "color", "bgcfnc"])
def test_gradients_are_right_once_and_twice(name: str) -> None:
    augment, rows = Augmentation(augment_set(name)), drawn(3)

    def run(images: Tensor) -> Tensor:
        return augment(images, rows, 0.7)

    images = noise(3, 8).requires_grad_()
    assert gradcheck(run, (images,), fast_mode=True)
    # The pipeline is affine; a function that is not, behind it, sees its second derivatives.
    assert gradgradcheck(lambda x: run(x).sin(), (images,), fast_mode=True)


def test_gradients_flow_after_a_first_use_in_inference_mode() -> None:
    augment, rows = Augmentation(EVERYTHING), drawn(4)
    with torch.inference_mode():
        augment(noise(4, 19), rows, 0.9)
    images = noise(4, 19).requires_grad_()
    augment(images, rows, 0.9).sum().backward()
    assert images.grad is not None


def test_a_gradient_penalty_through_the_pipeline_reaches_the_discriminator() -> None:
    """R1 as in training: the penalty's gradient with respect to weights, against finite differences."""
    augment, rows = Augmentation(EVERYTHING), drawn(4)
    images = noise(4, 8).requires_grad_()

    def penalty(weight: Tensor) -> Tensor:
        logits = (torch.nn.functional.conv2d(augment(images, rows, 0.8), weight).tanh()).sum()
        (gradient,) = torch.autograd.grad(logits, images, create_graph=True)
        return gradient.square().sum()

    assert gradcheck(penalty, (noise(2, 3).requires_grad_(),), fast_mode=True)


@pytest.mark.parametrize("width", [8, 32, 45])
def test_a_sample_does_not_depend_on_its_batch(width: int) -> None:
    images, rows = noise(12, width), drawn(12)
    augment = Augmentation(EVERYTHING)
    together = augment(images, rows, 0.4)
    halves = torch.cat([augment(images[part], rows[part], 0.4) for part in (slice(0, 5), slice(5, 12))])
    single = torch.cat([augment(images[[i]], rows[[i]], 0.4) for i in range(12)])
    torch.testing.assert_close(halves, together, rtol=0, atol=1e-12)
    torch.testing.assert_close(single, together, rtol=0, atol=1e-12)


def test_float32_follows_float64() -> None:
    images, rows = noise(12, 64), drawn(12)
    augment = Augmentation(EVERYTHING)
    single = augment(images.float(), rows, 0.8)
    assert single.dtype == torch.float32
    torch.testing.assert_close(single.double(), augment(images, rows, 0.8), rtol=0, atol=1e-3)


def test_autocast_changes_nothing_and_half_types_are_transformed_in_float32() -> None:
    images, rows = noise(8, 16, torch.float32), drawn(8)
    augment = Augmentation(EVERYTHING)
    expected = augment(images, rows, 0.8)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert torch.equal(augment(images, rows, 0.8), expected)
        half = augment(images.bfloat16(), rows, 0.8)
    assert torch.equal(half, augment(images.bfloat16().float(), rows, 0.8).bfloat16())


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_a_gpu_computes_what_the_cpu_computes() -> None:
    images, rows = noise(8, 32), drawn(8)
    augment = Augmentation(EVERYTHING)
    on_gpu = augment(images.cuda(), rows, 0.8).cpu()
    torch.testing.assert_close(on_gpu, augment(images, rows, 0.8), rtol=0, atol=1e-6)


def test_strength_may_be_a_tensor() -> None:
    images, rows = noise(4, 8), drawn(4)
    augment = Augmentation(EVERYTHING)
    strength = torch.tensor(0.5, dtype=torch.float64)
    assert torch.equal(augment(images, rows, strength), augment(images, rows, 0.5))


# How often


@pytest.mark.parametrize(
    ("name", "share"),
    [  # of the samples that are hit, those whose drawn numbers change anything
        *[(name, lambda p: p) for name in SINGLE if name not in ("x_flip", "luma_flip", "band_filter")],
        *[(name, lambda p: p / 2) for name in ("x_flip", "luma_flip")],
        ("band_filter", lambda p: 1 - (1 - p) ** 4),
    ],
)
@pytest.mark.parametrize(("p", "multiplier"), [(0.3, 1.0), (0.8, 0.5)])
def test_each_transformation_changes_its_share_of_samples(
    name: str, share: Callable[[float], float], p: float, multiplier: float
) -> None:
    count = 1500
    images = noise(count, 8, torch.float32)
    augment = Augmentation(AugmentConfig(**{name: multiplier}))
    changed = (augment(images, drawn(count), p) != images).flatten(1).any(1).sum().item()
    expected = share(p * multiplier) * {"quarter_turns": 0.75, "integer_shift": 0.75}.get(
        name, 1.0
    )  # a shift is ±1 or 0
    assert abs(changed - count * expected) < 4.5 * (count * expected * (1 - expected)) ** 0.5


def test_the_mean_over_many_draws_is_the_unbiased_one() -> None:
    """Turns average a picture's odd parts away; hues average to grey, without a tint or an offset."""
    ramp = torch.linspace(-1, 1, 16, dtype=torch.float64).expand(1, 3, 16, 16)
    tinted = ramp * torch.tensor([1.0, 0.5, -0.5], dtype=torch.float64)[:, None, None] + 0.3
    count = 3000
    batch, rows = tinted.expand(count, -1, -1, -1), drawn(count)
    moved = Augmentation(AugmentConfig(quarter_turns=1.0, rotation=1.0))(batch, rows, 1.0).mean(0)
    torch.testing.assert_close(moved, torch.full_like(moved, 0.3), rtol=0, atol=0.06)
    shaded = Augmentation(AugmentConfig(brightness=1.0, hue=1.0))(batch, rows, 1.0).mean(0)
    grey = tinted[0].mean(0, keepdim=True).expand(3, -1, -1)
    torch.testing.assert_close(shaded, grey, rtol=0, atol=0.06)


# What is refused


def test_the_named_sets_grow_group_by_group() -> None:
    def on(name: str) -> set[str]:
        return {field for field in SINGLE if getattr(AUGMENT_SETS[name], field)}

    assert on("bgcfnc") == set(SINGLE)
    assert on("bg") == on("blit") | on("geom")
    assert on("bgc") == on("bg") | on("color")
    assert augment_set() == AUGMENT_SETS["bgc"]


def test_unknown_sets_and_impossible_multipliers_are_named() -> None:
    with pytest.raises(InputError, match=r"no augmentations 'all'; there are: none, blit"):
        augment_set("all")
    with pytest.raises(InputError, match="hue is -1"):
        AugmentConfig(hue=-1)
    with pytest.raises(InputError, match="noise is inf"):
        AugmentConfig(strengths=AugmentStrengths(noise=math.inf))


@pytest.mark.parametrize(
    ("images", "rows", "p"),
    [
        (torch.zeros(2, 3, 8, 9), drawn(2), 0.5),
        (torch.zeros(2, 3, 4, 4), drawn(2), 0.5),
        (torch.zeros(2, 1, 8, 8), drawn(2), 0.5),
        (torch.zeros(2, 3, 8, 8), drawn(3), 0.5),
        (torch.zeros(2, 3, 8, 8), drawn(2), 1.5),
        (torch.zeros(2, 3, 8, 8), drawn(2), math.nan),
    ],
)
def test_arguments_that_do_not_fit_are_refused(images: Tensor, rows: Tensor, p: float) -> None:
    with pytest.raises(ValueError, match="expected"):
        Augmentation(EVERYTHING)(images, rows, p)
