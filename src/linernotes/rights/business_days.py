"""Days that count: business days of the place where a platform's agent sits, and months as European law counts them.

Conventions
-----------
A period that runs from an event starts on the day after it. The holidays come from the ``holidays`` library; what a
"business day" is, 17 U.S.C. § 512 does not say: for the United States we leave out weekends and the federal holidays
of 5 U.S.C. § 6103 (not the days on which an executive order closed federal offices), and, where a state is named, can
leave out the state's holidays as well.
"""

import calendar
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from functools import lru_cache

import holidays

from linernotes.errors import ParameterError

__all__ = ["BusinessCalendar", "business_calendar"]

_DAYS_MAX = 366


@dataclass(frozen=True, slots=True)
class BusinessCalendar:
    """The business days of a country (ISO 3166-1) and, if named, one of its states or regions (ISO 3166-2)."""

    country: str
    subdivision: str | None = None

    def is_business_day(self, day: date) -> bool:
        """Tell whether offices are open: no weekend, no holiday of the country or of the subdivision."""
        return all(part.is_working_day(day) for part in _holidays(self.country, self.subdivision))

    def after(self, day: date, n_days: int) -> date:
        """Return the ``n_days``-th business day after ``day``, which does not count itself.

        Check: ten business days after Monday, 16 November 2026 in the United States is Tuesday, 1 December, for
        Thursday, 26 November is Thanksgiving Day.
        """
        if not 0 < n_days <= _DAYS_MAX:
            raise ParameterError(f"{n_days} business days: give 1 to {_DAYS_MAX}")
        days = (each for each in _following(day) if self.is_business_day(each))
        return next(each for number, each in enumerate(days, 1) if number == n_days)

    def months_after(self, day: date, n_months: int) -> date:
        """Return the last day of a period of months that runs from an event on ``day``.

        It ends with the same date of the last month, or that month's last day, and if no office is open then, with the
        next business day.

        Source: Regulation (EEC, Euratom) No 1182/71, article 3(2)(c) and (4).
        Check: six months from 31 August 2026 in Germany end on Monday, 1 March 2027, as 28 February is a Sunday.
        """
        months = day.year * 12 + day.month - 1 + n_months
        year, month = divmod(months, 12)
        last = date(year, month + 1, min(day.day, calendar.monthrange(year, month + 1)[1]))
        return last if self.is_business_day(last) else next(d for d in _following(last) if self.is_business_day(d))


def business_calendar(country: str, subdivision: str | None = None) -> BusinessCalendar:
    """Make the calendar of a place.

    Raises ParameterError if no such country or subdivision is known.
    """
    code, region = country.strip().upper(), (subdivision or "").strip().upper() or None
    _holidays(code, region)
    return BusinessCalendar(code, region)


def _following(day: date) -> Iterator[date]:
    while True:
        day += timedelta(days=1)
        yield day


@lru_cache(maxsize=64)
def _holidays(country: str, subdivision: str | None) -> tuple[holidays.HolidayBase, ...]:
    """Return the holidays that close offices: of the United States the federal ones, then those of the subdivision."""
    try:
        if country != "US" or subdivision is None:
            return (holidays.country_holidays(country, subdiv=subdivision),)
        # A state need not keep every federal holiday: California has no Columbus Day.
        return holidays.country_holidays(country), holidays.country_holidays(country, subdiv=subdivision)
    except NotImplementedError:
        place = f"{country}-{subdivision}" if subdivision else country
        message = f"{place}: no such country or region with a known calendar; give codes as US and CA, or DE and BE"
        raise ParameterError(message, code="calendar") from None
