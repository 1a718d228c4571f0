"""Dates counted by hand on a calendar, around federal holidays; the oracle is the law, not the library."""

from datetime import date

import pytest

from linernotes.errors import ParameterError
from linernotes.rights.business_days import business_calendar
from linernotes.rights.notices import Platform, complaint_until, restoration_clock

US = business_calendar("US")

# received on; the 10th and the 14th business day after it; what lies between.
COUNTED = [
    (date(2026, 11, 16), date(2026, 12, 1), date(2026, 12, 7)),  # Thanksgiving Day, Thursday 26 November
    (date(2026, 12, 18), date(2027, 1, 5), date(2027, 1, 11)),  # Christmas Day and New Year's Day, both Fridays
    (date(2026, 7, 1), date(2026, 7, 16), date(2026, 7, 22)),  # Independence Day, a Saturday, kept on Friday 3 July
    (date(2027, 2, 6), date(2027, 2, 22), date(2027, 2, 26)),  # received on a Saturday; Washington's Birthday
    (date(2026, 6, 12), date(2026, 6, 29), date(2026, 7, 6)),  # Juneteenth, Friday 19 June, and Friday 3 July
    (date(2027, 6, 14), date(2027, 6, 29), date(2027, 7, 6)),  # Juneteenth kept on Friday 18 June, 4 July on Monday 5
    (date(2026, 9, 4), date(2026, 9, 21), date(2026, 9, 25)),  # Labor Day, 7 September
    (date(2026, 10, 1), date(2026, 10, 16), date(2026, 10, 22)),  # Columbus Day, 12 October
    (date(2026, 11, 10), date(2026, 11, 25), date(2026, 12, 2)),  # Veterans Day, the day after, and Thanksgiving Day
    (
        date(2025, 12, 22),
        date(2026, 1, 7),
        date(2026, 1, 13),
    ),  # 24 and 26 December 2025: an order, no law, closed offices
    (date(2026, 3, 2), date(2026, 3, 16), date(2026, 3, 20)),  # nothing between
]


@pytest.mark.parametrize(("received", "tenth", "fourteenth"), COUNTED, ids=[str(case[0]) for case in COUNTED])
def test_ten_and_fourteen_business_days_after_a_counter_notice(received: date, tenth: date, fourteenth: date) -> None:
    assert (US.after(received, 10), US.after(received, 14)) == (tenth, fourteenth)
    clock = restoration_clock(Platform("plt", "P", "Agent"), received)
    assert (clock.earliest, clock.latest) == (tenth, fourteenth)


def test_a_state_that_keeps_more_days_moves_the_earliest_day_and_not_the_latest() -> None:
    california = Platform("plt", "P", "Agent", "US", "CA")
    clock = restoration_clock(california, date(2026, 11, 16))  # the Friday after Thanksgiving is a holiday there
    assert (clock.earliest, clock.latest) == (date(2026, 12, 2), date(2026, 12, 7))


def test_a_state_that_keeps_fewer_days_does_not_undo_a_federal_holiday() -> None:
    assert not business_calendar("us", "ca").is_business_day(date(2026, 10, 12))  # Columbus Day


def test_months_end_on_the_same_date_or_the_last_or_the_next_working_day() -> None:
    germany, france = business_calendar("DE"), business_calendar("FR")
    assert germany.months_after(date(2026, 3, 16), 6) == date(2026, 9, 16)
    assert germany.months_after(date(2026, 8, 31), 6) == date(2027, 3, 1)  # 28 February 2027 is a Sunday
    assert france.months_after(date(2026, 1, 14), 6) == date(2026, 7, 15)  # 14 July
    assert germany.months_after(date(2023, 8, 31), 6) == date(2024, 2, 29)
    assert complaint_until(Platform("plt", "P", "Agent", "DE"), date(2026, 3, 16)) == date(2026, 9, 16)


@pytest.mark.parametrize(("country", "region"), [("XX", None), ("US", "ZZ"), ("", None), ("DE", "CA")])
def test_a_place_without_a_calendar_is_refused(country: str, region: str | None) -> None:
    with pytest.raises(ParameterError, match="no such country or region"):
        business_calendar(country, region)


@pytest.mark.parametrize("n_days", [0, -1, 10_000])
def test_a_number_of_days_out_of_range_is_refused(n_days: int) -> None:
    with pytest.raises(ParameterError, match="business days"):
        US.after(date(2026, 1, 1), n_days)


def test_the_clock_says_where_it_stands() -> None:
    clock = restoration_clock(Platform("plt", "P", "Agent"), date(2026, 11, 16))
    days = (date(2026, 11, 30), date(2026, 12, 1), date(2026, 12, 7), date(2026, 12, 8))
    assert [clock.phase(day) for day in days] == ["waiting", "restore", "restore", "overdue"]
