"""The books: entries and their postings, closings, and the runs that made them; nothing is ever changed or taken out.

Conventions
-----------
An entry's postings are written first and the entry last: that seals it, and the database refuses a seal on what does
not balance, in a period that is closed, or over a hold that was resolved before. A posting without its entry is refused
at the commit. Amounts are in 10⁻⁶ of the currency's unit.
"""

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import chain as chains
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, Row, Select, func, insert, select

from linernotes.errors import ConflictError
from linernotes.model import Account, Entry, EntryKind, Posting, Reserve
from linernotes.store import chain
from linernotes.store.books_tables import closing_balances, closings, entries, postings, royalty_runs
from linernotes.store.database import explained, open_database, reading, shown, writing

__all__ = ["Books", "Closing", "Key", "Run", "last_to_divide"]

_PAGE_ENTRIES = 500
_ROWS_AT_ONCE = 100  # SQLite notes for each statement how to take it back, which costs as much as four rows
_NAME = {account: account.value for account in Account}
_ACCOUNT = {account.value: account for account in Account}
_ROYALTIES = (EntryKind.ROYALTY, EntryKind.CORRECTION, EntryKind.HOLD, EntryKind.POST, EntryKind.VOID)

Key = tuple[Account, str | None, str]
"""Account, party, currency."""


@dataclass(frozen=True, slots=True)
class Run:
    """A royalty run as it was booked; ``made_from`` says what from, in JSON's types."""

    sequence: int
    id: str
    period: str
    made_from: Mapping[str, Any]
    booked_at: datetime


@dataclass(frozen=True, slots=True)
class Closing:
    """The close of a period, and what stood where then."""

    period: str
    run_id: str
    closed_at: datetime
    balances: Mapping[Key, int]


class Books:
    """The journal; in the same database as the catalogue, so that a run and its entries land together."""

    def __init__(self, path: Path | str, *, writable: bool) -> None:
        """Open the books in the file ``path``, or the database at the URL."""
        self.engine: Engine = open_database(path, writable=writable)
        self.path = shown(path)

    def close(self) -> None:
        """Let go of the database."""
        self.engine.dispose()

    # ── in ───────────────────────────────────────────────────────────────────

    def post(self, posted: Sequence[Entry], *, at: datetime) -> int:
        """Post entries, all or none, and return how many were new; one that is here already stays as it is.

        Raises ConflictError if an id is here with another content, or a period is closed
        """
        with explained(self.path), writing(self.engine) as connection:
            return self._post(connection, posted, at=at)

    def book_run(
        self,
        run: Run,
        posted: Sequence[Entry],
        *,
        seen: str | None,
        at: datetime,
        closing: bool = False,
    ) -> None:
        """Book a run with all its entries, and the period's close if asked, in one commit.

        ``seen`` is the id of the last run that it built on. Raises ConflictError if another was booked meanwhile, or
        the period is closed: then nothing is booked.
        """
        with explained(self.path), writing(self.engine) as connection:
            last = _last_run(connection)
            if (last.id if last else None) != seen:
                raise ConflictError(
                    f"{self.path}: another run was booked meanwhile ({last and last.period}); nothing was booked twice,"
                    " run again to see if anything is left to do",
                    code="run_meanwhile",
                )
            _check_open(connection, run.period)
            if run.id != seen:
                connection.execute(
                    insert(royalty_runs).values(
                        sequence=(last.sequence + 1 if last else 1),
                        id=run.id,
                        period=run.period,
                        inputs=chain.canonical(run.made_from),
                        booked_at=at,
                    )
                )
            self._post(connection, posted, at=at)
            if closing:
                self._close(connection, run, at=at)

    def _post(self, connection: Connection, posted: Sequence[Entry], *, at: datetime) -> int:
        known = _by_id(connection, [entry.id for entry in posted])
        new = []
        for entry in posted:
            if (there := known.get(entry.id)) is None:
                new.append(entry)
            elif (there.period, list(there.postings)) != (entry.period, list(entry.postings)):
                raise ConflictError(
                    f"entry {entry.id} is in {self.path} with other postings; give what is new an id of its own",
                    code="entry_differs",
                )
        for period in {entry.period for entry in new}:
            _check_open(connection, period)
        first = (connection.scalar(select(func.max(entries.c.sequence))) or 0) + 1
        _write(connection, new, first)
        if new:
            digest = hashlib.sha256()
            for entry in new:
                digest.update(_content(entry))
            last = first + len(new) - 1
            payload = {"first": first, "last": last, "digest": digest.hexdigest()}
            chain.append(connection, "books", f"{first}-{last}", payload, actor="books", why="posted", at=at)
        return len(new)

    def _close(self, connection: Connection, run: Run, *, at: datetime) -> None:
        before = _last_closing(connection)
        movements = _sums(connection, entries.c.period > before.period) if before else _sums(connection)
        standing = dict(before.balances) if before else {}
        for key, amount in movements.items():
            standing[key] = standing.get(key, 0) + amount
        connection.execute(insert(closings).values(period=run.period, run_id=run.id, closed_at=at))
        rows = [
            {
                "period": run.period,
                "number": number,
                "account": account.value,
                "party_id": party,
                "currency": currency,
                "amount_micro": amount,
            }
            for number, ((account, party, currency), amount) in enumerate(sorted(standing.items(), key=_order))
            if amount
        ]
        if rows:
            connection.execute(insert(closing_balances), rows)

    # ── out ──────────────────────────────────────────────────────────────────

    def last_run(self) -> Run | None:
        """Return the run that was booked last."""
        with explained(self.path), reading(self.engine) as connection:
            return _last_run(connection)

    def runs(self) -> list[Run]:
        """List all runs, first to last."""
        with explained(self.path), reading(self.engine) as connection:
            return [_run(row) for row in connection.execute(select(royalty_runs).order_by(royalty_runs.c.sequence))]

    def closing(self, period: str | None = None) -> Closing | None:
        """Return the close of a period, or the last close; None where there is none."""
        with explained(self.path), reading(self.engine) as connection:
            return _last_closing(connection, period=period)

    def closings(self) -> list[Closing]:
        """List every close, first to last."""
        return [found for period in self.closed_periods() if (found := self.closing(period)) is not None]

    def closed_periods(self) -> list[str]:
        """List the periods that are closed."""
        with explained(self.path), reading(self.engine) as connection:
            return list(connection.scalars(select(closings.c.period).order_by(closings.c.period)))

    def balances(
        self, *, since: str | None = None, until: str | None = None, party_ids: Sequence[str] | None = None
    ) -> dict[Key, int]:
        """Add up what came into each account from the period ``since`` to ``until``, both included; zeros left out."""
        conditions = [entries.c.period >= since] if since else []
        conditions += [entries.c.period <= until] if until else []
        conditions += [postings.c.party_id.in_(list(party_ids))] if party_ids is not None else []
        with explained(self.path), reading(self.engine) as connection:
            return _sums(connection, *conditions)

    def booked(self, usage_periods: Sequence[str]) -> dict[tuple[str, Account, str | None, str], int]:
        """Add up what runs booked so far of what was used in these periods, by usage period and account; no holds."""
        grouped = (entries.c.usage_period, postings.c.account, postings.c.party_id, postings.c.currency)
        query = (
            select(*grouped, func.sum(postings.c.amount_micro))
            .join(entries, entries.c.sequence == postings.c.entry)
            .where(entries.c.usage_period.in_(list(usage_periods)), entries.c.kind.in_([k.value for k in _ROYALTIES]))
            .group_by(*grouped)
        )
        with explained(self.path), reading(self.engine) as connection:
            return {(u, _ACCOUNT[a], p, c): int(amount) for u, a, p, c, amount in connection.execute(query)}

    def pending(self, usage_periods: Sequence[str]) -> list[Entry]:
        """List the holds that nobody has posted or voided, of what was used in these periods."""
        resolved = select(entries.c.resolves).where(entries.c.resolves.is_not(None))
        query = select(entries).where(
            entries.c.kind == EntryKind.HOLD.value,
            entries.c.usage_period.in_(list(usage_periods)),
            entries.c.id.not_in(resolved),
        )
        return list(self._entries(query))

    def reserves(self, payees: Mapping[str, str]) -> list[Reserve]:
        """List what is kept in reserve, by period, party and currency; ``payees`` says who is paid for a party."""
        grouped = (entries.c.usage_period, postings.c.party_id, postings.c.currency)
        query = (
            select(*grouped, func.sum(postings.c.amount_micro))
            .join(entries, entries.c.sequence == postings.c.entry)
            .where(postings.c.account == Account.RESERVED.value)
            .group_by(*grouped)
            .order_by(*grouped)
        )
        with explained(self.path), reading(self.engine) as connection:
            rows = connection.execute(query).all()
        return [Reserve(p, payees.get(p, p), c, period, int(amount)) for period, p, c, amount in rows if amount]

    def entries(self, *, period: str | None = None, party_id: str | None = None) -> Iterator[Entry]:
        """Yield entries in the order they were posted, of one period and with one party in them if given."""
        query = select(entries)
        if period is not None:
            query = query.where(entries.c.period == period)
        if party_id is not None:
            query = query.where(entries.c.sequence.in_(select(postings.c.entry).where(postings.c.party_id == party_id)))
        return self._entries(query)

    def known(self, ids: Sequence[str]) -> set[str]:
        """Return which of these ids are entries here."""
        with explained(self.path), reading(self.engine) as connection:
            return set(_by_id(connection, ids))

    def movements(self, period: str, party_ids: Sequence[str]) -> list[tuple[Entry, list[Posting]]]:
        """List the entries of a period in which these parties have postings, with those postings alone."""
        query = (
            select(entries, postings.c.account, postings.c.party_id, postings.c.currency, postings.c.amount_micro)
            .join(postings, entries.c.sequence == postings.c.entry)
            .where(entries.c.period == period, postings.c.party_id.in_(list(party_ids)))
            .order_by(entries.c.sequence, postings.c.number)
        )
        found: dict[str, tuple[Entry, list[Posting]]] = {}
        with explained(self.path), reading(self.engine) as connection:
            for row in connection.execute(query):
                entry = found.setdefault(row.id, (_entry(row, ()), []))
                entry[1].append(Posting(Account(row.account), row.party_id, row.currency, row.amount_micro))
        return list(found.values())

    def earned(self, *, party_id: str | None = None, period: str | None = None) -> dict[tuple[str, str, str], int]:
        """Sum what royalties brought by period, party and currency: of one party, in one period, or of all."""
        sums = (
            select(entries.c.period, postings.c.party_id, postings.c.currency, func.sum(postings.c.amount_micro))
            .join(postings, entries.c.sequence == postings.c.entry)
            .where(
                postings.c.account.in_([Account.PAYABLE.value, Account.BELOW_THRESHOLD.value]),
                entries.c.kind.in_([kind.value for kind in _ROYALTIES]),
                entries.c.usage_period.is_not(None),
            )
            .group_by(entries.c.period, postings.c.party_id, postings.c.currency)
        )
        if party_id is not None:
            sums = sums.where(postings.c.party_id == party_id)
        if period is not None:
            sums = sums.where(entries.c.period == period)
        with explained(self.path), reading(self.engine) as connection:
            return {(row[0], row[1], row[2]): int(row[3]) for row in connection.execute(sums)}

    def _entries(self, query: Select[Any]) -> Iterator[Entry]:
        after = 0
        while True:
            page_query = query.where(entries.c.sequence > after).order_by(entries.c.sequence).limit(_PAGE_ENTRIES)
            with explained(self.path), reading(self.engine) as connection:
                page = connection.execute(page_query).all()
                legs = _legs(connection, [row.sequence for row in page])
            yield from (_entry(row, legs.get(row.sequence, ())) for row in page)
            if len(page) < _PAGE_ENTRIES:
                return
            after = page[-1].sequence

    # ── trust ────────────────────────────────────────────────────────────────

    def sealed(self) -> Iterator[tuple[str, bool]]:
        """Yield every batch that was posted, by name, and whether its entries are still those that were hashed."""
        with explained(self.path), reading(self.engine) as connection:
            marks = [row.content for row in chain.rows(connection, kind="books")]
            count = connection.scalar(select(func.max(entries.c.sequence))) or 0
        for mark in marks:
            digest = hashlib.sha256()
            wanted = select(entries).where(entries.c.sequence.between(mark["first"], mark["last"]))
            for entry in self._entries(wanted):
                digest.update(_content(entry))
            yield f"entries {mark['first']} to {mark['last']}", digest.hexdigest() == mark["digest"]
        told = marks[-1]["last"] if marks else 0
        if told != count:
            yield f"entries after {told}", False


def last_to_divide(runs: Sequence[Run], period: str) -> tuple[dict[str, str], dict[str, str]]:
    """Say for each usage period which run of ``period`` divided it last, and which run before ``period``."""
    now: dict[str, str] = {}
    then: dict[str, str] = {}
    for run in runs:
        divided = run.made_from.get("divided", [])
        if run.period == period:
            now.update(dict.fromkeys(divided, run.id))
        elif run.period < period:
            then.update(dict.fromkeys(divided, run.id))
    return now, then


def _content(entry: Entry) -> bytes:
    """Write an entry the one way that is hashed."""
    head = [entry.id, entry.period, entry.kind.value, entry.because, entry.usage_period, entry.cause, entry.resolves]
    legs = "\x1e".join(
        f"{_NAME[p.account]}\x1f{p.party_id}\x1f{p.currency}\x1f{p.amount_micro}" for p in entry.postings
    )
    return f"{chain.canonical(head)}\x1e{legs}\n".encode()


def _write(connection: Connection, new: Sequence[Entry], first: int) -> None:
    """Write postings, then the entries that seal them; by the driver itself, for there may be a million."""
    rows = [
        (sequence, number, _NAME[leg.account], leg.party_id, leg.currency, leg.amount_micro)
        for sequence, entry in enumerate(new, first)
        for number, leg in enumerate(entry.postings)
    ]
    if not rows:
        return
    mark = "(" + ", ".join(["?" if connection.dialect.name == "sqlite" else "%s"] * 6) + ")"
    whole = len(rows) - len(rows) % _ROWS_AT_ONCE
    for count, some in ((_ROWS_AT_ONCE, rows[:whole]), (1, rows[whole:])):
        if some:
            marks = ", ".join([mark] * count)
            values = [tuple(chains.from_iterable(some[at : at + count])) for at in range(0, len(some), count)]
            connection.exec_driver_sql(f"INSERT INTO postings VALUES {marks}", values)  # noqa: S608  (marks alone)
    connection.execute(insert(entries), [_entry_row(entry, number) for number, entry in enumerate(new, first)])


def _entry_row(entry: Entry, sequence: int) -> dict[str, object]:
    names = ("id", "period", "because", "usage_period", "run_id", "cause", "resolves")
    return {name: getattr(entry, name) for name in names} | {"sequence": sequence, "kind": entry.kind.value}


def _entry(row: Row[Any], legs: Iterable[Posting]) -> Entry:
    return Entry(
        id=row.id,
        period=row.period,
        kind=EntryKind(row.kind),
        because=row.because,
        postings=tuple(legs),
        usage_period=row.usage_period,
        cause=row.cause,
        resolves=row.resolves,
        run_id=row.run_id,
    )


def _legs(connection: Connection, sequences: Sequence[int]) -> dict[int, list[Posting]]:
    found: dict[int, list[Posting]] = {}
    query = select(postings).where(postings.c.entry.in_(sequences)).order_by(postings.c.entry, postings.c.number)
    for entry, _, account, party, currency, amount in connection.execute(query):
        found.setdefault(entry, []).append(Posting(_ACCOUNT[account], party, currency, amount))
    return found


def _by_id(connection: Connection, ids: Sequence[str]) -> dict[str, Entry]:
    known: dict[str, Entry] = {}
    for start in range(0, len(ids), _PAGE_ENTRIES):
        page = connection.execute(select(entries).where(entries.c.id.in_(ids[start : start + _PAGE_ENTRIES]))).all()
        legs = _legs(connection, [row.sequence for row in page])
        known |= {row.id: _entry(row, legs[row.sequence]) for row in page}
    return known


def _check_open(connection: Connection, period: str) -> None:
    last = connection.scalar(select(func.max(closings.c.period)))
    if last is not None and period <= last:
        raise ConflictError(
            f"{period} is closed (the last closed period is {last}): what is found now is booked in a later one",
            code="period_closed",
        )


def _run(row: Row[Any]) -> Run:
    return Run(row.sequence, row.id, row.period, json.loads(row.inputs), row.booked_at)


def _last_run(connection: Connection) -> Run | None:
    row = connection.execute(select(royalty_runs).order_by(royalty_runs.c.sequence.desc()).limit(1)).first()
    return _run(row) if row else None


def _last_closing(connection: Connection, *, period: str | None = None) -> Closing | None:
    query = select(closings).order_by(closings.c.period.desc()).limit(1)
    row = connection.execute(query if period is None else query.where(closings.c.period == period)).first()
    if row is None:
        return None
    held = connection.execute(select(closing_balances).where(closing_balances.c.period == row.period))
    balances = {(Account(b.account), b.party_id, b.currency): b.amount_micro for b in held}
    return Closing(row.period, row.run_id, row.closed_at, balances)


def _sums(connection: Connection, *conditions: Any) -> dict[Key, int]:
    grouped = (postings.c.account, postings.c.party_id, postings.c.currency)
    query = (
        select(*grouped, func.sum(postings.c.amount_micro))
        .join(entries, entries.c.sequence == postings.c.entry)
        .where(*conditions)
        .group_by(*grouped)
    )
    return {(_ACCOUNT[a], p, c): int(total) for a, p, c, total in connection.execute(query) if total}


def _order(item: tuple[Key, int]) -> tuple[str, str, str]:
    account, party, currency = item[0]
    return account.value, party or "", currency
