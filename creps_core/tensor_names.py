"""The tensors of a generator by name and shape, and the sizes that a file's shapes imply.

Independent of the modules: a file is checked against this list before any tensor of it is made.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping

from creps_core.checkpoint_errors import CorruptCheckpointError, TensorMismatchError, clean
from creps_core.config import GeneratorConfig, TrainingGrid
from creps_core.errors import InputError

Shape = tuple[int, ...]
Named = Iterator[tuple[str, Shape]]

_LARGEST = 2**24  # of any size, as in GeneratorConfig
_LARGEST_RESOLUTION = 2**20


def expected_shapes(config: GeneratorConfig) -> dict[str, Shape]:
    """Every tensor of a generator of these sizes, as published files name them."""
    return dict(_mapping(config)) | dict(_lines(config)) | dict(_pixels(config))


def check_shapes(found: Mapping[str, Shape], config: GeneratorConfig) -> None:
    """Raise `TensorMismatchError` that lists every missing, unexpected and wrongly shaped tensor."""
    expected = expected_shapes(config)
    problems = [f"{name} is missing" for name in expected if name not in found]
    problems += [f"{clean(name)} is unexpected" for name in found if name not in expected]
    problems += [
        f"{name} has shape {list(found[name])}, expected {list(shape)}"
        for name, shape in expected.items()
        if name in found and found[name] != shape
    ]
    if problems:
        raise TensorMismatchError(problems)


def config_from_shapes(
    found: Mapping[str, Shape], hints: Mapping[str, object], grid: TrainingGrid = "endpoints"
) -> GeneratorConfig:
    """The sizes that most tensors agree on, so that a single wrong tensor is told as such.

    Args:
        found: shapes by tensor name.
        hints: keyword arguments that made the network: for sizes that no tensor tells, and for channel_base
            and channel_max where they agree with the shapes (several pairs give the same channels).
        grid: the training grid, which shapes do not tell.
    """
    votes = _count_votes(found)

    def size(key: str, hint: str, default: int) -> int:
        if votes[key]:
            return votes[key].most_common(1)[0][0]
        return _hint(hints, hint, default)

    w_dim = size("w_dim", "w_dim", 512)
    c_dim = size("c_dim", "c_dim", 0)
    z_dim = size("mapping_in", "z_dim", 512 + (w_dim if c_dim else 0)) - (w_dim if c_dim else 0)
    # The largest block that any name mentions.
    resolution = max(votes["block"], default=_hint(hints, "img_resolution", 512))
    channels = {k: votes[f"C{k}"].most_common(1)[0][0] for k in _powers(resolution) if votes[f"C{k}"]}
    base, most = _channel_limits(channels, hints)
    try:
        return GeneratorConfig(
            z_dim=z_dim,
            c_dim=c_dim,
            w_dim=w_dim,
            resolution=resolution,
            channel_base=base,
            channel_max=most,
            biline_channels=size("B", "biline_channels", 32),
            thickness=_thickness(found, channels.get(4), votes["R"]),
            mapping_layers=max(votes["layer"], default=0) or 8,
            grid=grid,
        )
    except InputError as error:
        raise CorruptCheckpointError(f"its tensors fit no generator ({error})") from error


# What a tensor's shape says: pattern of the name -> size of each axis. "k" stands for the block in the name,
# "k/2" for the one before, "2B" and the like for multiples, "" for nothing.
_AXES: tuple[tuple[str, tuple[str, ...]], ...] = (
    (r"mapping\.fc0\.weight", ("w_dim", "mapping_in")),
    (r"mapping\.fc[1-9]\d*\.weight", ("w_dim", "w_dim")),
    (r"mapping\.embed\.weight", ("w_dim", "c_dim")),
    (r"mapping\.w_avg", ("w_dim",)),
    (r"synthesis\..+\.affine\.weight", ("", "w_dim")),
    (r"synthesis\.b4\.input\.weight", ("", "C4", "", "2R")),
    (r"synthesis\.b(?P<k>\d{1,7})\.fc1\.weight", ("Ck", "Ck")),
    (r"synthesis\.b(?P<k>\d{1,7})\.fc[01]\.bias", ("Ck",)),
    (r"synthesis\.b(?P<k>\d{1,7})\.fc0\.weight", ("Ck", "Ck/2")),
    (r"synthesis\.b(?P<k>\d{1,7})\.tores\.weight", ("B", "Ck")),
    (r"synthesis\.decoder_\w+\.0\.weight", ("", "B")),
    (r"synthesis\.decoder_\w+\.3\.weight", ("B", "")),
    (r"synthesis\.decoder_img\.weight", ("", "B")),
)


def _count_votes(found: Mapping[str, Shape]) -> defaultdict[str, Counter[int]]:
    """How many axes of how many tensors speak for each value of each size."""
    votes: defaultdict[str, Counter[int]] = defaultdict(Counter)
    for name, shape in found.items():
        if layer := re.match(r"mapping\.fc(\d{1,3})\.", name):
            votes["layer"][int(layer[1]) + 1] += 1
        if level := re.match(r"synthesis\.(?:b|decoder_)(\d{1,7})\.", name):
            k = int(level[1])
            if 8 <= k <= _LARGEST_RESOLUTION and k & (k - 1) == 0:
                votes["block"][k] += 1
        for pattern, axes in _AXES:
            match = re.fullmatch(pattern, name)
            if not match or len(axes) != len(shape):
                continue
            k = int(match["k"]) if "k" in match.groupdict() else 0
            for axis, length in zip(axes, shape, strict=True):
                key = axis.replace("k/2", str(k // 2)).replace("k", str(k)) if axis.startswith("C") else axis
                if key == "2R":
                    key, length = "R", length // 2
                if key and 1 <= length <= _LARGEST:
                    votes[key][length] += 1
    return votes


def _thickness(found: Mapping[str, Shape], channels: int | None, votes: Counter[int]) -> int:
    """Lanes of a bi-line: from the input's weight, else from its frequencies or its modulation."""
    if votes:
        return votes.most_common(1)[0][0]
    freqs, affine = found.get("synthesis.b4.input.freqs"), found.get("synthesis.b4.input.affine.bias")
    if channels and channels > 1 and freqs and freqs[-1]:
        return max(1, freqs[-1] // (channels // 2))
    if channels and affine and affine[-1]:
        return max(1, affine[-1] // (2 * channels))
    return 8


def _channel_limits(channels: Mapping[int, int], hints: Mapping[str, object]) -> tuple[int, int]:
    """(channel_base, channel_max) with min(base // k, max) = channels[k]; the hints' where they agree."""
    base, most = _hint(hints, "channel_base", 32768), _hint(hints, "channel_max", 512)
    if all(min(base // k, most) == c for k, c in channels.items()):
        return base, most
    # A block below the maximum pins base to [c·k, c·k + k), one at the maximum bounds it from below: this is
    # the least base that fits all, if any does. If none does, the check of all shapes tells which are wrong.
    return max(c * k for k, c in channels.items()), max(channels.values())


def _hint(hints: Mapping[str, object], key: str, default: int) -> int:
    value = hints.get(key)
    return value if type(value) is int and 0 <= value <= _LARGEST else default


def _powers(last: int) -> Iterator[int]:
    """4, 8, … last."""
    return (2**i for i in range(2, last.bit_length()))


def _mapping(config: GeneratorConfig) -> Named:
    yield "mapping.w_avg", (config.w_dim,)
    features = config.z_dim
    if config.c_dim:
        features += config.w_dim
        yield from _linear("mapping.embed", config.c_dim, config.w_dim)
    for i in range(config.mapping_layers):
        yield from _linear(f"mapping.fc{i}", features, config.w_dim)
        features = config.w_dim


def _lines(config: GeneratorConfig) -> Named:
    c4, lanes = config.channels(4), config.thickness
    yield "synthesis.b4.input.weight", (1, c4, 1, 2 * lanes)
    yield "synthesis.b4.input.freqs", (1, c4 // 2 * lanes)
    yield "synthesis.b4.input.coords", (1, config.resolution, 2, 1)
    yield from _linear("synthesis.b4.input.affine", config.w_dim, c4 * 2 * lanes)
    for k in config.block_resolutions:
        c = config.channels(k)
        if k > 4:
            yield from _modulated(f"synthesis.b{k}.fc0", config.channels(k // 2), c, config.w_dim)
        yield from _modulated(f"synthesis.b{k}.fc1", c, c, config.w_dim)
        yield from _modulated(f"synthesis.b{k}.tores", c, config.biline_channels, config.w_dim)


def _pixels(config: GeneratorConfig) -> Named:
    b = config.biline_channels
    for name in [*config.levels, "last"]:
        for i, (inner, outer) in enumerate([(b, 2 * b), (2 * b, 4 * b), (4 * b, 2 * b), (2 * b, b)]):
            yield from _linear(f"synthesis.decoder_{name}.{i}", inner, outer)
    yield from _linear("synthesis.decoder_img", b, 3)
    for block, inner, outer in (("block0", b, 4 * b), ("block1", 4 * b, 2 * b)):
        yield from _modulated(f"synthesis.{block}.fc0", inner, outer, config.w_dim)
        yield from _modulated(f"synthesis.{block}.fc1", outer, outer, config.w_dim)
        yield from _modulated(f"synthesis.{block}.tores", outer, 3, config.w_dim)


def _linear(name: str, inner: int, outer: int) -> Named:
    yield f"{name}.weight", (outer, inner)
    yield f"{name}.bias", (outer,)


def _modulated(name: str, inner: int, outer: int, w_dim: int) -> Named:
    yield from _linear(name, inner, outer)
    yield from _linear(f"{name}.affine", w_dim, inner)
