"""A folder or zip as a training set: exact pixels, true samples between, one line if it is wrong."""

from __future__ import annotations

import io
import json
import os
import threading
import zipfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Literal

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from torch import Tensor

from creps_core.errors import InputError
from tests.train.picture_makers import (
    encoded,
    labelled,
    plain_set,
    rgb,
    turned_jpeg,
    write_folder,
    write_zip,
)
from train.picture_files import BrokenPicture
from train.pictures import Pictures
from train.resampling import axis_filter, resample
from train.stored import open_pictures

Grid = Literal["endpoints", "centres"]
GRIDS: list[Grid] = ["endpoints", "centres"]


def points(n: int, grid: Grid) -> Tensor:
    """A training grid of n samples."""
    return (
        torch.linspace(0, 1, n, dtype=torch.float64)
        if grid == "endpoints"
        else (torch.arange(n).double() + 0.5) / n
    )


def levels(values: Tensor) -> Tensor:
    """Samples [-1, 1] as levels 0 … 255, not rounded."""
    return (values.double() + 1) * 127.5


def pixels_of(data: bytes) -> Tensor:
    return torch.from_numpy(np.array(Image.open(io.BytesIO(data)))).permute(2, 0, 1)


def sample_one(pictures: Pictures, index: int, rows: Tensor, columns: Tensor) -> Tensor:
    return pictures.sample(torch.tensor([index]), rows[None], columns[None])[0]


# Reading


@pytest.mark.parametrize("kind", ["folder", "stored", "deflated"])
@pytest.mark.parametrize("grid", GRIDS)
def test_pixels_come_back_exactly(tmp_path: Path, kind: str, grid: Grid) -> None:
    files = plain_set(3, size=17)
    if kind == "folder":
        path = write_folder(tmp_path / "set", files)
    else:
        way = zipfile.ZIP_STORED if kind == "stored" else zipfile.ZIP_DEFLATED
        path = write_zip(tmp_path / "set.zip", files, way)
    pictures: Pictures = open_pictures(path, grid)
    assert (len(pictures), pictures.c_dim, pictures.name) == (3, 0, path.name)
    line = points(17, grid).expand(3, -1)
    got = pictures.sample(torch.tensor([2, 0, 1]), line, line)
    assert got.dtype == torch.float32
    want = torch.stack([pixels_of(data) for data in files.values()])[[2, 0, 1]]
    assert torch.equal(got, want.float() / 127.5 - 1)
    assert torch.equal(levels(got).round().to(torch.uint8), want)


def test_jpeg_and_webp_are_read_and_others_passed_over(tmp_path: Path) -> None:
    files = {
        "a.JPG": encoded(rgb(seed=1), "JPEG"),
        "b/c.webp": encoded(rgb(seed=2), "WEBP", lossless=True),
        "d.jpeg": encoded(rgb(seed=3), "JPEG"),
        "notes.txt": b"not a picture",
        ".hidden.png": b"nor this",
        "__MACOSX/._a.png": b"nor this",
    }
    for path in (write_folder(tmp_path / "set", files), write_zip(tmp_path / "set.zip", files)):
        pictures = open_pictures(path)
        assert len(pictures) == 3
        line = points(16, "endpoints")
        want = pixels_of(files["b/c.webp"])  # in sorted order: a.JPG, b/c.webp, d.jpeg
        assert torch.equal(levels(sample_one(pictures, 1, line, line)).round().to(torch.uint8), want)


def test_mirrored_pictures_follow(tmp_path: Path) -> None:
    pictures = open_pictures(write_folder(tmp_path, labelled(plain_set(2), [0, 3])), mirror=True)
    assert len(pictures) == 4
    line = points(9, "endpoints")
    mirrored, plain = (sample_one(pictures, index, line, line) for index in (3, 1))
    assert torch.allclose(mirrored, plain.flip(-1), atol=1e-5)
    assert not torch.allclose(mirrored, plain, atol=0.1)
    assert torch.equal(pictures.labels(torch.tensor([3])), pictures.labels(torch.tensor([1])))


def test_links_to_files_are_followed_and_loops_are_not(tmp_path: Path) -> None:
    write_folder(tmp_path / "real", plain_set(2))
    folder = tmp_path / "links"
    folder.mkdir()
    for i in range(2):
        (folder / f"{i}.png").symlink_to(tmp_path / "real" / "00000" / f"img{i:08d}.png")
    (folder / "loop").symlink_to(folder)
    assert len(open_pictures(folder)) == 2


@pytest.mark.parametrize("cache_mb", [0, 1])
def test_threads_may_read_at_once_and_memory_is_bounded(tmp_path: Path, cache_mb: int) -> None:
    files = plain_set(24, size=128)
    pictures = open_pictures(write_zip(tmp_path / "set.zip", files), cache_mb=cache_mb)
    want = [pixels_of(data) for data in files.values()]
    begin = threading.Barrier(4)

    def read(offset: int) -> bool:
        begin.wait()
        order = [(i * 5 + offset) % 24 for i in range(48)]
        return all(torch.equal(pictures.pixels(i), want[i]) for i in order)

    with ThreadPoolExecutor(4) as pool:
        assert all(pool.map(read, range(4)))
    assert len(pictures._cache) == cache_mb * 2**20 // (3 * 128**2)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_forked_process_has_a_handle_of_its_own(tmp_path: Path) -> None:
    pictures = open_pictures(write_zip(tmp_path / "set.zip", plain_set()), cache_mb=0)
    files = pictures._files
    mine = files._handle()  # type: ignore[attr-defined]
    files._local.process = -1  # type: ignore[attr-defined]  # as it looks in another process
    assert files._handle() is not mine  # type: ignore[attr-defined]


def test_indices_outside_the_set_are_a_mistake(tmp_path: Path) -> None:
    pictures = open_pictures(write_folder(tmp_path, plain_set(2)))
    for index in (-1, 2):
        with pytest.raises(IndexError):
            pictures.labels(torch.tensor([index]))


# Sampling


@settings(max_examples=60, deadline=None)
@given(
    size=st.integers(8, 40),
    first=st.integers(0, 30),
    count=st.integers(1, 40),
    grid=st.sampled_from(GRIDS),
    seed=st.integers(0, 2**32 - 1),
)
def test_any_window_of_the_stored_grid_is_exact(
    size: int, first: int, count: int, grid: Grid, seed: int
) -> None:
    first = min(first, size - 1)
    window = slice(first, first + count)
    image = torch.from_numpy(np.random.default_rng(seed).integers(0, 256, (3, size, size), dtype=np.uint8))
    rows = axis_filter(points(size, grid)[window], size, grid)
    columns = axis_filter(points(size, grid), size, grid)
    assert torch.equal(resample(image, rows, columns), image[:, window].float() / 127.5 - 1)


@settings(max_examples=60, deadline=None)
@given(
    size=st.integers(8, 64),
    count=st.integers(1, 200),
    start=st.floats(-2, 2),
    extent=st.floats(1e-6, 3),
    grid=st.sampled_from(GRIDS),
)
def test_weights_sum_to_one_and_a_flat_picture_stays_flat(
    size: int, count: int, start: float, extent: float, grid: Grid
) -> None:
    line = axis_filter(torch.linspace(start, start + extent, count).double(), size, grid)
    for _, weights in line.parts or ():
        assert weights.sum(dim=1).numpy() == pytest.approx(1, abs=1e-5)
    flat = torch.full((3, size, size), 200, dtype=torch.uint8)
    assert resample(flat, line, line).numpy() == pytest.approx(200 / 127.5 - 1, abs=1e-5)


def wave(coordinates: Tensor, cycles: float) -> Tensor:
    return torch.sin(2 * torch.pi * cycles * coordinates + 0.3)


@pytest.mark.parametrize("grid", GRIDS)
@pytest.mark.parametrize("pitch", [0.13, 0.5, 1.0, 2.7, 4.0])
def test_a_band_limited_picture_is_sampled_accurately(tmp_path: Path, grid: Grid, pitch: float) -> None:
    """Between the pixels, at other pitches and off any grid: the wave itself, to two levels of 255."""
    size, cycles = 128, 5.0
    at = points(size, grid)
    stored = 127.5 + 100 * wave(at, cycles)[:, None] * wave(at, cycles / 2)
    image = Image.fromarray(stored.round().to(torch.uint8)[..., None].repeat(1, 1, 3).numpy())
    pictures = open_pictures(write_folder(tmp_path, dict.fromkeys(("a.png", "b.png"), encoded(image))), grid)
    count = int(size * 0.6 / pitch)
    rows = 0.2123 + torch.arange(count).double() * pitch / size
    columns = 0.1877 + torch.arange(count).double() * pitch / size
    got = levels(sample_one(pictures, 0, rows, columns))
    want = 127.5 + 100 * wave(rows, cycles)[:, None] * wave(columns, cycles / 2)
    assert (got - want).abs().max() < 2


@pytest.mark.parametrize("grid", GRIDS)
def test_coarse_samples_show_no_aliasing(tmp_path: Path, grid: Grid) -> None:
    """Stripes finer than the samples average out, and do not come back as broad ones."""
    stripes = np.zeros((128, 128, 3), np.uint8)
    stripes[:, ::2] = 255
    files = dict.fromkeys(("a.png", "b.png"), encoded(Image.fromarray(stripes)))
    pictures = open_pictures(write_folder(tmp_path, files), grid)
    got = levels(sample_one(pictures, 0, points(16, grid), points(16, grid)))
    assert (got[:, :, 2:-2] - 127.5).abs().max() < 3
    assert pictures.sample(torch.tensor([0]), points(16, grid)[None], points(16, grid)[None]).abs().max() <= 1


def test_halving_centres_is_pillows_lanczos(tmp_path: Path) -> None:
    """On whole fractions of the stored grid our filter is the one that everybody uses."""
    rng = np.random.default_rng(3)
    image = Image.fromarray(rng.integers(90, 160, (64, 64, 3), dtype=np.uint8))
    files = dict.fromkeys(("a.png", "b.png"), encoded(image))
    pictures = open_pictures(write_folder(tmp_path, files), "centres")
    line = points(16, "centres")
    got = levels(sample_one(pictures, 0, line, line)).permute(1, 2, 0).numpy()
    want = np.asarray(image.resize((16, 16), Image.Resampling.LANCZOS), np.float64)
    assert np.abs(got - want)[2:-2, 2:-2].max() <= 1.01  # pillow rounds after each axis; edges differ


def test_beyond_the_edges_the_last_pixel_goes_on(tmp_path: Path) -> None:
    pictures = open_pictures(write_folder(tmp_path, plain_set()))
    inside = points(16, "endpoints")
    outside = torch.linspace(-3, -2, 5).double()
    got = sample_one(pictures, 0, outside, inside)
    first = sample_one(pictures, 0, inside, inside)[:, :1]
    assert torch.allclose(got, first.expand_as(got), atol=1e-5)


def test_every_picture_of_a_batch_has_coordinates_of_its_own(tmp_path: Path) -> None:
    pictures = open_pictures(write_folder(tmp_path, plain_set()))
    rows = torch.stack([torch.linspace(0.1 * i, 0.1 * i + 0.3, 7).double() for i in range(3)])
    columns = torch.stack([torch.linspace(0.5 - 0.1 * i, 1, 5).double() for i in range(3)])
    batch = pictures.sample(torch.arange(3), rows, columns)
    assert batch.shape == (3, 3, 7, 5)
    for i in range(3):
        assert torch.equal(batch[i], sample_one(pictures, i, rows[i], columns[i]))


def test_coordinates_of_single_precision_still_mean_the_pixels(tmp_path: Path) -> None:
    files = dict.fromkeys(("a.png", "b.png"), encoded(rgb(1024)))
    pictures = open_pictures(write_folder(tmp_path, files))
    line = torch.linspace(0, 1, 1024, dtype=torch.float32)
    assert torch.equal(sample_one(pictures, 0, line, line), pixels_of(files["a.png"]).float() / 127.5 - 1)


# Labels


def test_labels_come_from_dataset_json(tmp_path: Path) -> None:
    files = labelled(plain_set(4), [2, 0, 2, 5])
    for path in (write_folder(tmp_path / "set", files), write_zip(tmp_path / "set.zip", files)):
        pictures = open_pictures(path)
        assert pictures.c_dim == 6
        one_hot = pictures.labels(torch.tensor([3, 1]))
        assert one_hot.dtype == torch.float32
        assert torch.equal(one_hot, torch.eye(6)[[5, 0]])


def test_no_labels(tmp_path: Path) -> None:
    in_folders = {"cats/a.png": encoded(rgb()), "dogs/b.png": encoded(rgb(seed=1))}
    for i, files in enumerate((in_folders, labelled(plain_set(2), None))):
        pictures = open_pictures(write_folder(tmp_path / str(i), files))
        assert pictures.c_dim == 0
        assert pictures.labels(torch.arange(2)).shape == (2, 0)


def test_a_single_class_of_zeros_is_a_class(tmp_path: Path) -> None:
    assert open_pictures(write_folder(tmp_path, labelled(plain_set(2), [0, 0]))).c_dim == 1


@pytest.mark.parametrize("label", [-1, 65536, 10**30, 1.0, "3", None, True, [0, 1], {"a": 1}])
def test_a_class_must_be_a_whole_number_in_range(tmp_path: Path, label: object) -> None:
    files = plain_set(2)
    names = list(files)
    path = write_folder(tmp_path, labelled(files, [[names[0], 0], [names[1], label]]))
    with pytest.raises(InputError, match=rf"dataset.json: {names[1]} has class .* expected a whole number"):
        open_pictures(path)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"{", "is not JSON"),
        (b"[" * 100_000, "is not JSON"),
        (b"\xff\xfe\x00", "is not JSON"),
        (b'{"labels": 3}', 'holds no list "labels"'),
        (b'{"labels": [["a.png"]]}', "is not a pair"),
        (
            b'{"labels": [["00000/img00000000.png", 1]]}',
            "gives no class for 00000/img00000001.png and 1 more",
        ),
    ],
)
def test_a_damaged_label_file_is_one_line(tmp_path: Path, content: bytes, words: str) -> None:
    path = write_folder(tmp_path, {**plain_set(3), "dataset.json": content})
    with pytest.raises(InputError) as error:
        open_pictures(path)
    assert words in str(error.value)
    assert "\n" not in str(error.value)


def test_labels_of_pictures_that_are_not_there_are_passed_over(tmp_path: Path) -> None:
    entries = [[name, 1] for name in plain_set(2)] + [["gone.png", 7]]
    path = write_folder(tmp_path, labelled(plain_set(2), entries))
    assert open_pictures(path).c_dim == 2


# What is wrong


def fault(path: Path) -> str:
    """The one line that opening gives."""
    with pytest.raises(InputError) as error:
        open_pictures(path)
    assert "\n" not in str(error.value)
    return str(error.value)


def test_empty_missing_and_no_set_at_all(tmp_path: Path) -> None:
    assert fault(tmp_path).endswith("holds no PNG, JPEG or WebP picture")
    assert "does not exist" in fault(tmp_path / "gone")
    (tmp_path / "a.png").write_bytes(encoded(rgb()))
    assert "neither a folder nor an intact zip" in fault(tmp_path / "a.png")
    whole = write_zip(tmp_path / "set.zip", plain_set()).read_bytes()
    (tmp_path / "cut.zip").write_bytes(whole[:-40])
    assert "neither a folder nor an intact zip" in fault(tmp_path / "cut.zip")
    os.mkfifo(tmp_path / "pipe.zip")
    assert "neither a folder nor a zip" in fault(tmp_path / "pipe.zip")


def test_one_picture_is_no_set(tmp_path: Path) -> None:
    assert "one picture is not a set" in fault(write_folder(tmp_path, plain_set(1)))


def test_mixed_sizes_name_the_first_that_differ(tmp_path: Path) -> None:
    files = plain_set(2) | {f"z{i}.png": encoded(rgb(20, seed=i)) for i in range(5)}
    message = fault(write_folder(tmp_path, files))
    assert "16 × 16" in message
    assert "z0.png, z1.png, z2.png and 2 more" in message
    assert "creps-data prepare" in message


@pytest.mark.parametrize(
    "data",
    [
        encoded(rgb(16, 15)),
        encoded(rgb().convert("L")),
        encoded(rgb().convert("P")),
        encoded(rgb().convert("RGBA")),
        encoded(rgb(), transparency=(1, 2, 3)),
        encoded(rgb().convert("CMYK"), "JPEG"),
        turned_jpeg(rgb(), 6),
    ],
    ids=["not-square", "grey", "palette", "alpha", "transparent-colour", "cmyk", "turned"],
)
def test_what_is_not_plain_square_rgb_is_named(tmp_path: Path, data: bytes) -> None:
    message = fault(write_folder(tmp_path, {**plain_set(2), "odd.one": b"", "odd.jpg": data}))
    assert "1 of 3 pictures are not plain square RGB: odd.jpg" in message
    assert "creps-data prepare" in message


def test_broken_headers_are_found_on_opening(tmp_path: Path) -> None:
    files = plain_set(2) | {"a.png": b"", "b.jpg": b"junk", "c.webp": b"RIFF\0\0\0\0WEBP"}
    assert "3 of 5 pictures cannot be read: a.png, b.jpg, c.webp" in fault(write_folder(tmp_path, files))


def test_a_picture_that_breaks_off_is_named_when_it_is_read(tmp_path: Path) -> None:
    files = plain_set(2)
    name = list(files)[1]
    files[name] = files[name][:-30]
    pictures = open_pictures(write_zip(tmp_path / "set.zip", files))
    line = points(16, "endpoints")
    sample_one(pictures, 0, line, line)
    with pytest.raises(BrokenPicture, match=name) as error:
        sample_one(pictures, 1, line, line)
    assert error.value.exit_code == 2


def test_a_picture_that_changes_meanwhile_is_named(tmp_path: Path) -> None:
    path = write_folder(tmp_path, plain_set(2))
    pictures = open_pictures(path)
    name = "00000/img00000000.png"
    (path / name).write_bytes(encoded(rgb(20)))
    with pytest.raises(BrokenPicture, match="not a plain RGB picture of 16 × 16"):
        pictures.pixels(0)
    (path / name).unlink()
    with pytest.raises(BrokenPicture, match="no such file"):
        pictures.pixels(0)


def test_long_profiles_before_the_picture_are_no_fault(tmp_path: Path) -> None:
    profile = os.urandom(200_000)
    files = {f"{i}.jpg": encoded(rgb(seed=i), "JPEG", icc_profile=profile) for i in range(2)}
    assert len(open_pictures(write_folder(tmp_path, files))) == 2


def test_json_of_a_set_is_what_others_expect(tmp_path: Path) -> None:
    """A bare list, as some tools write it, counts too."""
    files = plain_set(2)
    content = json.dumps([[name.replace("/", "\\"), 1] for name in files]).encode()
    assert open_pictures(write_folder(tmp_path, {**files, "dataset.json": content})).c_dim == 2
