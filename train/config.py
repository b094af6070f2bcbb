"""All options of a training run, and the presets as a table.

`TrainConfig` is flat and frozen; the command's options are made of its fields, and it is saved with the run.
"""

from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass
from typing import Annotated, Any, Literal, NamedTuple, get_args, get_type_hints

from creps_core.config import GeneratorConfig, TrainingGrid
from creps_core.errors import InputError

Loss = Literal["logistic", "pairing"]
Augment = Literal["none", "fixed", "ada"]
Precision = Literal["32", "bf16", "64"]


class Stage(NamedTuple):
    """Train at `size`² samples until `kimg` thousand pictures were shown (None: to the end)."""

    size: int
    kimg: float | None


@dataclass(frozen=True)
class TrainConfig:
    """Defaults are the published recipe at 512² (CREPS on the StyleGAN2-ADA training loop)."""

    # --- pictures
    data: Annotated[str, "Pictures: a folder, a zip, or 'scenery', the drawn data set."] = "scenery"
    mirror: Annotated[bool, "Show half of the pictures mirrored left to right."] = False
    conditional: Annotated[bool, "Train on the labels that the pictures carry."] = False
    grid: Annotated[TrainingGrid, "Where samples lie: linspace(0, 1, n), or (i + ½)/n."] = "endpoints"
    # --- generator
    resolution: Annotated[int, "Training resolution, a power of two."] = 512
    z_dim: Annotated[int, "Length of the input latent z."] = 512
    w_dim: Annotated[int, "Length of the intermediate latent w."] = 512
    mapping_layers: Annotated[int, "Layers of the mapping network."] = 8
    channel_base: Annotated[int, "Line channels of block k: min(channel_base // k, channel_max)."] = 65536
    channel_max: Annotated[int, "Most line channels."] = 1024
    biline_channels: Annotated[int, "Channels of a bi-line and of the composed feature."] = 32
    thickness: Annotated[int, "Row-times-column products that a feature is the sum of."] = 8
    frequency_scale: Annotated[float, "Factor on the Fourier frequencies, N(0, 10²) cycles per unit."] = 1.0
    # --- discriminator
    d_channel_base: Annotated[int, "Channels at k² are min(d_channel_base // k, d_channel_max)."] = 32768
    d_channel_max: Annotated[int, "Most channels of the discriminator."] = 512
    d_low_pass: Annotated[bool, "Let the discriminator smooth its features before halving them."] = True
    mbstd_group: Annotated[int, "Pictures in a group of the minibatch standard deviation."] = 4
    # --- objective
    loss: Annotated[Loss, "Non-saturating logistic, or the relativistic pairing loss."] = "logistic"
    r1_gamma: Annotated[float, "Weight of the gradient penalty on real pictures (pairing: on fake too)."] = (
        8.2
    )
    r1_every: Annotated[int, "Steps between gradient penalties."] = 16
    pl_weight: Annotated[float, "Weight of the path-length penalty, 0 for none."] = 2.0
    pl_every: Annotated[int, "Steps between path-length penalties."] = 4
    style_mixing: Annotated[float, "Probability that a picture mixes the styles of two latents."] = 0.0
    shared_fakes: Annotated[
        bool, "Show both networks the same synthesised pictures and let them step at once: less work."
    ] = False
    # --- optimisation
    batch: Annotated[int, "Pictures of a step, over all processes."] = 32
    batch_gpu: Annotated[
        int, "Pictures held by a process at once, the rest accumulates; 0: all its share."
    ] = 0
    g_lr: Annotated[float, "Learning rate of the generator."] = 0.002
    d_lr: Annotated[float, "Learning rate of the discriminator."] = 0.002
    ema_kimg: Annotated[float, "Half-life of the averaged generator, in thousand pictures."] = 10.0
    ema_rampup: Annotated[
        float, "While young, the half-life is at most this part of the run; 0: no ramp."
    ] = 0.05
    precision: Annotated[Precision, "Arithmetic of the large layers: 32, bf16 (mixed), or 64 for tests."] = (
        "32"
    )
    # --- augmentation
    augment: Annotated[Augment, "Discriminator augmentation: none, fixed, or adaptive."] = "ada"
    augment_set: Annotated[str, "Groups of transformations: blit, geom, color, bg, bgc, bgcf, …"] = "bgc"
    augment_p: Annotated[float, "Probability: fixed, or where the adaptive one starts."] = 0.0
    augment_target: Annotated[float, "What the adaptive one aims at; 0: 0.6, for pairs 0.77."] = 0.0
    augment_kimg: Annotated[float, "Thousand pictures in which the adaptive one may go from 0 to 1."] = 500.0
    # --- any-scale training (not in the paper)
    stages: Annotated[str, "Coarse to fine, SIZE:KIMG,…,SIZE, such as 32:40,64. Empty: resolution."] = ""
    fade_kimg: Annotated[float, "Thousand pictures in which the discriminator takes in a new stage."] = 5.0
    windows: Annotated[float, "Part of the pictures seen through a random magnified window."] = 0.0
    window_zoom: Annotated[float, "Highest magnification of such a window."] = 4.0
    jitter: Annotated[bool, "Shift every sample grid by up to half a pitch."] = False
    freeze_kimg: Annotated[
        float, "Thousand pictures in which the discriminator learns alone (--init: 20)."
    ] = 0.0
    # --- the run
    kimg: Annotated[float, "Length of the run, in thousand pictures shown."] = 25000.0
    seed: Annotated[int, "Of everything random."] = 0
    snapshot_kimg: Annotated[float, "Between saved states, checkpoints and sample pictures."] = 200.0
    keep: Annotated[int, "Checkpoints kept beside the latest and the best; older ones are removed."] = 5
    metric_kimg: Annotated[float, "Between measurements of the Fréchet distance, 0 for none."] = 0.0
    metric_count: Annotated[int, "Pictures in a measurement, on each side."] = 2048

    def __post_init__(self) -> None:
        for name, kind in get_type_hints(type(self)).items():
            value = getattr(self, name)
            if kind is float and type(value) is int:
                object.__setattr__(self, name, float(value))
            elif choices := get_args(kind):
                if value not in choices:
                    raise InputError(f"{name} is {value!r}, expected one of {', '.join(choices)}")
            elif type(value) is not kind:
                raise InputError(f"{name} is {value!r}, expected {kind.__name__}")
        self._check_ranges()
        self.stage_list()

    def _check_ranges(self) -> None:
        for name in ("batch", "mbstd_group", "r1_every", "pl_every", "d_channel_base", "d_channel_max"):
            if getattr(self, name) < 1:
                raise InputError(f"{name} is {getattr(self, name)}, expected at least 1")
        for name in ("g_lr", "d_lr", "kimg", "snapshot_kimg", "frequency_scale"):
            if not 0 < getattr(self, name) < float("inf"):
                raise InputError(f"{name} is {getattr(self, name)}, expected a number above 0")
        for name in ("style_mixing", "windows", "augment_p"):
            if not 0 <= getattr(self, name) <= 1:
                raise InputError(f"{name} is {getattr(self, name)}, expected 0 … 1")
        if self.window_zoom < 1:
            raise InputError(f"window_zoom is {self.window_zoom}, expected at least 1")
        if self.batch % self.mbstd_group:
            raise InputError(f"a batch of {self.batch} does not divide into groups of {self.mbstd_group}")
        if not 0 <= self.seed < 2**32:
            raise InputError(f"seed {self.seed} is outside 0 … {2**32 - 1}")

    def stage_list(self) -> tuple[Stage, ...]:
        """The stages in order; the last one is open-ended and at `resolution`."""
        if not self.stages:
            return (Stage(self.resolution, None),)
        parts = [part.partition(":") for part in self.stages.split(",")]
        try:
            stages = tuple(Stage(int(size), float(kimg) if kimg else None) for size, _, kimg in parts)
        except ValueError:
            raise InputError(f"stages {self.stages!r} are not of the form SIZE:KIMG,…,SIZE") from None
        sizes = [stage.size for stage in stages]
        ends = [stage.kimg for stage in stages[:-1]]
        powers = all(size >= 8 and size & (size - 1) == 0 for size in sizes)
        if not powers or sorted(set(sizes)) != sizes or sizes[-1] != self.resolution:
            raise InputError(f"stages {self.stages!r}: sizes must be rising powers of two up to resolution")
        known = [end for end in ends if end is not None]
        if len(known) < len(ends) or sorted(set(known)) != known or stages[-1].kimg is not None:
            raise InputError(f"stages {self.stages!r}: all but the last need a rising number of kimg")
        return stages

    def generator_config(self, c_dim: int) -> GeneratorConfig:
        """The sizes of the generator, for `c_dim` classes."""
        names = {field.name for field in dataclasses.fields(GeneratorConfig)} - {"c_dim"}
        return GeneratorConfig(c_dim=c_dim, **{name: getattr(self, name) for name in names})

    def to_json(self) -> str:
        """The run's `config.json`."""
        return json.dumps(dataclasses.asdict(self), indent=1, ensure_ascii=False)

    @classmethod
    def from_json(cls, text: str) -> TrainConfig:
        """Read what `to_json` wrote."""
        try:
            values = json.loads(text)
            unknown = sorted(set(values) - {field.name for field in dataclasses.fields(cls)})
        except (ValueError, TypeError, RecursionError):
            raise InputError("the run's configuration is not JSON") from None
        if unknown:
            raise InputError(f"the run was made with options unknown here: {', '.join(unknown)}")
        return cls(**values)


PRESETS: dict[str, TrainConfig] = {
    # A few minutes on a CPU: to see that everything works.
    "tiny": TrainConfig(
        resolution=32, z_dim=64, w_dim=64, mapping_layers=2, channel_base=2048, channel_max=64,
        biline_channels=16, d_channel_base=1024, d_channel_max=64, frequency_scale=0.3, grid="centres",
        batch=16, r1_gamma=0.1, pl_weight=0.0, ema_kimg=2.0, kimg=10.0, snapshot_kimg=2.0, augment="none",
    ),
    # The published sizes; gamma grows with the number of pixels.
    "256": TrainConfig(resolution=256, r1_gamma=2.05, d_channel_base=16384),
    "512": TrainConfig(resolution=512, r1_gamma=8.2),
    "1024": TrainConfig(resolution=1024, r1_gamma=32.8),
    # The bundled model; docs/scenery tells how its rates and stages were changed on the way.
    "scenery": TrainConfig(
        resolution=128, z_dim=128, w_dim=128, mapping_layers=4, channel_base=16384, channel_max=128,
        biline_channels=16, d_channel_base=1024, d_channel_max=128, d_low_pass=False, frequency_scale=0.4,
        grid="centres", batch=32, shared_fakes=True, g_lr=0.002, d_lr=0.004, loss="pairing", r1_gamma=0.05,
        pl_weight=0.0, style_mixing=0.5, ema_kimg=10.0, augment="none", windows=0.4, jitter=True,
        stages="32:640,64:2100,128", fade_kimg=40.0, precision="bf16", kimg=1200.0, snapshot_kimg=20.0,
        keep=3, metric_kimg=200.0, metric_count=1024,
    ),
}  # fmt: skip


def preset(name: str, **changes: Any) -> TrainConfig:
    """A preset with some options changed; unknown names raise `InputError`."""
    if name not in PRESETS:
        raise InputError(f"there is no preset {name!r}; choose one of {', '.join(PRESETS)}")
    return dataclasses.replace(PRESETS[name], **changes)
