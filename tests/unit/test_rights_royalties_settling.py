"""What closes a period, step by step, in whole micro-units."""

from collections.abc import Mapping
from datetime import date
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from linernotes.model import Account, Advance, ExchangeRate, Reserve, Terms
from linernotes.rights.ledger import check_entry, check_period
from linernotes.rights.royalties_settling import advance_entries, due_on, last_day, later, rate_on, settle

Key = tuple[Account, str | None, str]
UNIT = 1_000_000


def after(
    balances: Mapping[Key, int],
    terms: Mapping[str, Terms] | None = None,
    rates: tuple[ExchangeRate, ...] = (),
    reserves: tuple[Reserve, ...] = (),
) -> dict[Key, int]:
    entries, _ = settle("2026-01", balances, terms or {}, rates, reserves)
    standing = dict(balances)
    for entry in entries:
        check_entry(entry)
        for leg in entry.postings:
            key = leg.account, leg.party_id, leg.currency
            standing[key] = standing.get(key, 0) + leg.amount_micro
    return {key: amount for key, amount in standing.items() if amount}


def payable(amount: int, party: str = "a", currency: str = "EUR") -> dict[Key, int]:
    return {(Account.PAYABLE, party, currency): amount}


def test_whole_minor_units_are_paid_and_the_rest_stays() -> None:
    assert after(payable(12_345_678)) == {
        (Account.PAID, "a", "EUR"): 12_340_000,
        (Account.PAYABLE, "a", "EUR"): 5_678,
    }
    assert after(payable(12_345_678, currency="JPY"))[Account.PAID, "a", "JPY"] == 12 * UNIT
    assert after(payable(12_345_678, currency="KWD"))[Account.PAID, "a", "KWD"] == 12_345_000


def test_a_part_of_what_is_new_is_kept_in_reserve_before_advances() -> None:
    agreed = {"a": Terms("a", reserve=Fraction(1, 5), reserve_periods=6)}
    owed: dict[Key, int] = {
        **payable(10 * UNIT),
        (Account.BELOW_THRESHOLD, "a", "EUR"): 5 * UNIT,  # was earned before, and had its part kept then
        (Account.RECOUPABLE, "a", "EUR"): -9 * UNIT,
    }
    assert after(owed, agreed) == {(Account.RESERVED, "a", "EUR"): 2 * UNIT, (Account.PAID, "a", "EUR"): 4 * UNIT}
    assert after(payable(-UNIT), agreed) == payable(-UNIT)


def test_a_reserve_comes_back_when_its_time_is_over() -> None:
    agreed = {"a": Terms("a", reserve=Fraction(1, 5), reserve_periods=3)}
    kept: dict[Key, int] = {(Account.RESERVED, "a", "EUR"): 7 * UNIT}
    old, new = Reserve("a", "b", "EUR", "2025-10", 4 * UNIT), Reserve("a", "a", "EUR", "2025-11", 3 * UNIT)
    assert after(kept, agreed, reserves=(old, new)) == {
        (Account.RESERVED, "a", "EUR"): 3 * UNIT,
        (Account.PAID, "b", "EUR"): 4 * UNIT,  # who took the place of the one that earned it
    }
    assert after(kept, {}, reserves=(new,))[Account.PAID, "a", "EUR"] == 3 * UNIT  # nothing is agreed any more
    assert [later("2026-11", count) for count in (0, 1, 2, 14)] == ["2026-11", "2026-12", "2027-01", "2028-01"]


def test_tax_is_withheld_of_what_is_paid_out_and_of_nothing_else() -> None:
    found = after(payable(100 * UNIT + 5), {"a": Terms("a", withholding=Fraction(15, 100))})
    assert found == {
        (Account.PAID, "a", "EUR"): 85 * UNIT,
        (Account.WITHHELD_TAX, "a", "EUR"): 15 * UNIT,
        (Account.PAYABLE, "a", "EUR"): 5,
    }
    assert after(payable(7), {"a": Terms("a", withholding=Fraction(1))})[Account.BELOW_THRESHOLD, "a", "EUR"] == 7


def test_below_the_minimum_it_waits_and_comes_back() -> None:
    agreed = {"a": Terms("a", minimum_micro=10 * UNIT)}
    waiting = after(payable(6 * UNIT), agreed)
    assert waiting == {(Account.BELOW_THRESHOLD, "a", "EUR"): 6 * UNIT}
    later = after({**waiting, **payable(5 * UNIT)}, agreed)
    assert later == {(Account.PAID, "a", "EUR"): 11 * UNIT}


def test_advances_are_recouped_own_first_then_the_groups() -> None:
    owing: dict[Key, int] = {
        (Account.RECOUPABLE, "a", "EUR"): -30 * UNIT,
        (Account.RECOUPABLE, "b", "EUR"): -50 * UNIT,
        (Account.RECOUPABLE, "c", "EUR"): -9 * UNIT,
    }
    together = {"a": Terms("a", group="g"), "b": Terms("b", group="g"), "c": Terms("c")}
    found = after({**payable(70 * UNIT), **owing}, together)
    assert found == {
        (Account.RECOUPABLE, "b", "EUR"): -10 * UNIT,
        (Account.RECOUPABLE, "c", "EUR"): -9 * UNIT,
    }
    alone = after({**payable(70 * UNIT), **owing})
    assert alone[Account.PAID, "a", "EUR"] == 40 * UNIT


def test_a_debt_is_carried_and_never_collected() -> None:
    assert after(payable(-5 * UNIT)) == payable(-5 * UNIT)


def test_currencies_are_exchanged_at_the_last_rate_and_without_one_they_wait() -> None:
    agreed = {"a": Terms("a", currency="EUR")}
    rates = (
        ExchangeRate("USD", "EUR", date(2026, 1, 2), Fraction(1, 2), "x"),
        ExchangeRate("USD", "EUR", date(2026, 1, 31), Fraction(9, 10), "x"),
        ExchangeRate("USD", "EUR", date(2026, 2, 1), Fraction(2), "x"),
    )
    found = after(payable(10 * UNIT, currency="USD"), agreed, rates)
    assert found == {
        (Account.EXCHANGE, None, "USD"): 10 * UNIT,
        (Account.EXCHANGE, None, "EUR"): -9 * UNIT,
        (Account.PAID, "a", "EUR"): 9 * UNIT,
    }
    entries, problems = settle("2026-01", payable(10 * UNIT, currency="USD"), agreed, ())
    assert (entries, [problem.code for problem in problems]) == ([], ["no_rate"])


def test_the_inverse_serves_where_only_that_is_known() -> None:
    rates = [ExchangeRate("EUR", "USD", date(2026, 1, 1), Fraction(5, 4), "x")]
    assert rate_on(rates, "USD", "EUR", date(2026, 1, 31)) == Fraction(4, 5)
    assert rate_on(rates, "USD", "JPY", date(2026, 1, 31)) is None


def test_an_advance_is_paid_and_recoupable_once_its_day_has_come() -> None:
    advances = [Advance("1", "a", "EUR", 5, date(2026, 1, 31)), Advance("2", "a", "EUR", 5, date(2026, 2, 1))]
    (entry,) = advance_entries(advances, period="2026-01", payees={})
    check_entry(entry)
    assert entry.id == "advance:1"


def test_an_advance_is_recouped_from_whoever_is_paid_for_its_party() -> None:
    (entry,) = advance_entries(
        [Advance("1", "a", "EUR", 5, date(2026, 1, 31))], period="2026-01", payees={"a": "b", "b": "b"}
    )
    assert [(leg.account, leg.party_id, leg.amount_micro) for leg in entry.postings] == [
        (Account.PAID, "a", 5),
        (Account.RECOUPABLE, "b", -5),
    ]


def test_months_end_when_they_end() -> None:
    assert [str(last_day(period)) for period in ("2026-02", "2028-02", "2026-12")] == [
        "2026-02-28",
        "2028-02-29",
        "2026-12-31",
    ]
    assert due_on("2026-01") == date(2026, 3, 2)


MONEY = st.integers(-(10**12), 10**14)


@given(
    st.dictionaries(st.tuples(st.sampled_from("abc"), st.sampled_from(["EUR", "JPY"])), MONEY),
    st.dictionaries(st.sampled_from("abc"), st.integers(1, 10**13)),
    st.fractions(0, 1),
    st.sampled_from([None, "EUR"]),
)
def test_whatever_is_owed_nothing_is_lost(
    owed: dict[tuple[str, str], int], advanced: dict[str, int], withholding: Fraction, currency: str | None
) -> None:
    balances: dict[Key, int] = {(Account.PAYABLE, party, c): amount for (party, c), amount in owed.items()}
    balances |= {(Account.RECOUPABLE, party, "EUR"): -amount for party, amount in advanced.items()}
    for c in ("EUR", "JPY"):
        balances[Account.CASH, None, c] = -sum(amount for key, amount in balances.items() if key[2] == c)
    terms = {party: Terms(party, currency, "g", withholding, 5 * UNIT) for party in "ab"}
    rates = (ExchangeRate("JPY", "EUR", date(2026, 1, 1), Fraction(1, 163), "x"),)
    found = after(balances, terms, rates)
    assert check_period("2026-01", found, {}, found) == []
    assert all(
        amount >= 0 for (account, _, _), amount in found.items() if account in (Account.PAID, Account.WITHHELD_TAX)
    )
    assert all(amount <= 0 for (account, _, _), amount in found.items() if account is Account.RECOUPABLE)


@pytest.mark.parametrize("period", ["2026-01"])
def test_a_period_that_does_not_add_up_is_told(period: str) -> None:
    opening: dict[Key, int] = {(Account.CASH, None, "EUR"): -5, (Account.PAYABLE, "a", "EUR"): 5}
    closing = opening | {(Account.PAYABLE, "a", "EUR"): 4}
    assert [problem.code for problem in check_period(period, opening, {}, closing)] == ["ledger_period", "ledger_sum"]
