"""What people earned: statements, the way back from an amount to where it comes from, and what is paid out.

Conventions
-----------
A line of a statement is what one right in one thing brought a party from one source in one territory: its part of a
pool, told by where the pool came from, so that the lines of a pool add up to exactly what was booked for it. What a
later run found is told as the difference to what was told before. A line's id is ``run.pool.slice.place``.
"""

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import groupby

from linernotes.errors import InvariantError, NotFoundError
from linernotes.journeys.reasons import because_of, why_steps
from linernotes.model import (
    Account,
    Deduction,
    DeductionKind,
    Entry,
    EntryKind,
    Payment,
    Posting,
    RightType,
    Side,
    Statement,
    StatementLine,
    Why,
)
from linernotes.money import minor_micro
from linernotes.rights.royalties import SIDE_OF
from linernotes.rights.royalties_settling import due_on
from linernotes.store.books import Run, last_to_divide
from linernotes.store.catalogue import content_id
from linernotes.store.royalty_trails import Slice, SourceRow, Trails
from linernotes.workspace import Workspace

__all__ = ["payments", "statements", "why"]

_USAGE_SHOWN_MAX = 100
_EARNING = (EntryKind.ROYALTY, EntryKind.CORRECTION, EntryKind.POST)


@dataclass(frozen=True, slots=True)
class _Part:
    """A line before it is compared with what was told before."""

    line_id: str
    slice: Slice
    source: SourceRow
    amount_micro: int

    @property
    def key(self) -> tuple[object, ...]:
        """What makes it the same line in another run."""
        of = self.slice
        held = of.reason == "open_claim"
        return (
            *(of.usage_period, of.currency, of.thing_id, of.right_no, of.claim_id, of.party_id, held),
            *(self.source.territory, self.source.source),
        )


def statements(workspace: Workspace, party: str, period: str) -> Sequence[Statement]:
    """Return what a party is told of a period, one statement for each currency in which something stands or moved.

    ``party`` is an id or a whole name. Raises NotFoundError if nobody is called so, or no run has booked the period.
    """
    party_id = workspace.claims.party(party)
    runs = workspace.books.runs()
    if not any(run.period == period for run in runs) and period not in workspace.books.closed_periods():
        raise NotFoundError(f"no run has booked {period} in {workspace.folder}: royalties run --period {period}")
    name = workspace.claims.names([party_id])[party_id]
    lines = _lines(workspace, party_id, period, runs)
    before: dict[str, int] = defaultdict(int)
    for (account, _, currency), amount in workspace.books.balances(party_ids=[party_id], until=_before(period)).items():
        if account in (Account.PAYABLE, Account.BELOW_THRESHOLD):
            before[currency] += amount
    moved: dict[str, list[tuple[Entry, Posting]]] = defaultdict(list)
    for entry, legs in workspace.books.movements(period, [party_id]):
        for leg in legs:
            moved[leg.currency].append((entry, leg))
    return [
        _statement(party_id, name, period, currency, before[currency], lines.get(currency, []), moved.get(currency, []))
        for currency in sorted({*before, *moved, *lines})
        if before[currency] or moved.get(currency) or lines.get(currency)
    ]


def _before(period: str) -> str:
    year, month = int(period[:4]), int(period[5:])
    return f"{year - 1}-12" if month == 1 else f"{year}-{month - 1:02d}"


def _statement(  # noqa: PLR0917  (its columns, in order)
    party_id: str,
    name: str,
    period: str,
    currency: str,
    opening: int,
    lines: Sequence[StatementLine],
    moved: Sequence[tuple[Entry, Posting]],
) -> Statement:
    owed = [(e, p) for e, p in moved if p.account in (Account.PAYABLE, Account.BELOW_THRESHOLD)]
    earned = sum(p.amount_micro for e, p in owed if e.kind in _EARNING and e.usage_period is not None)
    other = sum(p.amount_micro for e, p in owed if e.kind is EntryKind.EXCHANGE or _is_merge(e))
    told = sum(line.amount_micro for line in lines if not line.held)
    if told != earned:
        raise InvariantError(f"{party_id} {period} {currency}: {earned} were booked, the lines come to {told}")
    deductions = [
        Deduction(DeductionKind.RECOUPMENT, -p.amount_micro, e.because)
        for e, p in owed
        if e.kind is EntryKind.RECOUPMENT
    ]
    deductions += [
        Deduction(DeductionKind.WITHHOLDING, -p.amount_micro, e.because)
        for e, p in owed
        if e.kind is EntryKind.WITHHOLDING
    ]
    deductions += [
        Deduction(DeductionKind.RESERVED, -p.amount_micro, e.because)
        for e, p in owed
        if e.kind is EntryKind.RESERVE and p.amount_micro < 0
    ]
    held = sum(line.amount_micro for line in lines if line.held)
    if held:
        because = "earned by claims that are not decided: kept until they are"
        deductions.append(Deduction(DeductionKind.HELD, held, because))
    paid = -sum(p.amount_micro for e, p in owed if e.kind is EntryKind.PAYMENT)
    closing = opening + sum(p.amount_micro for _, p in owed)
    below = [e for e, p in owed if p.account is Account.BELOW_THRESHOLD and p.amount_micro > 0]
    if below:
        deductions.append(Deduction(DeductionKind.BELOW_THRESHOLD, closing, f"{below[-1].because}: carried on"))
    elif paid and closing > 0:
        because = "less than can be paid out: carried on"
        deductions.append(Deduction(DeductionKind.SUB_MINOR, closing, because))
    return Statement(
        party_id=party_id,
        party_name=name,
        period=period,
        currency=currency,
        opening_micro=opening,
        lines=tuple(lines),
        deductions=tuple(deductions),
        earned_micro=earned + held,
        payable_minor=paid // minor_micro(currency),
        closing_micro=closing,
        moved_micro=other,
        released_micro=sum(p.amount_micro for e, p in owed if e.kind is EntryKind.RESERVE and p.amount_micro > 0),
    )


def _is_merge(entry: Entry) -> bool:
    return entry.kind is EntryKind.CORRECTION and entry.usage_period is None


# ── lines ────────────────────────────────────────────────────────────────────


def _lines(workspace: Workspace, party_id: str, period: str, runs: Sequence[Run]) -> dict[str, list[StatementLine]]:
    """Return the lines of a party's statement by currency: what the period's runs say, less what was told before."""
    now, then = last_to_divide(runs, period)
    old_of: dict[str | None, list[str]] = defaultdict(list)
    new_of: dict[str, list[str]] = defaultdict(list)
    for usage_period, run_id in now.items():
        new_of[run_id].append(usage_period)
        old_of[then.get(usage_period)].append(usage_period)
    if not now:
        return {}
    # Who is paid for whom is what the period's last run knew: what a merged party was told before is not told anew.
    last = max(run.sequence for run in runs if run.period == period)
    trails = workspace.trails
    payees = trails.payees(next(run.id for run in runs if run.sequence == last))
    holders = sorted(party for party, payee in payees.items() if payee == party_id)
    new = [part for run_id, of in new_of.items() for part in _parts(trails, run_id, of, holders)]
    old = [part for run_id, of in old_of.items() if run_id for part in _parts(trails, run_id, of, holders)]
    names = workspace.royalties.titles([part.slice.thing_id for part in [*new, *old]])
    found: dict[str, list[StatementLine]] = defaultdict(list)
    for part, amount, is_correction in _differences(new, old):
        line = _line(part, amount, names, is_correction=is_correction)
        if amount and not (line.held and amount < 0):
            found[part.slice.currency].append(line)
    return {
        currency: sorted(lines, key=lambda line: (line.title, line.right_type, line.territory, line.source, line.id))
        for currency, lines in found.items()
    }


def _differences(new: Sequence[_Part], old: Sequence[_Part]) -> Iterator[tuple[_Part, int, bool]]:
    """Yield what is told: every part of what was not told before, of the rest the difference, once."""
    before, after = _by_key(old), _by_key(new)
    for key in [*after, *(key for key in before if key not in after)]:
        parts = after.get(key, [])
        if key not in before:
            yield from ((part, part.amount_micro, False) for part in parts)
            continue
        difference = sum(part.amount_micro for part in parts) - sum(part.amount_micro for part in before[key])
        yield (parts or before[key])[0], difference, True


def _by_key(parts: Sequence[_Part]) -> dict[tuple[object, ...], list[_Part]]:
    found: dict[tuple[object, ...], list[_Part]] = defaultdict(list)
    for part in parts:
        found[part.key].append(part)
    return found


def _parts(trails: Trails, run_id: str, usage_periods: Sequence[str], holders: Sequence[str]) -> Iterator[_Part]:
    """Yield what these parties had in a run, told by where the pools came from."""
    slices = [
        each
        for each in trails.slices(run_id, usage_periods=usage_periods, party_ids=holders)
        if each.reason in ("share", "claim", "open_claim")
    ]
    rows = trails.sources(run_id, [each.pool_no for each in slices]) if slices else []
    of_pool = {pool_no: list(found) for pool_no, found in groupby(rows, key=lambda row: row.pool_no)}
    for each in slices:
        sources = of_pool[each.pool_no]
        amounts = _told_by_source(each, sources)
        for number, (row, amount) in enumerate(zip(sources, amounts, strict=True)):
            yield _Part(f"{run_id[:12]}.{each.pool_no}.{each.number}.{number}", each, row, amount)


def _told_by_source(each: Slice, sources: Sequence[SourceRow]) -> list[int]:
    """Split what a party has of a pool as the pool came in: whole micro-units that add up to it."""
    if not each.pool_micro:
        return [0] * len(sources)
    exact = [Fraction(each.amount_micro * row.amount_micro, each.pool_micro) for row in sources]
    amounts = [value.numerator // value.denominator for value in exact]
    left_over = each.amount_micro - sum(amounts)
    order = sorted(range(len(sources)), key=lambda n: (amounts[n] - exact[n], n))
    for number in order[:left_over]:
        amounts[number] += 1
    return amounts


def _line(
    part: _Part, amount: int, names: Mapping[str, Mapping[str, str | None]], *, is_correction: bool
) -> StatementLine:
    of, name = part.slice, names.get(part.slice.thing_id, {})
    right = RightType(of.right)
    in_work = SIDE_OF[right] is Side.COMPOSITION
    return StatementLine(
        id=part.line_id,
        subject_id=(name.get("work_id") if in_work else None) or of.thing_id,
        title=(name.get("work_title") if in_work else None) or name.get("title") or of.thing_id,
        isrc=name.get("isrc"),
        iswc=name.get("iswc"),
        right_type=right,
        source=part.source.source,
        territory=part.source.territory,
        usage_period=of.usage_period,
        quantity=part.source.quantity,
        gross_micro=part.source.amount_micro,
        share=Fraction(of.numerator, of.denominator),
        amount_micro=amount,
        claim_id=of.claim_id,
        held=of.reason == "open_claim",
        because=because_of(of.reason, right, of.claim_id, is_correction=is_correction),
    )


# ── why ──────────────────────────────────────────────────────────────────────


def why(workspace: Workspace, line_id: str) -> Why:
    """Return the way from a line of a statement back: pool, rule, shares, claim with its evidence, usage lines.

    Raises NotFoundError if no line has this id.
    """
    parsed = re.fullmatch(r"([0-9a-f]{12})\.(\d+)\.(\d+)\.(\d+)", line_id)
    run = parsed and next((run for run in workspace.books.runs() if run.id.startswith(parsed[1])), None)
    if not parsed or not run:
        raise NotFoundError(f"no line {line_id!r} in {workspace.folder}; a statement's lines have one each")
    pool_no, number, place = (int(text) for text in parsed.groups()[1:])
    trails = workspace.trails
    slices = trails.slices(run.id, pool_no=pool_no)
    origins = trails.origins(run.id, pool_no, most=_USAGE_SHOWN_MAX)
    mine = next((each for each in slices if each.number == number), None)
    if mine is None or place >= len(origins):
        raise NotFoundError(f"no line {line_id!r} in {workspace.folder}: that run divided no such pool")
    source, trail, count = origins[place]
    usage = [
        line
        for report_id, found in groupby(trail, key=lambda each: each.report_id)
        for line in trails.usage_lines(run.id, mine.usage_period, report_id, [each.line for each in found])
    ]
    amount = _told_by_source(mine, [row for row, _, _ in origins])[place]
    claim = workspace.claims.get(mine.claim_id).claim if mine.claim_id else None
    names = workspace.claims.names([each.party_id for each in slices if each.party_id])
    return Why(
        line_id=line_id,
        run_id=run.id,
        subject_id=mine.thing_id,
        party_id=mine.party_id,
        currency=mine.currency,
        amount_micro=amount,
        pool_micro=mine.pool_micro,
        fraction=Fraction(mine.numerator, mine.denominator),
        steps=why_steps(mine, slices, source, amount, names=names, claim=claim),
        claim_id=mine.claim_id,
        evidence_id=claim.evidence_id if claim else None,
        usage=tuple(usage),
        usage_count=count,
    )


# ── payments ─────────────────────────────────────────────────────────────────


def payments(workspace: Workspace, period: str) -> Sequence[Payment]:
    """Return what the close of a period pays out, by party and currency; NotFoundError if it is not closed."""
    books = workspace.books
    if books.closing(period) is None:
        raise NotFoundError(f"{period} is not closed in {workspace.folder}: royalties run --period {period} --close")
    paid = [entry for entry in books.entries(period=period) if entry.kind is EntryKind.PAYMENT]
    legs = [(entry, leg) for entry in paid for leg in entry.postings if leg.account is Account.PAID]
    names = workspace.claims.names(sorted({leg.party_id or "" for _, leg in legs}))
    agreed = workspace.agreements.terms()
    found = []
    for entry, leg in legs:
        party_id = leg.party_id or ""
        terms = agreed.get(party_id)
        found.append(
            Payment(
                id=content_id("pmt", entry.id),
                party_id=party_id,
                party_name=names[party_id],
                period=period,
                currency=leg.currency,
                amount_minor=leg.amount_micro // minor_micro(leg.currency),
                due_on=due_on(period),
                iban=terms.iban if terms else None,
                bic=terms.bic if terms else None,
            )
        )
    return sorted(found, key=lambda payment: (payment.party_name, payment.party_id, payment.currency))
