"""Which augmentations there are, how likely and how strong: plain frozen records, and the named sets."""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass
from typing import Any

from creps_core.errors import InputError


@dataclass(frozen=True)
class AugmentStrengths:
    """How far each transformation goes when it is applied; the defaults are the paper's (appendix B)."""

    integer_shift: float = 0.125  # largest shift by whole pixels, of the picture's width
    scale: float = 0.2  # standard deviation of log2 of the scale
    rotation: float = 180.0  # largest angle, degrees
    anisotropy: float = 0.2  # standard deviation of log2 of the stretch of x (y is shrunk by as much)
    shift: float = 0.125  # standard deviation of the fractional shift, of the picture's width
    brightness: float = 0.2  # standard deviation of what is added, of a range from -1 to 1
    contrast: float = 0.5  # standard deviation of log2 of the factor
    hue: float = 180.0  # largest angle about the grey axis, degrees
    saturation: float = 1.0  # standard deviation of log2 of the factor
    band_filter: float = 1.0  # standard deviation of log2 of a frequency band's gain
    noise: float = 0.1  # standard deviation of the half-normal distributed noise level
    cutout: float = 0.5  # side of the square that is cut out, of the picture's width


@dataclass(frozen=True)
class AugmentConfig:
    """How likely each transformation is: its probability is the strength p times the number given here.

    0 switches a transformation off. The order is the one in which they are applied.
    """

    x_flip: float = 0.0  # mirror, left to right
    quarter_turns: float = 0.0  # turn by 0, 90, 180 or 270 degrees
    integer_shift: float = 0.0  # shift by whole pixels
    scale: float = 0.0  # zoom
    rotation: float = 0.0  # turn by any angle, before or after the anisotropic scaling, or both
    anisotropy: float = 0.0  # stretch one axis, shrink the other
    shift: float = 0.0  # shift by fractions of a pixel
    brightness: float = 0.0  # add one number to all channels
    contrast: float = 0.0  # multiply all channels
    luma_flip: float = 0.0  # light becomes dark, hue and saturation stay
    hue: float = 0.0  # turn colours about the grey axis
    saturation: float = 0.0  # move colours to or from the grey axis
    band_filter: float = 0.0  # amplify or weaken one of four frequency bands (each for itself)
    noise: float = 0.0  # add Gaussian noise
    cutout: float = 0.0  # set a square to zero
    strengths: AugmentStrengths = AugmentStrengths()

    def __post_init__(self) -> None:
        for record in (self, self.strengths):
            for field in dataclasses.fields(record):
                value = getattr(record, field.name)
                if field.name != "strengths" and not (math.isfinite(value) and value >= 0):
                    raise InputError(f"augmentation {field.name} is {value!r}, expected a number ≥ 0")


def _switched_on(*names: str) -> AugmentConfig:
    multipliers: dict[str, Any] = dict.fromkeys(names, 1.0)
    return AugmentConfig(**multipliers)


_BLIT = ("x_flip", "quarter_turns", "integer_shift")
_GEOMETRY = ("scale", "rotation", "anisotropy", "shift")
_COLOUR = ("brightness", "contrast", "luma_flip", "hue", "saturation")

# The paper's sets (its section 3 and appendix B); bgc is what it recommends for nearly everything.
AUGMENT_SETS = {
    "none": AugmentConfig(),
    "blit": _switched_on(*_BLIT),
    "geom": _switched_on(*_GEOMETRY),
    "color": _switched_on(*_COLOUR),
    "bg": _switched_on(*_BLIT, *_GEOMETRY),
    "bgc": _switched_on(*_BLIT, *_GEOMETRY, *_COLOUR),
    "bgcf": _switched_on(*_BLIT, *_GEOMETRY, *_COLOUR, "band_filter"),
    "bgcfn": _switched_on(*_BLIT, *_GEOMETRY, *_COLOUR, "band_filter", "noise"),
    "bgcfnc": _switched_on(*_BLIT, *_GEOMETRY, *_COLOUR, "band_filter", "noise", "cutout"),
}


def augment_set(name: str = "bgc") -> AugmentConfig:
    """The set of this name.

    Raises:
        InputError: there is none.
    """
    try:
        return AUGMENT_SETS[name]
    except KeyError:
        raise InputError(f"no augmentations {name!r}; there are: {', '.join(AUGMENT_SETS)}") from None
