"""The discriminator: any of its sizes, groups of its own, labels, places, and a smooth new stage."""

from __future__ import annotations

import pytest
import torch

from train.discriminator import Convolution, Discriminator, DiscriminatorConfig
from train.sampling import Looks, whole


def small(**changes: object) -> Discriminator:
    torch.manual_seed(0)
    options = {"channel_base": 128, "channel_max": 16, "mbstd_group": 2, **changes}
    return Discriminator(DiscriminatorConfig(32, **options)).double()  # type: ignore[arg-type]


def pictures(count: int, size: int) -> torch.Tensor:
    return torch.randn(count, 3, size, size, dtype=torch.float64, generator=torch.Generator().manual_seed(1))


@pytest.mark.parametrize("size", [8, 16, 32])
def test_pictures_of_every_stage_are_judged(size: int) -> None:
    assert small()(pictures(4, size)).shape == (4,)


def test_a_group_is_judged_by_itself() -> None:
    network, images = small(), pictures(6, 16)
    assert torch.allclose(network(images)[2:4], network(images[2:4]), atol=1e-12)
    assert not torch.allclose(network(images)[2:4], network(images[1:3])[[1, 0]], atol=1e-9)


def test_the_deviation_is_that_of_the_group() -> None:
    network = small()
    features = torch.randn(4, 16, 4, 4, dtype=torch.float64)
    channel = network.epilogue._deviation(features)
    expected = (features[:2].var(dim=0, unbiased=False) + 1e-8).sqrt().mean()
    assert torch.allclose(channel[:2], expected.expand(2, 1, 4, 4))


def test_a_new_stage_fades_in_from_the_halved_picture() -> None:
    network, images = small(), pictures(2, 16)
    halved = torch.nn.functional.avg_pool2d(images, 2)
    assert torch.allclose(network(images, fade=0), network(halved))
    between, full = network(images, fade=1e-6), network(images)
    assert torch.allclose(between, network(halved), atol=1e-4)
    assert not torch.allclose(full, network(halved), atol=1e-3)


def test_without_the_low_pass_stripes_of_one_pixel_reach_the_next_size() -> None:
    stripes = torch.tensor([1.0, -1.0], dtype=torch.float64).repeat(1, 1, 8, 4)
    halved = {}
    for low_pass in (True, False):
        torch.manual_seed(0)
        layer = Convolution(1, 4, 3, down=True, low_pass=low_pass, linear=True).double()
        halved[low_pass] = layer(stripes)[:, :, 1:-1, 1:-1].abs().max()
        assert small(low_pass=low_pass)(pictures(2, 32)).shape == (2,)
    assert halved[True] < 1e-12 < 0.1 < halved[False]


def test_labels_matter_when_conditional() -> None:
    network, images = small(c_dim=3), pictures(2, 8)
    one, two = (torch.eye(3, dtype=torch.float64)[[k, k]] for k in (0, 1))
    assert not torch.allclose(network(images, one), network(images, two))


def test_places_matter_when_it_is_told_them() -> None:
    network, images = small(where=True), pictures(2, 8)
    home = whole("centres", 8, 2)
    closer = Looks("centres", 0, windows=1, window_zoom=4, jitter=False).draw("real", [0, 1], 8)
    assert not torch.allclose(network(images, look=home), network(images, look=closer))


def test_halving_keeps_constants_and_drops_the_highest_frequency() -> None:
    layer = Convolution(1, 1, 1, down=True, linear=True)
    layer.weight.data.fill_(1)
    checker = (torch.arange(16).view(-1, 1) + torch.arange(16)) % 2 * 2.0 - 1
    middle = slice(1, -1)
    assert torch.allclose(layer(torch.ones(1, 1, 16, 16))[..., middle, middle], torch.ones(1, 1, 6, 6))
    assert layer(checker.view(1, 1, 16, 16))[..., middle, middle].abs().max() < 1e-6


def test_it_can_be_differentiated_twice() -> None:
    network, images = small(), pictures(2, 8).requires_grad_(True)
    (gradient,) = torch.autograd.grad(network(images).sum(), images, create_graph=True)
    gradient.square().sum().backward()
    assert all(p.grad is None or p.grad.isfinite().all() for p in network.parameters())
    assert network.blocks["b8"].conv0.weight.grad.abs().sum() > 0  # type: ignore[union-attr]
