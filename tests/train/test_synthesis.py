"""Training's synthesis: the reference's pictures and gradients, in another order."""

from __future__ import annotations

import pytest
import torch

from creps_core.checkpoint import bundled_checkpoint, read_checkpoint
from creps_core.config import GeneratorConfig
from creps_core.latents import seed_to_z
from creps_core.synthesis import SynthesisNetwork
from train.sampling import Coordinates, Looks, grid_line, whole
from train.synthesis import synthesise

CONFIG = GeneratorConfig(
    resolution=32, z_dim=8, w_dim=8, mapping_layers=1, channel_base=512, channel_max=32, biline_channels=4
)
LOOKS = {
    "the grid of all": whole("endpoints", 6, 1),
    "grids of their own": Looks("centres", 0, windows=1, window_zoom=4, jitter=True).draw("x", [0, 1, 2], 6),
}


@pytest.fixture
def network() -> SynthesisNetwork:
    torch.manual_seed(0)
    network = SynthesisNetwork(CONFIG).double()
    with torch.no_grad():
        for name, parameter in network.named_parameters():
            if name.endswith("bias"):  # fresh ones are zeros, which would hide one left out
                parameter += 0.2 * torch.randn_like(parameter)
    return network


def _ws() -> torch.Tensor:
    generator = torch.Generator().manual_seed(1)
    return torch.randn(3, CONFIG.num_ws, CONFIG.w_dim, dtype=torch.float64, generator=generator)


@pytest.mark.parametrize("look", LOOKS.values(), ids=LOOKS)
def test_pictures_and_gradients_are_those_of_the_reference(
    network: SynthesisNetwork, look: Coordinates
) -> None:
    rows, columns = (axis[0] if look.shared else axis for axis in (look.rows, look.columns))
    expected = network(_ws(), rows, columns)
    pull = torch.linspace(-1, 1, expected.numel(), dtype=torch.float64).view_as(expected)
    (expected * pull).sum().backward()
    gradients = {name: p.grad for name, p in network.named_parameters()}
    network.zero_grad(set_to_none=True)

    images = synthesise(network, _ws(), look.rows, look.columns, torch.float64)
    (images * pull).sum().backward()

    assert torch.allclose(images, expected, rtol=1e-10, atol=1e-10)
    for name, parameter in network.named_parameters():
        if gradients[name] is None:
            assert parameter.grad is None, name
        else:
            torch.testing.assert_close(parameter.grad, gradients[name], rtol=1e-9, atol=1e-9)


def test_the_bundled_model_is_the_same_without_the_clamp() -> None:
    generator = read_checkpoint(bundled_checkpoint()).build().double()
    line = grid_line(generator.config.grid, 32)
    z = torch.cat([seed_to_z(seed, generator.config.z_dim) for seed in range(64)]).double()
    with torch.no_grad():
        ws = generator.mapping(z)
        expected = generator.synthesis(ws, line, line)
        images = synthesise(generator.synthesis, ws, line[None], line[None], torch.float64)
    assert (images - expected).abs().max() < 1e-10


def test_bfloat16_is_near_float32(network: SynthesisNetwork) -> None:
    network, look = network.float(), LOOKS["grids of their own"]
    exact, rough = (
        synthesise(network, _ws().float(), look.rows.float(), look.columns.float(), dtype)
        for dtype in (torch.float32, torch.bfloat16)
    )
    assert rough.dtype == torch.float32
    assert (rough - exact).abs().mean() < 0.05 * exact.std()
