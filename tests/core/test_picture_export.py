"""Pyramids and Deep Zoom: the renderer's very pixels, read back by others; interrupted, gone on with."""

from __future__ import annotations

import errno
import html.parser
import itertools
import json
import os
import re
import signal
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest
import tifffile
from numpy.typing import NDArray
from PIL import Image

from creps_core.cancel import CancelToken
from creps_core.contact_sheet import picture_of
from creps_core.errors import Cancelled, InputError, RunError
from creps_core.grid import GeneralGrid, SeparableGrid, grid_for
from creps_core.image import to_uint8, to_uint16
from creps_core.latents import resolve_ws
from creps_core.lattice import Rect
from creps_core.picture import ViewPicture
from creps_core.picture_export import ExportOptions, check_export, export_picture
from creps_core.pyramid import halved
from creps_core.renderer import Renderer
from creps_core.session import CheckpointRef, Session, read_session, session_to_json
from creps_core.sheet import Sheet, parse_seeds, session_of
from creps_core.source import Source
from creps_core.view import Size, View
from creps_core.warps import Lens

ROOT = Path(__file__).parents[2]
SIZE = Size(150, 101)
LATENTS = ((Source(seed=3),), None)
SMALL = ExportOptions(tile_px=32)
VIEWS = {
    "plain": View(outside="generate"),
    "turned": View(rotation_deg=20),
    "quarter": View(rotation_deg=90, log2_zoom=1),
    "bent": View(warps=(Lens(0.1, 0.0, 0.3, 1.5),)),
}
SESSION = session_to_json(Session(CheckpointRef("m.safetensors", "ab" * 32), size=SIZE), portable=True)
DZI = "{http://schemas.microsoft.com/deepzoom/2008}"


@pytest.fixture(scope="module")
def renderer(generator: Any) -> Iterator[Renderer]:
    renderer = Renderer(generator, "cpu", threads=2)
    yield renderer
    renderer.close()


class Synthetic:
    """A picture of noise, for everything that is not about rendering; may fail at a tile."""

    identity = "noise"

    def __init__(self, size: Size = SIZE, fail: tuple[int, BaseException] | None = None) -> None:
        self.size, self._fail = size, fail
        self.pixels = np.random.default_rng(1).normal(0, 0.6, (size.height, size.width, 3)).astype(np.float32)
        self.asked: list[Rect] = []

    def area(self, rect: Rect) -> NDArray[np.float32]:
        if self._fail is not None and len(self.asked) == self._fail[0]:
            raise self._fail[1]
        self.asked.append(rect)
        return self.pixels[rect.top : rect.bottom, rect.left : rect.right]

    def bands(self, progress: Any = None) -> Iterator[NDArray[np.float32]]:
        yield self.pixels


def target(folder: Path, kind: str) -> tuple[Path, ExportOptions]:
    if kind == "dzi":
        return folder / "out.dzi", SMALL
    return folder / "out.tif", ExportOptions(int(kind[3:]), pyramid=True, tile_px=32)


def quantised(values: NDArray[np.float32], kind: str) -> NDArray[Any]:
    return {"dzi": to_uint8, "tif8": to_uint8, "tif16": to_uint16, "tif32": np.asarray}[kind](values)


def levels_of(path: Path) -> list[NDArray[Any]]:
    """Every level as a reader sees it, the full size first."""
    if path.suffix == ".tif":
        with tifffile.TiffFile(path) as file:
            return [level.asarray() for level in file.series[0].levels]
    image = ElementTree.parse(path).getroot()
    size = image.find(f"{DZI}Size")
    assert image.tag == f"{DZI}Image"
    assert size is not None
    assert (image.get("Format"), image.get("Overlap")) == ("png", "0")
    files, tile = path.with_name(f"{path.stem}_files"), int(image.attrib["TileSize"])
    width, height = int(size.attrib["Width"]), int(size.attrib["Height"])
    names = sorted((int(folder.name) for folder in files.iterdir()), reverse=True)
    assert names == list(range(len(names) - 1, -1, -1))
    levels = []
    for name in names:
        rows, columns = -(-height // tile), -(-width // tile)
        read = [
            np.concatenate([np.asarray(Image.open(files / f"{name}/{c}_{r}.png")) for c in range(columns)], 1)
            for r in range(rows)
        ]
        assert len(list((files / str(name)).iterdir())) == rows * columns
        levels.append(np.concatenate(read))
        assert levels[-1].shape == (height, width, 3)
        width, height = -(-width // 2), -(-height // 2)
    return levels


@pytest.mark.parametrize("view", VIEWS)
@pytest.mark.parametrize("kind", ["dzi", "tif8", "tif16", "tif32"])
def test_the_full_size_is_a_plain_render_and_every_level_the_mean_of_the_one_below(
    tmp_path: Path, renderer: Renderer, kind: str, view: str
) -> None:
    grid, outside = grid_for(VIEWS[view], SIZE), VIEWS[view].outside
    assert isinstance(grid, SeparableGrid if view in ("plain", "quarter") else GeneralGrid)
    plain = renderer.render(renderer.plan(resolve_ws(renderer.generator, *LATENTS)), grid, outside=outside)
    path, options = target(tmp_path, kind)
    export_picture(path, picture_of(renderer, LATENTS, grid, outside), options, metadata=SESSION)
    levels = levels_of(path)
    np.testing.assert_array_equal(levels[0], quantised(plain, kind))
    for below, level in itertools.pairwise(levels):
        np.testing.assert_array_equal(level, halved(below))
    assert kind != "dzi" or levels[-1].shape == (1, 1, 3)
    assert max(levels[-1].shape[:2]) <= 32
    assert not list(tmp_path.glob("*.part"))


def test_areas_are_shared_between_tiles_within_the_cache(renderer: Renderer) -> None:
    """Few tables fit: tiles are still the plain picture's."""
    grid = grid_for(VIEWS["plain"], SIZE)
    plan = renderer.plan(resolve_ws(renderer.generator, *LATENTS))
    picture, plain = ViewPicture(renderer, plan, grid), renderer.render(plan, grid)
    kept, renderer.cache_bytes = renderer.cache_bytes, 4 * 400_000
    try:
        for rect in (Rect(0, 0, 40, 40), Rect(0, 40, 40, 80), Rect(40, 0, 80, 40), Rect(0, 0, 40, 40)):
            part = plain[rect.top : rect.bottom, rect.left : rect.right]
            np.testing.assert_array_equal(picture.area(rect), part)
            assert sum(table.nbytes for table in picture._tables.values()) <= 400_000
    finally:
        renderer.cache_bytes = kept


def test_a_tiff_is_a_bigtiff_that_others_read(tmp_path: Path) -> None:
    path, options = target(tmp_path, "tif8")
    picture = Synthetic()
    export_picture(path, picture, options, metadata=SESSION)
    with tifffile.TiffFile(path) as file:
        assert file.is_bigtiff
        assert len(file.series) == 1
        assert [page.subfiletype for page in file.pages] == [0, 1, 1, 1]
        assert file.pages[0].tile == (32, 32)
        assert file.pages[0].description == SESSION
    with Image.open(path) as image:
        np.testing.assert_array_equal(np.asarray(image), to_uint8(picture.pixels))


@pytest.mark.parametrize("name", ["out.dzi", "out.tif", "plain.tif", "out.png"])
def test_the_session_comes_back(tmp_path: Path, name: str) -> None:
    options = ExportOptions(pyramid=name == "out.tif", tile_px=32)
    export_picture(tmp_path / name, Synthetic(), options, metadata=SESSION)
    assert session_to_json(read_session(tmp_path / name)) == SESSION


@pytest.mark.parametrize("order", "<>")
@pytest.mark.parametrize("big", [False, True])
def test_descriptions_of_all_kinds_of_tiff_are_read(tmp_path: Path, order: str, big: bool) -> None:
    path = tmp_path / "a.tif"
    pixels = np.zeros((4, 4), np.uint8)
    tifffile.imwrite(path, pixels, bigtiff=big, byteorder=order, description=SESSION, metadata=None)
    assert session_to_json(read_session(path)) == SESSION
    tifffile.imwrite(path, pixels, bigtiff=big, byteorder=order, metadata=None)
    with pytest.raises(InputError, match="carries no session"):
        read_session(path)
    whole = path.read_bytes()
    for end in range(4, 40):
        path.write_bytes(whole[:end])
        with pytest.raises(InputError):
            read_session(path)


class Page(html.parser.HTMLParser):
    """What a page would load, and its script."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.loads: list[str] = []
        self.tags: list[str] = []
        self.title = self.script = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.loads += [value or "" for name, value in attrs if name in ("src", "href")]

    def handle_data(self, data: str) -> None:
        if self.tags and self.tags[-1] in ("title", "script"):
            setattr(self, self.tags[-1], getattr(self, self.tags[-1]) + data)


def test_the_page_needs_nothing_but_the_tiles_beside_it(tmp_path: Path) -> None:
    path = tmp_path / "a #1 <b>é%.dzi"
    export_picture(path, Synthetic(), SMALL, metadata=SESSION)
    text = path.with_suffix(".html").read_text("utf-8")
    page = Page(text)
    assert page.loads == []
    assert not re.search(r"https?:|fetch|XMLHttp|import", text)
    assert str(tmp_path) not in text
    assert page.title.strip().startswith("a #1 <b>é%")
    found = re.search(r"const picture = (\{.*\});", page.script)
    assert found is not None
    picture = json.loads(found[1])
    assert picture["files"] == "a%20%231%20%3Cb%3E%C3%A9%25_files/"
    assert (picture["width"], picture["height"], picture["tile"], picture["levels"]) == (150, 101, 32, 9)
    assert {"canvas", "output", "button"} <= set(page.tags)


@pytest.mark.parametrize("kind", ["dzi", "tif16"])
@pytest.mark.parametrize(
    "failure", [KeyboardInterrupt(), Cancelled("x"), MemoryError(), OSError(errno.ENOSPC, "full")]
)
def test_interrupted_nothing_has_the_name_and_the_same_request_goes_on(
    tmp_path: Path, kind: str, failure: BaseException
) -> None:
    path, options = target(tmp_path, kind)
    kinds = RunError if isinstance(failure, OSError) else type(failure)
    with pytest.raises(kinds) as raised:
        export_picture(path, Synthetic(fail=(7, failure)), options, metadata=SESSION)
    assert [entry.name for entry in tmp_path.iterdir()] == [f"{path.name}.part"]
    if not isinstance(failure, MemoryError):
        assert "is kept in out." in str(raised.value)
    second, seen = Synthetic(), []
    export_picture(path, second, options, metadata=SESSION, progress=lambda *now: seen.append(now))
    assert len(second.asked) == 20 - 7
    assert seen[-1] == (20, 20, 7)
    fresh = tmp_path / "fresh"
    fresh.mkdir()
    export_picture(fresh / path.name, Synthetic(), options, metadata=SESSION)
    for one, other in zip(levels_of(path), levels_of(fresh / path.name), strict=True):
        np.testing.assert_array_equal(one, other)
    assert not list(tmp_path.glob("*.part"))


@pytest.mark.parametrize("kind", ["dzi", "tif8"])
def test_another_request_does_not_go_on_with_foreign_tiles(tmp_path: Path, kind: str) -> None:
    path, options = target(tmp_path, kind)
    with pytest.raises(Cancelled):
        export_picture(path, Synthetic(fail=(3, Cancelled("x"))), options, metadata=SESSION)
    for request in (
        {"picture": Synthetic(Size(150, 102)), "options": options},
        {"picture": Synthetic(), "options": options, "checkpoint": "another"},
    ):
        with pytest.raises(InputError, match="another picture"):
            export_picture(path, metadata=SESSION, **request)  # type: ignore[arg-type]
    export_picture(path, Synthetic(), options, metadata=SESSION)  # and what was there is still good
    np.testing.assert_array_equal(levels_of(path)[0], to_uint8(Synthetic().pixels))


@pytest.mark.parametrize("kind", ["dzi", "tif8"])
def test_an_earlier_picture_stays_until_the_new_one_is_whole(tmp_path: Path, kind: str) -> None:
    path, options = target(tmp_path, kind)
    export_picture(path, Synthetic(Size(70, 40)), options, metadata=SESSION)
    with pytest.raises(Cancelled):
        export_picture(path, Synthetic(fail=(3, Cancelled("x"))), options)
    assert levels_of(path)[0].shape == (40, 70, 3)
    export_picture(path, Synthetic(), options)
    assert levels_of(path)[0].shape == (101, 150, 3)
    assert not path.with_suffix(".session.json").exists()


@pytest.mark.parametrize("step", range(5))
def test_interrupted_while_finishing_a_deep_zoom_picture_is_whole_or_not_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: int
) -> None:
    path = tmp_path / "out.dzi"
    export_picture(path, Synthetic(Size(70, 40)), SMALL, metadata=SESSION)
    calls = 0

    def stopping(real: Any) -> Any:
        def call(*args: Any, **more: Any) -> Any:
            nonlocal calls
            if "request.json" not in str(args) and not str(args[-1]).endswith(".png"):
                if calls == step:
                    raise KeyboardInterrupt
                calls += 1
            return real(*args, **more)

        return call

    with monkeypatch.context() as patch:
        # What gives names at the end: two renames of folders; session, page and .dzi.
        patch.setattr(Path, "rename", stopping(Path.rename))
        patch.setattr(os, "replace", stopping(os.replace))
        with pytest.raises(KeyboardInterrupt):
            export_picture(path, Synthetic(), SMALL, metadata=SESSION)
    assert not path.exists() or levels_of(path)[0].shape == (101, 150, 3)
    second = Synthetic()
    export_picture(path, second, SMALL, metadata=SESSION)
    assert second.asked == []
    np.testing.assert_array_equal(levels_of(path)[0], to_uint8(second.pixels))
    assert not list(tmp_path.glob("*.part"))


@pytest.mark.parametrize("kind", ["dzi", "tif16"])
def test_a_damaged_tile_is_made_again(tmp_path: Path, kind: str) -> None:
    path, options = target(tmp_path, kind)
    with pytest.raises(Cancelled):
        export_picture(path, Synthetic(fail=(3, Cancelled("x"))), options)
    work = tmp_path / f"{path.name}.part"
    if kind == "dzi":
        tile = next(work.glob("tiles/*/0_0.png"))
        tile.write_bytes(tile.read_bytes()[:60])
    else:
        (work / "tiles.bin").write_bytes((work / "tiles.bin").read_bytes() + b"torn")
        data = bytearray((work / "picture.tif").read_bytes())
        data[-40:] = bytes(40)
        (work / "picture.tif").write_bytes(data)
    export_picture(path, Synthetic(), options)
    np.testing.assert_array_equal(levels_of(path)[0], quantised(Synthetic().pixels, kind))


@pytest.mark.parametrize("kind", ["dzi", "tif8"])
def test_killed_it_goes_on_where_it_was(tmp_path: Path, kind: str) -> None:
    """SIGKILL, at whatever it did just then; a second process with the same request may not interfere."""
    path, options = target(tmp_path, kind)
    code = f"""
        import sys, time
        from pathlib import Path
        sys.path.insert(0, {str(Path(__file__).parent)!r})
        from test_picture_export import SESSION, Synthetic, export_picture, target
        class Slow(Synthetic):
            def area(self, rect):
                print("tile", flush=True)
                time.sleep(0.05)
                return super().area(rect)
        path, options = target(Path({str(tmp_path)!r}), {kind!r})
        export_picture(path, Slow(), options, metadata=SESSION)
    """
    environment = dict(os.environ, PYTHONPATH=str(ROOT))
    with subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(code)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
        env=environment,
    ) as process:
        assert process.stdout is not None
        for _ in range(6):
            assert process.stdout.readline() == "tile\n"
        with pytest.raises(InputError, match="another process"):
            export_picture(path, Synthetic(), options, metadata=SESSION)
        process.send_signal(signal.SIGKILL)
    assert not path.exists()
    second = Synthetic()
    export_picture(path, second, options, metadata=SESSION)
    assert len(second.asked) <= 15
    np.testing.assert_array_equal(levels_of(path)[0], to_uint8(second.pixels))
    assert not list(tmp_path.rglob(".creps-*"))


@pytest.mark.parametrize("kind", ["dzi", "tif8"])
def test_a_full_disk_is_one_line_that_says_how_to_go_on(tmp_path: Path, kind: str) -> None:
    """A real limit of the system: the process may write files of 4 kB, or 20 kB, at most."""
    path, options = target(tmp_path, kind)
    code = f"""
        import resource, signal, sys
        from pathlib import Path
        sys.path.insert(0, {str(Path(__file__).parent)!r})
        from test_picture_export import RunError, SESSION, Synthetic, export_picture, target
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        limit = {2500 if kind == "dzi" else 20_000}
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
        path, options = target(Path({str(tmp_path)!r}), {kind!r})
        try:
            export_picture(path, Synthetic(), options, metadata=SESSION)
        except RunError as error:
            print(error)
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
        env=dict(os.environ, PYTHONPATH=str(ROOT)),
    )
    assert "could not be written: file too large; what is complete is kept in out." in done.stdout
    assert not path.exists()
    export_picture(path, Synthetic(), options, metadata=SESSION)
    np.testing.assert_array_equal(levels_of(path)[0], to_uint8(Synthetic().pixels))


@pytest.mark.parametrize(
    ("name", "options", "says"),
    [
        ("out.png", ExportOptions(pyramid=True), "only .tif holds a pyramid"),
        ("out.dzi", ExportOptions(16), "8 bits"),
        ("out.dzi", ExportOptions(pyramid=True), "leave out --pyramid"),
        ("out.tif", ExportOptions(12, pyramid=True), "8 or 16 or 32 bits"),
        ("missing/out.dzi", SMALL, "does not exist"),
        ("mine.dzi", SMALL, "mine.html exists and belongs to no mine.dzi"),
        ("blocked.dzi", SMALL, "is in the way"),
        ("strange.tif", ExportOptions(pyramid=True), "not an interrupted export"),
    ],
)
def test_what_cannot_be_done_is_said_first(
    tmp_path: Path, name: str, options: ExportOptions, says: str
) -> None:
    (tmp_path / "mine.html").write_text("mine")
    (tmp_path / "blocked.dzi.part").write_text("mine")
    (tmp_path / "strange.tif.part").mkdir()
    (tmp_path / "strange.tif.part" / "letter.txt").write_text("mine")
    picture = Synthetic()
    with pytest.raises(InputError, match=says):
        export_picture(tmp_path / name, picture, options)
    assert picture.asked == []
    assert (tmp_path / "mine.html").read_text() == (tmp_path / "strange.tif.part" / "letter.txt").read_text()
    assert not (tmp_path / name).exists()


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="root may write anywhere")
@pytest.mark.parametrize("kind", ["dzi", "tif8"])
def test_a_read_only_folder_is_refused(tmp_path: Path, kind: str) -> None:
    path, options = target(tmp_path, kind)
    tmp_path.chmod(0o500)
    with pytest.raises(InputError, match="not writable"):
        check_export(path, options)


def test_cancelling_stops_at_the_next_tile(tmp_path: Path, renderer: Renderer) -> None:
    token = CancelToken()
    picture = picture_of(renderer, LATENTS, grid_for(View(), SIZE), "fade", cancel=token)
    with pytest.raises(Cancelled):
        export_picture(
            tmp_path / "out.dzi",
            picture,
            SMALL,
            cancel=token,
            progress=lambda done, *_: done < 3 or token.cancel(),
        )
    assert len(list(tmp_path.glob("out.dzi.part/tiles/8/*"))) == 3


def test_a_sheet_shows_every_seed_as_it_is_alone(tmp_path: Path, renderer: Renderer) -> None:
    cell, sheet = Size(40, 24), Sheet((5, 0, 77), columns=2)
    grid = grid_for(View(), cell)
    picture = picture_of(renderer, LATENTS, grid, "fade", sheet)
    layout = sheet.layout(cell)
    assert picture.size == layout.size == Size(84, 2 * (24 + layout.label_px) + 4)
    export_picture(tmp_path / "sheet.npy", picture, ExportOptions())
    whole = np.load(tmp_path / "sheet.npy")
    for number, seed in enumerate(sheet.seeds):
        plan = renderer.plan(resolve_ws(renderer.generator, [Source(seed=seed)]))
        top, left = number // 2 * layout.pitch.height, number % 2 * layout.pitch.width
        alone = renderer.render(plan, grid, outside="fade")
        np.testing.assert_array_equal(whole[top : top + 24, left : left + 40], alone)
        label = to_uint8(whole[top + 24 : top + 24 + layout.label_px, left : left + 40])
        assert label.max() > 120
    ground = to_uint8(whole[layout.pitch.height :, 44:])
    assert (ground == [0x0E, 0x10, 0x13]).all()  # no fourth picture
    export_picture(tmp_path / "sheet.dzi", picture_of(renderer, LATENTS, grid, "fade", sheet), SMALL)
    np.testing.assert_array_equal(levels_of(tmp_path / "sheet.dzi")[0], to_uint8(whole))


def test_sheets_have_identities_and_sessions_of_their_own(renderer: Renderer) -> None:
    grid = grid_for(View(), Size(20, 20))
    sheets = [None, Sheet((1, 2)), Sheet((1, 3)), Sheet((1, 2), 1), Sheet((1, 2), labels=False)]
    pictures = [picture_of(renderer, LATENTS, grid, "fade", sheet) for sheet in sheets]
    pictures.append(picture_of(renderer, LATENTS, grid, "frame"))
    pictures.append(picture_of(renderer, LATENTS, grid_for(View(log2_zoom=1), Size(20, 20)), "fade"))
    assert len({picture.identity for picture in pictures}) == len(pictures)
    session = session_of(Session(CheckpointRef("m", "")), Sheet((4, 5), 2))
    assert session.sources == (Source(seed=4),)
    assert session.unknown == {"sheet": {"seeds": [4, 5], "columns": 2, "labels": True}}
    assert session_of(session, None).unknown == {}


def test_seeds_are_named_in_ranges() -> None:
    assert parse_seeds("0-3, 9,7-8") == (0, 1, 2, 3, 9, 7, 8)
    assert parse_seeds(f"{2**32 - 1}") == (2**32 - 1,)
    for wrong in ("", "a", "3-1", "1-", "-1", "1,,2", f"{2**32}", "0-100000", "0.5"):
        with pytest.raises(InputError):
            parse_seeds(wrong)
    assert Sheet(tuple(range(10))).layout(Size(10, 10)).columns == 4
    assert Sheet((1,), columns=8).layout(Size(10, 10)).columns == 1
