"""Names and groups of styles, and latents from files."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from creps_core.config import GeneratorConfig
from creps_core.errors import InputError
from creps_core.latent_files import read_latent
from creps_core.session import CheckpointRef, Session, write_session
from creps_core.source import Source
from creps_core.styles import style_groups, style_layers, style_name

CONFIG = GeneratorConfig(z_dim=6, w_dim=5, resolution=64, channel_base=256, channel_max=16)


@pytest.mark.parametrize("resolution", [8, 16, 32, 64, 512, 1024])
def test_groups_are_all_styles_in_order(resolution: int) -> None:
    config = GeneratorConfig(resolution=resolution)
    groups = style_groups(config)
    assert [style for group in groups for style in group.styles] == list(range(config.num_ws))
    assert list(groups[-1].styles) == [config.num_ws - 2, config.num_ws - 1]
    if resolution >= 16:
        assert list(groups[0].styles) == [0, 1, 2, 3, 4]
    assert [group.name for group in groups] == (
        ["Layout", "Palette"] if resolution <= 16 else ["Layout", "Form", "Palette"]
    )


def test_a_style_is_named_by_its_first_layer_of_the_main_path() -> None:
    names = [style_name(CONFIG, style) for style in range(CONFIG.num_ws)]
    assert names == [
        "b4 · in", "b4 · 1", "b8 · 2", "b16 · 1", "b16 · 2", "b32 · 1", "b32 · 2", "b64 · 1", "b64 · 2",
        "b64 · out", "head",
    ]  # fmt: skip


def test_every_layer_is_fed_by_the_style_that_the_network_reads() -> None:
    fed = [layer for style in range(CONFIG.num_ws) for layer in style_layers(CONFIG, style)]
    assert len(fed) == len(set(fed)) == 1 + 1 + 3 * 4 + 1
    assert style_layers(CONFIG, 1) == ["b4's layer", "b8's 1st layer"]
    assert style_layers(CONFIG, 3) == ["b8's projection", "b16's 1st layer"]
    assert style_layers(CONFIG, 9) == ["b64's projection"]


@pytest.mark.parametrize(
    ("name", "shape", "source"),
    [("w.npy", (5,), "w"), ("saved.npy", (1, 5), "w"), ("z.npy", (6,), "z"), ("other.npy", (1, 6), "z")],
)
def test_a_saved_latent_is_read(tmp_path: Path, name: str, shape: tuple[int, ...], source: str) -> None:
    values = np.linspace(-1, 1, int(np.prod(shape)), dtype=np.float32).reshape(shape)
    np.save(tmp_path / name, values)
    numbers = tuple(map(float, values.ravel()))
    assert read_latent(tmp_path / name, CONFIG) == Source(**{source: numbers})  # type: ignore[arg-type]


def test_styles_that_are_all_alike_are_one_w(tmp_path: Path) -> None:
    np.save(tmp_path / "ws.npy", np.tile(np.arange(5.0), (1, CONFIG.num_ws, 1)))
    assert read_latent(tmp_path / "ws.npy", CONFIG) == Source(w=(0.0, 1.0, 2.0, 3.0, 4.0))


def test_a_session_gives_its_first_source(tmp_path: Path) -> None:
    sources = (Source(seed=9, psi=0.5), Source(seed=1))
    write_session(tmp_path / "view.json", Session(CheckpointRef("a.pkl", ""), sources=sources))
    assert read_latent(tmp_path / "view.json", CONFIG) == sources[0]


@pytest.mark.parametrize(
    "values",
    [np.zeros(7), np.zeros((2, 5)), np.array(["a"]), np.array([1, 2, 3, 4, 5]), np.full(5, np.nan), None],
)
def test_what_is_no_latent_is_said_in_one_line(tmp_path: Path, values: np.ndarray | None) -> None:
    path = tmp_path / "w.npy"
    if values is None:
        path.write_bytes(b"\x93NUMPY")
    else:
        np.save(path, values)
    with pytest.raises(InputError, match=r"w\.npy") as refused:
        read_latent(path, CONFIG)
    assert "\n" not in str(refused.value)
