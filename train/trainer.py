"""One training step of both networks, the same for one process and for many."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn

from creps_core.errors import InputError, RunError
from train.adaptive import PAIR_TARGET, REAL_TARGET, AdaptiveConfig, Signal, advance
from train.config import TrainConfig
from train.losses import PATH_DECAY
from train.objective import Moment, Objective, Stats
from train.pictures import Pictures
from train.processes import Processes, check_split, rounds
from train.state import TrainState

Phase = Callable[[Sequence[int]], tuple[Tensor, Stats]]  # samples → (mean loss, statistics)


class Trainer:
    """A run in this process: networks, data, and one method per step."""

    def __init__(self, config: TrainConfig, pictures: Pictures, processes: Processes) -> None:
        check_split(config, processes.count)
        c_dim = pictures.c_dim if config.conditional else 0
        if config.conditional and not c_dim:
            raise InputError(f"{pictures.name} carries no labels; train without --conditional")
        if len(pictures) < config.batch:
            raise InputError(
                f"{pictures.name} has {len(pictures)} pictures, fewer than a batch of {config.batch}; "
                "add pictures or lower --batch"
            )
        self.config, self.processes = config, processes
        self.state = TrainState(config, c_dim, processes.device, processes.dtype)
        usual = PAIR_TARGET if config.loss == "pairing" else REAL_TARGET
        self._adaptive = AdaptiveConfig(
            config.augment,
            config.augment_p,
            target=config.augment_target or usual,
            ramp_kimg=config.augment_kimg,
        )
        self.objective = Objective(
            config, pictures, self.state.generator, self.state.discriminator, processes
        )

    def moment(self) -> Moment:
        """What this point of the run trains at."""
        progress, config = self.state.progress, self.config
        kimg = progress.nimg / 1000
        stages = config.stage_list()
        number = sum(stage.kimg is not None and kimg >= stage.kimg for stage in stages)
        begun = stages[number - 1].kimg if number else None
        fade = 1.0 if begun is None or not config.fade_kimg else min(1.0, (kimg - begun) / config.fade_kimg)
        return Moment(stages[number].size, fade, 0.0 if config.augment == "none" else progress.adaptive.p)

    def step(self) -> dict[str, float]:
        """One step of both networks on one batch; returns the batch's statistics."""
        config, state, progress = self.config, self.state, self.state.progress
        objective, moment = self.objective, self.moment()
        generator = (state.generator, state.g_optimizer)
        discriminator = (state.discriminator, state.d_optimizer)
        stats: Stats = {}

        # Train the generator, and with it the discriminator where they share pictures.
        learning = progress.nimg >= config.freeze_kimg * 1000
        together = learning and config.shared_fakes
        if together:
            stats |= self._phase(lambda s: objective.both_main(s, moment), generator, discriminator)
        elif learning:
            stats |= self._phase(lambda s: objective.generator_main(s, moment), generator)
        if learning and config.pl_weight and progress.steps % config.pl_every == 0:
            mean = progress.path_mean
            stats |= self._phase(lambda s: objective.path_penalty(s, moment, mean), generator)

        # Train the discriminator.
        if not together:
            stats |= self._phase(lambda s: objective.discriminator_main(s, moment), discriminator)
        if config.r1_gamma and progress.steps % config.r1_every == 0:
            stats |= self._phase(lambda s: objective.gradient_penalty(s, moment), discriminator)

        # Move what follows the networks.
        progress.nimg += config.batch
        progress.steps += 1
        w_mean = stats.pop("w_mean", None)
        if w_mean is not None:
            state.update_average(w_mean)
        values = {name: float(value) for name, value in stats.items()}
        if "path_length" in values:
            progress.path_mean += PATH_DECAY * (values["path_length"] - progress.path_mean)
        self._check_finite(values)
        signal = Signal(round(values["confidence"] * config.batch), config.batch)
        progress.adaptive = advance(self._adaptive, progress.adaptive, signal, config.batch)
        return values

    def _phase(self, phase: Phase, *learning: tuple[nn.Module, torch.optim.Optimizer]) -> Stats:
        """Gradients of one loss over all rounds and processes, and a step of those `learning` along them."""
        shares = rounds(self.config, self.processes, self.state.progress.nimg)
        collected: list[Stats] = []
        for other in (self.state.generator, self.state.discriminator):
            other.requires_grad_(any(other is network for network, _ in learning))
        for samples in shares:
            loss, stats = phase(samples)
            (loss / len(shares)).backward()
            collected.append(stats)
        for network, optimizer in learning:
            self.processes.average_gradients(network)
            optimizer.step()
            optimizer.zero_grad(set_to_none=True)
        means = {name: torch.stack([stats[name] for stats in collected]).mean(dim=0) for name in collected[0]}
        return {name: self.processes.mean(value) for name, value in means.items()}

    def _check_finite(self, values: dict[str, float]) -> None:
        broken = [f"{name} {value}" for name, value in values.items() if not math.isfinite(value)]
        if broken:
            raise RunError(
                f"training broke down at {self.state.progress.nimg / 1000:.1f} kimg ({', '.join(broken)}); "
                "the last saved state is intact: go on with --resume and lower --g-lr and --d-lr"
            )
