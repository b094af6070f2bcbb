"""What needs no data: scale consistency, equivariance and cost, against the reference network."""

from __future__ import annotations

import math
import warnings
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor, nn
from torchmetrics.functional.image import peak_signal_noise_ratio

from creps_core.checkpoint import read_checkpoint
from creps_core.config import TrainingGrid
from creps_core.errors import InputError, RunError
from creps_core.generator import Generator
from creps_core.renderer import Renderer
from tests.conftest import GOLDEN
from tests.strategies import relaxed
from train.evaluation.consistency import scale_case
from train.evaluation.cost import measure_cost
from train.evaluation.equivariance import (
    TAPS,
    equivariance_case,
    inside,
    random_motion,
    resample,
)
from train.evaluation.likeness import Lpips, psnr, residual, ssim
from train.evaluation.request import GRIDS
from train.evaluation.samples import latents
from train.evaluation.views import line_of, picture_plan, rendered, square, turned
from train.sampling import grid_line


@pytest.fixture(scope="module")
def scenic() -> Iterator[Renderer]:
    """Trained on 64² pictures, and smooth: they have all of its detail."""
    renderer = Renderer(read_checkpoint(GOLDEN / "scenery-64.pkl").build(), "cpu", threads=2)
    yield renderer
    renderer.close()


@pytest.fixture(scope="module")
def harsh(generator: Generator) -> Iterator[Renderer]:
    """Random weights: much finer detail than any trained model's."""
    renderer = Renderer(generator, "cpu", threads=2)
    yield renderer
    renderer.close()


@pytest.mark.parametrize("grid", GRIDS)
def test_pictures_are_the_reference_networks(harsh: Renderer, grid: TrainingGrid) -> None:
    line = grid_line(grid, 24)
    np.testing.assert_allclose(line_of(grid, 24).values(), line.numpy(), atol=1e-15)
    picture = rendered(harsh, picture_plan(harsh, 3, 5, 0.7), square(grid, 24))
    z = latents(harsh.generator.config.z_dim, range(3, 4), 5)
    with torch.no_grad():
        expected = harsh.generator(z, line.float(), line.float(), truncation_psi=0.7)
    torch.testing.assert_close(picture, expected, rtol=0, atol=2e-4)


@pytest.mark.parametrize("grid", GRIDS)
def test_scale_compares_with_the_double_size_reduced(scenic: Renderer, grid: TrainingGrid) -> None:
    case = scale_case(scenic, picture_plan(scenic, 0, 0, 1.0), grid, 32, None)
    z = latents(scenic.generator.config.z_dim, range(1), 0)
    with torch.no_grad():
        small, large = (scenic.generator(z, *2 * [grid_line(grid, n).float()]).clamp(-1, 1) for n in (32, 64))
    torch.testing.assert_close(case.small, small, rtol=0, atol=2e-4)
    torch.testing.assert_close(case.reduced, F.avg_pool2d(large, 2), rtol=0, atol=2e-4)
    assert case.psnr == pytest.approx(psnr(small, F.avg_pool2d(large, 2)), abs=0.1)
    assert 0.9 < case.ssim <= 1
    assert case.lpips is None


def test_centres_frame_the_same_and_endpoints_miss_by_a_quarter_at_the_border() -> None:
    for n in (8, 256):
        reduced = {grid: grid_line(grid, 2 * n).view(n, 2).mean(1) for grid in GRIDS}
        torch.testing.assert_close(reduced["centres"], grid_line("centres", n), rtol=0, atol=1e-15)
        miss = (reduced["endpoints"] - grid_line("endpoints", n)) * (n - 1)  # in samples
        assert float(miss[0]) == pytest.approx(0.25, abs=0.25 / n)
        assert float(miss[-1]) == pytest.approx(-0.25, abs=0.25 / n)
        assert float(miss.abs().max()) == pytest.approx(float(miss[0]))
        assert float(miss[n // 2 - 1 : n // 2 + 1].abs().max()) < 1 / n


def test_centres_are_more_consistent(scenic: Renderer) -> None:
    plan = picture_plan(scenic, 0, 0, 1.0)
    values = {grid: scale_case(scenic, plan, grid, 64, None).psnr for grid in GRIDS}
    assert values["centres"] > values["endpoints"] + 3


@pytest.mark.parametrize("grid", GRIDS)
def test_whole_shifts_are_exact_and_fractions_and_turns_are_as_good_as_the_samples(
    scenic: Renderer, harsh: Renderer, grid: TrainingGrid
) -> None:
    cases = [
        equivariance_case(renderer, picture_plan(renderer, 1, 0, 1.0), grid, 64, random_motion(0, 1, 64))
        for renderer in (scenic, harsh)
    ]
    assert [case.whole_error for case in cases] == [0, 0]
    smooth, rough = cases
    assert min(smooth.shift_psnr, smooth.turn_psnr) > 40
    assert rough.shift_psnr < smooth.shift_psnr
    assert rough.turn_psnr < smooth.turn_psnr
    for synthesised, resampled in (smooth.shifted, smooth.turned):
        assert synthesised.shape == resampled.shape == (1, 3, 64, 64)
        covered = (synthesised != -1).any(dim=1).double().mean()
        assert 0.4 < float(covered) < 1


@relaxed
@given(st.integers(0, 2**32 - 1), st.integers(0, 1000), st.sampled_from([32, 64, 256]))
def test_motions_are_worth_the_name(seed: int, number: int, size: int) -> None:
    motion = random_motion(seed, number, size)
    for whole, shift in zip(motion.whole, motion.shift, strict=True):
        assert 1 <= whole <= size / 8
        assert 0 < shift < whole
        assert min(shift % 1, 1 - shift % 1) >= Fraction(1, 8)
    assert 5 <= motion.degrees <= 85
    assert motion == random_motion(seed, number, size)


def wave(y: Tensor, x: Tensor) -> Tensor:
    """Two plane waves of at most 0.25 cycles per sample, [1, 1, h, w]."""
    return (torch.sin(0.9 * y + 1.2 * x) + 0.5 * torch.cos(1.5 * y - 0.4 * x + 1))[None, None]


def test_resampling_is_exact_on_samples_and_good_between_them() -> None:
    steps = torch.arange(40, dtype=torch.float64)
    y, x = torch.meshgrid(steps, steps, indexing="ij")
    picture = wave(y, x)
    torch.testing.assert_close(resample(picture, y, x), picture, rtol=0, atol=1e-12)
    angle = math.radians(25)
    turned_y = 19.5 + (y - 19.5) * math.cos(angle) - (x - 19.5) * math.sin(angle)
    turned_x = 19.5 + (y - 19.5) * math.sin(angle) + (x - 19.5) * math.cos(angle)
    valid = inside(turned_y, 40) & inside(turned_x, 40)
    assert 300 < int(valid.sum()) < (40 - 2 * TAPS + 2) ** 2
    error = (resample(picture, turned_y, turned_x) - wave(turned_y, turned_x)).abs()[:, :, valid]
    assert float(error.max()) < 0.01
    flat = torch.full((1, 3, 40, 40), 0.3, dtype=torch.float64)
    torch.testing.assert_close(resample(flat, turned_y, turned_x), flat, rtol=0, atol=1e-12)


@pytest.mark.parametrize("grid", GRIDS)
def test_a_turned_grid_turns_the_same_samples(grid: TrainingGrid) -> None:
    """By an angle that hardly turns, every sample is where it was."""
    lattice = turned(grid, 16, 2.0**-20)
    dy, dx = lattice.offsets(np.arange(16), np.arange(16))
    line = grid_line(grid, 16).numpy() - 0.5
    np.testing.assert_allclose(dy, np.broadcast_to(line[:, None], (16, 16)), atol=1e-7)
    np.testing.assert_allclose(dx, np.broadcast_to(line, (16, 16)), atol=1e-7)


def test_likeness_has_the_usual_meanings() -> None:
    noise = torch.rand(2, 1, 3, 16, 16, generator=torch.Generator().manual_seed(0)) * 2 - 1
    a, b = noise
    expected = peak_signal_noise_ratio(a, b, data_range=2.0)
    assert psnr(a, b) == pytest.approx(float(expected), rel=1e-5)
    assert psnr(a, a) == pytest.approx(120)
    assert ssim(a, a) == pytest.approx(1)
    assert ssim(a, b) < 0.3
    half = torch.zeros(16, 16, dtype=torch.bool)
    half[:8] = True
    mixed = torch.cat([a[:, :, :8], b[:, :, 8:]], dim=2)
    assert psnr(a, mixed, half) == pytest.approx(120)
    assert psnr(a, mixed) < 20
    shown = residual(torch.zeros(1, 3, 1, 2), torch.tensor([0.0, 0.1]).expand(1, 3, 1, 2))
    torch.testing.assert_close(shown[0, 0, 0], torch.tensor([-1.0, 0.0]))  # a twentieth of the range × 10


class PairDistance(nn.Module):
    """Stands for an LPIPS network called with two pictures."""

    def forward(self, a: Tensor, b: Tensor) -> Tensor:
        return (a - b).square().mean(dim=(1, 2, 3))


class RowsOfLpips(nn.Module):
    """Stands for a network whose rows have LPIPS as their squared distance."""

    def forward(self, pictures: Tensor, resize_images: bool = True, return_lpips: bool = False) -> Tensor:
        assert return_lpips
        assert not resize_images
        return pictures.mean(dim=(2, 3)) / 255


def test_lpips_comes_from_either_kind_of_file_and_from_no_other(tmp_path: Path) -> None:
    a, b = torch.full((1, 3, 8, 8), 0.5), torch.full((1, 3, 8, 8), -0.5)
    for module, expected in ((PairDistance(), 1.0), (RowsOfLpips(), 0.75)):
        path = tmp_path / f"{type(module).__name__}.pt"
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            torch.jit.script(module).save(str(path))
        assert Lpips(path, 8)(a, b) == pytest.approx(expected)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.jit.script(nn.ReLU()).save(str(tmp_path / "relu.pt"))
    with pytest.raises(InputError, match="cannot be used for LPIPS") as caught:
        Lpips(tmp_path / "relu.pt", 8)
    assert "\n" not in str(caught.value)


def test_cost_is_measured_in_a_process_of_its_own() -> None:
    cost = measure_cost(GOLDEN / "creps-32-conditional-clamped.pkl", "renderer", 64, "cpu")
    assert (cost.way, cost.size) == ("renderer", 64)
    assert 0 < cost.seconds < 60
    assert cost.above_mb is not None
    assert 0 <= cost.above_mb < 500


def test_a_process_that_fails_says_why_in_one_line(tmp_path: Path) -> None:
    with pytest.raises(RunError, match=r"^reference at 64×64: .*missing\.pkl") as caught:
        measure_cost(tmp_path / "missing.pkl", "reference", 64, "cpu")
    assert "\n" not in str(caught.value)
