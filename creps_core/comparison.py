"""What lies beside the picture: a second one of the same view, or how far the first depends on its size.

As data and as a session's JSON. How it is drawn is the viewer's business; what the residual is, is in
`consistency`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal, get_args

from creps_core.checkpoint_ref import CHECKPOINT_KEYS, CheckpointRef
from creps_core.errors import InputError
from creps_core.json_fields import json_list, json_number, json_object, merged, other_keys
from creps_core.source import Mix, Source
from creps_core.source_json import mix_from_json, source_from_json, source_to_json
from creps_core.view import View

Shows = Literal["picture", "residual"]
Layout = Literal["wipe", "side"]

_KEYS = frozenset({"shows", "sources", "mix", "checkpoint", "view", "linked", "layout", "wipe"})


@dataclass(frozen=True)
class Comparison:
    """The second picture and how it lies beside the first."""

    shows: Shows = "picture"  # `residual`: the first picture less the same at twice the size, reduced
    sources: tuple[Source, ...] | None = None  # None: those of the first picture, whatever they are
    mix: Mix | None = None  # of `sources`; None: the first of them alone
    checkpoint: CheckpointRef | None = None  # None: that of the first picture
    view: View | None = None  # the second picture's own, once it is not linked
    linked: bool = True  # both pictures show the first one's view
    layout: Layout = "wipe"  # `wipe`: one over the other, divided by a line; `side`: side by side
    wipe: float = 0.5  # where that line is, 0 … 1 of the width
    unknown: dict[str, Any] = field(default_factory=dict, hash=False)  # keys of later versions

    def __post_init__(self) -> None:
        if self.sources is not None and not self.sources:
            raise InputError("a comparison has no source of latents")
        if not 0 <= self.wipe <= 1:  # also false for NaN
            raise InputError(f"a comparison's wipe is {self.wipe:g}, expected 0 … 1")
        for name, value, known in (
            ("shows", self.shows, get_args(Shows)),
            ("layout", self.layout, get_args(Layout)),
        ):
            if value not in known:
                raise InputError(
                    f"a comparison's {name} is {str(value)[:40]!r}, expected one of {', '.join(known)}"
                )

    def to_json(self, *, portable: bool = False) -> dict[str, Any]:
        """A session's `compare`; `portable` leaves out the checkpoint's path."""
        values: dict[str, Any] = {"shows": self.shows}
        if self.sources is not None:
            values["sources"] = [source_to_json(source) for source in self.sources]
        if self.mix is not None:
            values["mix"] = [list(row) for row in self.mix]
        if self.checkpoint is not None:
            values["checkpoint"] = self.checkpoint.to_json(portable=portable)
        if self.view is not None:
            values["view"] = self.view.to_json()
        values |= {"linked": self.linked, "layout": self.layout, "wipe": self.wipe}
        written: dict[str, Any] = merged(values, self.unknown)
        return written

    @classmethod
    def from_json(cls, values: Any) -> Comparison:
        """Read `to_json`'s object. Raises `InputError` that says what is wrong with it."""
        values = json_object(values, "compare")
        sources = mix = checkpoint = view = None
        nested: dict[str, Any] = {}
        if values.get("sources") is not None:
            entries = json_list(values["sources"], "sources")
            sources = tuple(source_from_json(json_object(entry, "source")) for entry in entries)
            mix = mix_from_json(values.get("mix"), len(sources))
        if values.get("checkpoint") is not None:
            named = json_object(values["checkpoint"], "checkpoint")
            checkpoint = CheckpointRef.from_json(named)
            nested["checkpoint"] = other_keys(named, CHECKPOINT_KEYS)
        if values.get("view") is not None:
            view = View.from_json(json_object(values["view"], "view"))
        linked = values.get("linked", cls.linked)
        if not isinstance(linked, bool):
            raise InputError("a comparison's linked is neither true nor false")
        return cls(
            shows=values.get("shows", cls.shows),
            sources=sources,
            mix=mix,
            checkpoint=checkpoint,
            view=view,
            linked=linked,
            layout=values.get("layout", cls.layout),
            wipe=json_number(values.get("wipe", cls.wipe), "wipe"),
            unknown=other_keys(values, _KEYS) | {key: value for key, value in nested.items() if value},
        )
