"""Principal directions of w: what they are, and that a mix understands them."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from creps_core.cancel import CancelToken
from creps_core.directions import principal_directions
from creps_core.errors import Cancelled, InputError
from creps_core.latents import resolve_ws, seed_to_z, source_ws
from creps_core.session import CheckpointRef, Session, session_from_json, session_to_json
from creps_core.source import Source
from tests.core.references import SMALL, small_generator

GENERATOR = small_generator()
SAMPLES = 300


def test_they_are_the_principal_components_of_w() -> None:
    found = principal_directions(GENERATOR, count=SMALL.w_dim, samples=SAMPLES)
    z = torch.cat([seed_to_z(seed, SMALL.z_dim) for seed in range(SAMPLES)])
    w = GENERATOR.mapping(z)[:, 0].double()
    vectors, deviations = found.vectors.double(), found.deviations.double()
    torch.testing.assert_close(vectors @ vectors.T, torch.eye(SMALL.w_dim).double(), atol=1e-6, rtol=0)
    torch.testing.assert_close((w @ vectors.T).std(0), deviations, rtol=1e-4, atol=1e-6)
    covariance = torch.cov((w @ vectors.T).T)
    torch.testing.assert_close(covariance, torch.diag(deviations**2), atol=1e-6, rtol=1e-4)
    assert (deviations.diff() <= 1e-7).all()
    assert float(found.shares.sum()) == pytest.approx(1, abs=1e-5)
    assert (vectors.gather(1, vectors.abs().argmax(1, keepdim=True)) > 0).all()


def test_they_are_the_same_every_time_and_nested() -> None:
    few = principal_directions(GENERATOR, count=2, samples=SAMPLES)
    many = principal_directions(GENERATOR, count=5, samples=SAMPLES)
    assert torch.equal(few.vectors, many.vectors[:2])
    assert few.sources() == many.sources()[:2]
    assert [source.name for source in few.sources()] == ["Axis 1", "Axis 2"]


def test_a_mix_adds_so_many_deviations_to_some_styles() -> None:
    found = principal_directions(GENERATOR, count=1, samples=SAMPLES)
    (direction,) = found.sources()
    first = Source(seed=4, psi=0.7)
    strengths = [2.5 if 1 <= i <= 3 else 0.0 for i in range(SMALL.num_ws)]
    session = Session(
        CheckpointRef("a.pkl", ""),
        sources=(first, Source(seed=5), direction),
        mix=tuple((1.0, 0.0, strength) for strength in strengths),
    )
    read = session_from_json(session_to_json(session))
    assert read.sources == session.sources
    got = resolve_ws(GENERATOR, read.sources, read.mix)
    step = found.vectors[0] * found.deviations[0]
    want = source_ws(GENERATOR, first) + torch.tensor(strengths)[None, :, None] * step
    torch.testing.assert_close(got, want)


def test_a_class_is_asked_for_and_checked() -> None:
    conditional = small_generator(replace(SMALL, c_dim=3))
    a, b = (principal_directions(conditional, count=1, samples=SAMPLES, label=label) for label in (0, 2))
    assert not torch.equal(a.vectors, b.vectors)
    with pytest.raises(InputError, match="class 3"):
        principal_directions(conditional, label=3)
    with pytest.raises(InputError, match="two samples"):
        principal_directions(GENERATOR, samples=1)


def test_a_search_can_be_cancelled() -> None:
    token = CancelToken()
    token.cancel()
    with pytest.raises(Cancelled):
        principal_directions(GENERATOR, cancel=token)
