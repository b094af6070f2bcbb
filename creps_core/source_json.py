"""Latents in a session's JSON: sources, and the mix of every style over them."""

from __future__ import annotations

from typing import Any

from creps_core.errors import InputError
from creps_core.json_fields import json_integer, json_list, json_number, json_text
from creps_core.source import Mix, Source

SOURCE_KEYS = frozenset({"seed", "lattice", "z", "w", "class", "psi", "cutoff", "name"})


def source_to_json(source: Source) -> dict[str, Any]:
    """One entry of `sources`."""
    which: dict[str, Any]
    if source.seed is not None:
        which = {"seed": source.seed}
    elif source.lattice is not None:
        which = {"lattice": list(source.lattice)}
    elif source.z is not None:
        which = {"z": list(source.z)}
    else:
        which = {"w": list(source.w or ())}
    which |= {"class": source.label, "psi": source.psi, "cutoff": source.cutoff}
    return which | ({"name": source.name} if source.name else {})


def source_from_json(values: dict[str, Any]) -> Source:
    """Read `source_to_json`'s object; absent keys take their defaults, unknown ones are left alone."""
    fields: dict[str, Any] = {}
    if values.get("seed") is not None:
        fields["seed"] = json_integer(values["seed"], "seed")
    if values.get("lattice") is not None:
        fields["lattice"] = _pair(values["lattice"])
    for name in ("z", "w"):
        if values.get(name) is not None:
            fields[name] = tuple(json_number(value, name) for value in json_list(values[name], name))
    cutoff = values.get("cutoff")
    return Source(
        **fields,
        label=json_integer(values.get("class", 0), "class"),
        psi=json_number(values.get("psi", 1.0), "psi"),
        cutoff=None if cutoff is None else json_integer(cutoff, "cutoff"),
        name=json_text(values.get("name", ""), "name"),
    )


def _pair(value: Any) -> tuple[float, float]:
    numbers = [json_number(entry, "lattice") for entry in json_list(value, "lattice")]
    if len(numbers) != 2:
        raise InputError("the session's lattice is not two numbers")
    return numbers[0], numbers[1]


def mix_from_json(values: Any, sources: int) -> Mix | None:
    """The `mix` over so many sources, None where there is none."""
    if values is None:
        return None
    rows = [json_list(row, "mix") for row in json_list(values, "mix")]
    if any(len(row) != sources for row in rows):
        raise InputError(f"every style of the session's mix needs {sources} weights, one for each source")
    return tuple(tuple(json_number(weight, "mix") for weight in row) for row in rows)
