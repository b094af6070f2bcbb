"""Options: presets are whole, the file round trip is exact, and what cannot work is said at once."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from creps_core.errors import InputError
from tests.train.runs import small
from train.config import PRESETS, Stage, TrainConfig, preset


@pytest.mark.parametrize("name", PRESETS)
def test_a_preset_survives_its_file(name: str) -> None:
    config = preset(name)
    assert TrainConfig.from_json(config.to_json()) == config
    assert config.generator_config(3).c_dim == 3


@pytest.mark.parametrize(("name", "gamma"), [("256", 2.05), ("512", 8.2), ("1024", 32.8)])
def test_the_published_sizes_follow_the_published_recipe(name: str, gamma: float) -> None:
    config = preset(name)
    assert (config.channel_base, config.channel_max, config.mapping_layers) == (65536, 1024, 8)
    assert (config.g_lr, config.d_lr, config.batch, config.ema_kimg) == (0.002, 0.002, 32, 10)
    assert (config.r1_gamma, config.r1_every) == (gamma, 16)
    assert (config.pl_weight, config.pl_every, config.style_mixing) == (2, 4, 0)
    assert (config.augment, config.grid, config.loss, config.stages) == ("ada", "endpoints", "logistic", "")
    assert (config.windows, config.jitter, config.freeze_kimg) == (0, False, 0)


def test_stages_are_read_in_order() -> None:
    assert small(stages="").stage_list() == (Stage(16, None),)
    assert small(stages="8:40,16").stage_list() == (Stage(8, 40), Stage(16, None))


@pytest.mark.parametrize(
    "stages", ["16:4,8", "8,16", "8:4", "8:4,16:5", "9:4,16", "x", "8:4,16,32", "4:1,16"]
)
def test_stages_that_make_no_sense_are_refused(stages: str) -> None:
    with pytest.raises(InputError, match="stages"):
        small(stages=stages)


@pytest.mark.parametrize(
    "changes",
    [
        {"batch": 0},
        {"batch": 7},
        {"g_lr": 0},
        {"kimg": -1},
        {"style_mixing": 1.5},
        {"window_zoom": 0.5},
        {"seed": -1},
        {"loss": "hinge"},
        {"augment": "much"},
        {"mirror": "yes"},
        {"batch": 8.5},
        {"r1_every": 0},
    ],
)
def test_values_out_of_range_are_refused_in_one_line(changes: dict[str, Any]) -> None:
    with pytest.raises(InputError) as refused:
        small(**changes)
    assert "\n" not in str(refused.value)
    assert next(iter(changes)) in str(refused.value) or "batch" in str(refused.value)


def test_unknown_presets_and_options_are_named() -> None:
    with pytest.raises(InputError, match=r"'huge'.*tiny"):
        preset("huge")
    with pytest.raises(InputError, match="colour"):
        TrainConfig.from_json('{"colour": 1}')
    with pytest.raises(InputError, match="not JSON"):
        TrainConfig.from_json("[")


def test_every_option_is_explained() -> None:
    hints = TrainConfig.__annotations__
    assert set(hints) == {field.name for field in dataclasses.fields(TrainConfig)}
    assert all(hint.startswith("Annotated[") for hint in hints.values())
