"""Each augmentation by itself: exact where pixels only move, smooth elsewhere."""

from __future__ import annotations

from statistics import NormalDist

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from tests.train.augmenting import EVERYTHING, SINGLE, chosen, drawn, noise, quantile, smooth, turned
from train.augment import Augmentation
from train.augment_bands import band_filters, band_gains, filter_bands
from train.augment_colour import colour_matrices
from train.augment_config import AugmentConfig, AugmentStrengths, augment_set
from train.augment_corruptions import hashed_normals
from train.augment_draws import COLUMNS, Draws
from train.augment_resampling import resample

# Pixels that only move keep their values


@settings(deadline=None, max_examples=60)
@given(
    width=st.integers(8, 40),
    flip=st.booleans(),
    turns=st.integers(0, 3),
    x=st.floats(0, 1, exclude_max=True),
    y=st.floats(0, 1, exclude_max=True),
)
def test_blits_equal_flip_rot90_and_a_shift_with_mirrored_edges(
    width: int, flip: bool, turns: int, x: float, y: float
) -> None:
    images = noise(2, width, torch.float32)
    rows = chosen(2, x_flip=(0.5 * flip,), quarter_turns=(turns / 4,), integer_shift=(x, y))
    augmented = Augmentation(EVERYTHING)(images, rows, 0.5)

    expected = torch.rot90(images.flip(3) if flip else images, turns, (2, 3))
    right, down = (round((2 * t - 1) * 0.125 * width) for t in (x, y))
    padded = torch.nn.functional.pad(expected, [width - 1] * 4, mode="reflect")
    rolled = padded.roll((down, right), (2, 3))[:, :, width - 1 : -width + 1, width - 1 : -width + 1]
    assert torch.equal(augmented, rolled)


@pytest.mark.parametrize("width", [8, 9, 64, 101])
def test_resampling_by_the_identity_gives_any_picture_back(width: int) -> None:
    images = noise(2, width)
    identity = torch.eye(3, dtype=torch.float64)[:2].repeat(2, 1, 1)
    torch.testing.assert_close(resample(images, identity), images, rtol=0, atol=1e-10)


# General movements


@pytest.mark.parametrize("turns", [1, 2, 3])
def test_resampling_by_a_quarter_turn_is_rot90(turns: int) -> None:
    picture = smooth(64)
    moved, expected = resample(picture, turned(-90 * turns)), torch.rot90(picture, turns, (2, 3))
    # Mirrored edges are kinks, which a filter that is not quite symmetric turns a little differently.
    torch.testing.assert_close(moved, expected, rtol=0, atol=0.1)
    inner = (..., slice(8, -8), slice(8, -8))
    torch.testing.assert_close(moved[inner], expected[inner], rtol=0, atol=0.004)


@pytest.mark.parametrize("degrees", [10, 45, 200])
@pytest.mark.parametrize("scale", [0.8, 1.0, 1.25])
def test_a_transformation_and_its_inverse_give_the_picture_back(degrees: float, scale: float) -> None:
    picture = smooth(96)
    there, back = turned(degrees) * scale, turned(-degrees) / scale
    inner = (..., slice(30, 66), slice(30, 66))  # what stays inside both ways
    torch.testing.assert_close(
        resample(resample(picture, there), back)[inner], picture[inner], rtol=0, atol=0.01
    )


@pytest.mark.parametrize(("x", "y"), [(0.5, 0.0), (0.0, -0.3), (1.7, 2.2)])
def test_a_fractional_shift_moves_a_wave_right_and_down(x: float, y: float) -> None:
    width = 64
    at = torch.arange(width, dtype=torch.float64) * 0.3
    picture = (torch.cos(at - 1) + torch.sin(at)[:, None]).expand(1, 3, width, width)
    rows = chosen(shift=(quantile(x / width / 0.125), quantile(y / width / 0.125)))
    moved = Augmentation(augment_set("bgc"))(picture, rows, 0.5)
    expected = torch.cos(at - 0.3 * x - 1) + torch.sin(at - 0.3 * y)[:, None]
    inner = (0, 0, slice(8, -8), slice(8, -8))
    torch.testing.assert_close(moved[inner], expected[8:-8, 8:-8], rtol=0, atol=0.01)


def test_scales_enlarge_about_the_centre_and_stretch_x() -> None:
    at = torch.arange(64, dtype=torch.float64) - 31.5
    picture = (at / 31.5 + 2 * at[:, None] / 31.5).expand(1, 3, 64, 64)
    augment = Augmentation(EVERYTHING)
    larger = augment(picture, chosen(scale=(quantile(1.5),)), 0.5)
    stretched = augment(picture, chosen(anisotropy=(quantile(1.5),)), 0.5)
    factor = 2**0.3
    inner = (0, 0, slice(16, 48), slice(16, 48))
    torch.testing.assert_close(larger[inner], picture[inner] / factor, rtol=0, atol=1e-3)
    expected = (at / factor + 2 * at[:, None] * factor) / 31.5
    torch.testing.assert_close(stretched[inner], expected[16:48, 16:48], rtol=0, atol=1e-3)


def test_a_flip_comes_before_a_rotation() -> None:
    picture = smooth(48)
    rotation = chosen(rotation_before=(0.6,))
    both = chosen(rotation_before=(0.6,), x_flip=(0.5,))
    augment = Augmentation(EVERYTHING)
    moved, expected = augment(picture, both, 0.5), augment(picture.flip(3), rotation, 0.5)
    torch.testing.assert_close(moved[..., 12:-12, 12:-12], expected[..., 12:-12, 12:-12], rtol=0, atol=0.01)


@pytest.mark.parametrize("width", [8, 33])
def test_no_border_shows_however_far_the_picture_goes(width: int) -> None:
    strengths = AugmentStrengths(scale=3.0, anisotropy=2.0, shift=5.0, integer_shift=7.0)
    augment = Augmentation(AugmentConfig(**dict.fromkeys(SINGLE[:7], 1.0), strengths=strengths))
    images = torch.full((50, 3, width, width), 0.7, dtype=torch.float64)
    torch.testing.assert_close(augment(images, drawn(50), 1.0), images, rtol=0, atol=1e-9)


# Colours


def colour_by_hand(u: NDArray[np.float64]) -> NDArray[np.float64]:
    """The colour matrix once more, in an orthonormal basis whose first axis is grey; all is applied."""
    ndtri = NormalDist().inv_cdf

    def value(name: str) -> float:
        return float(u[COLUMNS[name].start + 1])

    basis = np.array([[1, 1, 1], [-1, 1, 0], [-1, -1, 2]]) / np.sqrt([[3], [2], [6]])
    angle = (2 * value("hue") - 1) * np.pi
    grey = -1 if value("luma_flip") >= 0.5 else 1
    colourful = 2 ** ndtri(value("saturation"))
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    inside = np.zeros((3, 3))
    inside[0, 0], inside[1:, 1:] = grey, colourful * turn
    matrix = np.eye(4)
    matrix[:3, 3] = 0.2 * ndtri(value("brightness"))
    for step in (np.eye(3) * 2 ** (0.5 * ndtri(value("contrast"))), basis.T @ inside @ basis):
        extended = np.eye(4)
        extended[:3, :3] = step
        matrix = extended @ matrix
    return matrix


def test_colour_matrices_equal_a_second_writing() -> None:
    rows = drawn(20)
    matrices = colour_matrices(Draws(rows, EVERYTHING, 1.0), AugmentStrengths())
    expected = np.stack([colour_by_hand(row) for row in rows.numpy()])
    np.testing.assert_allclose(matrices.numpy(), expected, atol=1e-12)


def test_colours_are_multiplied_pixel_by_pixel() -> None:
    images, rows = noise(6, 8), drawn(6)
    augmented = Augmentation(augment_set("color"))(images, rows, 1.0)
    matrices = np.stack([colour_by_hand(row) for row in rows.numpy()])
    expected = (
        np.einsum("nij,njhw->nihw", matrices[:, :3, :3], images.numpy()) + matrices[:, :3, 3, None, None]
    )
    np.testing.assert_allclose(augmented.numpy(), expected, atol=1e-12)


def test_a_hue_turned_by_360_degrees_is_the_same_hue() -> None:
    augment = Augmentation(AugmentConfig(hue=1.0, strengths=AugmentStrengths(hue=360.0)))
    images = noise(1, 8)
    torch.testing.assert_close(augment(images, chosen(hue=(0.0,)), 0.5), images, rtol=0, atol=1e-12)


def test_a_luma_flip_undoes_itself_and_negates_grey() -> None:
    augment, rows = Augmentation(EVERYTHING), chosen(luma_flip=(0.5,))
    images = noise(1, 8)
    flipped = augment(images, rows, 0.5)
    torch.testing.assert_close(flipped.mean(1), -images.mean(1), rtol=0, atol=1e-12)
    torch.testing.assert_close(augment(flipped, rows, 0.5), images, rtol=0, atol=1e-12)


# Corruptions


def test_the_four_bands_add_up_to_the_picture_and_cover_their_octaves() -> None:
    filters = band_filters()
    delta = np.zeros(43)
    delta[21] = 1
    np.testing.assert_allclose(filters.sum(0), delta, atol=1e-15)
    frequency = np.linspace(0, np.pi, 500)
    response = np.cos(np.outer(frequency, np.arange(-21, 22))) @ filters.T  # zero phase: real
    np.testing.assert_allclose(response[0], [1, 0, 0, 0], atol=1e-12)
    np.testing.assert_allclose(response[-1], [0, 0, 0, 1], atol=1e-12)
    middle = np.searchsorted(frequency, np.pi * np.array([1 / 32, 3 / 16, 3 / 8, 3 / 4]))
    np.testing.assert_array_equal(response[middle].argmax(1), [0, 1, 2, 3])


def test_equal_gains_scale_a_picture_even_where_it_is_smaller_than_the_filter() -> None:
    images = noise(2, 8)
    gains = torch.tensor([[2.0], [0.5]], dtype=torch.float64).expand(2, 4)
    expected = images * torch.tensor([4.0, 0.25], dtype=torch.float64)[:, None, None, None]  # both axes
    torch.testing.assert_close(filter_bands(images, gains), expected, rtol=0, atol=1e-12)


@pytest.mark.parametrize("band", range(4))
def test_a_band_changes_alone_and_the_expected_power_stays(band: int) -> None:
    rows = chosen(**{f"band_filter_{band}": (quantile(1.0),)})
    gains = band_gains(Draws(rows, EVERYTHING, 0.5), AugmentStrengths())[0].numpy()
    others = np.delete(gains, band)
    np.testing.assert_allclose(gains[band] / others, 2.0)
    np.testing.assert_allclose((np.array([10, 1, 1, 1]) / 13 * gains**2).sum(), 1.0)


def test_noise_has_the_drawn_level_and_no_pattern() -> None:
    images = torch.zeros(3, 3, 64, 64)
    rows = chosen(3, noise=(quantile(2.0), 0.0))
    rows[:, COLUMNS["noise"].stop - 1] = torch.tensor([0.1, 0.1, 0.1 + 2.0**-53], dtype=torch.float64)
    first, same, other = Augmentation(EVERYTHING)(images, rows, 0.5)
    assert torch.equal(first, same)
    for picture in (first, other):
        assert abs(picture.mean()) < 0.2 * 4.5 / picture.numel() ** 0.5
        assert abs(picture.std() / 0.2 - 1) < 4.5 / (2 * picture.numel()) ** 0.5
    correlation = (first * other).mean() / 0.04
    assert abs(correlation) < 4.5 / first.numel() ** 0.5


def test_hashed_normals_are_normal_and_independent() -> None:
    numbers = hashed_normals(torch.arange(64), 4096).double()
    size = numbers.numel()
    assert numbers.isfinite().all()
    for power, (mean, variance) in enumerate([(0, 1), (1, 2), (0, 15), (3, 96)], start=1):
        assert abs((numbers**power).mean() - mean) < 4.5 * (variance / size) ** 0.5
    for shifted in (numbers.roll(1, 1), numbers.roll(64, 1), numbers.roll(1, 0)):
        assert abs((numbers * shifted).mean()) < 4.5 / size**0.5


def test_cutout_sets_a_square_around_the_drawn_centre_to_zero() -> None:
    images = torch.ones(1, 3, 16, 16)
    augmented = Augmentation(EVERYTHING)(images, chosen(cutout=(0.5, 0.25)), 0.5)
    expected = images.clone()
    expected[:, :, 0:8, 4:12] = 0  # x around ½, y around ¼, half the width each
    assert torch.equal(augmented, expected)
