"""Amounts as people and files write them: exact, from whole numbers alone.

Conventions
-----------
``…_micro`` are 10⁻⁶ of a currency's unit, ``…_minor`` its minor units. Files take a point, no separators and a hyphen
for minus; pages take commas between thousands and a true minus sign.

Check: ``machine(1_234_560_000, 6) == "1234.560000"``.
"""

from fractions import Fraction

from linernotes.money import minor_digits

__all__ = [
    "MICRO_DIGITS",
    "fraction",
    "machine",
    "money",
    "number",
    "percent",
    "split",
]

MICRO_DIGITS = 6
"""Decimals of an amount in micro-units."""

_NO_BREAK, _MINUS = "\N{NO-BREAK SPACE}", "\N{MINUS SIGN}"


def machine(amount: int, digits: int) -> str:
    """Write a whole number of 10^−digits for a file, with all its digits. Check: ``machine(-5, 2) == "-0.05"``."""
    whole, rest = divmod(abs(amount), 10**digits)
    return f"{'-' if amount < 0 else ''}{whole}{f'.{rest:0{digits}}' if digits else ''}"


def number(amount: int, digits: int) -> str:
    """Write a whole number of 10^−digits for a page. Check: ``number(-1234567, 2) == "−12,345.67"``."""
    whole, rest = divmod(abs(amount), 10**digits)
    return f"{_MINUS if amount < 0 else ''}{whole:,}{f'.{rest:0{digits}}' if digits else ''}"


def split(amount_micro: int, currency: str) -> tuple[str, str]:
    """Write an amount exactly, in two: up to the minor unit, and what is smaller than that.

    Put together they are the whole amount, all six decimals of it. Check: ``split(1_234_567, "EUR") == ("1.23",
    "4567")``, ``split(1_500_000, "JPY") == ("1", ".500000")``.
    """
    text = number(amount_micro, MICRO_DIGITS)
    digits = minor_digits(currency)
    cut = len(text) - MICRO_DIGITS + digits - (digits == 0)
    return text[:cut], text[cut:]


def money(amount_micro: int, currency: str) -> str:
    """Write an amount with its currency: exact, and no longer than it must be.

    Check: ``money(1_230_000, "EUR") == "EUR 1.23"``, ``money(1_230_001, "EUR") == "EUR 1.230001"`` (no-break space).
    """
    head, tail = split(amount_micro, currency)
    tail = tail.rstrip("0")
    return f"{currency}{_NO_BREAK}{head}{'' if tail == '.' else tail}"


def fraction(share: Fraction) -> str:
    """Write a share as a fraction. Check: ``fraction(Fraction(1)) == "1/1"``."""
    return f"{share.numerator}/{share.denominator}"


def percent(share: Fraction) -> str:
    """Write a share as a percentage of two decimals, with ``≈`` where that rounds it; half to even.

    Check: ``percent(Fraction(1, 3)) == "≈ 33.33 %"``, ``percent(Fraction(1, 8)) == "12.5 %"`` (no-break spaces).
    """
    hundredths = share * 10_000
    text = number(round(hundredths), 2).rstrip("0").rstrip(".")
    about = "" if hundredths.denominator == 1 else f"≈{_NO_BREAK}"
    return f"{about}{text}{_NO_BREAK}%"
