"""Comparisons in sessions: exact round trips, keys of other versions kept, nonsense refused."""

from __future__ import annotations

import dataclasses
import json
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from creps_core.checkpoint_ref import CheckpointRef
from creps_core.comparison import Comparison
from creps_core.errors import InputError
from creps_core.session import Session, session_from_json, session_to_json
from creps_core.source import Source
from creps_core.view import View

HERE = CheckpointRef("faces.pkl", "a" * 64, "/somewhere/faces.pkl")

comparisons = st.builds(
    Comparison,
    shows=st.sampled_from(["picture", "residual"]),
    sources=st.none() | st.tuples(st.builds(Source, seed=st.integers(0, 2**32 - 1))),
    checkpoint=st.none() | st.just(CheckpointRef("b.pkl", "b" * 64, "/b.pkl")),
    view=st.none()
    | st.builds(
        View, log2_zoom=st.integers(-640, 640).map(lambda n: Fraction(n, 64)), rotation_deg=st.just(12.5)
    ),
    linked=st.booleans(),
    layout=st.sampled_from(["wipe", "side"]),
    wipe=st.floats(0, 1),
)


@given(comparisons)
def test_a_session_brings_its_comparison_back_exactly(compare: Comparison) -> None:
    session = Session(HERE, compare=compare)
    assert session_from_json(session_to_json(session)) == session


def test_a_mix_and_unknown_keys_travel_on() -> None:
    compare = Comparison(sources=(Source(seed=1), Source(seed=2)), mix=((0.25, 0.75), (1.0, 0.0)))
    document = json.loads(session_to_json(Session(HERE, compare=compare)))
    document["compare"]["tint"] = "warm"
    again = session_from_json(json.dumps(document))
    assert dataclasses.replace(again.compare, unknown={}) == compare
    assert json.loads(session_to_json(again))["compare"] == document["compare"]


def test_exported_pictures_carry_no_path() -> None:
    session = Session(HERE, compare=Comparison(checkpoint=HERE, view=View(log2_zoom=Fraction(1, 4))))
    assert "/somewhere" not in session_to_json(session, portable=True)


def test_sessions_without_one_have_no_key() -> None:
    assert "compare" not in json.loads(session_to_json(Session(HERE)))


@pytest.mark.parametrize(
    "values",
    [
        7,
        {"shows": "nothing"},
        {"layout": ["wipe"]},
        {"wipe": 1.5},
        {"wipe": "half"},
        {"linked": 1},
        {"sources": []},
        {"sources": [{"seed": -1}]},
        {"checkpoint": {"name": ""}},
        {"view": {"center": ["x", "0"]}},
    ],
)
def test_nonsense_is_refused(values: Any) -> None:
    document = json.loads(session_to_json(Session(HERE)))
    document["compare"] = values
    with pytest.raises(InputError):
        session_from_json(json.dumps(document))
