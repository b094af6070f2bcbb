"""Sessions: exact round trips, unknown keys kept, and hostile carriers refused in one clear line."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import struct
import subprocess
import time
import zlib
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from creps_core.errors import InputError
from creps_core.keyframe import EASINGS, Keyframe
from creps_core.picture_metadata import parse_ffmetadata, read_png_text
from creps_core.png_stream import SIGNATURE, text_chunk
from creps_core.session import (
    CheckpointRef,
    Session,
    read_session,
    session_from_json,
    session_to_json,
    write_session,
)
from creps_core.session_checkpoint import find_checkpoint
from creps_core.source import Source
from creps_core.stills import write_still
from creps_core.view import Size, View
from creps_core.warps import parse_warp

finite = st.floats(-1e6, 1e6)
texts = st.text(max_size=12)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**60), 2**60) | finite | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=6,
)
unknown_keys = st.dictionaries(
    st.text(min_size=1, max_size=8).map(lambda key: f"x-{key}"), json_values, max_size=3
)
sources = st.builds(
    lambda which, label, psi, cutoff: Source(**which, label=label, psi=psi, cutoff=cutoff),
    st.integers(0, 2**32 - 1).map(lambda seed: {"seed": seed})
    | st.lists(finite, min_size=1, max_size=5).map(lambda z: {"z": tuple(z)})
    | st.lists(finite, min_size=1, max_size=5).map(lambda w: {"w": tuple(w)}),
    st.integers(0, 999),
    finite,
    st.none() | st.integers(0, 17),
)
views = st.builds(
    View,
    center_x=st.integers(-(10**30), 10**30).map(lambda n: Fraction(n, 10**30)),
    center_y=st.floats(-2, 2).map(Fraction),
    log2_zoom=st.integers(-(2**24), 2**28).map(lambda n: Fraction(n, 2**20)),
    rotation_deg=st.floats(-1e4, 1e4),
    stretch=st.tuples(st.floats(0.01, 100), st.floats(-100, -0.01)),
    warps=st.lists(
        st.sampled_from(
            ["lens:0.1,0,0.3,2", "swirl:0,0.25,0.5,90", "wave:0.02,0,3,0,45", "tilt:0.3,-0.1"]
        ).map(parse_warp),
        max_size=3,
    ).map(tuple),
    outside=st.sampled_from(["fade", "frame", "generate"]),
)


def keyframes(draw: st.DrawFn) -> Keyframe:
    several = tuple(draw(st.lists(sources, min_size=1, max_size=3)))
    rows = st.lists(finite, min_size=len(several), max_size=len(several)).map(tuple)
    nested: dict[str, Any] = {"view": draw(unknown_keys), "sources": [draw(unknown_keys) for _ in several]}
    if not any(nested["sources"]):
        nested["sources"] = []
    return Keyframe(
        view=draw(views),
        sources=several,
        mix=draw(st.none() | st.lists(rows, min_size=1, max_size=4).map(tuple)),
        seconds=draw(st.floats(0, 100)),
        easing=draw(st.sampled_from(EASINGS)),
        unknown=draw(unknown_keys) | {key: value for key, value in nested.items() if value},
    )


@st.composite
def sessions(draw: st.DrawFn) -> Session:
    several = tuple(draw(st.lists(sources, min_size=1, max_size=3)))
    rows = st.lists(finite, min_size=len(several), max_size=len(several)).map(tuple)
    unknown = draw(unknown_keys)
    nested: dict[str, Any] = {"checkpoint": draw(unknown_keys), "view": draw(unknown_keys)}
    nested["sources"] = [draw(unknown_keys) for _ in several]
    if not any(nested["sources"]):
        nested["sources"] = []
    return Session(
        checkpoint=CheckpointRef(draw(texts) + ".pkl", draw(texts), draw(st.none() | texts)),
        sources=several,
        mix=draw(st.none() | st.lists(rows, min_size=1, max_size=4).map(tuple)),
        view=draw(views),
        size=draw(st.none() | st.builds(Size, st.integers(1, 2**20), st.integers(1, 2**20))),
        keyframes=draw(st.none() | st.lists(st.composite(keyframes)(), max_size=2).map(tuple)),
        loop=draw(st.booleans()),
        unknown=unknown | {key: value for key, value in nested.items() if value},
    )


@settings(max_examples=150, deadline=None)
@given(sessions())
def test_round_trip_is_exact_and_keeps_unknown_keys(session: Session) -> None:
    text = session_to_json(session)
    again = session_from_json(text)
    assert again == session
    assert session_to_json(again) == text


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_damaged_documents_raise_input_errors_only(data: st.DataObject) -> None:
    document = json.loads(session_to_json(EXAMPLE))
    places: list[tuple[Any, Any]] = []

    def collect(node: Any) -> None:
        keys = list(node) if isinstance(node, dict) else range(len(node)) if isinstance(node, list) else ()
        for key in keys:
            places.append((node, key))
            collect(node[key])

    collect(document)
    node, key = data.draw(st.sampled_from(places))
    node[key] = data.draw(json_values | st.just("9" * 5000) | st.integers(10**400, 10**401))
    try:
        session_to_json(session_from_json(json.dumps(document)))
    except InputError as error:
        assert "\n" not in str(error)


EXAMPLE = Session(
    checkpoint=CheckpointRef("scenery.safetensors", "ab" * 32, "/somewhere/else/scenery.safetensors"),
    sources=(Source(seed=7, psi=0.7, cutoff=8), Source(z=(0.1, 0.2))),
    mix=((1.0, 0.0), (0.25, 0.75)),
    view=View(center_x=Fraction("0.123456789012345678901234567890"), log2_zoom=Fraction(41, 3 * 2**0 + 1)),
    size=Size(1280, 800),
    keyframes=(
        Keyframe(View(rotation_deg=30), (Source(seed=7),), seconds=2.5, easing="smooth"),
        Keyframe(View(log2_zoom=Fraction(40)), (Source(seed=7), Source(seed=8)), ((0.5, 0.5),)),
    ),
    loop=True,
)


HOME = {
    "center": ["0.5", "0.5"],
    "log2_zoom": "0",
    "rotation_deg": 0.0,
    "stretch": [1.0, 1.0],
    "warps": [],
    "outside": "fade",
}


def test_the_format_is_the_documented_one() -> None:
    assert json.loads(session_to_json(EXAMPLE)) == {
        "format": 1,
        "checkpoint": {
            "name": "scenery.safetensors",
            "sha256": "ab" * 32,
            "path": "/somewhere/else/scenery.safetensors",
        },
        "sources": [
            {"seed": 7, "class": 0, "psi": 0.7, "cutoff": 8},
            {"z": [0.1, 0.2], "class": 0, "psi": 1.0, "cutoff": None},
        ],
        "mix": [[1.0, 0.0], [0.25, 0.75]],
        "view": {
            "center": ["0.12345678901234567890123456789", "0.5"],
            "log2_zoom": "10.25",
            "rotation_deg": 0.0,
            "stretch": [1.0, 1.0],
            "warps": [],
            "outside": "fade",
            "size": [1280, 800],
        },
        "keyframes": [
            {
                "view": HOME | {"rotation_deg": 30.0},
                "sources": [{"seed": 7, "class": 0, "psi": 1.0, "cutoff": None}],
                "seconds": 2.5,
                "easing": "smooth",
            },
            {
                "view": HOME | {"log2_zoom": "40"},
                "sources": [{"seed": n, "class": 0, "psi": 1.0, "cutoff": None} for n in (7, 8)],
                "mix": [[0.5, 0.5]],
                "seconds": 2.0,
                "easing": "ease",
            },
        ],
        "loop": True,
    }


def test_a_small_hand_written_session_takes_the_defaults() -> None:
    session = session_from_json('{"format": 1, "checkpoint": {"name": "a.pkl"}}')
    assert session == Session(CheckpointRef("a.pkl", ""))
    assert (session.sources, session.view) == ((Source(seed=0),), View())


def test_keyframes_without_view_or_latents_take_the_sessions() -> None:
    text = (
        '{"format": 1, "checkpoint": {"name": "a.pkl"}, "sources": [{"seed": 4}, {"seed": 5}],'
        ' "mix": [[0, 1]], "view": {"log2_zoom": "3"}, "keyframes": [{}, {"sources": [{"seed": 6}]}]}'
    )
    session = session_from_json(text)
    assert session.keyframes == (
        Keyframe(session.view, session.sources, session.mix),
        Keyframe(session.view, (Source(seed=6),)),
    )


def test_changed_fields_keep_the_unknown_ones() -> None:
    document = json.loads(session_to_json(EXAMPLE))
    document["comment"] = {"by": "a later version"}
    document["view"]["tint"] = 3
    document["sources"][1]["label"] = "dusk"
    session = session_from_json(json.dumps(document))
    moved = dataclasses.replace(
        session, view=View(rotation_deg=30), sources=(*session.sources, Source(seed=1))
    )
    written = json.loads(session_to_json(moved))
    assert written["comment"] == {"by": "a later version"}
    assert written["view"]["tint"] == 3
    assert written["view"]["rotation_deg"] == 30
    assert [source.get("label") for source in written["sources"]] == [None, "dusk", None]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "no readable JSON"),
        ("[" * 100_000, "no readable JSON"),
        ('{"format": NaN}', "no readable JSON"),
        ("[1]", 'no "format"'),
        ('{"a": 1}', 'no "format"'),
        ('{"format": "1"}', "format is 1, expected 1"),
        ('{"format": true}', "format is True"),
        ('{"format": 2}', "newer than 1"),
        ('{"format": 1}', "checkpoint is missing"),
        ('{"format": 1, "checkpoint": {}}', "does not name its checkpoint"),
        ('{"format": 1, "checkpoint": {"name": 3}}', "name that is not a text"),
        ('{"format": 1, "checkpoint": {"name": "a"}, "sources": []}', "no source"),
        ('{"format": 1, "checkpoint": {"name": "a"}, "sources": [{}]}', "exactly one of"),
        ('{"format": 1, "checkpoint": {"name": "a"}, "sources": [{"seed": -1}]}', "whole number"),
        ('{"format": 1, "checkpoint": {"name": "a"}, "sources": [{"seed": 4294967296}]}', "outside"),
        ('{"format": 1, "checkpoint": {"name": "a"}, "sources": [{"seed": 1, "psi": 1e999}]}', "psi"),
        ('{"format": 1, "checkpoint": {"name": "a"}, "mix": [[1, 2]]}', "needs 1 weights"),
        ('{"format": 1, "checkpoint": {"name": "a"}, "view": {"size": [0, 4]}}', "size"),
        ('{"format": 1, "checkpoint": {"name": "a"}, "view": {"center": ["1/3", "0"]}}', "decimal"),
        ('{"format": 1, "checkpoint": {"name": "a"}, "keyframes": 3}', "keyframes"),
        ('{"format": 1, "checkpoint": {"name": "a"}, "keyframes": [3]}', "keyframe is missing or not"),
        ('{"format": 1, "checkpoint": {"name": "a"}, "keyframes": [{"seconds": -1}]}', "seconds are -1"),
        ('{"format": 1, "checkpoint": {"name": "a"}, "keyframes": [{"easing": "bounce"}]}', "'bounce'"),
        ('{"format": 1, "checkpoint": {"name": "a"}, "keyframes": [{"easing": []}]}', "easing"),
        ('{"format": 1, "checkpoint": {"name": "a"}, "keyframes": [{"sources": []}]}', "no source"),
        ('{"format": 1, "checkpoint": {"name": "a"}, "loop": 1}', "loop"),
    ],
)
def test_what_is_wrong_is_said(text: str, says: str) -> None:
    with pytest.raises(InputError, match=says):
        session_from_json(text)


def test_files_round_trip(tmp_path: Path) -> None:
    write_session(tmp_path / "a.json", EXAMPLE)
    assert read_session(tmp_path / "a.json") == EXAMPLE


def export(path: Path, metadata: str | None) -> Path:
    write_still(path, Size(9, 6), [np.zeros((6, 9, 3), np.float32)], metadata=metadata)
    return path


def test_a_png_carries_its_session_without_the_path(tmp_path: Path) -> None:
    text = session_to_json(EXAMPLE, portable=True)
    assert "/somewhere" not in text
    session = read_session(export(tmp_path / "a.png", text))
    assert session.checkpoint == CheckpointRef("scenery.safetensors", "ab" * 32)
    assert dataclasses.replace(session, checkpoint=EXAMPLE.checkpoint) == EXAMPLE


@pytest.mark.parametrize("suffix", [".mp4", ".webm"])
def test_a_video_carries_its_session(tmp_path: Path, suffix: str) -> None:
    import imageio_ffmpeg

    session = dataclasses.replace(EXAMPLE, unknown={"note": "a=b; #1 \\ back\nslash"})
    path = tmp_path / f"a{suffix}"
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-f", "rawvideo", "-pix_fmt", "rgb24"]
    command += ["-s", "16x16", "-i", "-", "-metadata", f"comment={session_to_json(session)}", str(path)]
    subprocess.run(command, input=bytes(16 * 16 * 3 * 2), check=True)
    assert read_session(path) == session
    path.write_bytes(path.read_bytes()[:300])
    with pytest.raises(InputError, match=r"not a readable video|carries no session"):
        read_session(path)


@given(st.dictionaries(st.text("abc", min_size=1), st.text(max_size=20), max_size=3))
def test_ffmetadata_escapes_are_undone(tags: dict[str, str]) -> None:
    escape = str.maketrans({c: f"\\{c}" for c in "=;#\\\n"})
    lines = [f"{key}={value.translate(escape)}\n" for key, value in tags.items()]
    assert parse_ffmetadata(";FFMETADATA1\n" + "".join(lines) + "[STREAM]\ncomment=other\n") == tags


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


IHDR = chunk(b"IHDR", struct.pack(">IIBBBBB", 9, 6, 8, 2, 0, 0, 0))
BOMB = zlib.compress(bytes(64 << 20), 9)


@pytest.mark.parametrize(
    ("body", "says"),
    [
        (IHDR + chunk(b"IDAT", b"") + chunk(b"IEND", b""), "carries no session"),
        (IHDR, "ends early"),
        (IHDR + struct.pack(">I", 2**32 - 1) + b"iTXt", "at most"),
        (IHDR + struct.pack(">I", 2**32 - 1) + b"IDAT", "ends early"),
        (IHDR + struct.pack(">I", 2**20) + b"iTXtcreps\0", "ends early"),
        (IHDR + chunk(b"iTXt", text_chunk("creps", "{}"))[:-1] + b"?", "checksum"),
        (IHDR + chunk(b"iTXt", b"creps\0\1\0\0\0" + BOMB), "grows beyond"),
        (IHDR + chunk(b"iTXt", b"creps\0\1\0\0\0not zlib"), "cannot be decompressed"),
        (IHDR + chunk(b"iTXt", b"creps\0\7\0\0\0text"), "not in PNG's form"),
        (IHDR + chunk(b"iTXt", b"creps\0"), "not in PNG's form"),
        (IHDR + chunk(b"iTXt", b"creps\0\0\0\0\0\xff\xfe"), "UTF-8"),
        (IHDR + chunk(b"iTXt", text_chunk("creps", "hello")), "no readable JSON"),
        (chunk(b"tEXt", b"") * (2**20 + 1), "chunks"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_hostile_pngs_are_refused_quickly(tmp_path: Path, body: bytes, says: str) -> None:
    (tmp_path / "a.png").write_bytes(SIGNATURE + body)
    start = time.monotonic()
    with pytest.raises(InputError, match=says):
        read_session(tmp_path / "a.png")
    assert time.monotonic() - start < 5


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=60), st.integers(0, 400))
def test_any_damage_to_a_png_is_an_input_error(
    tmp_path_factory: pytest.TempPathFactory, noise: bytes, at: int
) -> None:
    folder = tmp_path_factory.mktemp("png")
    data = bytearray(export(folder / "a.png", session_to_json(EXAMPLE)).read_bytes())
    data[at : at + len(noise)] = noise
    (folder / "b.png").write_bytes(data)
    try:
        assert read_session(folder / "b.png") == EXAMPLE
    except InputError as error:
        assert "b.png" in str(error)


def test_compressed_and_late_texts_are_found(tmp_path: Path) -> None:
    compressed = b"creps\0\1\0en\0key\0" + zlib.compress("½".encode())
    body = (
        IHDR + chunk(b"IDAT", bytes(99)) + chunk(b"iTXt", b"other\0\0\0\0\0no") + chunk(b"iTXt", compressed)
    )
    (tmp_path / "a.png").write_bytes(SIGNATURE + body)
    assert read_png_text(tmp_path / "a.png", "creps") == "½"


def test_other_files_say_so(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such file"):
        read_session(tmp_path / "none.json")
    (tmp_path / "noise").write_bytes(b"\xff" * 99)
    with pytest.raises(InputError, match="neither a session nor a PNG"):
        read_session(tmp_path / "noise")


def test_the_checkpoint_is_found_by_path_then_beside_then_bundled(tmp_path: Path) -> None:
    (tmp_path / "far").mkdir()
    far, near, bundled = tmp_path / "far" / "a.pkl", tmp_path / "a.pkl", tmp_path / "bundled.safetensors"
    bundled.write_bytes(b"weights")
    ref = CheckpointRef("a.pkl", hashlib.sha256(b"weights").hexdigest(), str(far))
    session = tmp_path / "s.json"
    assert find_checkpoint(ref, session, bundled) == bundled
    with pytest.raises(InputError, match=r"a\.pkl was not found \(looked at .*far.*--ckpt"):
        find_checkpoint(ref, session)
    near.write_bytes(b"other weights")
    with pytest.raises(
        InputError, match=f"sha256 {hashlib.sha256(b'other weights').hexdigest()[:12]}.*{ref.sha256[:12]}"
    ):
        find_checkpoint(ref, session)
    near.write_bytes(b"weights")
    assert find_checkpoint(ref, session) == near
    far.write_bytes(b"weights")
    assert find_checkpoint(ref, session) == far
    assert find_checkpoint(CheckpointRef("a.pkl", "", None), session) == near


def test_a_foreign_session_reaches_no_file_by_its_name(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "secret").write_bytes(b"x")
    with pytest.raises(InputError, match="not found"):
        find_checkpoint(CheckpointRef("../secret", ""), tmp_path / "in" / "s.json")
