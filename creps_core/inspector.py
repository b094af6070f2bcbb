"""What is looked at inside the network, and what was found there: plain values, without torch.

An `Inspector` says what to show of which bi-line; `inspection` computes the `Inspection`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from creps_core.config import GeneratorConfig
from creps_core.errors import InputError
from creps_core.frame import Frame
from creps_core.view import Size, View

Shown = Literal["feature", "without", "alone", "difference", "picture"]
Axis = Literal["row", "column"]
INSPECTOR_KEYS = {"open", "level", "channel", "lane", "shown"}


@dataclass(frozen=True)
class Inspector:
    """Which level, channel and lane are shown, and how."""

    open: bool = False
    level: int = 8  # its block: 8, 16, … resolution
    channel: int = 0  # 0 … biline_channels − 1
    lane: int | None = None  # 0 … thickness − 1 of the composed feature; None = their sum
    shown: Shown = "feature"  # over the picture; see `inspection.inspect`

    def fitting(self, config: GeneratorConfig) -> Inspector:
        """The same as far as a generator of these sizes has it."""
        return Inspector(
            self.open,
            max((level for level in config.levels if level <= self.level), default=config.levels[0]),
            min(max(self.channel, 0), config.biline_channels - 1),
            None if self.lane is None else min(max(self.lane, 0), config.thickness - 1),
            self.shown,
        )

    def to_json(self) -> dict[str, Any]:
        """The `inspector` object of a session."""
        return {key: getattr(self, key) for key in sorted(INSPECTOR_KEYS)}

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> Inspector:
        """Read `to_json`'s object; absent keys take their defaults.

        Raises:
            InputError: a value is of the wrong kind.
        """
        fields = {key: values[key] for key in INSPECTOR_KEYS if key in values}
        for key in ("level", "channel", "lane"):
            number = fields.get(key)
            if key in fields and not (_is_count(number) or (key == "lane" and number is None)):
                raise InputError(f"the session's inspector has a {key} that is not a whole number")
        if not isinstance(fields.get("open", False), bool):
            raise InputError("the session's inspector has an open that is neither true nor false")
        if fields.get("shown", "feature") not in get_args(Shown):
            raise InputError(f"the session's inspector shows none of {', '.join(get_args(Shown))}")
        return cls(**fields)


@dataclass(frozen=True, eq=False)
class Strip:
    """The embeddings of one channel along an edge of the inspected window."""

    axis: Axis
    values: NDArray[np.float32]  # [L, R]
    origin: int  # window pixel of the first sample
    stride: int  # window pixels from one to the next
    limit: float  # its colours reach from −limit to limit


@dataclass(frozen=True, eq=False)
class Inspection:
    """What an `Inspector` shows of one plan and view; nobody writes its arrays again."""

    inspector: Inspector
    aligned: bool  # rows and columns of the plane are those of the window, or the reverse
    view: View  # of the window that the strips belong to: upright and unbent unless `aligned`
    size: Size
    down: Strip  # along the left edge of that window
    across: Strip  # along its top
    frame: Frame | None  # of the same view, to lie over the picture
    frame_limit: float  # of its signed numbers; 0 = it is a picture
    shares: tuple[float, ...]  # per level: root mean square change without it, in levels of 255


def _is_count(value: Any) -> bool:
    return type(value) is int and 0 <= value <= 2**24
