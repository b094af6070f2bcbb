"""Exact rationals as decimal strings and back, for files and typed numbers; bounded against bombs.

Deliberately not here: what the numbers mean and their ranges, which belongs to `view`.
"""

from __future__ import annotations

import re
from fractions import Fraction

from creps_core.errors import InputError

# Python refuses to convert integers of more than 4300 digits by default; gestures never need half of that.
MAX_DIGITS = 4000

_DECIMAL = re.compile(r"([+-]?)(\d*)(?:\.(\d*))?(?:[eE]([+-]?\d{1,6}))?", re.ASCII)


def parse_decimal(text: str, name: str = "number") -> Fraction:
    """The exact value of a decimal such as `-0.125` or `3e-7`.

    Raises:
        InputError: not a decimal number (fractions, nan and inf included), or of more than
            `MAX_DIGITS` digits before or after the point.
    """
    text = text.strip()
    shown = text if len(text) <= 40 else f"{text[:37]}..."
    if len(text) > MAX_DIGITS + 16:
        raise InputError(f"{name} has {len(text)} characters, at most {MAX_DIGITS} digits are accepted")
    match = _DECIMAL.fullmatch(text)
    if match is None or not (match[2] or match[3]):
        raise InputError(f"{name} is {shown!r}, expected a decimal number such as 0.5")
    sign, whole, part, exponent = match[1], match[2], match[3] or "", int(match[4] or 0)
    if len(part) - exponent > MAX_DIGITS or len(whole) + exponent > MAX_DIGITS:
        raise InputError(f"{name} is {shown!r}, which needs more than {MAX_DIGITS} digits")
    digits = int(whole + part)
    return Fraction(-digits if sign == "-" else digits) * Fraction(10) ** (exponent - len(part))


def is_decimal(value: Fraction) -> bool:
    """Whether `value` has a finite decimal expansion: no prime but 2 and 5 divides its denominator."""
    return pow(10, value.denominator.bit_length(), value.denominator) == 0


def decimal_string(value: Fraction) -> str:
    """The shortest plain decimal of exactly this value; `parse_decimal` gives the value back.

    Raises:
        InputError: no finite decimal expansion, or one of more than `MAX_DIGITS` digits.
    """
    if not is_decimal(value):
        raise InputError(f"{float(value)!r} stands for a rational without a finite decimal expansion")
    rest, twos, fives = value.denominator, 0, 0
    twos = (rest & -rest).bit_length() - 1
    rest >>= twos
    while rest > 1:
        rest //= 5
        fives += 1
    places = max(twos, fives)
    scaled = abs(value.numerator) * 10**places // value.denominator
    # 3.32 bits per digit: refuse before Python's own limit on str(int) does
    if scaled.bit_length() > 3.32 * (MAX_DIGITS + 100):
        raise InputError(f"a number needs more than {MAX_DIGITS} digits to be written exactly")
    digits = str(scaled).zfill(places + 1)
    text = f"{digits[:-places]}.{digits[-places:]}" if places else digits
    return f"-{text}" if value < 0 else text
