"""A step gives the same numbers however its batch is divided, and does what the recipe says."""

from __future__ import annotations

import copy
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from creps_core.errors import InputError, RunError
from tests.train.runs import Gradients, small
from train.losses import discriminator_loss
from train.processes import Processes
from train.trainer import Trainer

ROOT = Path(__file__).parents[2]


def trainer(pictures: Any = None, **changes: Any) -> Trainer:
    config = small(**changes)
    return Trainer(config, pictures or Gradients(), Processes("cpu", config.precision))


def gradients_of_first_step(run: Trainer) -> tuple[dict[str, Tensor], dict[str, float]]:
    """The averaged gradients of the first step's phases, and its statistics."""
    seen: dict[str, Tensor] = {}
    average = run.processes.average_gradients

    def record(network: torch.nn.Module) -> None:
        average(network)
        for name, parameter in network.named_parameters():
            if parameter.grad is not None:
                key = f"{type(network).__name__}.{name}"
                seen[f"{key}.{sum(k.startswith(key) for k in seen)}"] = parameter.grad.clone()

    run.processes.average_gradients = record  # type: ignore[method-assign]
    return seen, run.step()


@pytest.mark.parametrize("shared", [False, True])
@pytest.mark.parametrize("loss", ["logistic", "pairing"])
def test_accumulation_gives_the_gradients_of_the_whole_batch(loss: str, shared: bool) -> None:
    options = {"loss": loss, "precision": "64", "shared_fakes": shared}
    whole, first = gradients_of_first_step(trainer(**options))
    parts, second = gradients_of_first_step(trainer(**options, batch_gpu=2))
    assert whole.keys() == parts.keys()
    for name, gradient in whole.items():
        scale = gradient.abs().max().clamp(min=1e-30)
        assert (parts[name] - gradient).abs().max() / scale < 1e-9, name
    assert first.keys() == second.keys()
    assert all(abs(first[name] - second[name]) < 1e-9 for name in first)


@pytest.mark.parametrize("loss", ["logistic", "pairing"])
def test_shared_pictures_give_each_network_the_gradient_of_its_own_loss(loss: str) -> None:
    options = {"loss": loss, "precision": "64", "pl_weight": 0.0, "augment": "fixed", "augment_p": 0.3}
    shared, stats = gradients_of_first_step(trainer(**options, shared_fakes=True))

    reference = trainer(**options)
    objective, moment, samples = reference.objective, reference.moment(), range(reference.config.batch)
    loss_g, _ = objective.generator_main(samples, moment)
    generator = reference.state.generator
    wanted = dict(named_gradients(loss_g, generator))
    fakes = objective.synthesise("generator", samples, moment.size)
    fake = objective.judge("generator", samples, fakes.images.detach(), fakes.look, fakes.labels, moment)
    images, look, labels = objective.real(samples, moment.size)
    real = objective.judge("real", samples, images, look, labels, moment)
    loss_d = discriminator_loss(reference.config.loss, fake, real).mean()
    wanted |= dict(named_gradients(loss_d, reference.state.discriminator))

    assert stats["loss_g"] == pytest.approx(loss_g.item(), rel=1e-12)
    assert stats["loss_d"] == pytest.approx(loss_d.item(), rel=1e-12)
    for name, gradient in wanted.items():
        assert (shared[name] - gradient).abs().max() <= 1e-9 * gradient.abs().max(), name


def named_gradients(loss: Tensor, network: torch.nn.Module) -> Iterator[tuple[str, Tensor]]:
    """Gradients by the names of `gradients_of_first_step`; parameters that took no part are left out."""
    names, parameters = zip(*network.named_parameters(), strict=True)
    for name, gradient in zip(names, torch.autograd.grad(loss, parameters, allow_unused=True), strict=True):
        if gradient is not None:
            yield f"{type(network).__name__}.{name}.0", gradient


def test_a_waiting_generator_does_not_learn_from_shared_pictures_either() -> None:
    run = trainer(freeze_kimg=0.008, shared_fakes=True)
    before = copy.deepcopy(run.state.generator.state_dict())
    assert "loss_g" not in run.step()
    assert all(torch.equal(before[name], t) for name, t in run.state.generator.state_dict().items())
    assert "loss_g" in run.step()


@pytest.mark.slow
@pytest.mark.parametrize("options", [[], ["--shared-fakes"]])
def test_two_processes_agree_with_one(options: list[str], tmp_path: Path) -> None:
    """Gloo, float64: gradients of the first step to 1e-9, statistics of three steps to 1e-6."""
    one, two = tmp_path / "one.json", tmp_path / "two.json"
    script = [str(Path(__file__).parent / "gradients_of_steps.py")]
    launch = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
    for command, out in (([sys.executable], one), (launch, two)):
        done = subprocess.run(
            [*command, *script, str(out), *options],
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
        assert done.returncode == 0, done.stderr[-2000:]
    alone, together = (json.loads(path.read_text()) for path in (one, two))
    assert together["processes"] == 2
    for phase, (ours, theirs) in enumerate(zip(alone["gradients"], together["gradients"], strict=True)):
        a, b = (torch.tensor(values, dtype=torch.float64) for values in (ours, theirs))
        assert (a - b).norm() / a.norm() < 1e-9, phase
        assert (a - b).abs().max() / a.abs().max() < 1e-9, phase
    for step, (first, second) in enumerate(zip(alone["stats"], together["stats"], strict=True)):
        assert first.keys() == second.keys()
        for name in first:
            assert abs(first[name] - second[name]) < 1e-6, (step, name)


def test_the_generator_waits_while_the_discriminator_learns_alone() -> None:
    run = trainer(freeze_kimg=0.008)
    before = copy.deepcopy(run.state.generator.state_dict())
    discriminator = copy.deepcopy(run.state.discriminator.state_dict())
    assert "loss_g" not in run.step()
    assert all(torch.equal(before[name], t) for name, t in run.state.generator.state_dict().items())
    after = run.state.discriminator.state_dict()
    assert any(not torch.equal(discriminator[name], t) for name, t in after.items())
    assert "loss_g" in run.step()


def test_lazy_penalties_come_when_they_are_due() -> None:
    run = trainer(r1_every=2, pl_every=3)
    names = [set(run.step()) for _ in range(4)]
    assert ["r1" in step for step in names] == [True, False, True, False]
    assert ["path_length" in step for step in names] == [True, False, False, True]


def test_stages_follow_each_other_and_fade_in() -> None:
    run = trainer()
    moments = []
    for nimg in (0, 24, 32, 48, 64, 200):
        run.state.progress.nimg = nimg
        moment = run.moment()
        moments.append((moment.size, moment.fade))
    assert moments == [(8, 1.0), (8, 1.0), (16, 0.0), (16, 0.5), (16, 1.0), (16, 1.0)]


def test_labels_reach_both_networks() -> None:
    run = trainer(conditional=True)
    run.step()
    assert run.state.generator.config.c_dim == 2
    assert run.state.generator.mapping.embed.weight.shape[1] == 2
    assert run.state.discriminator.label is not None


def test_the_average_follows_and_w_avg_is_tracked() -> None:
    run = trainer(ema_kimg=0.016, ema_rampup=0.0)
    start = run.state.average.synthesis.decoder_img.weight.clone()
    for _ in range(3):
        run.step()
    current, average = (net.synthesis.decoder_img.weight for net in (run.state.generator, run.state.average))
    assert not torch.equal(start, average)
    assert not torch.equal(current, average)
    assert run.state.average.mapping.w_avg.abs().sum() > 0
    assert torch.equal(run.state.average.mapping.w_avg, run.state.generator.mapping.w_avg)


def test_adaptive_augmentation_moves() -> None:
    run = trainer(augment="ada", augment_p=0.5, augment_kimg=0.2)
    for _ in range(4):
        run.step()
    assert run.state.progress.adaptive.p != 0.5


def test_what_takes_no_part_yet_is_left_alone() -> None:
    """A block of a later stage starts its stage with fresh moments: no step was counted for it."""
    run = trainer()
    run.step()
    later, now = run.state.discriminator.blocks["b16"], run.state.discriminator.blocks["b8"]
    assert all(not run.state.d_optimizer.state[p] for p in later.parameters())
    assert all(run.state.d_optimizer.state[p]["step"] > 0 for p in now.parameters())


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"batch": 8, "batch_gpu": 3}, "batch-gpu"),
        ({"batch": 8, "batch_gpu": 2, "mbstd_group": 4}, "mbstd-group"),
        ({"batch": 8, "conditional": False, "data": "few"}, "fewer than a batch"),
    ],
)
def test_what_does_not_divide_is_said(changes: dict[str, Any], words: str) -> None:
    pictures = Gradients(4) if changes.get("data") == "few" else None
    with pytest.raises(InputError, match=words):
        trainer(pictures, **changes)


def test_a_run_without_numbers_stops() -> None:
    run = trainer()
    run.state.discriminator.epilogue.out.bias.data.fill_(float("nan"))
    with pytest.raises(RunError, match=r"training broke down at 0\.0 kimg"):
        run.step()
    with pytest.raises(RunError, match="no longer finite"):
        run.state.check_finite()


def test_bfloat16_is_near_float32() -> None:
    exact, mixed = trainer().step(), trainer(precision="bf16").step()
    assert exact.keys() == mixed.keys()
    assert abs(exact["loss_d"] - mixed["loss_d"]) < 0.05


def test_the_configuration_is_the_only_source_of_the_start() -> None:
    states = [trainer().state.generator.state_dict() for _ in range(2)]
    assert all(torch.equal(states[0][name], states[1][name]) for name in states[0])
    other = trainer(seed=1).state.generator.state_dict()
    assert not torch.equal(states[0]["synthesis.b4.fc1.weight"], other["synthesis.b4.fc1.weight"])
