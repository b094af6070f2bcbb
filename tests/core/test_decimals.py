"""Decimal strings carry exact numbers, and cannot be used as bombs."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from creps_core.decimals import decimal_string, is_decimal, parse_decimal
from creps_core.errors import InputError
from tests.strategies import relaxed


@relaxed
@given(st.integers(-(10**60), 10**60), st.integers(0, 600), st.integers(0, 300))
def test_every_finite_decimal_survives_a_round_trip(numerator: int, twos: int, fives: int) -> None:
    value = Fraction(numerator, 2**twos * 5**fives)
    assert parse_decimal(decimal_string(value)) == value


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("0.1", Fraction(1, 10)),
        (" -12.50 ", Fraction(-25, 2)),
        ("+.5", Fraction(1, 2)),
        ("3.", Fraction(3)),
        ("1e-3", Fraction(1, 1000)),
        ("-2.5E+2", Fraction(-250)),
    ],
)
def test_decimals_are_read_as_people_write_them(text: str, value: Fraction) -> None:
    assert parse_decimal(text) == value


def test_decimals_are_written_plainly() -> None:
    assert decimal_string(Fraction(-1, 8)) == "-0.125"
    assert decimal_string(Fraction(40)) == "40"
    assert decimal_string(Fraction(1, 10**25)) == "0." + "0" * 24 + "1"


@pytest.mark.parametrize(
    "text",
    [
        "", ".", "-", "e5", "nan", "inf", "-Infinity", "1/3", "0x10", "1_000", "1,5", "1 2", "٣",
        "1e999999", "1e-999999", "1e999999999999", "9" * 5000, "0." + "1" * 4001,
    ],
)  # fmt: skip
def test_what_is_no_reasonable_decimal_is_refused_in_one_short_line(text: str) -> None:
    with pytest.raises(InputError, match="centre") as caught:
        parse_decimal(text, "centre")
    message = str(caught.value)
    assert "\n" not in message
    assert len(message) < 120


def test_thirds_are_no_decimals() -> None:
    assert is_decimal(Fraction(7, 2**9 * 5**4))
    assert not is_decimal(Fraction(1, 3))
    with pytest.raises(InputError):
        decimal_string(Fraction(1, 3))
    with pytest.raises(InputError):
        decimal_string(Fraction(1, 2**20000))
