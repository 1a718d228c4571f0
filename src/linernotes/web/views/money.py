"""Statements on a page: the account step by step, what brought it, what is held, and the way back from each line."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from linernotes.formats import statement as told
from linernotes.formats.amounts import fraction, money, number
from linernotes.model import Statement, Why
from linernotes.money import micro_of_minor
from linernotes.web.views.charts import Bar, Column, bars, columns

__all__ = [
    "Account",
    "Earner",
    "Line",
    "Month",
    "Reason",
    "Series",
    "Step",
    "Thing",
    "account",
    "charts",
    "earners",
    "periods",
    "reason",
]

Earned = Mapping[tuple[str, str, str], int]
"""Micro-units by period, party and currency."""

_PARTS_SHOWN = 6
_MONTHS_SHOWN = 12


@dataclass(frozen=True, slots=True)
class Step:
    """A row of the account."""

    label: str
    because: str
    amount: str
    is_negative: bool


@dataclass(frozen=True, slots=True)
class Line:
    """A line of a statement; ``id`` asks why."""

    id: str
    right: str
    source: str
    territory: str
    period: str
    quantity: str
    gross: str
    share: str
    amount: str
    held: bool
    because: str


@dataclass(frozen=True, slots=True)
class Thing:
    """What one work or recording brought."""

    title: str
    codes: Sequence[tuple[str, str]]
    amount: str
    lines: Sequence[Line]


@dataclass(frozen=True, slots=True)
class Account:
    """What a party is told of one period in one currency."""

    party: str
    party_id: str
    period: str
    month: str
    currency: str
    payable: str
    closing: str
    steps: Sequence[Step]
    staying: Sequence[Step]
    sources: Sequence[Bar]
    rights: Sequence[Bar]
    top: Sequence[Bar]
    holds: Sequence[Step]
    things: Sequence[Thing]


@dataclass(frozen=True, slots=True)
class Reason:
    """Why a line is what it is."""

    amount: str
    pool: str
    part: str
    steps: Sequence[str]
    claim_id: str | None
    usage: Sequence[tuple[str, ...]]
    more: int


@dataclass(frozen=True, slots=True)
class Month:
    """A period in the list: what it brought, or how many parties it brought something."""

    href: str
    month: str
    amounts: Sequence[str]
    is_closed: bool


@dataclass(frozen=True, slots=True)
class Series:
    """What each month brought in one currency."""

    currency: str
    columns: Sequence[Column]


@dataclass(frozen=True, slots=True)
class Earner:
    """A party, and what a month brought it."""

    id: str
    name: str
    amounts: Sequence[str]


def charts(earned: Earned) -> list[Series]:
    """Draw what each month brought, a chart for each currency: the last months, those between that brought nothing."""
    sums: dict[str, dict[str, int]] = {}
    for (period, _, currency), amount in sorted(earned.items()):
        by_month = sums.setdefault(currency, {})
        by_month[period] = by_month.get(period, 0) + amount
    last = max(period for period, _, _ in earned)
    months = [_months_before(last, back) for back in reversed(range(_MONTHS_SHOWN))]
    return [
        Series(currency, columns([(told.month(each), found.get(each, 0)) for each in months], currency))
        for currency, found in sorted(sums.items())
    ]


def _months_before(period: str, back: int) -> str:
    year, nth = divmod(int(period[:4]) * 12 + int(period[5:]) - 1 - back, 12)
    return f"{year:04}-{nth + 1:02}"


def periods(run: Sequence[str], closed: Collection[str], earned: Earned, party_id: str | None) -> list[Month]:
    """List periods: to a party what each brought it, to those who see all how many parties earned something."""
    found = []
    for period in run:
        here = {key: amount for key, amount in earned.items() if key[0] == period}
        amounts = [money(amount, currency) for (_, _, currency), amount in sorted(here.items())]
        if party_id is None:
            amounts = [f"{len({party for _, party, _ in here}):,}"]
        href = f"/money/{period}" if party_id is None else f"/money/{period}/{party_id}"
        found.append(Month(href, told.month(period), amounts or ["nothing"], period in closed))
    return found


def earners(earned: Earned, names: Mapping[str, str]) -> list[Earner]:
    """List the parties of a period by name, each with what it earned in each currency."""
    amounts: dict[str, list[str]] = {}
    for (_, party_id, currency), amount in sorted(earned.items()):
        amounts.setdefault(party_id, []).append(money(amount, currency))
    ranked = sorted(amounts, key=lambda party_id: (names.get(party_id, party_id), party_id))
    return [Earner(party_id, names.get(party_id, party_id), amounts[party_id]) for party_id in ranked]


def account(statement: Statement) -> Account:
    """Say a statement; InvariantError if it does not add up."""
    told.checked(statement)
    currency = statement.currency
    things = told.things(statement.lines)
    return Account(
        party=statement.party_name,
        party_id=statement.party_id,
        period=statement.period,
        month=told.month(statement.period),
        currency=currency,
        payable=_coins(statement.payable_minor, currency),
        closing=money(statement.closing_micro, currency),
        steps=[
            Step(each.label, each.because, money(each.amount_micro, currency), each.amount_micro < 0)
            for each in told.account(statement)
        ],
        staying=[
            Step(told.DEDUCTIONS[each.kind], each.because, money(each.amount_micro, currency), is_negative=False)
            for each in told.staying(statement)
        ],
        sources=_bars(told.sources(statement.lines, most=_PARTS_SHOWN), currency),
        rights=_bars(told.rights(statement.lines), currency),
        top=_bars(told.top(things, most=_PARTS_SHOWN), currency),
        holds=[
            Step(each.because, each.ends, money(each.amount_micro, currency), each.amount_micro < 0)
            for each in told.holds(statement.lines)
        ],
        things=[_thing(each, currency) for each in things],
    )


def reason(why: Why) -> Reason:
    """Say the way from a line back to the usage it came from."""
    return Reason(
        amount=money(why.amount_micro, why.currency),
        pool=money(why.pool_micro, why.currency),
        part=fraction(why.fraction),
        steps=why.steps,
        claim_id=why.claim_id,
        usage=[
            (
                *(line.title or line.isrc or "–", line.source, told.place_name(line.territory), line.period),
                *(f"{line.quantity:,}", money(line.amount_micro, line.currency), f"{line.report_id[:12]}…:{line.line}"),
            )
            for line in why.usage
        ],
        more=why.usage_count - len(why.usage),
    )


def _coins(amount_minor: int, currency: str) -> str:
    return money(micro_of_minor(amount_minor, currency), currency)


def _bars(parts: Sequence[told.Part], currency: str) -> list[Bar]:
    return bars([(part.label, part.amount_micro) for part in parts], currency)


def _thing(thing: told.Thing, currency: str) -> Thing:
    codes = [(name, code) for name, code in (("ISRC", thing.isrc), ("ISWC", thing.iswc)) if code]
    lines = [
        Line(
            id=line.id,
            right=told.RIGHTS[line.right_type],
            source=line.source,
            territory=told.place_name(line.territory),
            period=line.usage_period,
            quantity=number(line.quantity, 0),
            gross=money(line.gross_micro, currency),
            share=fraction(line.share),
            amount=money(line.amount_micro, currency),
            held=line.held,
            because=line.because,
        )
        for line in thing.lines
    ]
    return Thing(thing.title, codes, money(thing.amount_micro, currency), lines)
