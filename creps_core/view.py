"""Where one looks: an exact centre and zoom, rotation, stretch and warps over the image plane.

The plane has x right, y down, and the trained picture on [0, 1]². All state is exact, so that gestures
which return, return the identical view. Deliberately not here: window sizes (an argument everywhere),
sample grids (`grid`), gestures (`creps_viewer.model.navigation`).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, Literal, NamedTuple, get_args

import numpy as np
from numpy.typing import NDArray

from creps_core.decimals import decimal_string, is_decimal, parse_decimal
from creps_core.errors import InputError
from creps_core.warps import Floats, Warp, parse_warp, warp_forward, warp_inverse

Outside = Literal["fade", "frame", "generate"]

MIN_LOG2_ZOOM, MAX_LOG2_ZOOM = -16, 512
MAX_CENTRE = 2**32  # |x| and |y| of the centre: many windows away even at the widest zoom
MIN_STRETCH, MAX_STRETCH = 1e-6, 1e6
ROTATION_STEP = 2.0**-20  # degrees; rotations are multiples of it

VIEW_KEYS = frozenset({"center", "log2_zoom", "rotation_deg", "stretch", "warps", "outside"})  # in JSON

_QUARTERS = {0.0: (1.0, 0.0), 90.0: (0.0, 1.0), 180.0: (-1.0, 0.0), -90.0: (0.0, -1.0)}


class OffPlaneError(InputError):
    """A window position shows no point of the image plane: it lies beyond a tilt's horizon."""


class Size(NamedTuple):
    """A window or picture in device pixels."""

    width: int
    height: int

    @property
    def shorter(self) -> int:
        """The unit of window coordinates: min(width, height)."""
        return min(self.width, self.height)


class PlaneStep(NamedTuple):
    """Change of the plane point per window pixel: first letter the window's axis, second the plane's."""

    xx: float  # plane x per pixel to the right
    xy: float  # plane y per pixel to the right
    yx: float  # plane x per pixel down
    yy: float  # plane y per pixel down


def log2_of(zoom: float) -> Fraction:
    """The exact log2_zoom that stands for a typed zoom factor."""
    if not (math.isfinite(zoom) and zoom > 0):
        raise InputError(f"zoom is {zoom:g}, expected a positive number")
    return Fraction(math.log2(zoom))


def quantise_degrees(degrees: float) -> float:
    """The nearest multiple of 2⁻²⁰ degree in (−180, 180]."""
    if not math.isfinite(degrees):
        raise InputError(f"rotation is {degrees}, expected a finite number of degrees")
    turn = round(360 / ROTATION_STEP)
    steps = round(Fraction(degrees) / Fraction(ROTATION_STEP)) % turn
    return (steps - turn if 2 * steps > turn else steps) * ROTATION_STEP


@dataclass(frozen=True)
class View:
    """What part of the plane a window shows, for every window size. Values out of range: `InputError`."""

    center_x: Fraction = Fraction(1, 2)  # plane point in the middle of the window, a finite decimal
    center_y: Fraction = Fraction(1, 2)
    log2_zoom: Fraction = Fraction(0)  # zoom 1 fits [0, 1]² into the shorter side
    rotation_deg: float = 0.0  # turns the picture clockwise, a multiple of 2⁻²⁰ in (−180, 180]
    stretch: tuple[float, float] = (1.0, 1.0)  # (sx, sy); negative mirrors
    warps: tuple[Warp, ...] = ()  # bend the window, applied left to right
    outside: Outside = "fade"  # what is shown beyond [0, 1]²

    def __post_init__(self) -> None:
        for name in ("center_x", "center_y", "log2_zoom"):
            object.__setattr__(self, name, _exact(getattr(self, name), name))
        if max(abs(self.center_x), abs(self.center_y)) > MAX_CENTRE:
            raise InputError(f"the centre lies more than {MAX_CENTRE} units from the picture's corner")
        if not MIN_LOG2_ZOOM <= self.log2_zoom <= MAX_LOG2_ZOOM:
            raise InputError(
                f"zoom is 2^{float(self.log2_zoom):g}, expected 2^{MIN_LOG2_ZOOM} … 2^{MAX_LOG2_ZOOM}"
            )
        object.__setattr__(self, "rotation_deg", quantise_degrees(self.rotation_deg))
        if len(self.stretch) != 2 or not all(MIN_STRETCH <= abs(s) <= MAX_STRETCH for s in self.stretch):
            raise InputError(
                f"stretch is {self.stretch}, expected two numbers of size {MIN_STRETCH:g} … {MAX_STRETCH:g}"
            )
        object.__setattr__(self, "stretch", (float(self.stretch[0]), float(self.stretch[1])))
        object.__setattr__(self, "warps", tuple(self.warps))
        if self.outside not in get_args(Outside):
            raise InputError(f"outside is {self.outside!r}, expected fade, frame or generate")

    @classmethod
    def from_zoom(cls, zoom: float, **fields: Any) -> View:
        """A view of the given zoom factor; the other fields as in the constructor."""
        return cls(log2_zoom=log2_of(zoom), **fields)

    @property
    def zoom(self) -> float:
        """2**log2_zoom as a double."""
        return _exp2(self.log2_zoom)

    @property
    def is_separable(self) -> bool:
        """Whether rows and columns of the window are rows and columns of the plane, or the reverse."""
        return not self.warps and self.rotation_deg in _QUARTERS

    def step(self, size: Size) -> PlaneStep:
        """Plane change per window pixel, without warps: what all exact state is made of."""
        unit = _exp2(-self.log2_zoom)
        return PlaneStep(*(entry * unit / size.shorter for entry in self._directions()))

    def pixel_offset(self, px: float, py: float, size: Size) -> tuple[Fraction, Fraction] | None:
        """Offset from the window's middle after the warps, in pixels: plane point = centre + offset·step.

        Exact without warps; with them the double of the warped position, times the shorter side. None
        where a warp shows nothing.
        """
        dx, dy = Fraction(px) - Fraction(size.width, 2), Fraction(py) - Fraction(size.height, 2)
        if not self.warps:
            return dx, dy
        unit = size.shorter
        x, y = warp_forward(self.warps, np.array([float(dx / unit)]), np.array([float(dy / unit)]))
        if not np.isfinite(x[0]):
            return None
        return Fraction(float(x[0])) * unit, Fraction(float(y[0])) * unit

    def plane_point(self, px: float, py: float, size: Size) -> tuple[Fraction, Fraction]:
        """The exact plane point (x, y) at a window position, through the warps.

        Args:
            px: device pixels right of the window's top left corner; pixel centres lie at + ½.
            py: device pixels below it.
            size: of the window.

        Raises:
            OffPlaneError: the position lies beyond a tilt's horizon.
        """
        offset = self.pixel_offset(px, py, size)
        if offset is None:
            raise OffPlaneError(f"nothing of the picture's plane is shown at {px:g}, {py:g}")
        dx, dy = offset
        xx, xy, yx, yy = map(Fraction, self.step(size))
        return self.center_x + dx * xx + dy * yx, self.center_y + dx * xy + dy * yy

    def window_points(
        self, x: NDArray[np.float64], y: NDArray[np.float64], size: Size
    ) -> tuple[Floats, Floats]:
        """Window positions that show given plane points, NaN where there is none.

        Args:
            x: plane points as *offsets from the exact centre*, so that depth costs no accuracy.
            y: likewise, of the same shape.
            size: of the window.

        Returns:
            (px, py), device pixels from the window's top left corner.
        """
        cosine, sine = _cos_sin(self.rotation_deg)
        zoom, (sx, sy) = self.zoom, self.stretch
        ox = (x * cosine - y * sine) * zoom / sx
        oy = (x * sine + y * cosine) * zoom / sy
        ox, oy = warp_inverse(self.warps, ox, oy)
        return ox * size.shorter + size.width / 2, oy * size.shorter + size.height / 2

    def to_json(self) -> dict[str, Any]:
        """The `view` object of a session, without a size; `from_json` gives the identical view back."""
        return {
            "center": [decimal_string(self.center_x), decimal_string(self.center_y)],
            "log2_zoom": decimal_string(self.log2_zoom),
            "rotation_deg": self.rotation_deg,
            "stretch": list(self.stretch),
            "warps": [warp.spec() for warp in self.warps],
            "outside": self.outside,
        }

    @classmethod
    def from_json(cls, values: Any) -> View:
        """Read `to_json`'s object; absent keys take their defaults, unknown ones are left to the caller."""
        if not isinstance(values, dict):
            raise InputError("the view is not a JSON object")
        fields: dict[str, Any] = {}
        if "center" in values:
            fields["center_x"], fields["center_y"] = (
                _json_decimal(v, "center") for v in _json_list(values["center"], "center", 2)
            )
        if "log2_zoom" in values:
            fields["log2_zoom"] = _json_decimal(values["log2_zoom"], "log2_zoom")
        if "rotation_deg" in values:
            fields["rotation_deg"] = _json_number(values["rotation_deg"], "rotation_deg")
        if "stretch" in values:
            pair = _json_list(values["stretch"], "stretch", 2)
            fields["stretch"] = tuple(_json_number(v, "stretch") for v in pair)
        if "warps" in values:
            fields["warps"] = tuple(parse_warp(str(spec)) for spec in _json_list(values["warps"], "warps"))
        if "outside" in values:
            fields["outside"] = values["outside"]
        return cls(**fields)

    def _directions(self) -> tuple[float, float, float, float]:
        """`step` at zoom 1 per shorter side: the stretched and turned axes of the window."""
        cosine, sine = _cos_sin(self.rotation_deg)
        sx, sy = self.stretch
        return sx * cosine, -sx * sine, sy * sine, sy * cosine


def _cos_sin(degrees: float) -> tuple[float, float]:
    """Cosine and sine, exact at multiples of 90 degrees."""
    radians = math.radians(degrees)
    return _QUARTERS.get(degrees) or (math.cos(radians), math.sin(radians))


def _exp2(exponent: Fraction) -> float:
    """2**exponent as a double, with full relative accuracy at any depth."""
    whole = math.floor(exponent)
    return math.ldexp(math.exp2(float(exponent - whole)), whole)


def _exact(value: Fraction | float, name: str) -> Fraction:
    try:
        exact = Fraction(value)
    except (ValueError, OverflowError, TypeError):
        raise InputError(f"{name} is {value!r}, expected a finite number") from None
    if not is_decimal(exact):
        raise InputError(f"{name} is {float(exact)!r}…, which no finite decimal expresses")
    return exact


def _json_decimal(value: Any, name: str) -> Fraction:
    if isinstance(value, str):
        return parse_decimal(value, name)
    return parse_decimal(repr(_json_number(value, name)), name)


def _json_number(value: Any, name: str) -> float:
    # compared before it is converted: a JSON integer may be larger than any double
    if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) <= 1e300:
        raise InputError(f"{name} of the view is not a finite number")
    return float(value)


def _json_list(value: Any, name: str, length: int | None = None) -> list[Any]:
    if not isinstance(value, list) or (length is not None and len(value) != length):
        raise InputError(f"{name} of the view is not a list{'' if length is None else f' of {length}'}")
    return value
