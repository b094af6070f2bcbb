"""Published pickles: exactly their G_ema, little memory, and a clear word about everything else."""

from __future__ import annotations

import builtins
import pickle
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from creps_core.checkpoint import (
    Checkpoint,
    CheckpointError,
    CorruptCheckpointError,
    NotACheckpointError,
    OtherNetworkError,
    TensorMismatchError,
    TruncatedCheckpointError,
    UnknownClassError,
    read_checkpoint,
)
from creps_core.config import GeneratorConfig
from creps_core.generator import Generator
from creps_core.tensor_names import check_shapes, config_from_shapes, expected_shapes
from tests.core.published_files import (
    LOAD,
    REBUILD,
    TINY,
    Call,
    Name,
    New,
    checkpoint,
    creps_class,
    network,
    persistent,
    pickled,
    published,
    storage_bytes,
    tensor,
    weights,
)

GOLDEN = Path(__file__).parents[1] / "data" / "golden"
NAMES = ["creps-64-random", "creps-32-conditional-clamped", "scenery-64"]


def read(tmp_path: Path, top: object, protocol: int = 4) -> Checkpoint:
    path = tmp_path / "file.pkl"
    path.write_bytes(top if isinstance(top, bytes) else pickled(top, protocol))
    return read_checkpoint(path)


# What published files hold


@pytest.mark.parametrize("name", NAMES)
def test_published_files_have_exactly_the_tensors_of_the_generator(name: str) -> None:
    found = read_checkpoint(GOLDEN / f"{name}.pkl")
    state = Generator(found.config).state_dict()
    assert {k: v.shape for k, v in found.tensors.items()} == {k: v.shape for k, v in state.items()}
    assert {v.dtype for v in found.tensors.values()} == {torch.float32}
    built = found.build()
    assert all(torch.equal(found.tensors[k], v) for k, v in built.state_dict().items())
    assert not built.training
    assert not any(p.requires_grad for p in built.parameters())


def test_the_sizes_are_those_that_the_files_were_made_with() -> None:
    random = read_checkpoint(GOLDEN / "creps-64-random.pkl").config
    assert random == GeneratorConfig(
        z_dim=64, w_dim=64, resolution=64, channel_base=2048, channel_max=64, mapping_layers=2
    )
    clamped = read_checkpoint(GOLDEN / "creps-32-conditional-clamped.pkl").config
    assert clamped == GeneratorConfig(
        z_dim=24,
        c_dim=4,
        w_dim=40,
        resolution=32,
        channel_base=512,
        channel_max=32,
        biline_channels=16,
        mapping_layers=3,
    )


def test_g_ema_is_read_and_not_g(tmp_path: Path) -> None:
    """They have the same names; a reader that takes the first network shows the wrong one."""
    other = {name: value + 1 for name, value in weights().items()}
    top = {"G": network(other), "D": persistent("Discriminator", {}), "G_ema": network(weights())}
    found = read(tmp_path, top)
    assert all(torch.equal(found.tensors[name], value) for name, value in weights().items())
    assert found.details["networks"] == {"G": "Generator", "D": "Discriminator", "G_ema": "Generator"}


@pytest.mark.parametrize("protocol", [3, 4, 5])
def test_binary_protocols_read_alike(protocol: int, tmp_path: Path) -> None:
    found = read(tmp_path, published(protocol=protocol))
    assert found.config == TINY
    assert all(torch.equal(found.tensors[name], value) for name, value in weights().items())


def test_no_unpickler_and_no_compiler_takes_part(monkeypatch: pytest.MonkeyPatch) -> None:
    def forbidden(*args: object, **kwargs: object) -> None:
        raise AssertionError("the reader called Python's own machinery")

    for owner, name in ((pickle, "loads"), (pickle, "load"), (pickle, "Unpickler"), (torch, "load")):
        monkeypatch.setattr(owner, name, forbidden)
    for name in ("exec", "eval", "compile"):
        monkeypatch.setattr(builtins, name, forbidden)
    read_checkpoint(GOLDEN / "creps-32-conditional-clamped.pkl")


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64])
def test_other_float_types_are_converted(dtype: torch.dtype, tmp_path: Path) -> None:
    values = {name: value.to(dtype) for name, value in weights().items()}
    found = read(tmp_path, checkpoint(network(values)))
    assert all(torch.equal(found.tensors[name], value.float()) for name, value in values.items())


def test_whole_numbers_are_no_weights(tmp_path: Path) -> None:
    values = {**weights(), "mapping.w_avg": torch.zeros(6, dtype=torch.int64)}
    with pytest.raises(TensorMismatchError, match=r"mapping\.w_avg is made of int64"):
        read(tmp_path, checkpoint(network(values)))


@pytest.mark.parametrize("bad", [float("nan"), float("inf"), -float("inf")])
def test_numbers_that_are_not_finite_are_named(bad: float, tmp_path: Path) -> None:
    values = weights()
    values["synthesis.block1.fc0.bias"][3] = bad
    with pytest.raises(
        TensorMismatchError, match=r"synthesis\.block1\.fc0\.bias has numbers that are not finite"
    ):
        read(tmp_path, checkpoint(network(values)))


def test_strided_and_shared_tensors(tmp_path: Path) -> None:
    """Transposed, cut out of a larger storage, or two names on one storage."""
    values: dict[str, Any] = weights()
    first = torch.arange(36.0).view(6, 6)
    values["mapping.fc1.weight"] = first.t()
    values["mapping.fc0.bias"] = torch.arange(30.0)[5:23:3]
    both = torch.arange(12.0)
    data = Call(LOAD, (storage_bytes(both),))
    for name, offset in (("mapping.fc1.bias", 0), ("mapping.w_avg", 6)):
        values[name] = Call(REBUILD, (data, offset, (6,), (1,), False, {}))
    found = read(tmp_path, checkpoint(network(values)))
    assert torch.equal(found.tensors["mapping.fc1.weight"], first.t())
    assert torch.equal(found.tensors["mapping.fc0.bias"], torch.arange(30.0)[5:23:3])
    assert torch.equal(found.tensors["mapping.fc1.bias"], both[:6])
    assert torch.equal(found.tensors["mapping.w_avg"], both[6:])


def test_non_persistent_buffers_are_left_out(tmp_path: Path) -> None:
    top = network(weights())
    assert isinstance(top, Call)
    state = top.args[0]["state"]
    state["_buffers"]["scratch"] = tensor(torch.zeros(2))
    with pytest.raises(TensorMismatchError, match="scratch is unexpected"):
        read(tmp_path, checkpoint(top))
    state["_non_persistent_buffers_set"] = {"scratch"}
    assert read(tmp_path, checkpoint(top)).config == TINY


def test_dictionaries_of_dnnlib_and_old_numpy_names(tmp_path: Path) -> None:
    old = Call(
        Name("numpy.core.multiarray", "scalar"),
        (Call(Name("numpy", "dtype"), ("f8", False, True)), b"\0" * 8),
    )
    easy = New(Name("dnnlib.util", "EasyDict"), items={"a": 1, "path": "/x/y/z"})
    activation = New(Name("torch.nn.modules.activation", "LeakyReLU"), {"negative_slope": 0.2})
    top = checkpoint(
        network(weights()),
        training_set_kwargs=easy,
        D=persistent("Discriminator", {"gain": old, "act": activation}),
    )
    assert read(tmp_path, top).details["training_set"] == {"a": 1, "path": "z"}


# Sizes


sizes = st.builds(
    GeneratorConfig,
    z_dim=st.integers(1, 20),
    c_dim=st.integers(0, 5),
    w_dim=st.integers(1, 20),
    resolution=st.sampled_from([8, 16, 32, 64]),
    channel_base=st.integers(8, 250).map(lambda n: 8 * n),  # block 4 has as many sines as cosines
    channel_max=st.integers(1, 32).map(lambda n: 2 * n),
    biline_channels=st.integers(1, 10),
    thickness=st.integers(1, 9),
    mapping_layers=st.integers(1, 12),
)


@settings(max_examples=50, deadline=None)
@given(sizes)
def test_shapes_alone_tell_all_sizes(config: GeneratorConfig) -> None:
    assume(config.channels(4) > 1)
    found = config_from_shapes(expected_shapes(config), {})
    channels = [found.channels(k) for k in found.block_resolutions]
    assert channels == [config.channels(k) for k in config.block_resolutions]
    same = replace(found, channel_base=config.channel_base, channel_max=config.channel_max)
    assert same == config
    check_shapes(expected_shapes(config), found)


@settings(max_examples=50, deadline=None)
@given(sizes)
def test_keyword_arguments_are_preferred_where_they_agree(config: GeneratorConfig) -> None:
    assume(config.channels(4) > 1)
    hints = {"channel_base": config.channel_base, "channel_max": config.channel_max}
    assert config_from_shapes(expected_shapes(config), hints) == config
    lies = {"channel_base": 3, "channel_max": "many", "z_dim": -1, "w_dim": 10**9, "img_resolution": 7}
    check_shapes(expected_shapes(config), config_from_shapes(expected_shapes(config), lies))


@given(sizes.filter(lambda c: c.resolution <= 16 and c.channels(4) > 1))
@settings(max_examples=25, deadline=None)
def test_the_list_of_tensors_is_the_generators(config: GeneratorConfig) -> None:
    state = Generator(config).state_dict()
    assert expected_shapes(config) == {name: tuple(value.shape) for name, value in state.items()}


@settings(deadline=None)
@given(st.data())
def test_one_wrong_tensor_is_told_as_just_that(data: st.DataObject) -> None:
    """Sizes go by the majority: a single bad tensor does not make all others look wrong."""
    config = replace(TINY, resolution=32, channel_base=128, mapping_layers=3, c_dim=3)
    shapes = expected_shapes(config)
    name = data.draw(st.sampled_from(sorted(set(shapes) - {"mapping.fc0.weight", "mapping.embed.weight"})))
    broken = dict(shapes)
    if data.draw(st.booleans()):
        del broken[name]
        problem = f"{name} is missing"
    else:
        broken[name] = (*shapes[name], 2)
        problem = f"{name} has shape {[*shapes[name], 2]}, expected {list(shapes[name])}"
    hints = {"z_dim": config.z_dim, "channel_base": 128, "channel_max": 4}
    with pytest.raises(TensorMismatchError) as caught:
        check_shapes(broken, config_from_shapes(broken, hints))
    assert caught.value.problems == (problem,)


def test_all_faults_are_listed(tmp_path: Path) -> None:
    values: dict[str, Any] = weights()
    for name in ("mapping.fc1.bias", "synthesis.b8.fc0.weight", "synthesis.decoder_last.2.bias"):
        del values[name]
    values["synthesis.b8.extra"] = torch.zeros(1)
    values["synthesis.decoder_img.bias"] = torch.zeros(4)
    with pytest.raises(TensorMismatchError) as caught:
        read(tmp_path, checkpoint(network(values)))
    assert set(caught.value.problems) == {
        "mapping.fc1.bias is missing",
        "synthesis.b8.fc0.weight is missing",
        "synthesis.decoder_last.2.bias is missing",
        "synthesis.b8.extra is unexpected",
        "synthesis.decoder_img.bias has shape [4], expected [3]",
    }
    assert "5 tensors do not fit" in str(caught.value)
    assert "and 2 more" in str(caught.value)


# Other files


def other(classes: dict[str, str], tensors: list[str], root: str = "Generator") -> dict[str, object]:
    """A network of other classes: the class of a path is that of its last name."""
    values = {name: torch.zeros(2) for name in tensors}
    return checkpoint(network(values, lambda path: classes.get(path.rpartition(".")[2], root)))


SG2 = {
    "synthesis": "SynthesisNetwork",
    "b4": "SynthesisBlock",
    "torgb": "ToRGBLayer",
    "mapping": "MappingNetwork",
}
SG3 = {"synthesis": "SynthesisNetwork", "input": "SynthesisInput", "mapping": "MappingNetwork"}
EG3D = {"backbone": "Generator", "decoder": "OSGDecoder"}
FAMILIES = {
    "StyleGAN2": other(SG2, ["synthesis.b4.const", "synthesis.b4.torgb.weight", "mapping.w_avg"]),
    "StyleGAN3": other(SG3, ["synthesis.input.freqs", "synthesis.L0_36_512.weight", "mapping.w_avg"]),
    "StyleGAN-XL": other(SG3, ["synthesis.input.freqs", "mapping.embed_proj.weight"]),
    "EG3D": other(EG3D, ["backbone.synthesis.b4.const", "decoder.net"], "TriPlaneGenerator"),
    "StyleGAN-T": other({"affine": "StyleSplit"}, ["synthesis.b4.affine.weight"]),
    "CIPS": other({"lff": "LFF"}, ["lff.ffm.weight"], "CIPSskip"),
}


@pytest.mark.parametrize("family", sorted(FAMILIES))
def test_relatives_are_recognised(family: str, tmp_path: Path) -> None:
    with pytest.raises(OtherNetworkError, match=f"a {family} network, not a CREPS") as caught:
        read(tmp_path, FAMILIES[family])
    assert caught.value.family == family


def test_tensorflow_pickles_are_recognised(tmp_path: Path) -> None:
    """(G, D, Gs), each a dnnlib Network whose variables are numpy arrays."""
    array = Call(Name("numpy.core.multiarray", "_reconstruct"), (Name("numpy", "ndarray"), (0,), b"b"))
    net = New(Name("dnnlib.tflib.network", "Network"), {"version": 4, "variables": [("lod", array)]})
    with pytest.raises(OtherNetworkError, match=r"StyleGAN \(TensorFlow\)"):
        read(tmp_path, (net, net, net))


def test_relatives_with_refused_names_say_both(tmp_path: Path) -> None:
    """StyleGAN-XL's discriminator is made of classes of other packages."""
    top = dict(FAMILIES["StyleGAN-XL"], D=New(Name("timm.models", "EfficientNet"), {}))
    with pytest.raises(OtherNetworkError, match=r"StyleGAN-XL.*timm\.models\.EfficientNet") as caught:
        read(tmp_path, top)
    assert caught.value.names == ("timm.models.EfficientNet",)


def test_torch_archives_of_relatives_are_recognised(tmp_path: Path) -> None:
    path = tmp_path / "file.pt"
    torch.save({"g_ema": {"lff.ffm.conv.weight": torch.zeros(2), "to_rgb1.bias": torch.zeros(2)}}, path)
    with pytest.raises(OtherNetworkError, match="CIPS"):
        read_checkpoint(path)
    torch.save({"g_ema": {"convs.0.conv.weight": torch.zeros(2)}}, path)
    with pytest.raises(OtherNetworkError, match="StyleGAN2"):
        read_checkpoint(path)
    torch.save({"weights": torch.zeros(2)}, path)
    with pytest.raises(NotACheckpointError, match=r"torch\.save archive"):
        read_checkpoint(path)


def test_unknown_classes_are_named(tmp_path: Path) -> None:
    def name_class(path: str) -> str:
        return {"synthesis.block0": "NovelHead", "mapping": "NovelMapping"}.get(path, creps_class(path))

    with pytest.raises(UnknownClassError, match="NovelHead, NovelMapping") as caught:
        read(tmp_path, checkpoint(network(weights(), name_class)))
    assert caught.value.names == ("NovelHead", "NovelMapping")


@pytest.mark.parametrize(
    "top",
    [
        None,
        [],
        7,
        "text",
        {},
        {"G": None},
        {"G_ema": None},
        {"G_ema": {"a": 1}},
        {1: 2},
        tensor(torch.zeros(2)),
    ],
    ids=lambda top: "a tensor" if isinstance(top, Call) else str(top),
)
def test_pickles_without_a_network(top: object, tmp_path: Path) -> None:
    with pytest.raises(NotACheckpointError, match="open a CREPS checkpoint"):
        read(tmp_path, top)


@pytest.mark.parametrize(
    "state",
    [
        {"_parameters": []},
        {"_modules": {"a": 1}},
        {"_modules": {1: persistent("MappingNetwork", {})}},
        {"_parameters": {"weight": "text"}},
        {"_buffers": {"weight": [tensor(torch.zeros(2))]}},
        {"_modules": {"a" * 300: persistent("MappingNetwork", {})}},
    ],
)
def test_networks_of_another_make(state: dict[str, object], tmp_path: Path) -> None:
    with pytest.raises(CorruptCheckpointError):
        read(tmp_path, checkpoint(persistent("Generator", state)))


# Truncation


@pytest.mark.parametrize("name", ["creps-32-conditional-clamped"])
def test_truncated_files_are_told_as_such(name: str, tmp_path: Path) -> None:
    """At every short length, and at many places over the file."""
    data = (GOLDEN / f"{name}.pkl").read_bytes()
    places = {*range(1, 60), *np.linspace(60, len(data) - 1, 80, dtype=int).tolist()}
    path = tmp_path / "cut.pkl"
    path.write_bytes(data)
    for length in sorted(places, reverse=True):
        with path.open("r+b") as file:
            file.truncate(length)
        with pytest.raises(TruncatedCheckpointError, match=r"cut\.pkl: the file is truncated"):
            read_checkpoint(path)


TINY_FILE = published()


@settings(max_examples=100, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(length=st.integers(1, len(TINY_FILE) - 1))
def test_truncated_anywhere(length: int, tmp_path: Path) -> None:
    with pytest.raises(TruncatedCheckpointError):
        read(tmp_path, TINY_FILE[:length])


# Memory


def test_only_g_ema_takes_memory(tmp_path: Path) -> None:
    """A file of 150 MB, of which G_ema is 32 MB: measured in a process of its own."""
    config = replace(TINY, resolution=64, channel_base=2**20, channel_max=768, w_dim=64)
    path = tmp_path / "large.pkl"
    zeros = {name: torch.zeros(shape) for name, shape in expected_shapes(config).items()}
    ballast = {f"b{i}.weight": torch.zeros(15, 2**18) for i in range(4)}
    path.write_bytes(
        pickled(
            {
                "G": network(zeros),
                "D": network(ballast, lambda path: "Discriminator"),
                "G_ema": network(zeros),
            }
        )
    )
    script = (
        "import resource, sys\n"
        "from creps_core.checkpoint import read_checkpoint\n"
        "peak = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024\n"
        "before = peak()\n"
        "found = read_checkpoint(sys.argv[1])\n"
        "print(peak() - before, sum(4 * t.numel() for t in found.tensors.values()))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, str(path)], capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr
    used, needed = map(int, done.stdout.split())
    size = path.stat().st_size
    assert size > 3 * needed
    assert used < needed + 24 * 2**20, f"{used / 2**20:.0f} MB for {needed / 2**20:.0f} MB of weights"


def test_reading_can_be_watched_and_cancelled(tmp_path: Path) -> None:
    from creps_core.cancel import CancelToken
    from creps_core.errors import Cancelled

    path = tmp_path / "file.pkl"
    path.write_bytes(TINY_FILE)
    steps: list[tuple[int, int]] = []
    read_checkpoint(path, lambda done, total: steps.append((done, total)))
    assert steps == sorted(steps)
    assert steps[-1][0] == steps[-1][1]
    token = CancelToken()
    seen: Callable[[int, int], None] = lambda done, total: token.cancel()  # noqa: E731
    with pytest.raises(Cancelled):
        read_checkpoint(path, seen, token)


def test_errors_are_input_errors() -> None:
    """Commands leave with 2 for all of them."""
    assert CheckpointError.exit_code == 2
