"""All that a run is made of, and its file: what a killed run goes on from, to the same numbers.

The file is safetensors, so reading it executes nothing. Random numbers need no saving: they are functions of
the sample's index (`train.randomness`).
"""

from __future__ import annotations

import dataclasses
import json
import os
import secrets
from dataclasses import dataclass, field
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor, nn

from creps_core.errors import InputError, RunError
from creps_core.generator import Generator
from train.adaptive import AdaptiveState
from train.config import TrainConfig
from train.discriminator import Discriminator, DiscriminatorConfig

FORMAT = "1"
_ADAM = ("exp_avg", "exp_avg_sq", "step")
W_AVG_DECAY = 0.998  # per step, the published value


@dataclass
class Progress:
    """The numbers of a run beside its networks."""

    nimg: int = 0  # pictures shown so far
    steps: int = 0
    seconds: float = 0.0  # spent training, over all resumptions
    path_mean: float = 0.0  # running mean of the path length
    best: float | None = None  # least Fréchet distance so far
    best_nimg: int = 0
    adaptive: AdaptiveState = field(default_factory=lambda: AdaptiveState(0.0))


class TrainState:
    """Networks, optimisers and progress."""

    def __init__(
        self, config: TrainConfig, c_dim: int, device: torch.device, dtype: torch.dtype = torch.float32
    ) -> None:
        self.config = config
        self.progress = Progress(
            adaptive=AdaptiveState(0.0 if config.augment == "none" else config.augment_p)
        )
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(config.seed)
            self.generator = Generator(config.generator_config(c_dim))
            self.generator.synthesis.line_blocks[0].input.freqs.mul_(config.frequency_scale)
            self.discriminator = Discriminator(
                DiscriminatorConfig(
                    config.resolution,
                    c_dim,
                    config.d_channel_base,
                    config.d_channel_max,
                    config.mbstd_group,
                    where=config.windows > 0,
                    low_pass=config.d_low_pass,
                )
            )
            self.average = Generator(self.generator.config)
        self.average.load_state_dict(self.generator.state_dict())
        self.average.eval().requires_grad_(False)
        for network in (self.generator, self.discriminator, self.average):
            network.to(device, dtype)
        self.g_optimizer = _adam(self.generator, config.g_lr, config.pl_every if config.pl_weight else 0)
        self.d_optimizer = _adam(self.discriminator, config.d_lr, config.r1_every if config.r1_gamma else 0)

    @torch.no_grad()
    def update_average(self, w_mean: Tensor) -> None:
        """Move the averaged generator and `w_avg` one step (EMA with ramp-up, Karras et al. 2020)."""
        config, nimg = self.config, self.progress.nimg
        half_life = config.ema_kimg * 1000
        if config.ema_rampup:
            half_life = min(half_life, nimg * config.ema_rampup)
        weight = 1 - 0.5 ** (config.batch / max(half_life, 1e-8))
        for averaged, parameter in zip(self.average.parameters(), self.generator.parameters(), strict=True):
            averaged.lerp_(parameter, weight)
        self.generator.mapping.w_avg.lerp_(w_mean, 1 - W_AVG_DECAY)
        for averaged_buffer, buffer in zip(self.average.buffers(), self.generator.buffers(), strict=True):
            averaged_buffer.copy_(buffer)

    def start_from(self, generator: Generator) -> None:
        """Take over the weights of a checkpoint (`--init`)."""
        self.generator.load_state_dict(generator.state_dict())
        self.average.load_state_dict(generator.state_dict())

    def judge_by(self, path: Path) -> None:
        """Take over the discriminator of a saved state (`--init-discriminator`); its moments start anew.

        Raises:
            InputError: it is of other sizes.
        """
        with _open(path) as file:
            names = set(file.keys())
            for name, tensor in self.discriminator.state_dict().items():
                key = f"D.{name}"
                if key not in names or file.get_slice(key).get_shape() != list(tensor.shape):
                    raise InputError(
                        f"the discriminator of {path} is of another run's form at {name}; give --resolution, "
                        "labels and --windows (0, or above) as there"
                    )
                tensor.copy_(file.get_tensor(key))

    def check_finite(self) -> None:
        """Raise `RunError` where a weight is no longer a number: such a state must not be saved."""
        for network in (self.generator, self.discriminator, self.average):
            if not all(bool(tensor.isfinite().all()) for tensor in network.state_dict().values()):
                raise RunError(
                    "the weights are no longer finite; the last saved state is intact: go on with --resume "
                    "and lower --g-lr and --d-lr, or a higher --r1-gamma"
                )

    def save(self, path: Path) -> None:
        """Write everything; `path` is replaced when the new file is complete."""
        metadata = {
            "format": FORMAT,
            "config": self.config.to_json(),
            "progress": json.dumps(dataclasses.asdict(self.progress)),
        }
        # safetensors writes to a name, not to an open file; hence not `creps_core.atomic.replacing`.
        temporary = path.with_name(f".creps-{secrets.token_hex(6)}.part")
        try:
            save_file(
                {name: t.detach().contiguous() for name, t in self._tensors().items()}, temporary, metadata
            )
            with open(temporary, "rb+") as file:
                os.fsync(file.fileno())
            os.replace(temporary, path)
        except (OSError, SafetensorError) as error:
            raise RunError(
                f"the training state could not be written to {path} ({error}); the one before it is intact: "
                "free some space and go on with --resume"
            ) from error
        finally:
            temporary.unlink(missing_ok=True)

    def load(self, path: Path) -> None:
        """Go on from what `save` wrote."""
        with _open(path) as file:
            metadata = file.metadata() or {}
            own = self._tensors()
            theirs = set(file.keys())
            if metadata.get("format") != FORMAT or set(own) - theirs:
                raise InputError(f"{path} is not a training state of this version or of this run")
            for name, tensor in own.items():
                saved = file.get_tensor(name)
                if saved.shape != tensor.shape:
                    raise InputError(f"{path}: {name} has another shape; the run was of other sizes")
                tensor.data.copy_(saved)
        values = json.loads(metadata["progress"])
        self.progress = Progress(**{**values, "adaptive": AdaptiveState(**values["adaptive"])})

    def _tensors(self) -> dict[str, Tensor]:
        """Every tensor of the run by name; Adam's moments are created where they are still missing."""
        networks = {"G": self.generator, "D": self.discriminator, "G_ema": self.average}
        tensors = {f"{n}.{k}": t for n, net in networks.items() for k, t in net.state_dict().items()}
        for name, network, optimizer in (
            ("G_adam", self.generator, self.g_optimizer),
            ("D_adam", self.discriminator, self.d_optimizer),
        ):
            for key, parameter in network.named_parameters():
                moments = _moments(optimizer, parameter)
                tensors.update({f"{name}.{key}.{part}": moments[part] for part in _ADAM})
        return tensors


def read_config(path: Path) -> TrainConfig:
    """The options that a saved state was made with; `InputError` where the file is none."""
    with _open(path) as file:
        metadata = file.metadata() or {}
    if metadata.get("format") != FORMAT or not {"config", "progress"} <= metadata.keys():
        raise InputError(f"{path} is not a training state, the state.safetensors of a run's folder")
    return TrainConfig.from_json(metadata["config"])


def _open(path: Path) -> safe_open:
    try:
        return safe_open(path, "pt")
    except (OSError, SafetensorError) as error:
        raise InputError(f"{path} cannot be read as a training state ({error})") from error


def _adam(network: nn.Module, rate: float, lazy_every: int) -> torch.optim.Adam:
    """Adam (0, 0.99). A lazy penalty takes steps of its own; rate and decay make up for them."""
    ratio = lazy_every / (lazy_every + 1) if lazy_every else 1.0
    return torch.optim.Adam(
        network.parameters(), lr=rate * ratio, betas=(0.0, 0.99**ratio), eps=1e-8, fused=True
    )


def _moments(optimizer: torch.optim.Adam, parameter: nn.Parameter) -> dict[str, Tensor]:
    moments: dict[str, Tensor] = optimizer.state[parameter]
    if not moments:
        moments["step"] = torch.zeros((), dtype=torch.float32, device=parameter.device)
        moments["exp_avg"] = torch.zeros_like(parameter)
        moments["exp_avg_sq"] = torch.zeros_like(parameter)
    return moments
