"""creps-render: the picture is the network's, every flag does what it says, every error is one line."""

from __future__ import annotations

import fcntl
import json
import os
import pty
import shutil
import signal
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from PIL import Image

from creps_core.cli import render
from creps_core.cli.render_request import RenderFlags, resolve, window_view
from creps_core.errors import InputError
from creps_core.grid import grid_for, window_grid
from creps_core.image import to_uint8
from creps_core.latents import mix_from, resolve_ws
from creps_core.session import CheckpointRef, Session, read_session, session_to_json, write_session
from creps_core.source import Source
from creps_core.view import Size, View
from creps_core.warps import parse_warp

ROOT = Path(__file__).parents[2]
PKL = ROOT / "tests/data/golden/creps-64-random.pkl"
CONDITIONAL = ROOT / "tests/data/golden/creps-32-conditional-clamped.pkl"

Command = Callable[..., "Result"]


class Result:
    """How the command left, and what it said."""

    def __init__(self, code: int, error: str) -> None:
        self.code = code
        self.error = error


@pytest.fixture
def creps_render(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Command:
    """Run the console script's function in this process."""

    def call(*arguments: object) -> Result:
        handler = signal.getsignal(signal.SIGTERM)
        monkeypatch.setattr(sys, "argv", ["creps-render", *map(str, arguments)])
        try:
            with pytest.raises(SystemExit) as left:
                render.main()
        finally:
            signal.signal(signal.SIGTERM, handler)
        code = left.value.code
        return Result(code if isinstance(code, int) else 0, capsys.readouterr().err)

    return call


def reference(
    generator: Any, view: View, size: Size, *sources: Source, mix: Any = None
) -> NDArray[np.float32]:
    """What the reference network gives on the view's own coordinates, [H, W, 3]."""
    grid = grid_for(view, size)
    assert not grid.transposed
    rows, columns = (torch.from_numpy(line.values()).float() for line in (grid.y, grid.x))
    with torch.no_grad():
        image = generator.synthesis(resolve_ws(generator, sources, mix), rows, columns)
    return image[0].permute(1, 2, 0).numpy()


def test_npy_is_the_network_at_the_views_coordinates(
    creps_render: Command, tmp_path: Path, generator: Any
) -> None:
    out = tmp_path / "a.npy"
    arguments = ["--seed", 3, "--trunc", 0.6, "--trunc-cutoff", 4, "--center", "-0.25,0.125", "--zoom", 3.5]
    result = creps_render("--ckpt", PKL, *arguments, "--stretch", "2,-1", "--size", "40x27", "--out", out)
    assert (result.code, result.error) == (0, "")
    view = View.from_zoom(3.5, center_x=Fraction("-0.25"), center_y=Fraction("0.125"), stretch=(2, -1))
    wanted = reference(generator, view, Size(40, 27), Source(seed=3, psi=0.6, cutoff=4))
    read = np.load(out)
    assert read.dtype == np.float32
    assert read.shape == (27, 40, 3)
    np.testing.assert_allclose(read, wanted, atol=1e-4)


def test_mixing_takes_the_later_styles_from_the_second_seed(
    creps_render: Command, tmp_path: Path, generator: Any
) -> None:
    out = tmp_path / "a.npy"
    mixing = ["--seed", 0, "--mix-seed", 1, "--mix-from", 5, "--trunc", 0.7]
    assert creps_render("--ckpt", PKL, *mixing, "--size", "16x16", "--out", out).code == 0
    mix = mix_from(generator.config.num_ws, 5)
    sources = (Source(seed=0, psi=0.7), Source(seed=1, psi=0.7))
    np.testing.assert_allclose(
        np.load(out), reference(generator, View(), Size(16, 16), *sources, mix=mix), atol=1e-4
    )


@pytest.mark.parametrize("grid", ["home", "window", "outside", "deep"])
@pytest.mark.parametrize(
    ("ws", "flags"),
    [
        ("ws.seed0.psi1.0", ["--seed", 0]),
        ("ws.seed77.psi0.7", ["--seed", 77, "--trunc", 0.7]),
        ("ws.mix.seed0.seed1.from5", ["--seed", 0, "--mix-seed", 1, "--mix-from", 5]),
    ],
)
def test_window_gives_the_published_pictures(
    creps_render: Command, tmp_path: Path, golden: Any, grid: str, ws: str, flags: list[object]
) -> None:
    tensors = golden("creps-64-random").tensors
    rows, columns = (tensors[f"grid.{grid}.{axis}"].double() for axis in ("rows", "cols"))
    ends = ",".join(f"{value:.17g}" for value in (rows[0], columns[0], rows[-1], columns[-1]))
    size, out = f"{len(columns)}x{len(rows)}", tmp_path / "a.npy"
    assert creps_render("--ckpt", PKL, *flags, "--window", ends, "--size", size, "--out", out).code == 0
    wanted = tensors[f"image.{grid}.{ws}"][0].permute(1, 2, 0).numpy()
    np.testing.assert_allclose(np.load(out), wanted, atol=1e-4)


def test_classes_reach_a_conditional_network(creps_render: Command, tmp_path: Path, golden: Any) -> None:
    tensors = golden("creps-32-conditional-clamped").tensors
    out = tmp_path / "a.npy"
    window = ["--window", "0,0,1,1", "--size", "32x32", "--out", out]
    assert creps_render("--ckpt", CONDITIONAL, "--seed", 0, "--class", 2, *window).code == 0
    wanted = tensors["image.home.ws.seed0.psi1.0"][0].permute(1, 2, 0).numpy()
    np.testing.assert_allclose(np.load(out), wanted, atol=1e-4 * np.abs(wanted).max())
    result = creps_render("--ckpt", CONDITIONAL, "--class", 9, *window)
    assert (result.code, result.error) == (2, "creps-render: error: class 9 is outside 0 … 3\n")
    assert "no classes" in creps_render("--ckpt", PKL, "--class", 1, *window).error


def test_png_is_the_quantised_float_picture(creps_render: Command, tmp_path: Path) -> None:
    shared = ["--ckpt", PKL, "--seed", 5, "--size", "60x44", "--outside", "generate", "--zoom", 0.8]
    assert creps_render(*shared, "--out", tmp_path / "a.png").code == 0
    assert creps_render(*shared, "--out", tmp_path / "a.npy").code == 0
    with Image.open(tmp_path / "a.png") as image:
        np.testing.assert_array_equal(np.asarray(image), to_uint8(np.load(tmp_path / "a.npy")))


def test_outside_fades_into_the_ground_but_never_in_npy(
    creps_render: Command, tmp_path: Path, generator: Any
) -> None:
    shared = ["--ckpt", PKL, "--zoom", 0.25, "--size", "40x40", "--out"]
    assert creps_render(*shared, tmp_path / "a.png").code == 0
    with Image.open(tmp_path / "a.png") as image:
        assert image.getpixel((1, 1)) == (0x0E, 0x10, 0x13)
    assert creps_render(*shared, tmp_path / "a.npy", "--outside", "fade").code == 0
    wanted = reference(generator, View.from_zoom(0.25), Size(40, 40), Source(seed=0))
    np.testing.assert_allclose(np.load(tmp_path / "a.npy"), wanted, atol=1e-4)


@pytest.mark.parametrize(
    "flags",
    [
        ["--seed", 9, "--trunc", 0.5, "--zoom", 2.7, "--center", "0.3,0.61"],
        ["--rotate", 30, "--warp", "lens:0.1,0,0.3,1", "--warp", "tilt:0.2,-0.1", "--outside", "generate"],
        ["--seed", 1, "--mix-seed", 2, "--mix-from", 3, "--rotate", -90, "--stretch", "1,-1.5"],
    ],
    ids=["plain", "bent", "mixed"],
)
def test_a_picture_carries_what_makes_it_again(
    creps_render: Command, tmp_path: Path, flags: list[object]
) -> None:
    shutil.copy(PKL, tmp_path / "model.pkl")
    first, second = tmp_path / "first.png", tmp_path / "second.png"
    ckpt = ["--ckpt", tmp_path / "model.pkl"]
    assert creps_render(*ckpt, *flags, "--size", "48x30", "--out", first).code == 0
    assert str(tmp_path).encode() not in first.read_bytes()
    result = creps_render("--session", first, "--out", second)  # found beside the picture, by name and sha256
    assert (result.code, result.error) == (0, "")
    assert second.read_bytes() == first.read_bytes()


def test_flags_override_the_session(creps_render: Command, tmp_path: Path) -> None:
    session = Session(
        CheckpointRef("creps-64-random.pkl", "", str(PKL)),
        sources=(Source(seed=4, psi=0.5),),
        view=View(rotation_deg=180),
        size=Size(20, 30),
        unknown={"note": "kept"},
    )
    write_session(tmp_path / "s.json", session)
    out = tmp_path / "a.png"
    assert creps_render("--session", tmp_path / "s.json", "--seed", 6, "--zoom", 2, "--out", out).code == 0
    made = read_session(out)
    assert made.sources == (Source(seed=6, psi=0.5),)
    assert made.view == View.from_zoom(2, rotation_deg=180)
    assert made.size == Size(20, 30)
    assert made.unknown == {"note": "kept"}
    assert len(made.checkpoint.sha256) == 64


def test_without_a_checkpoint_the_bundled_model_is_taken(creps_render: Command, tmp_path: Path) -> None:
    from creps_core.checkpoint import bundled_checkpoint

    assert creps_render("--size", "8x8", "--out", tmp_path / "a.png").code == 0
    assert read_session(tmp_path / "a.png").checkpoint.name == bundled_checkpoint().name


def test_another_file_under_the_sessions_name_is_refused(creps_render: Command, tmp_path: Path) -> None:
    shutil.copy(PKL, tmp_path / "model.pkl")
    session = Session(CheckpointRef("model.pkl", "ab" * 32), size=Size(4, 4))
    (tmp_path / "s.json").write_text(session_to_json(session))
    result = creps_render("--session", tmp_path / "s.json", "--out", tmp_path / "a.png")
    assert result.code == 2
    assert "abababababab" in result.error
    assert "model.pkl" in result.error
    given = ["--ckpt", tmp_path / "model.pkl"]  # who names a file, means it
    assert creps_render("--session", tmp_path / "s.json", *given, "--out", tmp_path / "a.png").code == 0


BAD = [
    (["--out", "a.png"], "--size WxH is missing"),
    (["--size", "10x10"], "Missing option '--out'"),
    (["--size", "10", "--out", "a.png"], "not a size such as 1280x800"),
    (["--size", "0x10", "--out", "a.png"], "both sides must be 1"),
    (["--size", "9x9", "--out", "a.bmp"], "suffix"),
    (["--size", "9x9", "--out", "a.png", "--bits", "32"], "8 or 16 bits"),
    (["--size", "9x9", "--out", "none/a.png"], "does not exist"),
    (["--size", "9x9", "--out", "a.png", "--seed", "-1"], "--seed"),
    (["--size", "9x9", "--out", "a.png", "--seed", "4294967296"], "--seed"),
    (["--size", "9x9", "--out", "a.png", "--trunc", "nan"], "finite"),
    (["--size", "9x9", "--out", "a.png", "--center", "1"], "expected X,Y"),
    (["--size", "9x9", "--out", "a.png", "--center", "a,b"], "decimal"),
    (["--size", "9x9", "--out", "a.png", "--zoom", "0"], "positive"),
    (["--size", "9x9", "--out", "a.png", "--stretch", "0,1"], "stretch"),
    (["--size", "9x9", "--out", "a.png", "--warp", "blob:1"], "blob"),
    (["--size", "9x9", "--out", "a.png", "--outside", "blue"], "--outside"),
    (["--size", "9x9", "--out", "a.png", "--device", "tpu"], "not one of auto, cpu"),
    (["--size", "9x9", "--out", "a.png", "--mix-seed", "1"], "belong together"),
    (["--size", "9x9", "--out", "a.png", "--mix-seed", "1", "--mix-from", "99"], "mix-from 99"),
    (["--size", "9x9", "--out", "a.png", "--window", "0,0,1"], "expected Y0,X0,Y1,X1"),
    (["--size", "9x9", "--out", "a.png", "--window", "0,0,1,1", "--zoom", "2"], "leave out --zoom"),
    (["--size", "9x9", "--out", "a.png", "--window", "0,0,1,1", "--warp", "tilt:0.1,0"], "leave out --warp"),
    (["--size", "9x9", "--out", "a.png", "--session", "none.json"], "no such file"),
    (["--size", "9x9", "--out", "a.png", "--ckpt", "none.pkl"], "none.pkl"),
    (["--size", "9x9", "--out", "a.png", "--pyramid"], "only .tif holds a pyramid"),
    (["--size", "9x9", "--out", "a.dzi", "--bits", "16"], "Deep Zoom has 8 bits"),
    (["--size", "9x9", "--out", "a.png", "--sheet", "5-2"], "seeds go up"),
    (["--size", "9x9", "--out", "a.png", "--sheet", "0-3", "--seed", "1"], "leave out --seed"),
    (["--size", "9x9", "--out", "a.png", "--columns", "3"], "belongs to --sheet"),
    (["--size", "9x9", "--out", "a.png", "--nonsense"], "--nonsense"),
    (["--size", "9x9", "--out", "a.png", "more"], "more"),
]


@pytest.mark.parametrize(("arguments", "says"), BAD, ids=[says for _, says in BAD])
def test_bad_usage_is_one_line_and_exit_2(
    creps_render: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str], says: str
) -> None:
    monkeypatch.chdir(tmp_path)
    result = creps_render("--ckpt", PKL, *arguments)
    assert result.code == 2
    assert result.error.startswith("creps-render: error: ")
    assert says in result.error
    assert result.error.count("\n") == 1
    assert not list(tmp_path.iterdir())


def test_debug_shows_the_traceback(creps_render: Command, tmp_path: Path) -> None:
    arguments = ["--ckpt", tmp_path / "none.pkl", "--size", "9x9", "--out", tmp_path / "a.png"]
    assert "Traceback" not in creps_render(*arguments).error
    assert "Traceback" in creps_render(*arguments, "--debug").error


def start(*arguments: object, **options: Any) -> subprocess.Popen[bytes]:
    code = "from creps_core.cli.render import main; main()"
    command = [sys.executable, "-c", code, *map(str, arguments)]
    return subprocess.Popen(command, cwd=ROOT, **options)


@pytest.mark.parametrize(("sent", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_interrupted_in_the_middle_it_leaves_the_old_file(tmp_path: Path, sent: int, code: int) -> None:
    out = tmp_path / "a.png"
    out.write_bytes(b"precious")
    arguments = ["--ckpt", PKL, "--size", "4096x100000", "--device", "cpu", "--out", out]
    with start(*arguments, stderr=subprocess.PIPE) as process:
        deadline = time.monotonic() + 60
        # Rendering has begun once the temporary beside the target has rows in it.
        while not any(p != out and p.stat().st_size > 1000 for p in tmp_path.iterdir()):
            assert process.poll() is None
            assert time.monotonic() < deadline
            time.sleep(0.02)
        process.send_signal(sent)
        _, error = process.communicate(timeout=30)
    assert process.returncode == code
    assert b"Traceback" not in error
    assert error.count(b"\n") == (1 if sent == signal.SIGINT else 0)
    assert [p.read_bytes() for p in tmp_path.iterdir()] == [b"precious"]


def test_progress_shows_on_a_terminal_only(tmp_path: Path) -> None:
    arguments = ["--ckpt", PKL, "--size", "70x90", "--out", tmp_path / "a.png"]
    with start(*arguments, stderr=subprocess.PIPE) as process:
        assert process.communicate(timeout=60)[1] == b""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
    with start(*arguments, stderr=theirs) as process:
        os.close(theirs)
        shown = b""
        try:
            while block := os.read(ours, 4096):
                shown += block
        except OSError:
            pass  # how a pseudo-terminal says that its other end closed
    os.close(ours)
    assert process.returncode == 0
    assert b"a.png" in shown
    assert b"/90 [" in shown


@pytest.mark.parametrize("name", ["a.dzi", "a.tif"])
def test_tiles_that_were_interrupted_are_gone_on_with(
    creps_render: Command, tmp_path: Path, name: str
) -> None:
    """A real Ctrl-C; then the same command, whose tiles are those of a plain picture."""
    out, options = tmp_path / name, ["--pyramid"] if name == "a.tif" else []
    arguments = ["--ckpt", PKL, "--size", "1100x1030", "--device", "cpu", *options, "--out", out]
    with start(*arguments, stderr=subprocess.PIPE) as process:
        deadline, first = time.monotonic() + 60, tmp_path / f"{name}.part"
        while sum(p.stat().st_size for p in first.rglob("*") if p.suffix in (".png", ".bin")) == 0:
            assert process.poll() is None
            assert time.monotonic() < deadline
            time.sleep(0.01)
        process.send_signal(signal.SIGINT)
        _, error = process.communicate(timeout=30)
    assert process.returncode == 130
    assert f"what is complete is kept in {name}.part".encode() in error
    assert [p.name for p in tmp_path.iterdir()] == [f"{name}.part"]
    assert creps_render(*arguments).code == 0
    assert not (tmp_path / f"{name}.part").exists()
    assert creps_render("--session", out, "--ckpt", PKL, "--out", tmp_path / "plain.png").code == 0
    with Image.open(tmp_path / "plain.png") as plain:
        tile = np.asarray(plain)[512:1024, 1024:1100]
        top, left = (512, 1024) if name == "a.tif" else (0, 0)
        with Image.open(out if name == "a.tif" else tmp_path / "a_files" / "11" / "2_1.png") as image:
            np.testing.assert_array_equal(np.asarray(image)[top : top + 512, left : left + 76], tile)


def test_a_sheet_is_a_picture_per_seed_and_carries_the_first(creps_render: Command, tmp_path: Path) -> None:
    shared = ["--ckpt", PKL, "--size", "40x30", "--zoom", 2]
    sheet = ["--sheet", "7,2-3", "--columns", 3]
    assert creps_render(*shared, *sheet, "--no-labels", "--out", tmp_path / "sheet.png").code == 0
    assert creps_render(*shared, "--seed", 3, "--out", tmp_path / "three.png").code == 0
    with Image.open(tmp_path / "sheet.png") as whole, Image.open(tmp_path / "three.png") as three:
        assert whole.size == (3 * 44 - 4, 30)
        np.testing.assert_array_equal(np.asarray(whole)[:, 88:], np.asarray(three))
    assert creps_render(*shared, *sheet, "--out", tmp_path / "labelled.png").code == 0
    with Image.open(tmp_path / "labelled.png") as labelled:
        assert labelled.size == (3 * 44 - 4, 30 + 14)
    session = read_session(tmp_path / "sheet.png")
    assert (session.sources, session.size) == ((Source(seed=7),), Size(40, 30))
    again = creps_render("--session", tmp_path / "sheet.png", "--ckpt", PKL, "--out", tmp_path / "seven.png")
    assert again.code == 0
    assert "sheet" not in read_session(tmp_path / "seven.png").unknown


def test_a_window_becomes_the_view_that_shows_it() -> None:
    """The samples of the view written into a --window picture are the window's own, to rounding."""
    window = tuple(map(Fraction, ("-0.25", "0.5", "0.75", "0.125")))
    size = Size(37, 52)
    view = window_view(window, size)  # type: ignore[arg-type]
    assert view is not None
    made, wanted = grid_for(view, size), window_grid(*window, size)
    np.testing.assert_allclose(made.y.values(), wanted.y.values(), atol=1e-12)
    np.testing.assert_allclose(made.x.values(), wanted.x.values(), atol=1e-12)
    assert window_view((Fraction(0),) * 4, size) is None


def test_flags_alone_take_the_documented_defaults() -> None:
    request = resolve(RenderFlags(size=Size(4, 3)), None, always_generate=False)
    assert (request.sources, request.view, request.outside) == ((Source(seed=0),), View(), "fade")
    assert resolve(RenderFlags(size=Size(4, 3)), None, always_generate=True).outside == "generate"


def test_a_new_second_seed_replaces_the_sessions_mix() -> None:
    session = Session(
        CheckpointRef("a", ""), sources=(Source(seed=1), Source(seed=2)), mix=((0.5, 0.5),), size=Size(2, 2)
    )
    kept = resolve(RenderFlags(trunc=0.25), session, always_generate=False)
    assert kept.sources == (Source(seed=1, psi=0.25), Source(seed=2, psi=0.25))
    assert kept.mix == ((0.5, 0.5),)
    changed = resolve(RenderFlags(mix_seed=9, mix_from=4), session, always_generate=False)
    assert changed.sources == (Source(seed=1), Source(seed=9))
    assert (changed.mix, changed.mix_from) == (None, 4)


def test_warps_replace_the_sessions_warps() -> None:
    old, new = parse_warp("tilt:0.1,0"), parse_warp("wave:0.1,0,2,0,0")
    session = Session(CheckpointRef("a", ""), view=View(warps=(old,)), size=Size(2, 2))
    request = resolve(RenderFlags(warps=(new,)), session, always_generate=False)
    assert request.view is not None
    assert request.view.warps == (new,)


def test_contradictions_name_every_flag() -> None:
    flags = RenderFlags(size=Size(2, 2), window=(Fraction(0),) * 4, zoom=2.0, rotate=3.0)
    with pytest.raises(InputError, match="leave out --zoom and --rotate"):
        resolve(flags, None, always_generate=False)


def test_help_names_every_option(creps_render: Command, capsys: pytest.CaptureFixture[str]) -> None:
    completed = subprocess.run(
        [sys.executable, "-c", "from creps_core.cli.render import main; main()", "--help"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    options = "ckpt seed class trunc trunc-cutoff mix-seed mix-from center zoom rotate stretch warp outside"
    for name in f"{options} window size out bits device session debug".split():
        assert f"--{name} " in completed.stdout
    assert json.dumps("bundled model")[1:-1] in completed.stdout
