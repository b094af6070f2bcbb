"""Native checkpoints: the file alone suffices, nothing is ever half-written, and faults are told apart."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import os
import struct
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from safetensors import safe_open
from safetensors.torch import load_file, save_file

from creps_core.checkpoint import (
    CheckpointError,
    CorruptCheckpointError,
    NewerFormatError,
    NotACheckpointError,
    OtherNetworkError,
    TensorMismatchError,
    TruncatedCheckpointError,
    bundled_checkpoint,
    convert_checkpoint,
    read_checkpoint,
    save_checkpoint,
)
from creps_core.config import GeneratorConfig
from creps_core.errors import InputError
from creps_core.generator import Generator
from tests.core.published_files import TINY, weights

CENTRES = dataclasses.replace(TINY, c_dim=3, grid="centres")
SOURCE = {"model": "a test", "seed": "7"}


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    """A native file of a small conditional generator trained on centres."""
    torch.manual_seed(0)
    path = tmp_path / "model.safetensors"
    save_checkpoint(path, Generator(CENTRES), SOURCE, {"others": "kept", "unicode": "äöü ½"})
    return path


def rewrite(path: Path, change: Callable[[dict[str, torch.Tensor], dict[str, str]], None]) -> Path:
    """The file again, by the safetensors library, with changed tensors or metadata."""
    tensors = load_file(path)
    with safe_open(path, "pt") as file:
        metadata = file.metadata()
    change(tensors, metadata)
    save_file(tensors, path, metadata)
    return path


def test_a_saved_generator_comes_back_bit_for_bit(saved: Path) -> None:
    torch.manual_seed(0)
    original = Generator(CENTRES)
    found = read_checkpoint(saved)
    assert found.config == CENTRES
    assert found.source == SOURCE
    assert found.path == saved
    state = found.build().state_dict()
    assert all(torch.equal(value, state[name]) for name, value in original.state_dict().items())


def test_the_same_weights_draw_the_same_picture(saved: Path) -> None:
    torch.manual_seed(0)
    original = Generator(CENTRES).eval()
    z, c, line = torch.randn(1, 5), torch.eye(3)[:1], torch.linspace(0, 1, 6)
    with torch.no_grad():
        assert torch.equal(original(z, line, line, c), read_checkpoint(saved).build()(z, line, line, c))


def test_generators_that_were_built_do_not_share_weights(saved: Path) -> None:
    found = read_checkpoint(saved)
    first, second = found.build(), found.build()
    with torch.no_grad():
        for value in first.state_dict().values():
            value.zero_()
    assert second.state_dict()["synthesis.b4.fc1.weight"].abs().sum() > 0
    assert found.tensors["synthesis.b4.fc1.weight"].abs().sum() > 0


def test_building_leaves_the_random_numbers_of_others_alone(saved: Path) -> None:
    found = read_checkpoint(saved)
    torch.manual_seed(5)
    expected = torch.randn(3)
    torch.manual_seed(5)
    found.build()
    assert torch.equal(torch.randn(3), expected)


def test_the_file_is_plain_safetensors_with_readable_metadata(saved: Path) -> None:
    tensors = load_file(saved)
    assert {name: value.shape for name, value in tensors.items()} == {
        name: value.shape for name, value in Generator(CENTRES).state_dict().items()
    }
    with safe_open(saved, "pt") as file:
        metadata = file.metadata()
    assert metadata["format"] == "1"
    assert GeneratorConfig.from_dict(json.loads(metadata["config"])) == CENTRES
    assert json.loads(metadata["source"]) == SOURCE


def test_the_hash_is_that_of_the_file(saved: Path) -> None:
    assert read_checkpoint(saved).sha256 == hashlib.sha256(saved.read_bytes()).hexdigest()


def test_the_same_checkpoint_gives_the_same_bytes(saved: Path, tmp_path: Path) -> None:
    convert_checkpoint(read_checkpoint(saved), tmp_path / "again.safetensors")
    assert (tmp_path / "again.safetensors").read_bytes() == saved.read_bytes()


def test_metadata_of_others_survives(saved: Path) -> None:
    def change(tensors: dict[str, torch.Tensor], metadata: dict[str, str]) -> None:
        metadata["future"] = "x"

    found = read_checkpoint(rewrite(saved, change))
    assert found.extra == {"others": "kept", "unicode": "äöü ½", "future": "x"}


def test_files_written_by_the_library_read_alike(saved: Path) -> None:
    before = read_checkpoint(saved)
    after = read_checkpoint(rewrite(saved, lambda tensors, metadata: None))
    assert after.config == before.config
    assert all(torch.equal(after.tensors[name], value) for name, value in before.tensors.items())


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64])
def test_other_float_types_are_converted(dtype: torch.dtype, saved: Path) -> None:
    before = read_checkpoint(saved).tensors

    def change(tensors: dict[str, torch.Tensor], metadata: dict[str, str]) -> None:
        tensors.update({name: value.to(dtype) for name, value in tensors.items()})

    after = read_checkpoint(rewrite(saved, change)).tensors
    assert all(torch.equal(after[name], value.to(dtype).float()) for name, value in before.items())


# Faults


def test_a_newer_format_is_refused(saved: Path) -> None:
    def change(tensors: dict[str, torch.Tensor], metadata: dict[str, str]) -> None:
        metadata["format"] = "2"

    with pytest.raises(
        NewerFormatError, match=r"model\.safetensors: the file has format 2.*update the program"
    ):
        read_checkpoint(rewrite(saved, change))


def test_missing_unexpected_and_misshapen_tensors_are_all_listed(saved: Path) -> None:
    def change(tensors: dict[str, torch.Tensor], metadata: dict[str, str]) -> None:
        del tensors["mapping.w_avg"]
        tensors["surplus"] = torch.zeros(2)
        tensors["mapping.embed.bias"] = torch.zeros(7)
        tensors["synthesis.decoder_img.bias"] = torch.zeros(1, 3)

    with pytest.raises(TensorMismatchError, match="4 tensors do not fit") as caught:
        read_checkpoint(rewrite(saved, change))
    assert set(caught.value.problems) == {
        "mapping.w_avg is missing",
        "surplus is unexpected",
        "mapping.embed.bias has shape [7], expected [6]",
        "synthesis.decoder_img.bias has shape [1, 3], expected [3]",
    }


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_numbers_that_are_not_finite_are_named(value: float, saved: Path) -> None:
    def change(tensors: dict[str, torch.Tensor], metadata: dict[str, str]) -> None:
        tensors["synthesis.b8.tores.weight"][0, 0] = value

    with pytest.raises(
        TensorMismatchError, match=r"synthesis\.b8\.tores\.weight has numbers that are not finite"
    ):
        read_checkpoint(rewrite(saved, change))


def test_safetensors_of_others(tmp_path: Path) -> None:
    path = tmp_path / "other.safetensors"
    save_file(weights(), path)
    with pytest.raises(NotACheckpointError, match="carries no generator"):
        read_checkpoint(path)
    save_file(weights(), path, {"format": "pt"})
    with pytest.raises(NotACheckpointError, match="carries no generator"):
        read_checkpoint(path)
    save_file({"synthesis.b4.const": torch.zeros(2), "synthesis.b4.torgb.bias": torch.zeros(2)}, path)
    with pytest.raises(OtherNetworkError, match="StyleGAN2"):
        read_checkpoint(path)


@pytest.mark.parametrize(
    "config",
    [
        "no JSON",
        "[]",
        "{}" * 2,
        '{"surprise": 1}',
        '{"w_dim": -1}',
        '{"w_dim": 1e999}',
        '{"resolution": 12}',
        "[" * 9999,
    ],
)
def test_configs_that_make_no_sense(config: str, saved: Path) -> None:
    def change(tensors: dict[str, torch.Tensor], metadata: dict[str, str]) -> None:
        metadata["config"] = config

    with pytest.raises(CorruptCheckpointError, match="config"):
        read_checkpoint(rewrite(saved, change))


def test_truncated_files(saved: Path) -> None:
    data = saved.read_bytes()
    (header,) = struct.unpack("<Q", data[:8])
    for length in {1, 7, 8, 9, 100, header, header + 8, header + 9, len(data) // 2, len(data) - 1}:
        saved.write_bytes(data[:length])
        with pytest.raises(TruncatedCheckpointError, match=r"model\.safetensors: the file is truncated"):
            read_checkpoint(saved)


@pytest.mark.parametrize(
    "entry",
    [
        {"dtype": "F32", "shape": [6], "data_offsets": [0, 23]},
        {"dtype": "F32", "shape": [6], "data_offsets": [24, 0]},
        {"dtype": "F32", "shape": [-6], "data_offsets": [0, 24]},
        {"dtype": "F32", "shape": [2**39, 2**39], "data_offsets": [0, 24]},
        {"dtype": "F32", "shape": ["6"], "data_offsets": [0, 24]},
        {"dtype": "F4", "shape": [6], "data_offsets": [0, 24]},
        {"dtype": "F32", "shape": [6]},
        [],
        None,
    ],
)
def test_headers_that_make_no_sense(entry: object, saved: Path) -> None:
    data = saved.read_bytes()
    (length,) = struct.unpack("<Q", data[:8])
    header = json.loads(data[8 : 8 + length])
    header["mapping.w_avg"] = entry
    text = json.dumps(header).encode()
    saved.write_bytes(struct.pack("<Q", len(text)) + text + data[8 + length :])
    with pytest.raises(CorruptCheckpointError, match=r"mapping\.w_avg"):
        read_checkpoint(saved)


def test_tensors_on_top_of_each_other_cannot_multiply_the_file(tmp_path: Path) -> None:
    config = dataclasses.replace(TINY, w_dim=256, mapping_layers=100)
    path = tmp_path / "model.safetensors"
    save_checkpoint(path, Generator(config), {})
    data = path.read_bytes()
    (length,) = struct.unpack("<Q", data[:8])
    header = json.loads(data[8 : 8 + length])
    for name, entry in header.items():
        if name != "__metadata__":
            begin, end = entry["data_offsets"]
            entry["data_offsets"] = [0, end - begin]
    text = json.dumps(header).encode()
    path.write_bytes(struct.pack("<Q", len(text)) + text + data[8 + length :][: 2**18])
    with pytest.raises(CorruptCheckpointError, match="more numbers than the file holds"):
        read_checkpoint(path)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_damaged_files_load_or_are_refused(data: st.DataObject, saved: Path) -> None:
    damaged = bytearray(saved.read_bytes())
    for _ in range(data.draw(st.integers(1, 3))):
        at = data.draw(st.one_of(st.integers(0, 4000), st.integers(0, len(damaged) - 1)))
        damaged[at] = data.draw(st.one_of(st.integers(0, 255), st.sampled_from(b'{}[]",:0189-')))
    path = saved.with_name("damaged.safetensors")
    path.write_bytes(damaged)
    try:
        found = read_checkpoint(path)
    except CheckpointError as error:
        assert "\n" not in str(error)
    else:
        assert all(value.isfinite().all() for value in found.tensors.values())


@pytest.mark.parametrize(
    ("content", "what"),
    [
        (b"", "empty"),
        (b"\x89PNG\r\n\x1a\n" + b"\0" * 50, "PNG"),
        (b"\xff\xd8\xff\xe0" + b"\0" * 50, "JPEG"),
        (b"PK\x03\x04" + b"\0" * 50, "zip"),
        (b"hello, this is a text\nof two lines\n", "text"),
        ("ein Text über Bäume\n".encode(), "text"),
        (b"<!DOCTYPE html><html>", "web page"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:00\n", "git lfs pull"),
        (b"config: 1\nversion: 2\nname: x\n", "text"),
        (bytes(range(1, 100)), "not a file of a known kind"),
        (b"\0" * 200, "not a file of a known kind"),
    ],
)
@pytest.mark.parametrize("suffix", [".pkl", ".safetensors", ""])
def test_other_files_are_called_what_they_are(content: bytes, what: str, suffix: str, tmp_path: Path) -> None:
    path = tmp_path / f"file{suffix}"
    path.write_bytes(content)
    with pytest.raises(NotACheckpointError, match=rf"file{suffix}: .*{what}"):
        read_checkpoint(path)


def test_folders_pipes_and_missing_files(tmp_path: Path) -> None:
    with pytest.raises(NotACheckpointError, match="folder"):
        read_checkpoint(tmp_path)
    with pytest.raises(CheckpointError, match="no such file"):
        read_checkpoint(tmp_path / "missing.pkl")
    os.mkfifo(tmp_path / "pipe.pkl")
    with pytest.raises(NotACheckpointError, match="not an ordinary file"):
        read_checkpoint(tmp_path / "pipe.pkl")


# Writing


def test_a_failed_save_keeps_what_was_there(saved: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = saved.read_bytes()

    def fails(*args: object) -> None:
        raise MemoryError

    monkeypatch.setattr("creps_core.checkpoint.write_native", fails)
    with pytest.raises(MemoryError):
        save_checkpoint(saved, Generator(TINY), {})
    assert saved.read_bytes() == before
    assert [p.name for p in saved.parent.iterdir()] == [saved.name]


def test_saving_into_nowhere_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="does not exist"):
        save_checkpoint(tmp_path / "nowhere" / "model.safetensors", Generator(TINY), {})


def test_the_bundled_model_opens_and_says_what_it_is() -> None:
    found = read_checkpoint(bundled_checkpoint())
    assert (found.source["made_by"], found.source["data"]) == ("creps-train", "scenery")
    assert not any(value.startswith("/") for value in found.source.values())
    found.build()
