"""Money: whole numbers of 10⁻⁶ of a currency's unit, divided without loss and rounded once.

Conventions
-----------
``…_micro`` counts 10⁻⁶ of a unit, ``…_minor`` the currency's minor unit (cents). Parts are exact fractions. Nothing
here knows a float.

Source: ISO 4217, list one: the number of digits of each currency's minor unit where it is not two.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Self

from linernotes.errors import ConflictError, ParameterError

__all__ = ["LIMIT_MICRO", "Money", "divide", "exchange", "micro_of_minor", "minor_digits", "minor_micro", "split_minor"]

LIMIT_MICRO = 1 << 62
"""No amount, and no sum that the books must hold, is this large: 4.6 million million units."""

_MICRO = 1_000_000
_DIGITS: Mapping[str, int] = {
    **dict.fromkeys(re.findall(r"\w+", "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF"), 0),
    **dict.fromkeys(re.findall(r"\w+", "BHD IQD JOD KWD LYD OMR TND"), 3),
    **dict.fromkeys(re.findall(r"\w+", "CLF UYW"), 4),
}


@dataclass(frozen=True, slots=True, order=True)
class Money:
    """An amount in a currency; two of different currencies do not add."""

    currency: str
    amount_micro: int

    def __add__(self, other: Self) -> Self:
        if other.currency != self.currency:
            raise ConflictError(f"{self} and {other} do not add: exchange one of them first", code="currency")
        return type(self)(self.currency, self.amount_micro + other.amount_micro)

    def __neg__(self) -> Self:
        return type(self)(self.currency, -self.amount_micro)

    def __sub__(self, other: Self) -> Self:
        return self + -other

    def __str__(self) -> str:
        sign = "-" if self.amount_micro < 0 else ""
        units, micro = divmod(abs(self.amount_micro), _MICRO)
        digits = f"{micro:06d}".rstrip("0").ljust(minor_digits(self.currency), "0")
        return f"{sign}{units}{'.' if digits else ''}{digits} {self.currency}"


def minor_digits(currency: str) -> int:
    """Return how many digits the currency's minor unit has. Check: EUR 2, JPY 0, KWD 3."""
    return _DIGITS.get(currency, 2)


def minor_micro(currency: str) -> int:
    """Return the minor unit in 10⁻⁶ of the unit. Check: EUR 10000, JPY 1000000, KWD 1000."""
    return int(_MICRO // 10 ** minor_digits(currency))


def micro_of_minor(amount_minor: int, currency: str) -> int:
    """Return an amount in minor units as micro-units. Check: ``micro_of_minor(1, "KWD") == 1000``."""
    return amount_minor * minor_micro(currency)


def split_minor(amount_micro: int, currency: str) -> tuple[int, int]:
    """Return the whole minor units in an amount, towards zero, and what is left in 10⁻⁶, with the amount's sign.

    Check: 12 345 678 in EUR is (1234, 5678), in JPY (12, 345678).
    """
    size = minor_micro(currency)
    whole = abs(amount_micro) // size
    whole = whole if amount_micro >= 0 else -whole
    return whole, amount_micro - whole * size


def divide(amount_micro: int, parts: Sequence[Fraction]) -> list[int]:
    """Divide an amount into whole numbers by largest remainder: they add up to it, and each is within one of exact.

    Where remainders tie, who comes first in ``parts`` is first served: put them in order of party id. A negative
    amount is divided as the same positive one is.

    Raises ParameterError if a part is negative, or the parts do not add up to one. Check: 100 into thirds is
    [34, 33, 33].
    """
    if any(part < 0 for part in parts) or sum(parts, Fraction(0)) != 1:
        raise ParameterError(f"parts must add up to 1, and be none below 0: {', '.join(map(str, parts))}")
    size = abs(amount_micro)
    exact = [size * part for part in parts]
    shares = [value.numerator // value.denominator for value in exact]
    left_over = size - sum(shares)
    order = sorted(range(len(parts)), key=lambda n: (shares[n] - exact[n], n))
    for number in order[:left_over]:
        shares[number] += 1
    return shares if amount_micro >= 0 else [-share for share in shares]


def exchange(amount_micro: int, rate: Fraction) -> int:
    """Return the amount at a rate, to the nearest 10⁻⁶, halves to the even one. Check: 5 at 1/2 is 2."""
    return round(amount_micro * rate)
