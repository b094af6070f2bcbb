"""Option values that several commands read the same way: sizes, points, windows, warps, devices.

Each is a plain parser that raises `InputError`, and a click type made of it. No command lives here.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any, Generic, TypeVar

import click

from creps_core.decimals import parse_decimal
from creps_core.errors import InputError
from creps_core.sheet import parse_seeds
from creps_core.source import MAX_SEED
from creps_core.view import Size
from creps_core.warps import parse_warp

MAX_SIDE = 1_000_000  # pixels; a typing error, not a picture, lies beyond

T = TypeVar("T")


def parse_size(text: str) -> Size:
    """`1280x800` as width and height, 1 … `MAX_SIDE` each."""
    match = re.fullmatch(r"\s*([0-9]{1,9})\s*[xX×]\s*([0-9]{1,9})\s*", text)
    if match is None:
        raise InputError(f"{text!r} is not a size such as 1280x800")
    size = Size(int(match[1]), int(match[2]))
    if not all(1 <= side <= MAX_SIDE for side in size):
        raise InputError(f"{text!r}: both sides must be 1 … {MAX_SIDE}")
    return size


def parse_decimals(text: str, names: str) -> tuple[Fraction, ...]:
    """Comma-separated exact decimals, one for each of the comma-separated `names`."""
    parts = text.split(",")
    wanted = names.split(",")
    if len(parts) != len(wanted):
        raise InputError(f"{text!r} has {len(parts)} numbers, expected {names}")
    return tuple(parse_decimal(part, name) for part, name in zip(parts, wanted, strict=True))


def parse_number(text: str) -> float:
    """A finite number."""
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise InputError(f"{text!r} is not a finite number")
    return value


def parse_device(text: str) -> str:
    """auto, cpu, mps, cuda, or one of several GPUs as cuda:1."""
    if not re.fullmatch(r"auto|cpu|mps|cuda(:[0-9]{1,3})?", text):
        raise InputError(f"{text!r} is not one of auto, cpu, cuda, mps")
    return text


class Parsed(click.ParamType, Generic[T]):  # type: ignore[type-arg]  # generic in new versions only
    """A click type made of a parser: its `InputError` becomes the option's own error."""

    def __init__(self, name: str, parse: Callable[[str], T]) -> None:
        self.name = name
        self._parse = parse

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> T:
        """What click calls; values that are no text (defaults) pass as they are."""
        if not isinstance(value, str):
            passed: T = value
            return passed
        try:
            return self._parse(value)
        except InputError as error:
            self.fail(str(error), param, ctx)


SIZE = Parsed("WxH", parse_size)
POINT = Parsed("X,Y", lambda text: parse_decimals(text, "X,Y"))
ZOOMED = Parsed("X,Y,Z", lambda text: parse_decimals(text, "X,Y,Z"))
STRETCH = Parsed("SX,SY", lambda text: tuple(map(float, parse_decimals(text, "SX,SY"))))
WINDOW = Parsed("Y0,X0,Y1,X1", lambda text: parse_decimals(text, "Y0,X0,Y1,X1"))
NUMBER = Parsed("number", parse_number)
WARP = Parsed("SPEC", parse_warp)
DEVICE = Parsed("auto|cpu|cuda|mps", parse_device)
SEEDS = Parsed("SEEDS", parse_seeds)
SEED = click.IntRange(0, MAX_SEED)
FILE = click.Path(path_type=Path)

Command = TypeVar("Command", bound=Callable[..., Any])


def checkpoint_option(command: Command) -> Command:
    """Give a command that draws pictures its `--ckpt`."""
    text = "Checkpoint, .safetensors or a published .pkl.  [default: the session's, or the bundled model]"
    return click.option("--ckpt", type=FILE, help=text)(command)


def latent_options(command: Command) -> Command:
    """Give a command the options of one latent; those not given are None."""
    number, text = click.IntRange(0), "Truncation: 0 the average picture, 1 none.  [default: 1]"
    for option in (  # the last one is the first in the help
        click.option("--trunc-cutoff", type=number, metavar="K", help="Truncate the first K styles only."),
        click.option("--trunc", type=NUMBER, metavar="PSI", help=text),
        click.option(
            "--class",
            "label",
            type=number,
            metavar="C",
            help="Class, for a conditional checkpoint.  [default: 0]",
        ),
        click.option("--seed", type=SEED, help="Picture number.  [default: 0]"),
    ):
        command = option(command)
    return command
