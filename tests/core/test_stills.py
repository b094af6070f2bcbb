"""Stills: exact pixels in real files, bounded memory, and nothing half-written whatever happens."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import tifffile
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image, ImageSequence

from creps_core.cancel import CancelToken
from creps_core.errors import Cancelled, InputError, RunError
from creps_core.image import to_uint8, to_uint16
from creps_core.png_stream import PngWriter
from creps_core.stills import check_target, write_still
from creps_core.view import Size

ROOT = Path(__file__).parents[2]
SIZE = Size(70, 53)


def picture(size: Size = SIZE, seed: int = 0) -> NDArray[np.float32]:
    """Smooth, with some values beyond [-1, 1] as networks give them."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[0 : size.height, 0 : size.width] / 20
    smooth = np.stack([np.sin(x + y), np.cos(x * y / 3), 1.4 * np.sin(y)], -1)
    return (smooth + rng.normal(0, 0.02, smooth.shape)).astype(np.float32)


def bands(values: NDArray[np.float32], rows: int = 7) -> Iterator[NDArray[np.float32]]:
    for top in range(0, len(values), rows):
        yield values[top : top + rows]


def read_png16(path: Path) -> NDArray[np.uint16]:
    """Undo our filters by hand: pillow has no 16-bit RGB."""
    import struct
    import zlib

    data, at, packed = path.read_bytes(), 8, b""
    width, height, bits, colour = struct.unpack(">IIBB", data[16:26])
    assert (bits, colour) == (16, 2)
    while at < len(data):
        (length,) = struct.unpack(">I", data[at : at + 4])
        kind, body = data[at + 4 : at + 8], data[at + 8 : at + 8 + length]
        assert struct.unpack(">I", data[at + 8 + length : at + 12 + length])[0] == zlib.crc32(kind + body)
        packed += body if kind == b"IDAT" else b""
        at += 12 + length
    lines = np.frombuffer(zlib.decompress(packed), np.uint8).reshape(height, 1 + 6 * width)
    rows = np.zeros((height + 1, 6 * width), np.uint8)
    for i, line in enumerate(lines):
        row = line[1:].copy()
        if line[0] == 1:
            row = np.cumsum(row.reshape(width, 6), 0, dtype=np.uint8).ravel()
        elif line[0] == 2:
            row = row + rows[i]
        rows[i + 1] = row
    return rows[1:].view(">u2").reshape(height, width, 3).astype(np.uint16)


def test_quantisation_is_the_published_rule() -> None:
    values = np.array([-9, -1, -0.9961, 0, 0.5, 1, 9], np.float32)
    assert to_uint8(values).tolist() == [0, 0, 0, 128, 191, 255, 255]
    assert to_uint16(values).tolist()[::6] == [0, 65535]
    exact = np.floor((values[1:6].astype(np.float64) + 1) * 32767.5 + 0.5)
    assert to_uint16(values[1:6]).tolist() == exact.tolist()


@pytest.mark.parametrize("suffix", [".png", ".PNG", ".tif", ".tiff"])
def test_eight_bits_come_back_exactly(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"out{suffix}"
    write_still(path, SIZE, bands(picture()), bits=8)
    with Image.open(path) as image:
        assert image.mode == "RGB"
        np.testing.assert_array_equal(np.asarray(image), to_uint8(picture()))
    assert [p.name for p in tmp_path.iterdir()] == [path.name]


def test_sixteen_bit_png_comes_back_exactly(tmp_path: Path) -> None:
    path = tmp_path / "out.png"
    write_still(path, SIZE, bands(picture()), bits=16)
    np.testing.assert_array_equal(read_png16(path), to_uint16(picture()))
    with Image.open(path) as image:  # a reader that is not ours, though it keeps the upper byte alone
        np.testing.assert_array_equal(np.asarray(image), (to_uint16(picture()) >> 8).astype(np.uint8))


@pytest.mark.parametrize("bits", [8, 16, 32])
def test_tiff_comes_back_exactly(tmp_path: Path, bits: int) -> None:
    path = tmp_path / "out.tif"
    size = Size(1200, 500)  # several strips
    values = picture(size)
    write_still(path, size, bands(values, 64), bits=bits)
    wanted = {8: to_uint8, 16: to_uint16, 32: np.asarray}[bits](values)
    with tifffile.TiffFile(path) as file:
        assert len(file.pages[0].dataoffsets) > 1
        read = file.asarray()
    assert read.dtype == wanted.dtype
    np.testing.assert_array_equal(read, wanted)


def test_npy_is_the_unclamped_float_picture(tmp_path: Path) -> None:
    write_still(tmp_path / "out.npy", SIZE, bands(picture()))
    read = np.load(tmp_path / "out.npy")
    assert read.dtype == np.float32
    np.testing.assert_array_equal(read, picture())


def test_jpeg_is_the_picture(tmp_path: Path) -> None:
    write_still(tmp_path / "out.jpg", SIZE, bands(picture()))
    with Image.open(tmp_path / "out.jpg") as image:
        assert image.format == "JPEG"
        error = np.asarray(image).astype(int) - to_uint8(picture())
    assert np.abs(error).mean() < 3


@settings(max_examples=25, deadline=None)
@given(
    st.integers(1, 40), st.integers(1, 40), st.integers(1, 50), st.sampled_from([8, 16]), st.integers(0, 99)
)
def test_png_rows_round_trip_however_they_arrive(
    tmp_path_factory: pytest.TempPathFactory, width: int, height: int, rows: int, bits: int, seed: int
) -> None:
    path = tmp_path_factory.mktemp("png") / "out.png"
    rng = np.random.default_rng(seed)
    levels = rng.integers(0, 2**bits, (height, width, 3)).astype(np.uint8 if bits == 8 else np.uint16)
    levels[height // 2 :] = levels[0]  # noise above, repeated rows below: more than one filter is chosen
    with path.open("wb") as file:
        writer = PngWriter(file, width, height, bits)
        for top in range(0, height, rows):
            writer.write_rows(levels[top : top + rows])
        writer.close()
    if bits == 16:
        np.testing.assert_array_equal(read_png16(path), levels)
    else:
        with Image.open(path) as image:
            np.testing.assert_array_equal(np.asarray(image), levels)


def test_png_of_a_smooth_picture_is_smaller_than_pillows_default(tmp_path: Path) -> None:
    size = Size(400, 400)
    write_still(tmp_path / "ours.png", size, bands(picture(size)))
    Image.fromarray(to_uint8(picture(size))).save(tmp_path / "theirs.png")
    assert (tmp_path / "ours.png").stat().st_size < 1.1 * (tmp_path / "theirs.png").stat().st_size


def test_metadata_is_an_itxt_chunk_that_pillow_reads(tmp_path: Path) -> None:
    write_still(tmp_path / "out.png", SIZE, bands(picture()), metadata='{"name": "Größe ½"}')
    with Image.open(tmp_path / "out.png") as image:
        assert image.text["creps"] == '{"name": "Größe ½"}'


def test_large_tiff_is_bigtiff(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    chosen = {}

    class Stop(Exception):
        pass

    def writer(file: object, bigtiff: bool, **_: object) -> None:
        chosen["bigtiff"] = bigtiff
        raise Stop

    monkeypatch.setattr(tifffile, "TiffWriter", writer)
    for size, wanted in [(Size(4096, 4096), False), (Size(32768, 32768), True)]:
        with pytest.raises(Stop):
            write_still(tmp_path / "out.tif", size, iter([]), bits=16)
        assert chosen["bigtiff"] is wanted


@pytest.mark.parametrize(
    ("name", "bits", "size", "says"),
    [
        ("out.webp", 8, SIZE, "suffix"),
        ("out", 8, SIZE, "suffix"),
        ("out.png", 32, SIZE, "8 or 16 bits"),
        ("out.jpg", 16, SIZE, "has 8 bits"),
        ("out.npy", 16, SIZE, "has 32 bits"),
        ("out.jpg", 8, Size(65501, 2), "65500"),
        ("out.png", 8, Size(0, 5), "0x5"),
        ("missing/out.png", 8, SIZE, "does not exist"),
        ("folder.png", 8, SIZE, "is a folder"),
    ],
)
def test_bad_targets_are_refused_before_rendering(
    tmp_path: Path, name: str, bits: int, size: Size, says: str
) -> None:
    (tmp_path / "folder.png").mkdir()

    def never() -> Iterator[NDArray[np.float32]]:
        pytest.fail("rendering began")
        yield picture()

    with pytest.raises(InputError, match=says):
        check_target(tmp_path / name, bits, size)
    with pytest.raises(InputError, match=says):
        write_still(tmp_path / name, size, never(), bits=bits)


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="root may write anywhere")
def test_folder_without_permission_is_refused(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    with pytest.raises(InputError, match="not writable"):
        check_target(tmp_path / "out.png")


@pytest.mark.parametrize("suffix", [".png", ".tif", ".npy", ".jpg"])
@pytest.mark.parametrize("failure", [ValueError("broken"), KeyboardInterrupt(), MemoryError()])
def test_whatever_fails_the_old_file_stays(tmp_path: Path, suffix: str, failure: BaseException) -> None:
    path = tmp_path / f"out{suffix}"
    path.write_bytes(b"precious")

    def failing() -> Iterator[NDArray[np.float32]]:
        yield picture()[:20]
        raise failure

    with pytest.raises(type(failure)):
        write_still(path, SIZE, failing())
    assert path.read_bytes() == b"precious"
    assert [p.name for p in tmp_path.iterdir()] == [path.name]


@pytest.mark.parametrize("rows", [52, 54])
def test_wrong_number_of_rows_never_becomes_a_file(tmp_path: Path, rows: int) -> None:
    values = picture(Size(SIZE.width, rows))
    with pytest.raises(ValueError, match="rows"):
        write_still(tmp_path / "out.png", SIZE, bands(values))
    assert not list(tmp_path.iterdir())


def test_cancel_leaves_nothing(tmp_path: Path) -> None:
    token = CancelToken()

    def cancelling() -> Iterator[NDArray[np.float32]]:
        yield picture()[:20]
        token.cancel()
        yield picture()[20:]

    with pytest.raises(Cancelled):
        write_still(tmp_path / "out.png", SIZE, cancelling(), cancel=token)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("suffix", [".png", ".tif", ".npy", ".jpg"])
def test_full_disk_is_one_message_and_no_file(tmp_path: Path, suffix: str) -> None:
    """A real limit of the system: the process may write files of 20 kB at most."""
    code = f"""
        import resource, signal, sys
        from pathlib import Path
        import numpy as np
        import PIL.Image, tifffile
        from creps_core.errors import RunError
        from creps_core.stills import write_still
        from creps_core.view import Size
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))
        noise = np.random.default_rng(0).normal(size=(300, 200, 3)).astype(np.float32)
        try:
            write_still(Path({str(tmp_path)!r}) / "out{suffix}", Size(200, 300), [noise])
        except RunError as error:
            print(error)
    """
    (tmp_path / f"out{suffix}").write_bytes(b"precious")
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code)], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert "could not be written: file too large" in done.stdout
    assert len(done.stdout.splitlines()) == 1
    assert [p.read_bytes() for p in tmp_path.iterdir()] == [b"precious"]


def test_no_space_left_names_the_file(tmp_path: Path) -> None:
    def full() -> Iterator[NDArray[np.float32]]:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        yield picture()

    with pytest.raises(RunError, match=r"out\.png could not be written: no space left on device"):
        write_still(tmp_path / "out.png", SIZE, full())


def test_a_link_stays_a_link(tmp_path: Path) -> None:
    (tmp_path / "real.png").write_bytes(b"old")
    (tmp_path / "link.png").symlink_to("real.png")
    write_still(tmp_path / "link.png", SIZE, bands(picture()))
    assert (tmp_path / "link.png").is_symlink()
    with Image.open(tmp_path / "real.png") as image:
        assert image.size == SIZE


def test_interrupt_leaves_the_old_file(tmp_path: Path) -> None:
    """Ctrl-C while a real process writes."""
    (tmp_path / "out.png").write_bytes(b"precious")
    code = f"""
        import time
        from pathlib import Path
        import numpy as np
        from creps_core.stills import write_still
        from creps_core.view import Size
        def bands():
            while True:
                yield np.zeros((64, 4096, 3), np.float32)
                print("band", flush=True)
                time.sleep(0.01)
        write_still(Path({str(tmp_path)!r}) / "out.png", Size(4096, 10**7), bands())
    """
    process = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(code)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    assert process.stdout is not None
    with process:
        for _ in range(3):
            assert process.stdout.readline() == "band\n"
        assert len(list(tmp_path.iterdir())) == 2  # the temporary is really there
        process.send_signal(signal.SIGINT)
        deadline = time.monotonic() + 30
        while process.poll() is None and time.monotonic() < deadline:
            process.stdout.readline()
    assert process.returncode != 0
    assert [p.read_bytes() for p in tmp_path.iterdir()] == [b"precious"]


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="ru_maxrss in kB")
@pytest.mark.parametrize("suffix", [".png", ".tif", ".npy"])
def test_memory_does_not_grow_with_the_picture(tmp_path: Path, suffix: str) -> None:
    """Eight times the rows cost less than 16 MB more (the promise for the whole export is 32 MB)."""
    code = """
        import resource, sys
        from pathlib import Path
        import numpy as np
        import tifffile
        from creps_core.stills import write_still
        from creps_core.view import Size
        height = int(sys.argv[2])
        band = np.random.default_rng(0).normal(0, 0.5, (64, 1024, 3)).astype(np.float32)
        write_still(Path(sys.argv[1]), Size(1024, height), (band for _ in range(height // 64)))
        print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
    """
    peak = [
        int(
            subprocess.run(
                [sys.executable, "-c", textwrap.dedent(code), str(tmp_path / f"out{suffix}"), str(height)],
                cwd=ROOT,
                capture_output=True,
                text=True,
                check=True,
            ).stdout
        )
        for height in (1024, 8192)
    ]
    assert peak[1] - peak[0] < 16 * 1024


def test_pillow_reads_one_page_of_our_tiff(tmp_path: Path) -> None:
    write_still(tmp_path / "out.tif", SIZE, bands(picture()), bits=8)
    with Image.open(tmp_path / "out.tif") as image:
        assert len(list(ImageSequence.Iterator(image))) == 1
