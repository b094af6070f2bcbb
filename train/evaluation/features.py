"""What pictures are compared by: a small fixed network that needs no download, or a TorchScript file.

Both take 8-bit pictures, uint8 [N, 3, H, W], so that what is compared is what a file would hold, and give
one row of features for each.
"""

from __future__ import annotations

import hashlib
import warnings
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from creps_core.errors import InputError
from creps_core.image import to_uint8

FEATURE_SEED = 20250
LEVELS = 4  # full size, half, quarter, eighth
CHANNELS = 16
COLOURS = 8
THUMBNAIL = 4  # samples a side of the mean colours
FLOOR = 0.01  # energies below about one level of 255 count as none
LEAST_SIDE = 16


class FeatureNetwork(Protocol):
    """Turns uint8 [N, 3, H, W] into float [N, num_features]."""

    name: str  # for people
    sha256: str  # of the weights, or of the file
    num_features: int
    comparable: bool  # whether numbers may be held against published ones

    def __call__(self, pictures: Tensor) -> Tensor:
        """The features of each picture."""


class FixedNetwork(nn.Module):
    """Two random convolutions at four scales, pooled to energies, and the colours and where they are.

    Mean and root mean square of rectified responses enter as logarithms: halving the contrast of the finest
    details then counts like halving that of the coarsest, and blur and noise are seen at once. All
    numbers are drawn from numpy's frozen `RandomState(seed)`; nothing is trained.
    """

    weights_edges: Tensor
    weights_textures: Tensor
    weights_colours: Tensor
    num_features = LEVELS * 4 * CHANNELS + 2 * COLOURS + 3 * THUMBNAIL**2
    comparable = False

    def __init__(self, seed: int = FEATURE_SEED) -> None:
        super().__init__()
        rng = np.random.RandomState(seed)
        edges = rng.randn(CHANNELS, 3, 3, 3)
        edges -= edges.mean(axis=(2, 3), keepdims=True)  # even areas, whatever their colour, give nothing
        for name, values in {
            "edges": edges,
            "textures": rng.randn(CHANNELS, CHANNELS, 3, 3),
            "colours": rng.randn(COLOURS, 3, 1, 1),
        }.items():
            norm = np.sqrt((values**2).sum(axis=(1, 2, 3), keepdims=True))
            weights = torch.from_numpy((values / norm).astype(np.float32))
            self.register_buffer(f"weights_{name}", weights, persistent=False)
        digest = hashlib.sha256()
        for buffer in (self.weights_edges, self.weights_textures, self.weights_colours):
            digest.update(buffer.numpy().astype("<f4").tobytes())
        self.sha256 = digest.hexdigest()
        self.name = f"fixed random network, seed {seed}"

    @torch.no_grad()
    def forward(self, pictures: Tensor) -> Tensor:
        """uint8 [N, 3, H, W], at least 16 a side → float32 [N, num_features]."""
        if min(pictures.shape[2:]) < LEAST_SIDE:
            raise InputError(f"pictures of {min(pictures.shape[2:])} pixels; compare at least {LEAST_SIDE}")
        x = pictures.float() / 127.5 - 1
        colours = F.relu(F.conv2d(x, self.weights_colours))
        parts = [F.adaptive_avg_pool2d(x, THUMBNAIL).flatten(1), *_moments(colours)]
        for level in range(LEVELS):
            x = F.avg_pool2d(x, 2) if level else x
            edges = F.relu(_convolve(x, self.weights_edges))
            textures = F.relu(_convolve(edges, self.weights_textures))
            parts += [torch.log(m + FLOOR) for m in (*_moments(edges), *_moments(textures))]
        return torch.cat(parts, dim=1)


class TorchScriptNetwork(nn.Module):
    """A network that the user names, say an Inception exported by torch.jit.

    **Loading and running such a file runs the code in it.** That is done for files named on the command line
    only. It gets uint8 [N, 3, H, W] (and `return_features=True` where it knows that argument) and must give
    one row of features per picture.
    """

    comparable = True

    def __init__(self, path: Path, size: int) -> None:
        super().__init__()
        self.network = load_torchscript(path)
        self.name = f"TorchScript {path.name}"
        self.sha256 = hashlib.sha256(path.read_bytes()).hexdigest()
        try:
            knows = "return_features" in argument_names(self.network)
            self._options = {"return_features": True} if knows else {}
            self.num_features = self(torch.zeros(2, 3, size, size, dtype=torch.uint8)).shape[1]
        except (RuntimeError, TypeError, AttributeError) as error:
            raise InputError(
                f"{path.name} cannot be used as a feature network: it must turn uint8 [N, 3, H, W] into "
                f"[N, features]; {first_line(error)}"
            ) from error

    @torch.no_grad()
    def forward(self, pictures: Tensor) -> Tensor:
        """uint8 [N, 3, H, W] → float [N, num_features]."""
        features: Tensor = self.network(pictures, **self._options)
        if len(features) != len(pictures):
            raise RuntimeError(f"it gave {tuple(features.shape)} for {len(pictures)} pictures")
        return features.flatten(1)


def load_torchscript(path: Path) -> torch.jit.ScriptModule:
    """Load a TorchScript file, which may run code of its own; only ever called for a file the user named.

    Raises:
        InputError: the file is missing or is not TorchScript.
    """
    if not path.is_file():
        raise InputError(f"{path} does not exist or is no file; name a TorchScript file (.pt)")
    try:
        with warnings.catch_warnings():  # torch announces the format's retirement
            warnings.simplefilter("ignore")
            module: torch.jit.ScriptModule = torch.jit.load(str(path), map_location="cpu")
    except (RuntimeError, ValueError, EOFError) as error:
        raise InputError(f"{path.name} is not a TorchScript file ({first_line(error)})") from error
    return module.eval()


def argument_names(network: torch.jit.ScriptModule) -> list[str]:
    """What the network's forward calls its arguments."""
    forward: Any = network.forward
    return [argument.name for argument in forward.schema.arguments]


def first_line(error: Exception) -> str:
    """What torch says at first, or the last line of a traceback of TorchScript, shortened."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return (lines[-1] if lines and "Traceback" in lines[0] else lines[0] if lines else "unknown")[:200]


def eight_bits(pictures: Tensor) -> Tensor:
    """[-1, 1] float [N, 3, H, W] → uint8, by the same rule as every exported picture."""
    return torch.from_numpy(to_uint8(pictures.detach().float().cpu().numpy()))


def extract(network: FeatureNetwork, batches: Iterable[Tensor], device: torch.device | str = "cpu") -> Tensor:
    """Features of all pictures, float64 [N, num_features] on the CPU. The network is on `device`."""
    rows = [network(eight_bits(batch).to(device)).cpu().double() for batch in batches]
    return torch.cat(rows)


def _convolve(x: Tensor, weights: Tensor) -> Tensor:
    return F.conv2d(F.pad(x, (1, 1, 1, 1), mode="replicate"), weights)


def _moments(x: Tensor) -> tuple[Tensor, Tensor]:
    """Mean and root mean square over a picture, [N, C] each."""
    return x.mean(dim=(2, 3)), x.square().mean(dim=(2, 3)).sqrt()
