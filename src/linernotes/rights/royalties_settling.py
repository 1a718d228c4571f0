"""Closing a period: what is owed becomes what is paid, step by step, each an entry.

Conventions
-----------
For each party and currency, in order: what is owed is exchanged into the currency that the party is paid in; of what is
owed anew a part is kept in reserve, and what was kept long enough is owed again; advances of its own and then of its
group are recouped; what is left, if it reaches the minimum, is paid in whole minor units,
and of what is paid out a part is withheld as tax. What is not paid stays: below the minimum in an account of its own,
less than a minor unit, and less than nothing, where it is. A debt is never collected, only recouped.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from fractions import Fraction

from linernotes.model import Account, Advance, Entry, EntryKind, ExchangeRate, Posting, Problem, Reserve, Terms
from linernotes.money import Money, exchange, minor_micro, split_minor

__all__ = ["advance_entries", "due_on", "last_day", "later", "rate_on", "settle"]

Balances = Mapping[tuple[Account, str | None, str], int]
_DUE_DAYS = 30


def last_day(period: str) -> date:
    """Return the last day of a period."""
    year, month = int(period[:4]), int(period[5:])
    return date(year + month // 12, month % 12 + 1, 1) - timedelta(days=1)


def later(period: str, count: int) -> str:
    """Return the period that is this many after another. Check: ``later("2026-11", 3)`` is ``2027-02``."""
    year, month = divmod(12 * int(period[:4]) + int(period[5:]) - 1 + count, 12)
    return f"{year}-{month + 1:02d}"


def due_on(period: str) -> date:
    """Return the day by which a period's payments are due: thirty days after it ended."""
    return last_day(period) + timedelta(days=_DUE_DAYS)


def rate_on(rates: Iterable[ExchangeRate], base: str, quote: str, on: date) -> Fraction | None:
    """Return the latest rate of ``base`` in ``quote`` that was published by a day; or the inverse of the other way."""
    best: tuple[date, bool, Fraction] | None = None
    for rate in rates:
        if rate.on > on:
            continue
        if (rate.base, rate.quote) == (base, quote):
            found = (rate.on, True, rate.rate)
        elif (rate.quote, rate.base) == (base, quote):
            found = (rate.on, False, 1 / rate.rate)
        else:
            continue
        best = found if best is None else max(best, found)
    return best[2] if best else None


def advance_entries(advances: Iterable[Advance], *, period: str, payees: Mapping[str, str]) -> list[Entry]:
    """Return an entry for each advance that was paid out by the end of the period.

    It is recouped from whoever is paid for the party by now: ``payees``, where that is another.
    """
    return [
        Entry(
            f"advance:{advance.id}",
            period,
            EntryKind.ADVANCE,
            f"advance {advance.id}, paid on {advance.paid_on}",
            (
                Posting(Account.PAID, advance.party_id, advance.currency, advance.amount_micro),
                Posting(
                    Account.RECOUPABLE,
                    payees.get(advance.party_id, advance.party_id),
                    advance.currency,
                    -advance.amount_micro,
                ),
            ),
        )
        for advance in sorted(advances, key=lambda advance: advance.id)
        if advance.paid_on <= last_day(period)
    ]


@dataclass(slots=True)
class _Desk:
    """The balances as they become while entries are written."""

    period: str
    standing: dict[tuple[Account, str | None, str], int]
    open_micro: dict[tuple[str, str], int] = field(default_factory=dict)  # to recoupment, where terms name rights
    entries: list[Entry] = field(default_factory=list)

    def of(self, account: Account, party_id: str, currency: str) -> int:
        return self.standing.get((account, party_id, currency), 0)

    def move(
        self,
        name: str,
        kind: EntryKind,
        because: str,
        *legs: tuple[Account, str | None, str, int],
        usage_period: str | None = None,
    ) -> None:
        postings = [Posting(*leg) for leg in legs if leg[3]]
        if not postings:
            return
        for account, party, currency, amount in legs:
            self.standing[account, party, currency] = self.standing.get((account, party, currency), 0) + amount
        self.entries.append(Entry(f"{self.period}:{name}", self.period, kind, because, postings, usage_period))


def settle(
    period: str,
    balances: Balances,
    terms: Mapping[str, Terms],
    rates: Sequence[ExchangeRate],
    reserves: Sequence[Reserve] = (),
    *,
    recoupable: Mapping[tuple[str, str], int] | None = None,
) -> tuple[list[Entry], list[Problem]]:
    """Return the entries that close a period, and the problems: amounts that cannot be exchanged stay as they are.

    ``recoupable`` says, for parties whose terms name rights to recoup from, what those brought in the period.
    """
    desk = _Desk(period, dict(balances), dict(recoupable or {}))
    groups: dict[str, list[str]] = defaultdict(list)
    for party in sorted(terms):
        if (group := terms[party].group) is not None:
            groups[group].append(party)
    owed = {
        (party, currency)
        for (account, party, currency), amount in balances.items()
        if party is not None and amount and account in (Account.PAYABLE, Account.BELOW_THRESHOLD)
    }
    problems: list[Problem] = []
    reopened = {(party, currency): _reopen(desk, party, currency) for party, currency in sorted(owed)}
    for party, currency in sorted(owed):
        problems += _exchange(desk, party, currency, terms.get(party), rates)
    owed |= {(party, terms[party].currency or currency) for party, currency in owed if party in terms}
    for party, currency in sorted(owed):
        if party in terms and terms[party].currency in (None, currency):
            _keep_back(desk, currency, terms[party], before=reopened.get((party, currency), 0))
    owed |= _let_go(desk, reserves, terms)
    for party, currency in sorted(owed):
        agreed = terms.get(party)
        _recoup(desk, currency, agreed or Terms(party), groups.get(agreed.group or "", ()) if agreed else ())
        # What could not be exchanged waits for a rate: it is not paid in a currency that nobody asked for.
        if agreed is None or agreed.currency in (None, currency):
            _pay(desk, party, currency, agreed or Terms(party))
    return desk.entries, problems


def _reopen(desk: _Desk, party: str, currency: str) -> int:
    """Take what was below the minimum back to what is owed; return it."""
    kept = desk.of(Account.BELOW_THRESHOLD, party, currency)
    desk.move(
        f"reopen:{party}:{currency}",
        EntryKind.THRESHOLD,
        "what was below the minimum before",
        (Account.BELOW_THRESHOLD, party, currency, -kept),
        (Account.PAYABLE, party, currency, kept),
    )
    return kept


def _keep_back(desk: _Desk, currency: str, agreed: Terms, *, before: int) -> None:
    """Keep a part of what is owed anew in reserve; what was kept below a minimum ``before`` had its turn."""
    party = agreed.party_id
    amount = int((desk.of(Account.PAYABLE, party, currency) - before) * agreed.reserve)
    if amount > 0:
        until = later(desk.period, agreed.reserve_periods)
        desk.move(
            f"reserve:{party}:{currency}",
            EntryKind.RESERVE,
            f"{agreed.reserve} of what {desk.period} brought, kept in reserve until {until} is closed",
            (Account.PAYABLE, party, currency, -amount),
            (Account.RESERVED, party, currency, amount),
            usage_period=desk.period,
        )


def _let_go(desk: _Desk, reserves: Sequence[Reserve], terms: Mapping[str, Terms]) -> set[tuple[str, str]]:
    """Let what was kept long enough be owed again; return to whom, in which currency."""
    freed = set()
    for kept in reserves:
        agreed = terms.get(kept.party_id, Terms(kept.party_id))
        if later(kept.period, agreed.reserve_periods) <= desk.period:
            desk.move(
                f"release:{kept.party_id}:{kept.currency}:{kept.period}",
                EntryKind.RESERVE,
                f"kept in reserve of what {kept.period} brought",
                (Account.RESERVED, kept.party_id, kept.currency, -kept.amount_micro),
                (Account.PAYABLE, kept.payee_id, kept.currency, kept.amount_micro),
                usage_period=kept.period,
            )
            freed.add((kept.payee_id, kept.currency))
    return freed


def _exchange(
    desk: _Desk, party: str, currency: str, agreed: Terms | None, rates: Sequence[ExchangeRate]
) -> list[Problem]:
    amount = desk.of(Account.PAYABLE, party, currency)
    if agreed is None or agreed.currency in (None, currency) or not amount:
        return []
    quote = str(agreed.currency)
    rate = rate_on(rates, currency, quote, last_day(desk.period))
    if rate is None:
        message = (
            f"{party}: {Money(currency, amount)} cannot be paid in {quote}: no rate of {currency} in {quote} up to"
            f" {last_day(desk.period)}; it stays owed. Give one: linernotes royalties rates FILE"
        )
        return [Problem("no_rate", message, party)]
    got = exchange(amount, rate)
    open_there = desk.open_micro.get((party, quote), 0)
    desk.open_micro[party, quote] = open_there + exchange(desk.open_micro.pop((party, currency), 0), rate)
    desk.move(
        f"exchange:{party}:{currency}:{quote}",
        EntryKind.EXCHANGE,
        f"{Money(currency, amount)} at {rate} {quote}",
        (Account.PAYABLE, party, currency, -amount),
        (Account.EXCHANGE, None, currency, amount),
        (Account.EXCHANGE, None, quote, -got),
        (Account.PAYABLE, party, quote, got),
    )
    return []


def _recoup(desk: _Desk, currency: str, agreed: Terms, group: Sequence[str]) -> None:
    party = agreed.party_id
    told = f", of what {' and '.join(agreed.recoup_from)} brought" if agreed.recoup_from else ""
    for owner in [party, *(other for other in group if other != party)]:
        earned = desk.of(Account.PAYABLE, party, currency)
        if agreed.recoup_from:
            earned = min(earned, desk.open_micro.get((party, currency), 0))
        advanced = -desk.of(Account.RECOUPABLE, owner, currency)
        amount = min(earned, advanced)
        if amount > 0:
            desk.move(
                f"recoup:{party}:{owner}:{currency}",
                EntryKind.RECOUPMENT,
                f"recouped of {Money(currency, advanced)} advanced to {owner}{told}",
                (Account.PAYABLE, party, currency, -amount),
                (Account.RECOUPABLE, owner, currency, amount),
            )
            if agreed.recoup_from:
                desk.open_micro[party, currency] -= amount


def _pay(desk: _Desk, party: str, currency: str, agreed: Terms) -> None:
    owed = desk.of(Account.PAYABLE, party, currency)
    if owed <= 0:
        return
    if owed < max(agreed.minimum_micro, minor_micro(currency)):
        desk.move(
            f"below:{party}:{currency}",
            EntryKind.THRESHOLD,
            f"below the minimum of {Money(currency, max(agreed.minimum_micro, minor_micro(currency)))}",
            (Account.PAYABLE, party, currency, -owed),
            (Account.BELOW_THRESHOLD, party, currency, owed),
        )
        return
    rate = agreed.withholding
    net = int(owed * (1 - rate))  # exact, and towards zero
    _, rest = split_minor(net, currency)
    net -= rest
    tax = owed if rate == 1 else int(net * rate / (1 - rate))
    desk.move(
        f"withhold:{party}:{currency}",
        EntryKind.WITHHOLDING,
        f"{rate} withheld of {Money(currency, net + tax)}",
        (Account.PAYABLE, party, currency, -tax),
        (Account.WITHHELD_TAX, party, currency, tax),
    )
    desk.move(
        f"pay:{party}:{currency}",
        EntryKind.PAYMENT,
        f"paid for {desk.period}",
        (Account.PAYABLE, party, currency, -net),
        (Account.PAID, party, currency, net),
    )
