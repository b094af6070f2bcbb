"""Latents in a session's JSON: sources, and the mix of every style over them."""

from __future__ import annotations

from typing import Any

from creps_core.errors import InputError
from creps_core.json_fields import json_integer, json_list, json_number
from creps_core.source import Mix, Source

SOURCE_KEYS = frozenset({"seed", "z", "w", "class", "psi", "cutoff"})


def source_to_json(source: Source) -> dict[str, Any]:
    """One entry of `sources`."""
    which: dict[str, Any]
    if source.seed is not None:
        which = {"seed": source.seed}
    elif source.z is not None:
        which = {"z": list(source.z)}
    else:
        which = {"w": list(source.w or ())}
    return which | {"class": source.label, "psi": source.psi, "cutoff": source.cutoff}


def source_from_json(values: dict[str, Any]) -> Source:
    """Read `source_to_json`'s object; absent keys take their defaults, unknown ones are left alone."""
    fields: dict[str, Any] = {}
    if values.get("seed") is not None:
        fields["seed"] = json_integer(values["seed"], "seed")
    for name in ("z", "w"):
        if values.get(name) is not None:
            fields[name] = tuple(json_number(value, name) for value in json_list(values[name], name))
    cutoff = values.get("cutoff")
    return Source(
        **fields,
        label=json_integer(values.get("class", 0), "class"),
        psi=json_number(values.get("psi", 1.0), "psi"),
        cutoff=None if cutoff is None else json_integer(cutoff, "cutoff"),
    )


def mix_from_json(values: Any, sources: int) -> Mix | None:
    """The `mix` over so many sources, None where there is none."""
    if values is None:
        return None
    rows = [json_list(row, "mix") for row in json_list(values, "mix")]
    if any(len(row) != sources for row in rows):
        raise InputError(f"every style of the session's mix needs {sources} weights, one for each source")
    return tuple(tuple(json_number(weight, "mix") for weight in row) for row in rows)
