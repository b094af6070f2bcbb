"""How strong augmentation is: the controller of adaptive discriminator augmentation, and fixed strength.

A discriminator that learns its pictures by heart grows sure of them; how sure it is, a *signal* in [-1, 1],
is averaged over a few steps, and the strength p rises a little while the signal lies above a target, falls
while it lies below (Karras et al. 2020, "Training Generative Adversarial Networks with Limited Data").

There are two signals. With a loss on single pictures it is sign(D(real)), the paper's. A relativistic loss
fixes only differences of D, so that D(real) alone means nothing; there it is sign(D(real) − D(fake)), the
pairs being those of the loss. Both are summed over *augmented* pictures, as D sees them in training.
"""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass
from typing import Literal, get_args

import torch
from torch import Tensor

from creps_core.errors import InputError

AdaptiveMode = Literal["ada", "fixed", "none"]

REAL_TARGET = 0.6  # the paper's, for sign(D(real))
# For pairs: a mean of 0.6 for sign(D(real)) means P(D(real) > 0) = 0.8. Were D(real) and D(fake) normal,
# equally spread and mirrored at 0, pairs would give 2·P(D(real) > D(fake)) − 1 = 2·Φ(√2·Φ⁻¹(0.8)) − 1 = 0.77.
PAIR_TARGET = 0.77


@dataclass(frozen=True)
class AdaptiveConfig:
    """How p is found."""

    mode: AdaptiveMode = "ada"  # led by the signal, kept at `p`, or 0
    p: float = 0.0  # strength at the start ("ada") or throughout ("fixed"), 0 to 1
    target: float = REAL_TARGET  # the signal's target, -1 to 1; PAIR_TARGET for pairs
    interval: int = 4  # steps between two changes of p
    ramp_kimg: float = 500.0  # thousands of real pictures in which p can rise from 0 to 1

    def __post_init__(self) -> None:
        if self.mode not in get_args(AdaptiveMode):
            raise InputError(f"augmentation mode is {self.mode!r}, expected one of {get_args(AdaptiveMode)}")
        for name, valid, wanted in (
            ("p", 0 <= self.p <= 1, "a number from 0 to 1"),
            ("target", -1 <= self.target <= 1, "a number from -1 to 1"),
            ("interval", self.interval >= 1, "a whole number ≥ 1"),
            ("ramp_kimg", 0 < self.ramp_kimg < math.inf, "a number above 0"),
        ):
            if not valid:
                raise InputError(f"augmentation {name} is {getattr(self, name)!r}, expected {wanted}")


@dataclass(frozen=True)
class AdaptiveState:
    """Where the controller stands: plain numbers, saved with the training state (`dataclasses.asdict`)."""

    p: float = 0.0  # the strength to augment with
    steps: int = 0  # since the last change of p, and so the three below
    images: int = 0  # real pictures shown
    signal_sum: float = 0.0
    signal_count: int = 0
    signal: float = 0.0  # mean of the last complete interval, for the log


@dataclass(frozen=True)
class Signal:
    """A sum of `count` values in [-1, 1]; sums of signs are whole numbers, so adding over ranks is exact."""

    sum: float
    count: int


def real_signal(real_logits: Tensor) -> Signal:
    """sign(D(real)), for a loss on single pictures; logits of any shape."""
    return Signal(float(real_logits.detach().sign().sum(dtype=torch.float64)), real_logits.numel())


def pair_signal(real_logits: Tensor, fake_logits: Tensor) -> Signal:
    """sign(D(real) − D(fake)), for a relativistic loss; logits of one shape, paired as in the loss."""
    return real_signal(real_logits.detach() - fake_logits.detach())


def initial_state(config: AdaptiveConfig) -> AdaptiveState:
    """The state before the first step."""
    return AdaptiveState(p=0.0 if config.mode == "none" else config.p)


def advance(config: AdaptiveConfig, state: AdaptiveState, signal: Signal, images: int) -> AdaptiveState:
    """The state after one step of training.

    Args:
        config: how p is found.
        state: the state before.
        signal: the step's signal over all ranks; with other than "ada" it is averaged for the log only.
        images: real pictures shown in this step, over all ranks.

    Raises:
        ValueError: the signal is no mean of numbers in [-1, 1], for instance NaN.
    """
    if not abs(signal.sum) <= signal.count:
        raise ValueError(f"signal of sum {signal.sum} over {signal.count} values, expected values in [-1, 1]")
    state = dataclasses.replace(
        state,
        steps=state.steps + 1,
        images=state.images + images,
        signal_sum=state.signal_sum + signal.sum,
        signal_count=state.signal_count + signal.count,
    )
    return _changed(config, state) if state.steps >= config.interval else state


def _changed(config: AdaptiveConfig, state: AdaptiveState) -> AdaptiveState:
    """The state at the end of an interval: p moved, the sums empty."""
    signal = state.signal_sum / state.signal_count if state.signal_count else state.signal
    p = state.p
    if config.mode == "ada" and state.signal_count and signal != config.target:
        step = state.images / (config.ramp_kimg * 1000)
        p = min(max(p + math.copysign(step, signal - config.target), 0.0), 1.0)
    return AdaptiveState(p=p, signal=signal)
