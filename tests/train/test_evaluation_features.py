"""What pictures are compared by: fixed, sensitive to what eyes see, and careful with files of others."""

from __future__ import annotations

import itertools
import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from creps_core.errors import InputError
from train.evaluation import FixedNetwork
from train.evaluation.distances import frechet
from train.evaluation.features import TorchScriptNetwork, eight_bits, extract
from train.evaluation.samples import Sampling, choose, drawn
from train.scenery import Scenery

COUNT = 240
SHA256 = "fff3d15c9a0d4ceda227bd790844e1a07d879a7b83ed2360937cd6640cb07753"


@pytest.fixture(scope="module")
def network() -> FixedNetwork:
    return FixedNetwork()


@pytest.fixture(scope="module")
def landscapes() -> tuple[Tensor, Tensor]:
    """Two sets of COUNT drawn pictures with none in common, [N, 3, 48, 48]."""
    sampling = Sampling(48, "centres", COUNT, batch=COUNT)
    both = choose(2 * COUNT, 10**6, seed=0)
    first, second = (next(iter(drawn(Scenery(), both[k::2], sampling))) for k in (0, 1))
    return first, second


def blurred(pictures: Tensor, sigma: float) -> Tensor:
    radius = int(3 * sigma + 1)
    line = torch.exp(-(torch.arange(-radius, radius + 1) ** 2) / (2 * sigma**2))
    line = (line / line.sum()).expand(3, 1, 1, -1)
    for kernel, pad in ((line, (radius, radius, 0, 0)), (line.mT, (0, 0, radius, radius))):
        pictures = F.conv2d(F.pad(pictures, pad, mode="replicate"), kernel, groups=3)
    return pictures


def noisy(pictures: Tensor, amount: float) -> Tensor:
    noise = torch.randn(pictures.shape, generator=torch.Generator().manual_seed(1))
    return (pictures + amount * noise).clamp(-1, 1)


def tinted(pictures: Tensor, amount: float) -> Tensor:
    return (pictures + amount * torch.tensor([1.0, 0.0, -1.0]).view(3, 1, 1)).clamp(-1, 1)


def flattened(pictures: Tensor, amount: float) -> Tensor:
    return pictures.lerp(pictures.mean(dim=(2, 3), keepdim=True), amount)


def without_the_brightest(pictures: Tensor, share: float) -> Tensor:
    """As many pictures, of fewer kinds."""
    order = pictures.mean(dim=(1, 2, 3)).argsort()
    kept = pictures[order[: int(len(pictures) * (1 - share))]]
    return kept.repeat(-(-len(pictures) // len(kept)), 1, 1, 1)[: len(pictures)]


@pytest.mark.parametrize(
    ("change", "amounts"),
    [
        (blurred, [0.5, 0.8, 1.2, 2.0, 4.0]),
        (noisy, [0.02, 0.05, 0.1, 0.2]),
        (tinted, [0.05, 0.1, 0.2, 0.4]),
        (flattened, [0.1, 0.3, 0.6]),
        (without_the_brightest, [0.15, 0.4, 0.7, 0.9]),
    ],
)
def test_the_more_is_wrong_the_larger_the_distance(
    change: Callable[[Tensor, float], Tensor],
    amounts: list[float],
    network: FixedNetwork,
    landscapes: tuple[Tensor, Tensor],
) -> None:
    real = extract(network, [landscapes[0]])
    values = [frechet(real, extract(network, [landscapes[1]]))]
    values += [frechet(real, extract(network, [change(landscapes[1], amount)])) for amount in amounts]
    assert all(a < b for a, b in itertools.pairwise(values)), values
    assert values[-1] > 3 * values[0]


def test_a_sharper_ridge_counts_as_much_as_a_softer_one(network: FixedNetwork) -> None:
    """The same silhouette, with edges of different width: no colour or layout differs."""
    y = torch.linspace(0, 1, 64)[:, None]
    ridge = 0.5 + 0.1 * torch.sin(torch.linspace(0, 12, 64))
    pictures = [torch.tanh((y - ridge) / width).expand(1, 3, -1, -1) for width in (0.005, 0.01, 0.02, 0.04)]
    sharp, *softer = (extract(network, [picture]) for picture in pictures)
    distances = [float((sharp - other).square().sum()) for other in softer]
    assert distances == sorted(distances)
    assert distances[0] > 0.1


def test_the_weights_are_the_same_everywhere_and_named_by_their_hash(network: FixedNetwork) -> None:
    state = torch.random.get_rng_state()
    again = FixedNetwork()
    assert torch.equal(state, torch.random.get_rng_state())
    assert again.sha256 == network.sha256 == SHA256
    assert FixedNetwork(seed=1).sha256 != SHA256
    assert "20250" in network.name
    assert not network.comparable


def test_rows_do_not_depend_on_the_batch(network: FixedNetwork, landscapes: tuple[Tensor, Tensor]) -> None:
    pictures = landscapes[0][:7]
    rows = extract(network, [pictures])
    assert rows.shape == (7, network.num_features)
    torch.testing.assert_close(extract(network, pictures.split(2)), rows, rtol=0, atol=1e-5)
    with pytest.raises(InputError, match="at least 16"):
        extract(network, [pictures[:, :, :15, :15]])


def test_pictures_are_quantised_as_exports_are() -> None:
    levels = eight_bits(torch.tensor([-2.0, -1.0, 0.0, 1.0, 3.0]).expand(1, 3, 1, 5))
    assert levels.dtype == torch.uint8
    assert levels[0, 0, 0].tolist() == [0, 0, 128, 255, 255]


class Means(nn.Module):
    """Stands for an Inception: mean levels of three channels, [N, 3, 1, 1] unless asked for features."""

    def forward(self, pictures: Tensor, return_features: bool = False) -> Tensor:
        assert pictures.dtype == torch.uint8
        means = pictures.float().mean(dim=(2, 3))
        return means if return_features else means[:, :1]


class Whole(nn.Module):
    """Not a feature network: one number for all."""

    def forward(self, pictures: Tensor) -> Tensor:
        return pictures.float().sum().view(1, 1)


def torchscript(module: nn.Module, path: Path) -> Path:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.jit.script(module).save(str(path))
    return path


def test_a_torchscript_file_gives_the_features(tmp_path: Path) -> None:
    network = TorchScriptNetwork(torchscript(Means(), tmp_path / "means.pt"), 16)
    pictures = torch.rand(5, 3, 16, 16) * 2 - 1
    assert network.num_features == 3
    assert "means.pt" in network.name
    assert len(network.sha256) == 64
    expected = eight_bits(pictures).double().mean(dim=(2, 3))
    np.testing.assert_allclose(extract(network, pictures.split(2)).numpy(), expected.numpy(), rtol=1e-6)


def test_other_files_are_refused_in_one_line(tmp_path: Path) -> None:
    text, weights = tmp_path / "text.pt", tmp_path / "weights.pt"
    text.write_text("no network")
    torch.save({"weight": torch.zeros(2)}, weights)
    for path in (text, weights):
        with pytest.raises(InputError, match="is not a TorchScript file") as caught:
            TorchScriptNetwork(path, 16)
        assert "\n" not in str(caught.value)
    with pytest.raises(InputError, match="does not exist"):
        TorchScriptNetwork(tmp_path / "missing.pt", 16)
    with pytest.raises(InputError, match=r"cannot be used as a feature network.*\(1, 1\) for 2"):
        TorchScriptNetwork(torchscript(Whole(), tmp_path / "whole.pt"), 16)
