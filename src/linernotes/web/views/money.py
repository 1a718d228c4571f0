"""Statements on a page: the account step by step, what brought it, what is held, and the way back from each line."""

from collections.abc import Sequence
from dataclasses import dataclass

from linernotes.formats import statement as told
from linernotes.formats.amounts import fraction, money, number
from linernotes.model import Statement, Why
from linernotes.money import micro_of_minor
from linernotes.web.views.charts import Bar, bars

__all__ = ["Account", "Line", "Reason", "Step", "Thing", "account", "reason"]

_PARTS_SHOWN = 6


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
