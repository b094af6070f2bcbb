"""Checked reading of a session's JSON, and keeping the keys that this version does not know.

What the keys mean is decided where they are read: `session`, `keyframe`.
"""

from __future__ import annotations

import math
from collections.abc import Set
from typing import Any

from creps_core.errors import InputError


def json_object(value: Any, name: str) -> dict[str, Any]:
    """The value, which must be an object."""
    if not isinstance(value, dict):
        raise InputError(f"the session's {name} is missing or not a JSON object")
    return value


def json_list(value: Any, name: str) -> list[Any]:
    """The value, which must be a list."""
    if not isinstance(value, list):
        raise InputError(f"the session's {name} is not a list")
    return value


def json_integer(value: Any, name: str) -> int:
    """The value, which must be a whole number of at least 0."""
    if type(value) is not int or value < 0:
        raise InputError(f"the session's {name} is {str(value)[:40]!r}, expected a whole number")
    return value


def json_number(value: Any, name: str) -> float:
    """The value as a double, which must be finite."""
    # Compared before converting: JSON's whole numbers may be larger than any double.
    if type(value) not in (int, float) or not abs(value) <= 1e300 or not math.isfinite(value):
        raise InputError(f"the session's {name} has {str(value)[:40]!r} where a number belongs")
    return float(value)


def json_text(value: Any, name: str) -> str:
    """The value, which must be a text."""
    if not isinstance(value, str):
        raise InputError(f"the session's {name} is {str(value)[:40]!r}, expected a text")
    return value


def other_keys(values: dict[str, Any], known: Set[str]) -> dict[str, Any]:
    """The entries whose keys are not known."""
    return {key: value for key, value in values.items() if key not in known}


def merged(known: Any, unknown: Any) -> Any:
    """`known` with `unknown`'s keys added at every level; lists pair up by position."""
    if isinstance(known, dict) and isinstance(unknown, dict):
        common = {
            key: merged(value, unknown[key]) if key in unknown else value for key, value in known.items()
        }
        return common | {key: value for key, value in unknown.items() if key not in known}
    if isinstance(known, list) and isinstance(unknown, list):
        return [merged(*pair) for pair in zip(known, unknown, strict=False)] + known[len(unknown) :]
    return known
