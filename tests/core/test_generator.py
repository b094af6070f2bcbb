"""The network is the published mathematics at every size, and a function of single points alone."""

from __future__ import annotations

import copy
import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from torch import Tensor

from creps_core.config import GeneratorConfig
from creps_core.errors import InputError
from creps_core.generator import Generator
from tests.core.references import SMALL, random_ws, small_generator

Array = NDArray[np.float64]

configs = st.builds(
    GeneratorConfig,
    z_dim=st.integers(1, 9),
    c_dim=st.integers(0, 3),
    w_dim=st.integers(1, 9),
    resolution=st.sampled_from([8, 16, 32, 64]),
    channel_base=st.sampled_from([128, 256, 512]),
    channel_max=st.sampled_from([2, 6, 16]),
    biline_channels=st.integers(1, 6),
    thickness=st.integers(1, 5),
    mapping_layers=st.integers(1, 3),
)


def exact_generator(config: GeneratorConfig = SMALL, seed: int = 0) -> Generator:
    """Random weights and biases in float64; frequencies low enough for finite differences."""
    generator = small_generator(config, seed).double()
    state = torch.Generator().manual_seed(seed)
    for name, tensor in generator.state_dict().items():
        if name.endswith(("bias", "w_avg")):
            tensor += 0.3 * torch.randn(tensor.shape, generator=state, dtype=torch.float64)
    generator.synthesis.b4.input.freqs /= 10
    return generator


class OnePixel:
    """The network once more, one point at a time in plain numpy, as the design's page writes it."""

    def __init__(self, generator: Generator) -> None:
        self.config = generator.config
        self.t = {name: value.numpy() for name, value in generator.state_dict().items()}

    def dense(self, name: str, x: Array, multiplier: float = 1.0, linear: bool = False) -> Array:
        weight = self.t[f"{name}.weight"]
        y = weight @ x * multiplier / math.sqrt(weight.shape[1]) + self.t[f"{name}.bias"] * multiplier
        return y if linear else self.lrelu(y)

    def lrelu(self, y: Array) -> Array:
        return np.where(y > 0, y, 0.2 * y) * math.sqrt(2)

    def modulated(self, name: str, x: Array, w: Array) -> Array:
        weight = self.t[f"{name}.weight"] * self.dense(f"{name}.affine", w, linear=True)
        weight = weight / np.sqrt((weight**2).sum(1, keepdims=True) + 1e-8)
        return np.clip(self.lrelu(weight @ x + self.t[f"{name}.bias"]), -256, 256)

    def tores(self, name: str, x: Array, w: Array) -> Array:
        weight = self.t[f"{name}.weight"]
        styles = self.dense(f"{name}.affine", w, linear=True) / math.sqrt(weight.shape[1])
        return np.clip((weight * styles) @ x + self.t[f"{name}.bias"], -256, 256)

    def lane(self, ws: Array, t: float, lane: int) -> list[Array]:
        """Lane `lane` of 2R at coordinate t: the embedding of every level, [B] each."""
        config, name = self.config, "synthesis.b4.input"
        channels, lanes = config.channels(4), config.thickness
        freqs = self.t[f"{name}.freqs"].reshape(channels // 2, lanes)[:, lane % lanes]
        turns = 2 * math.pi * t * freqs
        styles = self.dense(f"{name}.affine", ws[0], linear=True).reshape(channels, 2 * lanes)[:, lane]
        gains = self.t[f"{name}.weight"][0, :, 0, lane] * styles / math.sqrt(channels)
        x = self.modulated("synthesis.b4.fc1", np.concatenate([np.sin(turns), np.cos(turns)]) * gains, ws[1])
        total, levels = np.zeros(config.biline_channels), []
        for m, level in enumerate(config.levels, start=1):
            x = self.modulated(f"synthesis.b{level}.fc0", x, ws[2 * m - 1])
            x = self.modulated(f"synthesis.b{level}.fc1", x, ws[2 * m])
            total = total + self.tores(f"synthesis.b{level}.tores", x, ws[2 * m + 1])
            levels.append(math.sqrt(0.5) * total)
        return levels

    def decode(self, name: str, x: Array) -> Array:
        for i in range(4):
            x = self.dense(f"synthesis.{name}.{i}", x)
        return x

    def rgb(self, ws: Array, y: float, x: float) -> Array:
        lanes = range(self.config.thickness)
        rows = [self.lane(ws, y, r) for r in lanes]
        columns = [self.lane(ws, x, r + self.config.thickness) for r in lanes]
        products = [sum(rows[r][k] * columns[r][k] for r in lanes) for k in range(len(self.config.levels))]
        feature = products[0]
        for level, product in zip(self.config.levels[1:], products[1:], strict=True):
            feature = self.decode(f"decoder_{level}", feature) + product
        feature = self.decode("decoder_last", feature)
        img = self.dense("synthesis.decoder_img", feature, linear=True)
        for block in ("synthesis.block0", "synthesis.block1"):
            feature = self.modulated(f"{block}.fc1", self.modulated(f"{block}.fc0", feature, ws[-1]), ws[-1])
            img = img + self.tores(f"{block}.tores", feature, ws[-1])
        return img

    def mapping(self, z: Array, c: Array) -> Array:
        def unit(v: Array) -> Array:
            return v / np.sqrt((v**2).mean() + 1e-8)

        x = unit(z)
        if self.config.c_dim:
            x = np.concatenate([x, unit(self.dense("mapping.embed", c, linear=True))])
        for i in range(self.config.mapping_layers):
            x = self.dense(f"mapping.fc{i}", x, 0.01)
        return x


@settings(deadline=None, max_examples=40)
@given(configs, st.integers(0, 1000), st.floats(-2, 3), st.floats(-2, 3))
def test_any_size_is_the_published_mathematics(
    config: GeneratorConfig, seed: int, y: float, x: float
) -> None:
    generator = exact_generator(config, seed)
    ws = random_ws(config, seed).double()
    got = generator.synthesis(ws, torch.tensor([y, x]).double(), torch.tensor([x]).double())
    one = OnePixel(generator)
    for i, row in enumerate((y, x)):
        want = one.rgb(ws[0].numpy(), np.float64(np.float32(row)), np.float64(np.float32(x)))
        np.testing.assert_allclose(got[0, :, i, 0].numpy(), want, rtol=1e-8, atol=1e-9)


@settings(deadline=None, max_examples=40)
@given(configs, st.integers(0, 1000))
def test_any_mapping_is_the_published_mathematics(config: GeneratorConfig, seed: int) -> None:
    generator = exact_generator(config, seed)
    state = np.random.RandomState(seed)
    z, c = state.randn(2, config.z_dim), np.eye(max(config.c_dim, 1))[[0, -1], : config.c_dim]
    ws = generator.mapping(torch.from_numpy(z), torch.from_numpy(c))
    assert ws.shape == (2, config.num_ws, config.w_dim)
    for i in range(2):
        want = OnePixel(generator).mapping(z[i], c[i])
        for style in range(config.num_ws):
            np.testing.assert_allclose(ws[i, style].numpy(), want, rtol=1e-8, atol=1e-10)


def test_activations_stop_at_256() -> None:
    generator = exact_generator()
    generator.synthesis.b8.fc1.bias += 1e4
    generator.synthesis.block1.tores.bias -= 1e4
    ws = random_ws(SMALL).double()
    got = generator.synthesis(ws, torch.tensor([0.3]).double(), torch.tensor([0.6]).double())
    one = OnePixel(generator)
    np.testing.assert_allclose(
        got[0, :, 0, 0].numpy(), one.rgb(ws[0].numpy(), np.float32(0.3), np.float32(0.6)), rtol=1e-6
    )
    generator.synthesis.block1.tores.bias -= 1e4
    again = generator.synthesis(ws, torch.tensor([0.3]).double(), torch.tensor([0.6]).double())
    assert torch.equal(got, again), "what lies beyond the clamp still counts"


def grid(height: int = 5, width: int = 7, dtype: torch.dtype = torch.float64) -> tuple[Tensor, Tensor]:
    return torch.linspace(-0.2, 0.9, height, dtype=dtype), torch.linspace(0.1, 1.3, width, dtype=dtype)


def test_rows_are_y_and_columns_are_x() -> None:
    generator, ws = exact_generator(), random_ws(SMALL).double()
    rows, columns = grid()
    image = generator.synthesis(ws, rows, columns)
    assert image.shape == (1, 3, 5, 7)
    turned = generator.synthesis(ws, rows, columns.flip(0))
    torch.testing.assert_close(turned, image.flip(3))
    other = generator.synthesis(ws, columns, rows)
    assert not torch.allclose(other.transpose(2, 3), image), "the axes have weights of their own"


def test_a_batch_is_its_members_one_by_one() -> None:
    generator = exact_generator()
    ws = torch.cat([random_ws(SMALL, seed) for seed in range(3)]).double()
    together = generator.synthesis(ws, *grid())
    for i in range(3):
        torch.testing.assert_close(together[i : i + 1], generator.synthesis(ws[i : i + 1], *grid()))
    assert not torch.allclose(together[0], together[1])


def test_every_sample_may_have_a_grid_of_its_own() -> None:
    generator = exact_generator()
    ws = torch.cat([random_ws(SMALL, seed) for seed in range(3)]).double()
    rows, columns = torch.rand(3, 4).double(), torch.rand(3, 5).double()
    together = generator.synthesis(ws, rows, columns)
    for k in range(3):
        alone = generator.synthesis(ws[k : k + 1], rows[k], columns[k])
        torch.testing.assert_close(together[k : k + 1], alone, rtol=0, atol=1e-12)


def test_z_to_picture_is_mapping_then_synthesis() -> None:
    generator = exact_generator(replace(SMALL, c_dim=2))
    z, c = torch.randn(2, SMALL.z_dim, generator=torch.Generator().manual_seed(1)), torch.eye(2)
    got = generator(z, *grid(), c, truncation_psi=0.5, truncation_cutoff=3)
    want = generator.synthesis(generator.mapping(z, c, 0.5, 3), *grid())
    assert torch.equal(got, want)
    with pytest.raises(ValueError, match="label"):
        generator.mapping(z)


@settings(deadline=None, max_examples=30)
@given(st.data())
def test_a_crop_is_the_crop_of_the_whole(data: st.DataObject) -> None:
    generator, ws = exact_generator(), random_ws(SMALL).double()
    rows, columns = grid(9, 11)
    top, left = data.draw(st.integers(0, 8)), data.draw(st.integers(0, 10))
    bottom, right = data.draw(st.integers(top + 1, 9)), data.draw(st.integers(left + 1, 11))
    step = data.draw(st.integers(1, 3))
    part = (slice(top, bottom, step), slice(left, right, step))
    whole = generator.synthesis(ws, rows, columns)
    crop = generator.synthesis(ws, rows[part[0]], columns[part[1]])
    torch.testing.assert_close(crop, whole[:, :, part[0], part[1]], rtol=1e-10, atol=1e-11)


def test_single_precision_is_near_double() -> None:
    generator, ws = small_generator(), random_ws(SMALL)
    single = generator.synthesis(ws, *grid(dtype=torch.float32))
    exact = copy.deepcopy(generator).double()
    rows, columns = grid(dtype=torch.float32)
    double = exact.synthesis(ws.double(), rows.double(), columns.double())
    assert (single.dtype, double.dtype) == (torch.float32, torch.float64)
    assert (single - double).abs().max() < 1e-4 * double.abs().max()


def test_gradients_by_styles_and_coordinates_are_those_of_differences() -> None:
    config = replace(SMALL, resolution=16, channel_max=4, biline_channels=2, thickness=2)
    generator = exact_generator(config)
    arguments = [random_ws(config).double(), *grid(2, 3)]
    assert torch.autograd.gradcheck(
        generator.synthesis, [a.requires_grad_() for a in arguments], eps=1e-6, atol=1e-5, rtol=1e-4
    )


def test_every_weight_that_counts_gets_a_gradient() -> None:
    generator = exact_generator().requires_grad_(True)
    generator.synthesis(random_ws(SMALL).double(), *grid()).square().sum().backward()
    idle = {name for name, p in generator.synthesis.named_parameters() if p.grad is None or not p.grad.any()}
    assert {name.rsplit(".", 1)[0].removesuffix(".affine") for name in idle} == {
        "b4.tores",
        *(f"decoder_8.{i}" for i in range(4)),
    }


@pytest.mark.parametrize(
    "bad", [{"resolution": 48}, {"resolution": 4}, {"thickness": 0}, {"grid": "corners"}]
)
def test_impossible_sizes_are_refused(bad: dict[str, object]) -> None:
    with pytest.raises(InputError, match=next(iter(bad))):
        GeneratorConfig.from_dict({**SMALL.to_dict(), **bad})
