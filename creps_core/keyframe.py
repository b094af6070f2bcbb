"""Keyframes: where a journey passes, and how it goes on from there; as data and as JSON.

How a journey moves between them is in `journey`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal, get_args

from creps_core.errors import InputError
from creps_core.json_fields import json_list, json_number, json_object, merged, other_keys
from creps_core.source import Mix, Source
from creps_core.source_json import SOURCE_KEYS, mix_from_json, source_from_json, source_to_json
from creps_core.view import VIEW_KEYS, View

Easing = Literal["ease", "linear", "ease-in", "ease-out", "smooth", "hold"]
EASINGS: tuple[Easing, ...] = get_args(Easing)
MAX_SECONDS = 86_400.0  # of one segment

_KEYS = frozenset({"view", "sources", "mix", "seconds", "easing"})


@dataclass(frozen=True)
class Keyframe:
    """A view with its latents, and the segment from here to the next keyframe.

    The last keyframe's segment leads back to the first, and counts only when the journey loops.
    """

    view: View = field(default_factory=View)
    sources: tuple[Source, ...] = (Source(seed=0),)
    mix: Mix | None = None  # None: the first source alone
    seconds: float = 2.0  # of the segment, 0 … 86400; 0 is a cut
    easing: Easing = "ease"  # `hold` stands still for the seconds, then cuts
    unknown: dict[str, Any] = field(default_factory=dict, hash=False)  # keys of later versions, see `Session`

    def __post_init__(self) -> None:
        if not self.sources:
            raise InputError("a keyframe has no source of latents")
        if not 0 <= self.seconds <= MAX_SECONDS:  # also false for NaN
            raise InputError(f"a keyframe's seconds are {self.seconds:g}, expected 0 … {MAX_SECONDS:g}")
        object.__setattr__(self, "seconds", float(self.seconds) + 0.0)
        if self.easing not in EASINGS:
            raise InputError(
                f"a keyframe's easing is {str(self.easing)[:40]!r}, expected one of {', '.join(EASINGS)}"
            )

    @property
    def is_cut(self) -> bool:
        """Whether nothing moves between this keyframe and the next."""
        return self.easing == "hold" or not self.seconds

    def to_json(self) -> dict[str, Any]:
        """One entry of a session's `keyframes`."""
        values: dict[str, Any] = {
            "view": self.view.to_json(),
            "sources": [source_to_json(source) for source in self.sources],
        }
        if self.mix is not None:
            values["mix"] = [list(row) for row in self.mix]
        known = values | {"seconds": self.seconds, "easing": self.easing}
        written: dict[str, Any] = merged(known, self.unknown)
        return written

    @classmethod
    def from_json(cls, values: Any, like: Keyframe) -> Keyframe:
        """Read `to_json`'s object; without view or latents it takes those of `like`, the session's own."""
        values = json_object(values, "keyframe")
        view = json_object(values.get("view", {}), "view")
        sources, mix, entries = like.sources, like.mix, []
        if values.get("sources") is not None:
            entries = [json_object(entry, "source") for entry in json_list(values["sources"], "sources")]
            sources, mix = tuple(map(source_from_json, entries)), None
        if values.get("mix") is not None:
            mix = mix_from_json(values["mix"], len(sources))
        nested = {
            "view": other_keys(view, VIEW_KEYS),
            "sources": [other_keys(entry, SOURCE_KEYS) for entry in entries],
        }
        if not any(nested["sources"]):
            nested["sources"] = []
        return cls(
            view=View.from_json(view) if "view" in values else like.view,
            sources=sources,
            mix=mix,
            seconds=json_number(values.get("seconds", cls.seconds), "seconds"),
            easing=values.get("easing", cls.easing),
            unknown=other_keys(values, _KEYS) | {key: value for key, value in nested.items() if value},
        )
