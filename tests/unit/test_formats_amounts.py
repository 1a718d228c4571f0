"""Amounts: exact, in the decimals of their currency."""

from fractions import Fraction

import pytest

from linernotes.formats import amounts


@pytest.mark.parametrize(
    ("amount", "digits", "machine", "number"),
    [
        (0, 0, "0", "0"),
        (0, 2, "0.00", "0.00"),
        (-5, 2, "-0.05", "−0.05"),
        (1_234_567, 2, "12345.67", "12,345.67"),
        (-1_234_567, 0, "-1234567", "−1,234,567"),
        (1_500, 3, "1.500", "1.500"),
        (10**30, 6, f"{10**24}.000000", f"{10**24:,}.000000"),
    ],
)
def test_whole_numbers_are_written_exactly(amount: int, digits: int, machine: str, number: str) -> None:
    assert amounts.machine(amount, digits) == machine
    assert amounts.number(amount, digits) == number


@pytest.mark.parametrize(
    ("amount_micro", "currency", "parts"),
    [
        (1_234_567, "EUR", ("1.23", "4567")),
        (-1_234_567, "EUR", ("−1.23", "4567")),
        (1_500_000, "JPY", ("1", ".500000")),
        (-400_000, "JPY", ("−0", ".400000")),
        (1_234_567, "KWD", ("1.234", "567")),
        (1_234_567, "CLF", ("1.2345", "67")),
        (0, "EUR", ("0.00", "0000")),
    ],
)
def test_an_amount_is_split_at_the_minor_unit(amount_micro: int, currency: str, parts: tuple[str, str]) -> None:
    assert amounts.split(amount_micro, currency) == parts


@pytest.mark.parametrize(
    ("amount_micro", "currency", "text"),
    [
        (1_230_000, "EUR", "EUR 1.23"),
        (1_230_001, "EUR", "EUR 1.230001"),
        (-5_000_000, "JPY", "JPY −5"),
        (5_500_000, "JPY", "JPY 5.5"),
        (1_500_000, "KWD", "KWD 1.500"),
        (1_234_000_000_000, "USD", "USD 1,234,000.00"),
    ],
)
def test_money_is_no_longer_than_it_must_be(amount_micro: int, currency: str, text: str) -> None:
    assert amounts.money(amount_micro, currency).replace("\xa0", " ") == text


def test_shares_are_fractions_and_say_when_a_percentage_is_rounded() -> None:
    shares = [Fraction(1), Fraction(1, 3), Fraction(1, 8), Fraction(1, 30_000), Fraction(0)]
    assert [amounts.fraction(share) for share in shares] == ["1/1", "1/3", "1/8", "1/30000", "0/1"]
    told = [amounts.percent(share).replace("\xa0", " ") for share in shares]
    assert told == ["100 %", "≈ 33.33 %", "12.5 %", "≈ 0 %", "0 %"]
