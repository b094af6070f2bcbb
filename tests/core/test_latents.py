"""Seeds, labels, mixing, truncation and interpolation of latents."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import assume, given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from torch import Tensor

from creps_core.errors import InputError
from creps_core.latents import (
    lerp,
    mean_w,
    mix_from,
    mix_ws,
    one_hot,
    resolve_ws,
    seed_to_z,
    single_mix,
    slerp,
    source_ws,
)
from creps_core.source import MAX_SEED, Source
from tests.core.references import SMALL, random_ws, small_generator
from tests.strategies import relaxed

SMALL_GENERATOR = small_generator()
CONDITIONAL = small_generator(replace(SMALL, c_dim=3))
with torch.no_grad():
    SMALL_GENERATOR.mapping.w_avg.copy_(torch.linspace(-1, 1, SMALL.w_dim))

vectors = hnp.arrays(np.float32, 6, elements=st.floats(-8, 8, width=32)).map(torch.from_numpy)
shares = st.floats(0, 1)


@relaxed
@given(st.integers(0, MAX_SEED), st.integers(1, 40))
def test_a_seed_draws_from_the_old_generator(seed: int, z_dim: int) -> None:
    want = np.random.RandomState(seed).randn(1, z_dim).astype(np.float32)
    assert seed_to_z(seed, z_dim).numpy().tobytes() == want.tobytes()


@pytest.mark.parametrize("seed", [-1, MAX_SEED + 1])
def test_seeds_out_of_range_are_named(seed: int) -> None:
    with pytest.raises(InputError, match=str(seed)):
        seed_to_z(seed, 4)
    with pytest.raises(InputError, match=str(seed)):
        Source(seed=seed)


@pytest.mark.parametrize("given_", [{}, {"seed": 1, "z": (0.0,)}, {"z": (0.0,), "w": (1.0,)}])
def test_a_source_is_one_latent(given_: dict[str, Any]) -> None:
    with pytest.raises(InputError, match="exactly one"):
        Source(**given_)


@pytest.mark.parametrize("psi", [float("nan"), float("inf")])
def test_psi_is_finite(psi: float) -> None:
    with pytest.raises(InputError, match="psi"):
        Source(seed=0, psi=psi)


def test_labels() -> None:
    assert one_hot(2, 4).tolist() == [[0, 0, 1, 0]]
    assert one_hot(7, 0).shape == (1, 0), "an unconditional generator takes any label"
    for label in (-1, 4):
        with pytest.raises(InputError, match=rf"class {label} .* 0 … 3"):
            one_hot(label, 4)


def test_the_label_decides_when_conditional_only() -> None:
    by_class = [source_ws(CONDITIONAL, Source(seed=5, label=label)) for label in range(3)]
    assert not torch.equal(by_class[0], by_class[1])
    assert not torch.equal(by_class[1], by_class[2])
    assert torch.equal(*(source_ws(SMALL_GENERATOR, Source(seed=5, label=label)) for label in (0, 2)))
    with pytest.raises(InputError, match="class 3"):
        source_ws(CONDITIONAL, Source(seed=5, label=3))


def test_a_stored_z_is_the_seed_it_came_from() -> None:
    z = tuple(seed_to_z(11, SMALL.z_dim)[0].tolist())
    assert torch.equal(
        source_ws(SMALL_GENERATOR, Source(z=z, psi=0.6)),
        source_ws(SMALL_GENERATOR, Source(seed=11, psi=0.6)),
    )


def test_a_stored_w_is_not_mapped_again() -> None:
    ws = source_ws(SMALL_GENERATOR, Source(seed=11))
    w = tuple(ws[0, 0].tolist())
    assert torch.equal(source_ws(SMALL_GENERATOR, Source(w=w)), ws)
    assert torch.equal(
        source_ws(SMALL_GENERATOR, Source(w=w, psi=0.3, cutoff=2)),
        source_ws(SMALL_GENERATOR, Source(seed=11, psi=0.3, cutoff=2)),
    )


@pytest.mark.parametrize("source", [Source(z=(1.0, 2.0)), Source(w=(1.0,) * (SMALL.w_dim + 1))])
def test_stored_latents_of_another_model_are_refused(source: Source) -> None:
    length = len(source.z or source.w or ())
    with pytest.raises(InputError, match=rf"has {length} numbers, this checkpoint needs {SMALL.w_dim}"):
        source_ws(SMALL_GENERATOR, source)


@relaxed
@given(st.integers(0, 99), st.floats(-2, 2), st.none() | st.integers(0, SMALL.num_ws))
def test_truncation_moves_the_first_styles_along_the_line_to_w_avg(
    seed: int, psi: float, cutoff: int | None
) -> None:
    plain = source_ws(SMALL_GENERATOR, Source(seed=seed))
    got = source_ws(SMALL_GENERATOR, Source(seed=seed, psi=psi, cutoff=cutoff))
    average = SMALL_GENERATOR.mapping.w_avg
    count = SMALL.num_ws if cutoff is None else cutoff
    torch.testing.assert_close(
        got[:, :count], average + psi * (plain - average)[:, :count], atol=1e-5, rtol=1e-5
    )
    assert torch.equal(got[:, count:], plain[:, count:])


def test_truncation_is_exact_at_both_ends() -> None:
    plain = source_ws(SMALL_GENERATOR, Source(seed=3))
    assert torch.equal(source_ws(SMALL_GENERATOR, Source(seed=3, psi=1.0, cutoff=2)), plain)
    none_left = source_ws(SMALL_GENERATOR, Source(seed=3, psi=0.0))
    assert torch.equal(none_left, SMALL_GENERATOR.mapping.w_avg.expand_as(none_left))


def test_truncation_can_be_applied_to_ws_of_any_source() -> None:
    ws = random_ws(SMALL)
    half = SMALL_GENERATOR.mapping.truncate(ws, 0.5, 3)
    assert torch.equal(half[:, 3:], ws[:, 3:])
    torch.testing.assert_close(half[:, :3] * 2 - SMALL_GENERATOR.mapping.w_avg, ws[:, :3])


@relaxed
@given(st.integers(0, SMALL.num_ws))
def test_mixing_takes_styles_bit_for_bit(first: int) -> None:
    a, b = Source(seed=1, psi=0.7), Source(seed=2, cutoff=3, psi=0.4)
    ws = resolve_ws(SMALL_GENERATOR, [a, b], mix_from(SMALL.num_ws, first))
    assert torch.equal(ws[:, :first], source_ws(SMALL_GENERATOR, a)[:, :first])
    assert torch.equal(ws[:, first:], source_ws(SMALL_GENERATOR, b)[:, first:])


@relaxed
@given(st.lists(st.lists(st.floats(-3, 3), min_size=3, max_size=3), min_size=4, max_size=4))
def test_mixing_is_linear_per_style(weights: list[list[float]]) -> None:
    sources = [torch.randn(1, 4, 5, generator=torch.Generator().manual_seed(k)) for k in range(3)]
    want = torch.einsum("ik,knic->nic", torch.tensor(weights).double(), torch.stack(sources).double())
    torch.testing.assert_close(mix_ws(sources, weights).double(), want, atol=1e-5, rtol=1e-5)


def test_one_source_alone_is_the_first_or_the_chosen() -> None:
    sources = [Source(seed=seed) for seed in (4, 5, 6)]
    assert torch.equal(resolve_ws(SMALL_GENERATOR, sources), source_ws(SMALL_GENERATOR, sources[0]))
    mix = single_mix(SMALL.num_ws, 3, which=2)
    assert torch.equal(resolve_ws(SMALL_GENERATOR, sources, mix), source_ws(SMALL_GENERATOR, sources[2]))


def test_sources_without_weight_are_not_even_computed() -> None:
    sources = [Source(seed=4), Source(z=(1.0,))]  # the second does not fit
    mix = single_mix(SMALL.num_ws, 2, which=0)
    assert torch.equal(resolve_ws(SMALL_GENERATOR, sources, mix), source_ws(SMALL_GENERATOR, sources[0]))


@pytest.mark.parametrize(
    "mix", [single_mix(SMALL.num_ws - 1, 2), single_mix(SMALL.num_ws, 3), ((1.0, 0.0),) * 8 + ((1.0,),)]
)
def test_a_mix_of_other_sizes_is_refused(mix: tuple[tuple[float, ...], ...]) -> None:
    with pytest.raises(InputError, match=rf"expected {SMALL.num_ws} styles of 2"):
        resolve_ws(SMALL_GENERATOR, [Source(seed=0), Source(seed=1)], mix)


def test_nothing_to_mix_is_refused() -> None:
    with pytest.raises(InputError, match="no source"):
        resolve_ws(SMALL_GENERATOR, [])
    for first in (-1, 10):
        with pytest.raises(InputError, match="mix-from"):
            mix_from(9, first)


@relaxed
@given(vectors, vectors, shares)
def test_lerp_and_slerp_end_where_they_should(a: Tensor, b: Tensor, t: float) -> None:
    assert torch.equal(lerp(a, b, 0.0), a)
    assert torch.equal(lerp(a, b, 1.0), b)
    torch.testing.assert_close(slerp(a, b, 0.0), a, atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(slerp(a, b, 1.0), b, atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(slerp(a, b, t), slerp(b, a, 1 - t), atol=1e-4, rtol=1e-4)


@relaxed
@given(vectors, vectors, shares)
def test_slerp_turns_evenly_and_blends_norms(a: Tensor, b: Tensor, t: float) -> None:
    u, v = a.double(), b.double()
    assume(u.norm() > 0.1 and v.norm() > 0.1)

    def angle(p: Tensor, q: Tensor) -> Tensor:
        p, q = p / p.norm(), q / q.norm()
        return 2 * torch.atan2((p - q).norm(), (p + q).norm())

    whole = angle(u, v)
    assume(0.01 < whole < 3.1)
    got = slerp(a, b, t).double()
    torch.testing.assert_close(got.norm(), (1 - t) * u.norm() + t * v.norm(), atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(angle(u, got), t * whole, atol=1e-4, rtol=1e-4)


@relaxed
@given(vectors, st.sampled_from([1.0, 3.0, -1.0, -0.7, 0.0]), shares)
def test_slerp_of_vectors_on_one_line_stays_on_it(a: Tensor, factor: float, t: float) -> None:
    b = a * factor
    torch.testing.assert_close(slerp(a, b, t), lerp(a, b, t), atol=1e-4, rtol=1e-4)


def test_the_mean_is_that_of_the_seeds() -> None:
    seeds = list(range(300))  # more than one batch
    one_by_one = torch.cat([source_ws(CONDITIONAL, Source(seed=s, label=1))[:, 0] for s in seeds])
    torch.testing.assert_close(
        mean_w(CONDITIONAL, seeds, label=1),
        one_by_one.double().mean(0, keepdim=True).float(),
        atol=1e-6,
        rtol=1e-5,
    )
    assert not torch.allclose(mean_w(CONDITIONAL, seeds, label=0), mean_w(CONDITIONAL, seeds, label=1))
    with pytest.raises(InputError, match="at least one seed"):
        mean_w(CONDITIONAL, [])


def test_resolving_leaves_the_generator_alone() -> None:
    before = {name: value.clone() for name, value in SMALL_GENERATOR.state_dict().items()}
    ws = resolve_ws(SMALL_GENERATOR, [Source(seed=1, psi=0.2)], single_mix(SMALL.num_ws))
    ws.zero_()
    assert all(torch.equal(value, before[name]) for name, value in SMALL_GENERATOR.state_dict().items())
