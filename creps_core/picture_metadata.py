"""Reads the text that exported pictures and videos carry, without decoding a single pixel.

Files come from anywhere: every length is checked before memory is taken. What the text means is not
decided here (`session`), and writing is the writers' job.
"""

from __future__ import annotations

import struct
import subprocess
import zlib
from pathlib import Path
from typing import BinaryIO, Literal

from creps_core.errors import InputError, RunError
from creps_core.ffmpeg import ffmpeg_path
from creps_core.png_stream import SIGNATURE

MAX_TEXT_BYTES = 16 << 20  # far more than any session
_MAX_CHUNKS = 1 << 20  # our largest exports have some 10⁵
_FFMPEG_SECONDS = 60
_TIFF_MARKS = (b"II*\0", b"II+\0", b"MM\0*", b"MM\0+")
_DESCRIPTION, _ASCII = 270, 2  # a TIFF's tag and type

Kind = Literal["png", "tiff", "mp4", "webm"]


def sniff(path: Path) -> Kind | None:
    """What kind of picture or video a file is, by its first bytes; None for anything else."""
    with path.open("rb") as file:
        head = file.read(12)
    if head.startswith(SIGNATURE):
        return "png"
    if head[:4] in _TIFF_MARKS:
        return "tiff"
    if head[4:8] == b"ftyp":
        return "mp4"
    return "webm" if head.startswith(b"\x1a\x45\xdf\xa3") else None


def read_png_text(path: Path, keyword: str) -> str | None:
    """The text of the first iTXt chunk with this keyword, None when there is none.

    Raises:
        InputError: not a PNG, a damaged one, or a text of more than `MAX_TEXT_BYTES`.
    """
    with path.open("rb") as file:
        if file.read(len(SIGNATURE)) != SIGNATURE:
            raise InputError(f"{path} is not a PNG file")
        for _ in range(_MAX_CHUNKS):
            length, kind = struct.unpack(">I4s", _exactly(file, 8, path))
            if kind == b"IEND":
                return None
            if kind != b"iTXt":
                file.seek(length + 4, 1)  # beyond the end is noticed by the next read
                continue
            if length > MAX_TEXT_BYTES:
                raise InputError(f"{path} has a text of {length} bytes; at most {MAX_TEXT_BYTES} are read")
            data = _exactly(file, length, path)
            (checksum,) = struct.unpack(">I", _exactly(file, 4, path))
            if checksum != zlib.crc32(data, zlib.crc32(kind)):
                raise InputError(f"{path} is damaged: the checksum of its text is wrong")
            text = _international_text(data, keyword, path)
            if text is not None:
                return text
    raise InputError(f"{path} has more than {_MAX_CHUNKS} chunks; it is not one of our pictures")


def read_tiff_description(path: Path) -> str | None:
    """The description of a TIFF's or BigTIFF's first page, None when there is none.

    Raises:
        InputError: not a TIFF, a damaged one, or a text of more than `MAX_TEXT_BYTES`.
    """
    with path.open("rb") as file:
        mark = _exactly(file, 4, path)
        if mark not in _TIFF_MARKS:
            raise InputError(f"{path} is not a TIFF file")
        order, big = "<" if mark[:2] == b"II" else ">", b"+" in mark
        place = "Q" if big else "I"  # of offsets and lengths
        if big:
            _exactly(file, 4, path)  # the size of offsets, always 8
        file.seek(_number(file, order + place, path))
        for _ in range(_number(file, order + ("Q" if big else "H"), path)):
            tag, kind, count = struct.unpack(f"{order}HH{place}", _exactly(file, 12 if big else 8, path))
            value = _exactly(file, 8 if big else 4, path)
            if tag > _DESCRIPTION:
                return None  # tags go up
            if tag == _DESCRIPTION and kind == _ASCII:
                return _tiff_text(file, count, value, order + place, path)
    return None


def read_video_comment(path: Path, kind: Literal["mp4", "webm"]) -> str | None:
    """The comment tag of a video, None when there is none; read by the ffmpeg of imageio-ffmpeg."""
    # The demuxer is fixed and only plain files are opened: a file cannot pose as a playlist of others.
    demuxer = "mov" if kind == "mp4" else "matroska"
    command = [ffmpeg_path(), "-nostdin", "-v", "error", "-protocol_whitelist", "file,pipe"]
    command += ["-f", demuxer, "-i", f"file:{path.absolute()}", "-f", "ffmetadata", "pipe:1"]
    try:
        done = subprocess.run(command, capture_output=True, timeout=_FFMPEG_SECONDS, check=False)
    except subprocess.TimeoutExpired:
        raise RunError(f"{path}: ffmpeg did not answer within {_FFMPEG_SECONDS} s") from None
    if done.returncode:
        raise InputError(f"{path} is not a readable video; the file may be damaged")
    if len(done.stdout) > MAX_TEXT_BYTES:
        raise InputError(f"{path} has tags of more than {MAX_TEXT_BYTES} bytes")
    return parse_ffmetadata(done.stdout.decode("utf-8", "replace")).get("comment")


def parse_ffmetadata(text: str) -> dict[str, str]:
    """The global tags of an ffmetadata file, keys in lower case; a backslash takes what follows as it is."""
    tags: dict[str, str] = {}
    parts, escaped = [""], False  # [key] or [key, value] of the present line
    for character in text + "\n":
        if escaped or character not in "\\\n=":
            parts[-1] += character
            escaped = False
        elif character == "\\":
            escaped = True
        elif character == "=" and len(parts) == 1:
            parts.append("")
        elif character == "=":
            parts[-1] += character
        else:
            if parts[0].startswith("["):
                break  # chapters and streams have tags of their own
            if len(parts) == 2 and parts[0][:1] not in ("#", ";"):
                tags.setdefault(parts[0].lower(), parts[1])
            parts = [""]
    return tags


def _exactly(file: BinaryIO, count: int, path: Path) -> bytes:
    data = file.read(count)
    if len(data) != count:
        raise InputError(f"{path} ends early; the file is damaged or its download was cut off")
    return data


def _number(file: BinaryIO, form: str, path: Path) -> int:
    (number,) = struct.unpack(form, _exactly(file, struct.calcsize(form), path))
    if number > 1 << 62:
        raise InputError(f"{path} is damaged: it points beyond its end")
    return int(number)


def _tiff_text(file: BinaryIO, count: int, value: bytes, form: str, path: Path) -> str:
    """A text of so many bytes, which are the value itself if they fit, else where the value points."""
    if count > MAX_TEXT_BYTES:
        raise InputError(f"{path} has a text of {count} bytes; at most {MAX_TEXT_BYTES} are read")
    if count > len(value):
        (at,) = struct.unpack(form, value)
        if at > 1 << 62:
            raise InputError(f"{path} is damaged: it points beyond its end")
        file.seek(at)
        value = _exactly(file, count, path)
    return value[:count].rstrip(b"\0").decode("utf-8", "replace")


def _international_text(data: bytes, keyword: str, path: Path) -> str | None:
    """The text of an iTXt chunk: keyword 0 compressed method language 0 translated 0 text."""
    name, _, rest = data.partition(b"\0")
    if name != keyword.encode("latin-1"):
        return None
    compressed, method, fields = rest[:1], rest[1:2], rest[2:].split(b"\0", 2)
    if len(fields) != 3 or compressed not in (b"\0", b"\1") or method != b"\0":
        raise InputError(f"{path} is damaged: its {keyword} text is not in PNG's form")
    text = fields[2]
    if compressed == b"\1":
        inflater = zlib.decompressobj()
        try:
            text = inflater.decompress(text, MAX_TEXT_BYTES + 1)
        except zlib.error:
            raise InputError(f"{path} is damaged: its {keyword} text cannot be decompressed") from None
        if len(text) > MAX_TEXT_BYTES:
            raise InputError(f"{path} has a text that grows beyond {MAX_TEXT_BYTES} bytes; it is not read")
    try:
        return text.decode("utf-8")
    except UnicodeDecodeError:
        raise InputError(f"{path} is damaged: its {keyword} text is not UTF-8") from None
