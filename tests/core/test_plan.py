"""Plans: what is folded, what the keys tell apart, and the flop that benchmarks count."""

from __future__ import annotations

from itertools import pairwise

import pytest
import torch

from creps_core.config import GeneratorConfig
from creps_core.plan import Dense, Plan, fold, line_flops, pixel_flops
from tests.core.references import SMALL, random_ws, small_generator

CPU = torch.device("cpu")
CONFIGS = [
    SMALL,
    GeneratorConfig(
        z_dim=4, w_dim=5, resolution=64, channel_base=640, channel_max=40, biline_channels=6, mapping_layers=1
    ),
]


def plan_of(config: GeneratorConfig, seed: int = 0) -> Plan:
    return fold(small_generator(config), random_ws(config, seed), CPU)


def work(dense: Dense) -> int:
    """Multiplications and additions of one column, without the bias."""
    out, columns = dense.weight.shape
    return 2 * out * (columns - 1)


@pytest.mark.parametrize("config", CONFIGS)
def test_counted_line_flop_are_those_of_the_modulated_layers(config: GeneratorConfig) -> None:
    plan = plan_of(config)
    layers = [layer for level in plan.lines for layer in level.layers]
    assert line_flops(config) == config.thickness * sum(map(work, layers))


@pytest.mark.parametrize("config", CONFIGS)
def test_counted_pixel_flop_are_those_of_every_per_pixel_layer(config: GeneratorConfig) -> None:
    plan = plan_of(config)
    decoders = [layer for stack in plan.decoders for layer in stack]
    head = [plan.head.image, *(layer for block in plan.head.blocks for layer in block)]
    compose = 2 * config.thickness * config.biline_channels * len(config.levels)
    assert pixel_flops(config) == sum(map(work, decoders + head)) + compose


def test_the_published_512_model_costs_what_the_design_says() -> None:
    config = GeneratorConfig()
    widths = [512, 512, 512, 512, 512, 256, 128, 64]  # 4, 8, … 512
    layers = 512**2 + sum(a * b + b * b for a, b in pairwise(widths))
    assert line_flops(config) == 2 * 8 * layers
    decoder = 2 * 20 * 32**2 + 2 * 32 * 8
    head = 2 * (32 * 3 + 4 * 32**2 + 16 * 32**2 + 12 * 32 + 8 * 32**2 + 4 * 32**2 + 6 * 32)
    assert pixel_flops(config) == 7 * decoder + head


def test_folding_leaves_the_network_alone_and_is_repeatable() -> None:
    generator, ws = small_generator(), random_ws(SMALL)
    before = {name: value.clone() for name, value in generator.state_dict().items()}
    a, b = fold(generator, ws, CPU), fold(generator, ws, CPU)
    assert all(torch.equal(value, before[name]) for name, value in generator.state_dict().items())
    assert a.key == b.key
    assert torch.equal(a.head.image.weight, b.head.image.weight)
    assert a.frequencies.dtype == torch.float64
    assert torch.equal(a.frequencies.flatten().float(), generator.synthesis.b4.input.freqs.flatten())


@pytest.mark.parametrize("style", range(SMALL.num_ws))
def test_keys_tell_a_new_last_style_from_a_new_body(style: int) -> None:
    generator, ws = small_generator(), random_ws(SMALL)
    other = ws.clone()
    other[:, style] += 1e-6
    a, b = fold(generator, ws, CPU), fold(generator, other, CPU)
    assert a.key != b.key
    assert (a.body_key == b.body_key) == (style == SMALL.num_ws - 1)
    if style == SMALL.num_ws - 1:  # then indeed nothing but the head differs
        for mine, theirs in zip(a.lines, b.lines, strict=True):
            for one, two in zip(mine.layers, theirs.layers, strict=True):
                assert torch.equal(one.weight, two.weight)
        assert not torch.equal(a.head.blocks[0][0].weight, b.head.blocks[0][0].weight)


def test_half_precision_plans_do_not_share_keys() -> None:
    generator, ws = small_generator(), random_ws(SMALL)
    exact, draft = fold(generator, ws, CPU), fold(generator, ws, CPU, torch.bfloat16)
    assert draft.dtype == torch.bfloat16
    assert exact.key != draft.key
    assert exact.body_key != draft.body_key
