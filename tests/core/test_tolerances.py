"""The comparisons of the other tests do fail when they should."""

from __future__ import annotations

import numpy as np
import pytest

from tests.core.tolerances import HALF_LEVEL, assert_close, assert_same_bits


def test_close_reports_the_worst_element_and_accepts_the_bound_itself() -> None:
    want = np.zeros((3, 4))
    got = want.copy()
    got[1, 2] = 0.5
    assert assert_close(got, want, 0.5) == 0.5
    with pytest.raises(AssertionError, match=r"off by 0\.5 at \(1, 2\)"):
        assert_close(got, want, 0.49)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_close_never_accepts_what_is_not_finite(bad: float) -> None:
    got = np.zeros(5)
    got[3] = bad
    with pytest.raises(AssertionError):
        assert_close(got, np.zeros(5), 1e9)
    with pytest.raises(AssertionError):
        assert_close(np.zeros(5), got, 1e9)


def test_close_compares_neither_other_shapes_nor_nothing() -> None:
    with pytest.raises(AssertionError, match="shapes"):
        assert_close(np.zeros((1, 3)), np.zeros((3, 1)), 1.0)
    with pytest.raises(AssertionError, match="nothing"):
        assert_close(np.zeros(0), np.zeros(0), 1.0)


def test_same_bits_sees_one_ulp_a_sign_and_a_type() -> None:
    a = np.ones((4, 3), dtype=np.float32)
    assert_same_bits(a, a.copy())
    b = a.copy()
    b[2, 1] = np.nextafter(np.float32(1), np.float32(2))
    with pytest.raises(AssertionError, match="1 of 4 rows"):
        assert_same_bits(a, b)
    with pytest.raises(AssertionError, match="rows differ"):
        assert_same_bits(np.zeros((2, 2)), -np.zeros((2, 2)))
    with pytest.raises(AssertionError, match="float64"):
        assert_same_bits(a, a.astype(np.float64))


def test_half_a_level_is_half_a_level() -> None:
    assert HALF_LEVEL * 127.5 == 0.5
