"""Every kind and shape of picture becomes the same square RGB."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from tests.train.picture_makers import (
    encoded,
    png_of_16_bits,
    rgb,
    turned_jpeg,
    write_zip,
)
from tests.train.running import alike, close, first_of, inside
from train.preparation import Preparation, make_square


def prepared(tmp_path: Path, name: str, content: bytes, *options: object) -> Any:
    """What a single file becomes at 16 × 16, as whole numbers."""
    source = write_zip(tmp_path / "source.zip", {name: content})
    inside("prepare", source, "--size", 16, "--out", tmp_path / "out.zip", *options)
    return first_of(tmp_path / "out.zip").astype(int)


def test_rgb_of_the_right_size_is_not_touched(tmp_path: Path) -> None:
    assert close(prepared(tmp_path, "a.png", encoded(rgb())), rgb(), 0)


def test_grey_and_black_and_white(tmp_path: Path) -> None:
    grey = rgb().convert("L")
    assert close(prepared(tmp_path, "a.png", encoded(grey)), grey.convert("RGB"), 0)
    ink = grey.point(lambda v: 255 * (v > 120)).convert("1")
    assert close(prepared(tmp_path, "a.png", encoded(ink)), ink.convert("RGB"), 0)
    assert close(prepared(tmp_path, "a.png", encoded(grey, "JPEG", quality=98)), grey.convert("RGB"), 4)


def test_palettes(tmp_path: Path) -> None:
    palette = rgb().quantize(32)
    assert close(prepared(tmp_path, "a.png", encoded(palette)), palette.convert("RGB"), 0)
    clear = palette.getpixel((3, 2))
    want = np.asarray(palette.convert("RGB")).copy()
    want[np.asarray(palette) == clear] = 255
    assert close(prepared(tmp_path, "a.png", encoded(palette, transparency=clear)), want, 0)


@pytest.mark.parametrize(
    ("options", "background"), [((), (255, 255, 255)), (("--background", "#2040a0"), (0x20, 0x40, 0xA0))]
)
@pytest.mark.parametrize("mode", ["RGBA", "LA"])
def test_alpha_shows_the_background(
    tmp_path: Path, mode: str, options: tuple[str, ...], background: tuple[int, ...]
) -> None:
    alpha = np.tile(np.arange(0, 256, 17, dtype=np.uint8)[:16], (16, 1))
    picture = rgb().convert(mode)
    picture.putalpha(Image.fromarray(alpha))
    colour = np.asarray(picture.convert("RGB" if mode == "RGBA" else "L").convert("RGB"), float)
    share = alpha[..., None] / 255
    want = (colour * share + np.array(background) * (1 - share)).round()
    assert close(prepared(tmp_path, "a.png", encoded(picture), *options), want, 1)


def test_a_transparent_colour_shows_the_background(tmp_path: Path) -> None:
    picture = Image.new("RGB", (16, 16), (9, 8, 7))
    picture.paste((200, 100, 50), (0, 0, 8, 16))
    want = np.full((16, 16, 3), 255)
    want[:, :8] = (200, 100, 50)
    assert close(prepared(tmp_path, "a.png", encoded(picture, transparency=(9, 8, 7))), want, 0)


@pytest.mark.parametrize(("colour_type", "channels"), [(0, 1), (2, 3), (4, 2), (6, 4)])
def test_16_bits(tmp_path: Path, colour_type: int, channels: int) -> None:
    levels = np.linspace(0, 65535, 256 * channels).round().astype(np.uint16).reshape(16, 16, channels)
    if channels in (2, 4):
        levels[..., -1] = 65535  # opaque
    want = levels[..., : 3 if channels > 2 else 1] / 257
    got = prepared(tmp_path, "a.png", png_of_16_bits(levels, colour_type))
    assert np.abs(got - want).max() <= (0.51 if channels == 1 else 1)


def test_a_transparent_grey_of_16_bits(tmp_path: Path) -> None:
    levels = np.full((16, 16, 1), 40000, np.uint16)
    levels[:8] = 1234
    got = prepared(tmp_path, "a.png", png_of_16_bits(levels, 0, (b"tRNS", (1234).to_bytes(2, "big"))))
    assert (got[:8] == 255).all()
    assert (got[8:] == 156).all()


def test_cmyk(tmp_path: Path) -> None:
    picture = rgb().convert("CMYK")
    assert close(prepared(tmp_path, "a.jpg", encoded(picture, "JPEG", quality=98)), picture.convert("RGB"), 6)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_turned_by_the_camera(tmp_path: Path, orientation: int) -> None:
    """A camera held in any way gives the upright picture."""
    turns = Image.Transpose
    undone = {
        2: turns.FLIP_LEFT_RIGHT,
        3: turns.ROTATE_180,
        4: turns.FLIP_TOP_BOTTOM,
        5: turns.TRANSPOSE,
        6: turns.ROTATE_90,
        7: turns.TRANSVERSE,
        8: turns.ROTATE_270,
    }
    upright = rgb(seed=4)
    stored = upright.transpose(undone[orientation]) if orientation > 1 else upright
    assert alike(prepared(tmp_path, "a.jpg", turned_jpeg(stored, orientation)), upright)
    exif = Image.Exif()
    exif[0x0112] = orientation
    for kind in ("PNG", "WEBP"):
        content = encoded(stored, kind, exif=exif, lossless=True)
        assert close(prepared(tmp_path, f"a.{kind.lower()}", content), upright, 0)


def test_damaged_exif_is_no_reason_to_lose_a_picture(tmp_path: Path) -> None:
    content = encoded(rgb(), "JPEG", exif=b"Exif\0\0MM\0*\0\0\0\x08\xff\xff\x01", quality=98)
    assert alike(prepared(tmp_path, "a.jpg", content), rgb())


@pytest.mark.parametrize("kind", ["PNG", "WEBP"])
def test_of_animations_the_first_frame_is_taken(tmp_path: Path, kind: str) -> None:
    frames = [rgb(seed=i) for i in range(3)]
    content = encoded(frames[0], kind, save_all=True, append_images=frames[1:], lossless=True)
    assert close(prepared(tmp_path, f"a.{kind.lower()}", content), frames[0], 0)


# Shapes


def test_crop_takes_the_square_in_the_middle() -> None:
    wide = Image.new("RGB", (90, 30), "red")
    wide.paste("lime", (30, 0, 60, 30))
    for picture in (wide, wide.transpose(Image.Transpose.ROTATE_90)):
        assert set(make_square(picture, Preparation(30)).get_flattened_data()) == {(0, 255, 0)}


def test_pad_keeps_all_of_it() -> None:
    wide = Image.new("RGB", (90, 30), "red")
    square = np.asarray(make_square(wide, Preparation(30, fit="pad", background=(1, 2, 3))))
    assert (square[10:20] == (255, 0, 0)).all()
    assert (square[:10] == (1, 2, 3)).all()
    assert (square[20:] == (1, 2, 3)).all()


def test_sizes_change_by_lanczos() -> None:
    picture = rgb(64, 48)
    want = picture.crop((8, 0, 56, 48)).resize((16, 16), Image.Resampling.LANCZOS)
    assert make_square(picture, Preparation(16)).tobytes() == want.tobytes()


@pytest.mark.parametrize("fit", ["crop", "pad"])
@pytest.mark.parametrize("size", [(1, 1), (1, 500), (500, 2)])
def test_slivers_pass(fit: Any, size: tuple[int, int]) -> None:
    assert make_square(Image.new("RGB", size), Preparation(16, fit)).size == (16, 16)
