"""The losses of a step, each as a function of which samples of the run it is about.

Everything random is drawn by the samples' indices in the run (`train.randomness`), so a step gives the same
gradients however its batch is divided.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor

from creps_core.generator import Generator
from train.augment import Augmentation
from train.augment_config import augment_set
from train.config import TrainConfig
from train.discriminator import Discriminator
from train.losses import discriminator_loss, generator_loss, gradient_penalty, path_lengths
from train.pictures import Pictures
from train.processes import Processes
from train.randomness import normals, uniforms
from train.sampling import Coordinates, Looks, data_indices
from train.synthesis import synthesise

Stats = dict[str, Tensor]  # means over the samples asked about, detached


@dataclass(frozen=True)
class Moment:
    """What changes as a run goes on."""

    size: int  # pictures are size²
    fade: float = 1.0  # how far the discriminator has taken in this size
    augment_p: float = 0.0


@dataclass(frozen=True)
class Fakes:
    """Synthesised pictures, where they were sampled, and the styles they come from."""

    images: Tensor  # [N, 3, n, n]
    look: Coordinates
    ws: Tensor  # [N, num_ws, w_dim]
    labels: Tensor | None  # [N, c_dim]


class Reals(NamedTuple):
    """Pictures of the data and where they were sampled."""

    images: Tensor  # [N, 3, n, n]
    look: Coordinates
    labels: Tensor | None  # [N, c_dim]


class Objective:
    """The losses of generator and discriminator; remembers no more than the pictures it looked up last."""

    def __init__(
        self,
        config: TrainConfig,
        pictures: Pictures,
        generator: Generator,
        discriminator: Discriminator,
        processes: Processes,
    ) -> None:
        self.config, self.pictures = config, pictures
        self.generator, self.discriminator = generator, discriminator
        self._processes = processes
        self._seen: tuple[Sequence[int], int, Reals] | None = None
        self._augmentation = Augmentation(augment_set(config.augment_set))
        self._looks = Looks(
            config.grid,
            config.seed,
            windows=config.windows,
            window_zoom=config.window_zoom,
            jitter=config.jitter,
        )

    def generator_main(self, samples: Sequence[int], moment: Moment) -> tuple[Tensor, Stats]:
        """Fool the discriminator."""
        fakes = self.synthesise("generator", samples, moment.size)
        logits = self.judge("generator", samples, fakes.images, fakes.look, fakes.labels, moment)
        real_logits = None
        if self.config.loss == "pairing":
            with torch.no_grad():
                images, look, labels = self.real(samples, moment.size)
                real_logits = self.judge("real", samples, images, look, labels, moment)
        loss = generator_loss(self.config.loss, logits, real_logits).mean()
        w_mean = fakes.ws[:, 0].detach().mean(dim=0)
        return loss, {"loss_g": loss.detach(), "w_mean": w_mean}

    def path_penalty(self, samples: Sequence[int], moment: Moment, mean: float) -> tuple[Tensor, Stats]:
        """Keep the length of a step in w even, on every second sample (the published saving)."""
        fakes = self.synthesise("path", samples[::2], moment.size)
        noise = normals(self.config.seed, "path.noise", samples[::2], fakes.images[0].numel())
        lengths = path_lengths(fakes.images, fakes.ws, noise.to(fakes.images).view_as(fakes.images))
        loss = (lengths - mean).square().mean() * (self.config.pl_weight * self.config.pl_every)
        return loss, {"path_length": lengths.detach().mean()}

    def discriminator_main(self, samples: Sequence[int], moment: Moment) -> tuple[Tensor, Stats]:
        """Tell real from fake."""
        with torch.no_grad():
            fakes = self.synthesise("discriminator", samples, moment.size)
        fake = self.judge("discriminator", samples, fakes.images, fakes.look, fakes.labels, moment)
        images, look, labels = self.real(samples, moment.size)
        real = self.judge("real", samples, images, look, labels, moment)
        return self._told_apart(fake, real)

    def both_main(self, samples: Sequence[int], moment: Moment) -> tuple[Tensor, Stats]:
        """Both main losses, each against the other network as it stands, from one synthesis.

        The value is of no interest. The generator's gradient is that of `generator_main`; the discriminator's
        is that of `discriminator_main` on the generator's pictures.
        """
        fakes = self.synthesise("generator", samples, moment.size)
        images = fakes.images.detach().requires_grad_(True)
        fake = self.judge("generator", samples, images, fakes.look, fakes.labels, moment)
        reals, look, labels = self.real(samples, moment.size)
        real = self.judge("real", samples, reals, look, labels, moment)
        loss_d, stats = self._told_apart(fake, real)
        loss_g = generator_loss(self.config.loss, fake, real.detach()).mean()
        (pull,) = torch.autograd.grad(loss_g, images, retain_graph=True)
        w_mean = fakes.ws[:, 0].detach().mean(dim=0)
        return loss_d + (fakes.images * pull).sum(), {**stats, "loss_g": loss_g.detach(), "w_mean": w_mean}

    def _told_apart(self, fake: Tensor, real: Tensor) -> tuple[Tensor, Stats]:
        """The discriminator's loss of its logits [N], and their statistics."""
        loss = discriminator_loss(self.config.loss, fake, real).mean()
        confidence = real if self.config.loss == "logistic" else real - fake
        return loss, {
            "loss_d": loss.detach(),
            "real": real.detach().mean(),
            "fake": fake.detach().mean(),
            "confidence": confidence.detach().sign().mean(),
        }

    def gradient_penalty(self, samples: Sequence[int], moment: Moment) -> tuple[Tensor, Stats]:
        """R1 on real pictures; the pairing loss needs R2 on synthesised ones as well."""
        images, look, labels = self.real(samples, moment.size)
        images = images.detach().requires_grad_(True)
        r1 = gradient_penalty(self.judge("real", samples, images, look, labels, moment), images)
        penalty, stats = r1, {"r1": r1.detach().mean()}
        if self.config.loss == "pairing":
            with torch.no_grad():
                fakes = self.synthesise("discriminator", samples, moment.size)
            pictures = fakes.images.requires_grad_(True)
            logits = self.judge("discriminator", samples, pictures, fakes.look, fakes.labels, moment)
            r2 = gradient_penalty(logits, pictures)
            penalty, stats = r1 + r2, {**stats, "r2": r2.detach().mean()}
        return penalty.mean() * (self.config.r1_gamma * self.config.r1_every), stats

    def synthesise(self, stream: str, samples: Sequence[int], size: int) -> Fakes:
        """Pictures of fresh latents at the samples' own grids."""
        labels = self._labels(samples)
        ws = self._styles(stream, samples, labels)
        look = self._looks.draw(stream, samples, size)
        rows, columns = ((axis[:1] if look.shared else axis).to(ws) for axis in (look.rows, look.columns))
        images = synthesise(self.generator.synthesis, ws, rows, columns, self._processes.layer_dtype)
        return Fakes(images, look, ws, labels)

    def real(self, samples: Sequence[int], size: int) -> Reals:
        """The data at the samples' own grids. The phases of a step ask for the same, which is drawn once."""
        if self._seen is None or self._seen[:2] != (samples, size):
            self._seen = samples, size, self._real(samples, size)
        return self._seen[2]

    def _real(self, samples: Sequence[int], size: int) -> Reals:
        look = self._looks.draw("real", samples, size)
        indices = data_indices(self.config.seed, samples, len(self.pictures))
        images = self.pictures.sample(indices, look.rows, look.columns)
        if self.config.mirror:
            flipped = uniforms(self.config.seed, "mirror", samples, 1)[:, 0] < 0.5
            images = torch.where(flipped.view(-1, 1, 1, 1), images.flip(3), images)
        images = images.to(self._processes.device, self._processes.dtype)
        return Reals(images, look, self._labels(samples))

    def judge(
        self,
        stream: str,
        samples: Sequence[int],
        images: Tensor,
        look: Coordinates,
        labels: Tensor | None,
        moment: Moment,
    ) -> Tensor:
        """The discriminator's logits [N] of augmented pictures."""
        if moment.augment_p > 0:
            u = uniforms(self.config.seed, f"augment.{stream}", samples, self._augmentation.count)
            images = self._augmentation(images, u, moment.augment_p)
        with self._processes.arithmetic():
            logits: Tensor = self.discriminator(images, labels, look, moment.fade)
        return logits.to(images.dtype)

    def _labels(self, samples: Sequence[int]) -> Tensor | None:
        if not self.generator.config.c_dim:
            return None
        labels = self.pictures.labels(data_indices(self.config.seed, samples, len(self.pictures)))
        return labels.to(self._processes.device, self._processes.dtype)

    def _styles(self, stream: str, samples: Sequence[int], labels: Tensor | None) -> Tensor:
        """ws of fresh latents, a part of them mixed of two at a random style."""
        config, mapping = self.config, self.generator.mapping
        z = normals(config.seed, f"z.{stream}", samples, 2 * config.z_dim).to(self._processes.device)
        ws: Tensor = mapping(z[:, : config.z_dim].to(self._processes.dtype), labels)
        if not config.style_mixing:
            return ws
        u = uniforms(config.seed, f"mixing.{stream}", samples, 2).to(ws.device)
        first = 1 + (u[:, 1] * (mapping.num_ws - 1)).long()
        first = torch.where(u[:, 0] < config.style_mixing, first, mapping.num_ws)
        other: Tensor = mapping(z[:, config.z_dim :].to(self._processes.dtype), labels)
        taken = torch.arange(mapping.num_ws, device=ws.device) >= first[:, None]
        return torch.where(taken.unsqueeze(2), other, ws)
