"""What a run knows, as text: what SQLite writes out by itself is what the csv module would write."""

import csv
from datetime import date
from pathlib import Path

import duckdb
import pytest
from sqlalchemy import insert, select

from linernotes.store import royalty_facts
from linernotes.store.database import open_sqlite, reading, writing
from linernotes.store.royalty_facts import _RAW, _READ, _names, _table_text, _text
from linernotes.store.schema import recordings, shares

NASTY = [
    "back\\slash",
    "tab\t\x01\x1f",
    'a "quoted" one',
    "comma, inside",
    "two\nlines",
    "it's",
    "%s%d",
    "…é🎵",
    "",
    " ",
    "-1",
    "NULL",
    "00012",
]


def put(path: Path, n_shares: int) -> None:
    """Enter shares and recordings with the worst names there are; every seventh share is taken back."""
    engine = open_sqlite(path, writable=True)
    with writing(engine) as connection:
        connection.exec_driver_sql("PRAGMA defer_foreign_keys=ON")
        connection.exec_driver_sql("INSERT INTO parties (id, name) VALUES ('p,\"1', 'P')")
        for number in range(n_shares):
            bounds = {"valid_from": date(2026, 1, 1) if number % 2 else None, "valid_to": None}
            whole = {"party_id": 'p,"1', "right_type": "master", "numerator": 1, "denominator": 10**9 + number}
            name = NASTY[number % len(NASTY)]
            connection.execute(insert(shares).values(subject_id=name, territory="2136", **whole, **bounds))
        connection.exec_driver_sql("DELETE FROM shares WHERE id % 7 = 0")
        for number, name in enumerate(NASTY):
            connection.exec_driver_sql(
                "INSERT INTO recordings (id, title, artist, path, duration_s, sample_rate_hz, channels, isrc,"
                " registered_at) VALUES (?, 'T', 'A', 'x', 1, 1, 1, ?, '2026-01-01 00:00:00.000000')",
                (name, f"ISRC{number}" if number % 2 else None),
            )
    engine.dispose()


@pytest.mark.parametrize("n_rows", [1, 3, 20, 1000])
def test_sqlite_writes_what_the_csv_module_writes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, n_rows: int) -> None:
    monkeypatch.setattr(royalty_facts, "_BLOCK_ROWS", n_rows)
    put(tmp_path / "c.sqlite3", 25)
    with reading(open_sqlite(tmp_path / "c.sqlite3", writable=False)) as connection:
        for table in (shares, recordings):
            names = _names(table.name)
            columns = [table.c[name] for name in names]
            rows = connection.execute(select(*columns).order_by(table.c.id)).all()
            text = "".join(_table_text(connection, table, names))
            assert text == "".join(_text(rows))
            told = [tuple("" if value is None else str(value) for value in row) for row in rows]
            assert [tuple(row) for row in csv.reader(text.splitlines(keepends=True))] == told


def test_duckdb_reads_what_sqlite_writes(tmp_path: Path) -> None:
    put(tmp_path / "c.sqlite3", 25)
    with reading(open_sqlite(tmp_path / "c.sqlite3", writable=False)) as connection:
        (tmp_path / "shares.csv").write_text("".join(_table_text(connection, shares, _names("shares"))), "utf-8")
        rows = connection.execute(select(*(shares.c[name] for name in _names("shares"))).order_by(shares.c.id)).all()
    typed = ", ".join(f"'{column.split()[0]}': '{column.split()[1]}'" for column in _RAW["shares"].split(", "))
    read = duckdb.execute(f"FROM read_csv('{tmp_path}/shares.csv', {_READ}, columns={{{typed}}})").fetchall()
    assert read == [tuple(None if value == "" else value for value in row) for row in rows]


def test_of_nothing_there_is_no_text(tmp_path: Path) -> None:
    open_sqlite(tmp_path / "c.sqlite3", writable=True).dispose()
    with reading(open_sqlite(tmp_path / "c.sqlite3", writable=False)) as connection:
        assert not list(_table_text(connection, recordings, _names("recordings")))
