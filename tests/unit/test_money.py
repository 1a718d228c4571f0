from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from linernotes.errors import ConflictError, ParameterError
from linernotes.money import Money, divide, exchange, micro_of_minor, minor_digits, minor_micro, split_minor

AMOUNTS = st.integers(-(10**30), 10**30)


@st.composite
def wholes(draw: st.DrawFn) -> list[Fraction]:
    weights = draw(st.lists(st.integers(0, 10**6), min_size=1, max_size=9).filter(any))
    return [Fraction(weight, sum(weights)) for weight in weights]


@given(AMOUNTS, wholes())
def test_nothing_is_lost_and_each_is_within_one_of_exact(amount: int, parts: list[Fraction]) -> None:
    shares = divide(amount, parts)
    assert sum(shares) == amount
    assert all(abs(share - amount * part) < 1 for share, part in zip(shares, parts, strict=True))


@given(AMOUNTS, wholes())
def test_a_debt_is_divided_as_a_gain_is(amount: int, parts: list[Fraction]) -> None:
    assert divide(-amount, parts) == [-share for share in divide(amount, parts)]


@given(st.integers(0, 10**12), st.integers(1, 9))
def test_equal_parts_differ_by_one_at_most_and_the_first_are_served_first(amount: int, n: int) -> None:
    shares = divide(amount, [Fraction(1, n)] * n)
    assert shares == sorted(shares, reverse=True)
    assert shares[0] - shares[-1] <= 1


def test_the_largest_remainder_is_served_before_the_first() -> None:
    assert divide(100, [Fraction(1, 3)] * 3) == [34, 33, 33]
    assert divide(10, [Fraction(1, 4), Fraction(1, 4), Fraction(1, 2)]) == [3, 2, 5]
    assert divide(1, [Fraction(1, 3), Fraction(2, 3)]) == [0, 1]


@pytest.mark.parametrize("parts", [[], [Fraction(1, 2)], [Fraction(3, 2), Fraction(-1, 2)]])
def test_parts_that_are_no_whole_are_refused(parts: list[Fraction]) -> None:
    with pytest.raises(ParameterError, match="add up to 1"):
        divide(1, parts)


def test_minor_units_follow_iso_4217() -> None:
    assert [(minor_digits(c), minor_micro(c)) for c in ("EUR", "JPY", "KWD")] == [
        (2, 10_000),
        (0, 1_000_000),
        (3, 1000),
    ]
    assert split_minor(12_345_678, "EUR") == (1234, 5678)
    assert split_minor(-12_345_678, "EUR") == (-1234, -5678)
    assert split_minor(12_345_678, "JPY") == (12, 345_678)


def test_money_adds_in_one_currency_and_says_its_unit() -> None:
    assert str(Money("EUR", 1_500_000) + Money("EUR", 5) - Money("EUR", 10)) == "1.499995 EUR"
    assert [str(Money(c, 12_000_000)) for c in ("EUR", "JPY", "KWD")] == ["12.00 EUR", "12 JPY", "12.000 KWD"]
    assert str(Money("EUR", -1)) == "-0.000001 EUR"
    with pytest.raises(ConflictError, match="exchange one"):
        Money("EUR", 1) + Money("USD", 1)


def test_exchange_rounds_to_the_nearest() -> None:
    assert [exchange(n, Fraction(1, 2)) for n in (5, 7, -5)] == [2, 4, -2]
    assert exchange(10**18, Fraction(11, 10)) == 11 * 10**17


@pytest.mark.parametrize(("currency", "digits"), [("EUR", 2), ("JPY", 0), ("KWD", 3), ("CLF", 4), ("XXX", 2)])
def test_a_currency_has_its_minor_unit(currency: str, digits: int) -> None:
    assert minor_digits(currency) == digits
    assert micro_of_minor(10**digits, currency) == 1_000_000
