"""The controller of augmentation: up when the discriminator is too sure, down when not, at the set speed."""

from __future__ import annotations

import dataclasses
import json
import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from creps_core.errors import InputError
from train.adaptive import (
    PAIR_TARGET,
    AdaptiveConfig,
    AdaptiveMode,
    AdaptiveState,
    Signal,
    advance,
    initial_state,
    pair_signal,
    real_signal,
)

SURE, UNSURE = Signal(32, 32), Signal(-32, 32)


def run(
    config: AdaptiveConfig, state: AdaptiveState, signals: list[Signal], batch: int = 32
) -> AdaptiveState:
    for signal in signals:
        state = advance(config, state, signal, batch)
    return state


def test_strength_rises_while_the_signal_is_above_its_target_and_falls_below() -> None:
    config = AdaptiveConfig(p=0.5)
    start = initial_state(config)
    assert run(config, start, [SURE] * 4).p == pytest.approx(0.5 + 4 * 32 / 500_000)
    assert run(config, start, [UNSURE] * 4).p == pytest.approx(0.5 - 4 * 32 / 500_000)


def test_the_mean_over_the_interval_counts_and_the_target_itself_moves_nothing() -> None:
    config = AdaptiveConfig(p=0.5, target=0.5)
    at_target = [Signal(32, 32), Signal(0, 32)] * 2
    assert run(config, initial_state(config), at_target) == AdaptiveState(p=0.5, signal=0.5)
    assert run(config, initial_state(config), [*at_target[:3], Signal(2, 32)]).p > 0.5


@pytest.mark.parametrize(("batch", "ramp"), [(32, 500.0), (48, 100.0), (4, 7.0)])
def test_strength_reaches_one_in_the_stated_time(batch: int, ramp: float) -> None:
    config = AdaptiveConfig(ramp_kimg=ramp)
    state, images = initial_state(config), 0
    while state.p < 1:
        state, images = advance(config, state, SURE, batch), images + batch
    assert 0 <= images - ramp * 1000 <= 2 * config.interval * batch


def test_between_two_changes_strength_stands_still() -> None:
    config = AdaptiveConfig(interval=4)
    state, seen = initial_state(config), []
    for _ in range(8):
        state = advance(config, state, SURE, 100)
        seen.append(state.p)
    assert seen[:3] == [0.0] * 3
    assert seen[3:7] == [seen[3]] * 4
    assert seen[7] > seen[3] > 0


@given(st.lists(st.tuples(st.floats(-1, 1), st.integers(1, 2000)), max_size=60), st.floats(0, 1))
def test_strength_stays_within_its_bounds(steps: list[tuple[float, int]], p: float) -> None:
    config = AdaptiveConfig(p=p, interval=1, ramp_kimg=1.0)
    state = initial_state(config)
    for value, images in steps:
        state = advance(config, state, Signal(value, 1), images)
        assert 0 <= state.p <= 1


@pytest.mark.parametrize(("mode", "p"), [("fixed", 0.3), ("none", 0.0)])
def test_unless_adaptive_strength_stands_still_but_the_signal_is_logged(mode: AdaptiveMode, p: float) -> None:
    config = AdaptiveConfig(mode=mode, p=0.3)
    state = run(config, initial_state(config), [SURE] * 8)
    assert state == AdaptiveState(p=p, signal=1.0)


def test_a_run_split_by_a_saved_state_gives_the_same_numbers() -> None:
    config = AdaptiveConfig(p=0.1)
    signals = [Signal(float(i % 7 - 3), 16) for i in range(40)]
    whole = run(config, initial_state(config), signals)
    first = run(config, initial_state(config), signals[:22])
    restored = AdaptiveState(**json.loads(json.dumps(dataclasses.asdict(first))))
    assert restored == first
    assert run(config, restored, signals[22:]) == whole


def test_signals_count_signs() -> None:
    real, fake = torch.tensor([[2.0], [-1.0], [0.0], [3.0]]), torch.tensor([[5.0], [-4.0], [-1.0], [2.0]])
    assert real_signal(real) == Signal(1, 4)
    assert pair_signal(real, fake) == Signal(2, 4)


def test_the_pair_target_is_the_papers_seen_through_pairs() -> None:
    generator = torch.Generator().manual_seed(0)
    distance = torch.special.ndtri(torch.tensor(0.8))
    real, fake = torch.randn(2, 200_000, generator=generator) + torch.stack([distance, -distance])[:, None]
    single, pairs = real_signal(real), pair_signal(real, fake)
    assert single.sum / single.count == pytest.approx(0.6, abs=0.01)
    assert pairs.sum / pairs.count == pytest.approx(PAIR_TARGET, abs=0.01)


@pytest.mark.parametrize("signal", [Signal(math.nan, 4), Signal(5, 4), Signal(math.inf, 4)])
def test_a_signal_outside_its_range_is_refused(signal: Signal) -> None:
    config = AdaptiveConfig()
    with pytest.raises(ValueError, match="expected values in"):
        advance(config, initial_state(config), signal, 32)


@pytest.mark.parametrize(
    ("field", "value"),
    [("mode", "auto"), ("p", 1.5), ("p", math.nan), ("target", 2.0), ("interval", 0), ("ramp_kimg", 0.0)],
)
def test_impossible_settings_are_named(field: str, value: object) -> None:
    with pytest.raises(InputError, match=f"augmentation {field} is"):
        AdaptiveConfig(**{field: value})
