"""What the readout and the scale bar say: numbers to text, and nothing else."""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction

from creps_core.config import GeneratorConfig
from creps_core.frame import Frame
from creps_core.view import Size, View

BEYOND_DETAIL = 16  # screen pixels per trained pixel beyond which a generator has nothing to add
MOST_DIGITS = 40
_SUPERSCRIPTS = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


@dataclass(frozen=True)
class ReadoutText:
    """The readout's words."""

    zoom: str
    place: tuple[str, ...]  # x, y, rotation
    status: tuple[str, ...]
    refined: float  # 0…1, how far the refinement has come
    notable: str = ""  # a sentence worth the accent: beyond trained detail, flat


def readout_text(
    view: View, size: Size, config: GeneratorConfig | None = None, frame: Frame | None = None
) -> ReadoutText:
    """The readout of `view` in a window of `size`, with what is known of the generator and the last frame."""
    digits = centre_digits(view, size)
    place = [f"x {fixed(view.center_x, digits)}", f"y {fixed(view.center_y, digits)}"]
    if view.rotation_deg:
        place.append(f"↻ {view.rotation_deg:.1f}°")
    if view.stretch != (1.0, 1.0):
        place.append(stretch_text(view.stretch))
    status, notable = [], ""
    if config is not None:
        pixels = trained_pixels(view, size, config)
        status.append(f"{significant(pixels)} px per trained pixel")
        if pixels > BEYOND_DETAIL:
            notable = "beyond trained detail"
    if frame is not None:
        if not frame.settled:
            status.append(f"refining {frame.pass_number}/{frame.pass_count}")
        status.append(f"{frame.stats.render_ms:.0f} ms")
        status.append(frame.stats.device.split(" ")[0])
        if frame.stats.reused >= 0.01:
            status.append(f"{math.floor(100 * frame.stats.reused):d} % reused")
        if frame.flat and frame.settled and frame.view == view:
            notable = "flat here: Home returns"
    return ReadoutText(zoom_text(view.log2_zoom), tuple(place), tuple(status), refined(frame), notable)


def refined(frame: Frame | None) -> float:
    """How far the refinement has come, 0…1."""
    if frame is None:
        return 0.0
    return 1.0 if frame.settled else frame.pass_number / max(frame.pass_count, 1)


def zoom_text(log2_zoom: Fraction) -> str:
    """2**log2_zoom as 0.25×, 12.4×, 1240× or 1.05·10⁶×."""
    zoom = math.exp2(float(log2_zoom))
    return f"{significant(zoom)}×"


def significant(value: float) -> str:
    """Three significant digits, in powers of ten where plain digits would be many."""
    if value == 0 or not math.isfinite(value):
        return f"{value:g}"
    exponent = math.floor(math.log10(abs(float(f"{value:.2e}"))))
    if -3 <= exponent < 4:
        return f"{value:.{max(0, 2 - exponent)}f}"
    return f"{value / 10.0**exponent:.2f}·10{str(exponent).translate(_SUPERSCRIPTS)}"


def trained_pixels(view: View, size: Size, config: GeneratorConfig) -> float:
    """Screen pixels per trained pixel, the geometric mean of the two axes."""
    step = view.step(size)
    area = abs(step.xx * step.yy - step.xy * step.yx)
    return config.trained_pitch / math.sqrt(area) if area > 0 else math.inf


def centre_digits(view: View, size: Size) -> int:
    """Decimals of the centre that can be told apart on the screen, and one more."""
    pixels = float(view.log2_zoom) * math.log10(2) + math.log10(size.shorter)
    return min(max(math.ceil(pixels) + 1, 3), MOST_DIGITS)


def fixed(value: Fraction, digits: int) -> str:
    """`value` with a fixed number of decimals, rounded exactly at any depth."""
    scaled = round(abs(value) * 10**digits)
    whole, rest = divmod(scaled, 10**digits)
    sign = "−" if value < 0 and scaled else ""
    return f"{sign}{whole}.{rest:0{digits}d}" if digits else f"{sign}{whole}"


def stretch_text(stretch: tuple[float, float]) -> str:
    """Mirrored, or stretched by so much."""
    if stretch in ((-1.0, 1.0), (1.0, -1.0)):
        return "mirrored"
    return f"stretch {stretch[0]:g}, {stretch[1]:g}"


@dataclass(frozen=True)
class ScaleBar:
    """A round length of the image plane and how long it is on the screen."""

    label: str
    length: float  # device pixels


def scale_bar(view: View, size: Size, longest: float) -> ScaleBar:
    """The longest of 1, 2 and 5 times a power of ten plane units that fits `longest` device pixels."""
    step = view.step(size)
    unit = math.hypot(step.xx, step.xy)
    # in logarithms, so that the deepest zoom does not underflow
    room = math.log10(unit) + math.log10(longest)
    exponent = math.floor(room)
    times = max(n for n in (1, 2, 5) if math.log10(n) <= room - exponent + 1e-12)
    length = 10 ** (math.log10(times) + exponent - math.log10(unit))
    if -4 <= exponent <= 3:
        label = f"{times * 10.0**exponent:.{max(0, -exponent)}f}"
    else:
        power = f"10{str(exponent).translate(_SUPERSCRIPTS)}"
        label = power if times == 1 else f"{times}·{power}"
    return ScaleBar(label, length)
