"""Pay: divide what usage brought, book what is new, close a period, and prove the books.

Conventions
-----------
A run looks at everything that was used up to its period and books, in that period, whatever the books do not say yet.
So the same run twice books nothing, two small runs book what one large one does, and what is found late is booked when
it is found. All entries of a run land in one commit; a run that dies before it leaves nothing, after it everything.
"""

import gc
import re
from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby

from linernotes.errors import ConflictError, InvariantError, ParameterError
from linernotes.journeys.recoupment import open_to_recoupment
from linernotes.model import Account, Entry, EntryKind, Posting, Problem, RoyaltyRule
from linernotes.rights import ledger, territories
from linernotes.rights.claims import MONEY, Money
from linernotes.rights.ledger import beancount, csv_rows
from linernotes.rights.royalties import DEFAULT_RULES, SIDE_OF, check_rules, in_territories
from linernotes.rights.royalties_booking import Booked, Slot, Target, book
from linernotes.rights.royalties_settling import advance_entries, settle
from linernotes.store.books import Books, Run
from linernotes.store.royalties import Division, Known, Royalties, content_hash
from linernotes.store.royalty_facts import Law
from linernotes.workspace import Workspace

__all__ = ["Outcome", "beancount", "check_books", "csv_rows", "law_of", "run_inputs", "run_royalties"]

_RULES_VERSION = 1
"""Raised whenever the same inputs would be divided otherwise, be it that a territory has other countries."""
_PAID_TO = {"share": Account.PAYABLE, "unclaimed": Account.UNCLAIMED, "unmatched": Account.UNMATCHED}


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a run did. ``received``: by currency, of the usage periods that it divided anew."""

    run_id: str
    period: str
    divided: Sequence[str]
    received: Mapping[str, int]
    entry_count: int
    problems: Sequence[Problem]
    is_new: bool
    closed: bool


def run_royalties(workspace: Workspace, period: str, *, at: datetime, close: bool = False) -> Outcome:
    """Divide what was used up to ``period`` and book there what is not booked yet; ``close`` it if asked.

    Raises
    ------
    ParameterError if ``period`` is not a month, or amounts are beyond what the books hold
    ConflictError if the period is closed, a later one was run before, or another run was booked meanwhile
    """
    if not re.fullmatch(r"\d{4}-(0[1-9]|1[0-2])", period):
        raise ParameterError(f"period {period!r}: not a month such as 2026-01")
    books, royalties = workspace.books, workspace.royalties
    last = books.last_run()
    _check_order(books, last, period)
    reports = royalties.reports(until=period)
    changed = _changed(last, reports)
    with _uncollected(), ThreadPoolExecutor(1) as beside:
        receiving = beside.submit(royalties.received, _of(changed, reports))
        standing = beside.submit(_standing, workspace, changed)
        with royalties.known(law_of(workspace)) as known:
            inputs: dict[str, object] = {"period": period, "usage": reports, "facts": known.digest}
            inputs |= {"rules": known.rules_digest, "version": _RULES_VERSION}
            before = run_inputs(last)
            if last is not None and {name: before.get(name) for name in inputs} == inputs:
                entries, problems = _closing_entries(workspace, period, [], books.runs()) if close else ([], [])
                if close:
                    books.book_run(last, entries, seen=last.id, at=at, closing=True)
                return Outcome(last.id, period, [], {}, len(entries), problems, is_new=False, closed=close)
            rest = _told_otherwise(royalties, last, inputs, _of({*reports} - changed, reports), known)
            affected = sorted(changed | rest)
            run_id = content_hash({"previous": last.id if last else None, "inputs": inputs})
            received = receiving.result() | royalties.received(_of(rest, reports))
            with royalties.divided(known, _of(affected, reports), received) as division:
                booked = _standing_of_all(workspace, standing.result(), rest)
                entries = _entries(workspace, division, booked, period, run_id)
                problems = []
                royalties.keep(division, run_id)
                run = Run(0, run_id, period, {**inputs, "divided": affected}, at)
                if close:
                    closing, problems = _closing_entries(workspace, period, entries, [*books.runs(), run])
                    entries += closing
                for entry in entries:
                    ledger.check_entry(entry)
                books.book_run(run, entries, seen=last.id if last else None, at=at, closing=close)
    came_in: dict[str, int] = defaultdict(int)
    for (_, currency), amount in division.received.items():
        came_in[currency] += amount
    return Outcome(run_id, period, affected, dict(came_in), len(entries), problems, is_new=True, closed=close)


@contextmanager
def _uncollected() -> Iterator[None]:
    """Spare the collector: a million small records, none in a circle, that it would look through again and again."""
    was = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was:
            gc.enable()


def law_of(workspace: Workspace) -> Law:
    """Return the rules that a run goes by: those entered, else the default ones."""
    rules: Sequence[RoyaltyRule] = workspace.agreements.rules() or DEFAULT_RULES
    check_rules(rules)
    return Law(
        rules,
        SIDE_OF,
        due_states=[state.value for state, money in MONEY.items() if money is Money.DUE],
        held_states=[state.value for state, money in MONEY.items() if money is Money.HELD],
        in_territories=in_territories,
        size=territories.size,
    )


def run_inputs(run: Run | None) -> dict[str, object]:
    """Return what a run was made from; of none, nothing."""
    return {} if run is None else dict(run.made_from)


def _check_order(books: Books, last: Run | None, period: str) -> None:
    closed = books.closed_periods()
    if closed and period <= closed[-1]:
        raise ConflictError(
            f"{period} is closed (the last closed period is {closed[-1]}): what is found now is booked in a later one",
            code="period_closed",
        )
    if last is not None and period < last.period:
        raise ConflictError(
            f"{last.period} was run already: what is found now is booked there: royalties run --period {last.period}",
            code="period_order",
        )


def _changed(last: Run | None, reports: Mapping[str, Sequence[str]]) -> set[str]:
    """Return the usage periods that have other reports than when they were divided last."""
    divided = run_inputs(last).get("usage")
    usage: Mapping[str, Sequence[str]] = divided if isinstance(divided, dict) else {}
    return {name for name in {*reports, *usage} if list(usage.get(name, ())) != list(reports.get(name, ()))}


def _told_otherwise(
    royalties: Royalties,
    last: Run | None,
    inputs: Mapping[str, object],
    reports: Mapping[str, Sequence[str]],
    known: Known,
) -> set[str]:
    """Return the usage periods, of those with the same reports, that may come to something else for what is known."""
    before = run_inputs(last)
    if last is None or any(before.get(name) != inputs[name] for name in ("rules", "version")):
        return set(reports)
    return set(royalties.touched(known, last.id, reports)) if before.get("facts") != inputs["facts"] else set()


def _of(periods: Collection[str], reports: Mapping[str, Sequence[str]]) -> dict[str, Sequence[str]]:
    return {usage: reports.get(usage, ()) for usage in periods}


@dataclass(frozen=True, slots=True)
class _Standing:
    """What the books say before a run: who is paid for whom, what was booked and is held, which claims are due."""

    payees: Mapping[str, str]
    booked: Mapping[str, Booked]
    due_claim_ids: frozenset[str]


def _standing(workspace: Workspace, periods: Collection[str], payees: Mapping[str, str] | None = None) -> _Standing:
    """Read what the books say of usage periods, and, unless they are given, who is paid for whom."""
    books, affected = workspace.books, sorted(periods)
    payees = workspace.royalties.payees() if payees is None else payees
    booked: dict[str, dict[Slot, int]] = defaultdict(lambda: defaultdict(int))
    for (usage, account, party, currency), amount in books.booked(affected).items():
        booked[usage][account, payees.get(party or "", party), currency] += amount
    pending: dict[str, list[Entry]] = defaultdict(list)
    for hold in books.pending(affected):
        pending[hold.usage_period or ""].append(hold)
    asked = {hold.cause.removeprefix("claim:") for holds in pending.values() for hold in holds if hold.cause}
    due = frozenset(workspace.royalties.claims_in(sorted(asked), law_of(workspace).due_states))
    return _Standing(payees, {usage: Booked(booked[usage], pending[usage]) for usage in affected}, due)


def _standing_of_all(workspace: Workspace, of_some: _Standing, rest: Collection[str]) -> _Standing:
    """Add what the books say of the rest; one run knows one set of payees, lest it move what a merger moves twice."""
    of_rest = _standing(workspace, rest, of_some.payees)
    booked = {**of_some.booked, **of_rest.booked}
    due = of_some.due_claim_ids | of_rest.due_claim_ids
    return _Standing(of_some.payees, {usage: booked[usage] for usage in sorted(booked)}, due)


def _entries(workspace: Workspace, division: Division, standing: _Standing, period: str, run_id: str) -> list[Entry]:
    """Return what is to be booked: what the division says and the books do not."""
    targets = _targets(division)
    payees, due = standing.payees, standing.due_claim_ids
    entries: list[Entry] = []
    for usage, known in standing.booked.items():
        target = targets.get(usage, Target(usage, {}, {}))
        entries += book(target, known, period=period, run_id=run_id, due_claim_ids=due, payees=payees)
    entries += _merged(workspace.books, payees, period, run_id)
    return entries


def _targets(division: Division) -> dict[str, Target]:
    standing: dict[str, dict[Slot, int]] = defaultdict(dict)
    held: dict[str, dict[str, dict[Slot, int]]] = defaultdict(lambda: defaultdict(dict))
    found: dict[tuple[str, str], int] = defaultdict(int)
    for usage, currency, reason, party, amount in division.totals:
        standing[usage][_PAID_TO[reason], party, currency] = amount
        found[usage, currency] += amount
    for each in division.held:
        held[each.usage_period][each.cause][Account.HELD, each.party_id, each.currency] = each.amount_micro
        found[each.usage_period, each.currency] += each.amount_micro
    for (usage, currency), amount in division.received.items():
        if found[usage, currency] != amount:
            divided = found[usage, currency]
            message = f"{usage}: {amount} micro-{currency} came in and {divided} were divided; nothing was booked"
            raise InvariantError(message)
    return {usage: Target(usage, standing[usage], held[usage]) for usage in {*standing, *held}}


def _merged(books: Books, payees: Mapping[str, str], period: str, run_id: str) -> Iterator[Entry]:
    """Yield what moves the standing of a party to the one that it was merged into."""
    gone = sorted(party for party, payee in payees.items() if party != payee)
    if not gone:
        return
    moved = (Account.PAYABLE, Account.BELOW_THRESHOLD, Account.RECOUPABLE)
    standing = {key: amount for key, amount in books.balances(party_ids=gone).items() if key[0] in moved}
    for party, items in groupby(sorted(standing.items(), key=lambda item: (item[0][1] or "", item[0])), _party):
        payee = payees[party]
        legs = [
            leg
            for (account, _, currency), amount in items
            for leg in (Posting(account, party, currency, -amount), Posting(account, payee, currency, amount))
        ]
        why = f"{party} is paid as {payee} from now on"
        yield Entry(f"{run_id[:24]}:merge:{party}", period, EntryKind.CORRECTION, why, legs, run_id=run_id)


def _party(item: tuple[tuple[Account, str | None, str], int]) -> str:
    return item[0][1] or ""


def _closing_entries(
    workspace: Workspace, period: str, entries: Sequence[Entry], runs: Sequence[Run]
) -> tuple[list[Entry], list[Problem]]:
    """Return the entries that close the period after these: advances first, then what becomes of all that is owed."""
    books, agreed, payees = workspace.books, workspace.agreements, workspace.royalties.payees()
    advances = advance_entries(agreed.advances(), period=period, payees=payees)
    known = books.known([entry.id for entry in advances])
    advances = [entry for entry in advances if entry.id not in known]
    standing: dict[tuple[Account, str | None, str], int] = defaultdict(int, books.balances())
    for entry in [*entries, *advances]:
        for leg in entry.postings:
            standing[leg.account, leg.party_id, leg.currency] += leg.amount_micro
    reserves = books.reserves(payees)
    recoupable = open_to_recoupment(workspace, runs, period, standing)
    settled, problems = settle(period, standing, agreed.terms(), agreed.rates(), reserves, recoupable=recoupable)
    return [*advances, *settled], problems


# ── proof ────────────────────────────────────────────────────────────────────


def check_books(workspace: Workspace) -> tuple[int, list[Problem]]:
    """Prove the books anew; return how many entries there are, and every fault.

    Each entry balances, and is the one that was posted; a hold is ended at most once, whole; each closed period is its
    opening and its movements; what came in stands somewhere, in every currency.
    """
    books = workspace.books
    problems = []
    count = 0
    movements: dict[str, dict[tuple[Account, str | None, str], int]] = defaultdict(lambda: defaultdict(int))
    for entry in books.entries():
        count += 1
        try:
            ledger.check_entry(entry)
        except InvariantError as error:
            problems.append(Problem("ledger_entry", str(error), entry.id))
        for leg in entry.postings:
            movements[entry.period][leg.account, leg.party_id, leg.currency] += leg.amount_micro
    for batch, is_whole in books.sealed():
        if not is_whole:
            problems.append(Problem("ledger_changed", f"{batch}: not what was posted", batch))
    opening: dict[tuple[Account, str | None, str], int] = {}
    closings = {closing.period: closing for closing in books.closings()}
    for period in sorted({*movements, *closings}):
        moved = movements.get(period, {})
        closing = {key: opening.get(key, 0) + moved.get(key, 0) for key in {*opening, *moved}}
        stated = closings[period].balances if period in closings else closing
        problems += ledger.check_period(period, opening, moved, stated)
        opening = {key: amount for key, amount in closing.items() if amount}
    return count, problems
