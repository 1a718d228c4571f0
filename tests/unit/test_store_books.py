"""The books refuse by themselves what must not be: these tests speak to the database past our own code too."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy.exc import DatabaseError

from linernotes.errors import ConflictError
from linernotes.model import Account, Entry, EntryKind, Party, Posting, Recording, RecordingEntry
from linernotes.store.books import Books, Run
from linernotes.store.catalogue import Catalogue
from linernotes.store.database import writing

AT = datetime(2026, 2, 1, tzinfo=UTC)


def legs(*amounts: tuple[Account, str | None, int], currency: str = "EUR") -> tuple[Posting, ...]:
    return tuple(Posting(account, party, currency, amount) for account, party, amount in amounts)


def entry(name: str, *amounts: tuple[Account, str | None, int], period: str = "2026-01", **fields: str) -> Entry:
    kind = EntryKind(fields.pop("kind", "royalty"))
    return Entry(name, period, kind, "because", legs(*amounts), **fields)


IN = entry("in", (Account.CASH, None, -100), (Account.PAYABLE, "pty_a", 60), (Account.PAYABLE, "pty_b", 40))
HOLD = entry("hold", (Account.CASH, None, -9), (Account.HELD, "pty_a", 9), kind="hold", cause="claim:1")


@pytest.fixture
def books(place: Path | str) -> Iterator[Books]:
    catalogue = Catalogue(place, writable=True)
    recording = Recording("rec_1", "One", "A", "0" * 64, "x", 1.0, 44_100, 2)
    catalogue.add(RecordingEntry(recording, parties=[Party("pty_a", "A"), Party("pty_b", "B")]))
    catalogue.close()
    opened = Books(place, writable=True)
    yield opened
    opened.close()


def run_of(name: str, period: str) -> Run:
    return Run(0, name, period, {}, AT)


def test_what_is_posted_comes_out_again(books: Books) -> None:
    assert books.post([IN, HOLD], at=AT) == 2
    assert list(books.entries()) == [IN, HOLD]
    assert books.balances() == {
        (Account.CASH, None, "EUR"): -109,
        (Account.PAYABLE, "pty_a", "EUR"): 60,
        (Account.PAYABLE, "pty_b", "EUR"): 40,
        (Account.HELD, "pty_a", "EUR"): 9,
    }
    assert all(whole for _, whole in books.sealed())


def test_an_id_posted_twice_is_posted_once(books: Books) -> None:
    assert [books.post([IN], at=AT), books.post([IN, HOLD], at=AT), books.post([IN, HOLD], at=AT)] == [1, 1, 0]
    other = entry("in", (Account.CASH, None, -1), (Account.PAYABLE, "pty_a", 1))
    with pytest.raises(ConflictError, match="other postings"):
        books.post([other], at=AT)


@pytest.mark.parametrize(
    ("faulty", "said"),
    [
        (entry("x", (Account.CASH, None, -100), (Account.PAYABLE, "pty_a", 99)), "must balance"),
        (entry("x", (Account.CASH, None, -100)), "two postings|must balance"),
        (entry("x", (Account.CASH, None, -1), (Account.PAYABLE, "pty_a", 1), period="2026"), "YYYY-MM"),
        (entry("x", (Account.CASH, None, -1), (Account.PAYABLE, "pty_nobody", 1)), r"(?i)foreign key"),
        (entry("x", (Account.CASH, None, 0), (Account.PAYABLE, "pty_a", 0)), "ck_postings_amount"),
        (entry("x", (Account.CASH, None, -(1 << 70)), (Account.PAYABLE, "pty_a", 1 << 70)), r"(?i)large|range|64"),
        (entry("x", (Account.HELD, "pty_a", -9), (Account.PAYABLE, "pty_a", 9), kind="post"), "ck_entries_resolves"),
        (
            entry("x", (Account.HELD, "pty_a", -9), (Account.PAYABLE, "pty_a", 9), kind="post", resolves="in"),
            "only a hold",
        ),
        (
            entry("x", (Account.HELD, "pty_a", -8), (Account.PAYABLE, "pty_a", 8), kind="post", resolves="hold"),
            "resolved whole",
        ),
    ],
)
def test_the_database_refuses(books: Books, faulty: Entry, said: str) -> None:
    books.post([IN, HOLD], at=AT)
    with pytest.raises((DatabaseError, OverflowError)) as caught:
        books.post([entry("good", (Account.CASH, None, -1), (Account.PAYABLE, "pty_b", 1)), faulty], at=AT)
    assert re.search(said, str(caught.value))
    assert [each.id for each in books.entries()] == ["in", "hold"]


def test_a_hold_is_resolved_once(books: Books) -> None:
    books.post([HOLD], at=AT)
    assert books.pending(["2026-01"]) == []  # it says no usage period
    first = entry("p", (Account.HELD, "pty_a", -9), (Account.PAYABLE, "pty_a", 9), kind="post", resolves="hold")
    again = entry("v", (Account.HELD, "pty_a", -9), (Account.CASH, None, 9), kind="void", resolves="hold")
    books.post([first], at=AT)
    with pytest.raises(DatabaseError):
        books.post([again], at=AT)


@pytest.mark.parametrize("table", ["entries", "postings", "closings", "royalty_runs", "closing_balances"])
@pytest.mark.parametrize("change", ["DELETE FROM {}", "UPDATE {} SET {} = {}"])
def test_nothing_is_changed_or_taken_out(books: Books, table: str, change: str) -> None:
    books.book_run(run_of("1" * 64, "2026-01"), [IN], seen=None, at=AT, closing=True)
    column = {"closings": "run_id", "royalty_runs": "inputs"}.get(table, "number" if "ing" in table else "kind")
    column = "amount_micro" if table in ("postings", "closing_balances") else column
    with pytest.raises(DatabaseError, match="append-only"), writing(books.engine) as connection:
        connection.exec_driver_sql(change.format(table, column, column))


def test_a_sealed_entry_takes_no_more_postings(books: Books) -> None:
    books.post([IN], at=AT)
    with pytest.raises(DatabaseError, match="sealed"), writing(books.engine) as connection:
        connection.exec_driver_sql("INSERT INTO postings VALUES (1, 9, 'cash', NULL, 'EUR', 1)")


def test_a_posting_without_its_entry_is_refused_at_the_commit(books: Books) -> None:
    with pytest.raises(DatabaseError, match=r"(?i)foreign key"), writing(books.engine) as connection:
        connection.exec_driver_sql("INSERT INTO postings VALUES (77, 1, 'cash', NULL, 'EUR', 1)")
    assert books.balances() == {}


def test_a_closed_period_stays_closed(books: Books) -> None:
    books.book_run(run_of("1" * 64, "2026-01"), [IN], seen=None, at=AT, closing=True)
    late = entry("late", (Account.CASH, None, -1), (Account.PAYABLE, "pty_a", 1))
    with pytest.raises(ConflictError, match="2026-01 is closed"):
        books.post([late], at=AT)
    with pytest.raises(ConflictError, match="is closed"):
        books.book_run(run_of("2" * 64, "2025-12"), [], seen="1" * 64, at=AT)
    with pytest.raises(DatabaseError, match="closed"), writing(books.engine) as connection:
        connection.exec_driver_sql("INSERT INTO postings VALUES (9, 1, 'cash', NULL, 'EUR', 1)")
        connection.exec_driver_sql("INSERT INTO postings VALUES (9, 2, 'paid', NULL, 'EUR', -1)")
        connection.exec_driver_sql(
            "INSERT INTO entries (sequence, id, period, kind, because) VALUES (9, 'late', '2025-12', 'royalty', 'x')"
        )
    closing = books.closing()
    assert closing is not None
    assert closing.balances == books.balances()


def test_who_was_slower_books_nothing(books: Books) -> None:
    books.book_run(run_of("1" * 64, "2026-01"), [IN], seen=None, at=AT)
    with pytest.raises(ConflictError, match="another run was booked meanwhile"):
        books.book_run(run_of("2" * 64, "2026-01"), [HOLD], seen=None, at=AT)
    assert [run.id for run in books.runs()] == ["1" * 64]
    assert list(books.entries()) == [IN]
