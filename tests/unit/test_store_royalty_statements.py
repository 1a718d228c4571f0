"""Statements run beside each other, each when what it reads is there; the first that fails is the one that is told."""

from pathlib import Path

import duckdb
import pytest

from linernotes.store import royalty_statements
from linernotes.store.royalty_statements import copy_tables, run_statements


def test_a_statement_waits_for_what_it_reads(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    texts = {
        "first": "SELECT SUM(range) AS n FROM range(300000)",
        "second": "SELECT n + 1 AS n FROM first",
        "apart": "SELECT 7 AS n",
        "divided": "SELECT a.n + b.n AS n FROM second AS a, apart AS b",
        "last": "SELECT n + 1 AS n FROM divided",
    }
    monkeypatch.setattr(royalty_statements, "STEPS", tuple(texts))
    monkeypatch.setattr(royalty_statements, "statement", texts.__getitem__)
    engine = duckdb.connect()
    engine.execute("CREATE TABLE known AS SELECT 5 AS n")
    run_statements(engine)
    total = 300_000 * 299_999 // 2
    assert engine.execute("SELECT (FROM first), (FROM second), (FROM last)").fetchone() == (total, total + 1, total + 9)
    assert engine.execute(
        "SELECT table_type FROM information_schema.tables WHERE table_name = 'divided'"
    ).fetchall() == [("VIEW",)]
    files = {name: tmp_path / f"{name}.parquet" for name in ("last", "known")}
    copy_tables(engine, {"(SELECT * FROM last ORDER BY n)": files["last"], "known": files["known"]})
    kept = [duckdb.read_parquet(str(files[name])).fetchall() for name in ("last", "known")]
    assert kept == [[(total + 9,)], [(5,)]]


def test_what_fails_is_told_and_what_needs_it_is_not_made(monkeypatch: pytest.MonkeyPatch) -> None:
    texts = {"first": "SELECT 1 AS n", "wrong": "SELECT m FROM first", "after": "SELECT * FROM wrong"}
    monkeypatch.setattr(royalty_statements, "STEPS", tuple(texts))
    monkeypatch.setattr(royalty_statements, "statement", texts.__getitem__)
    engine = duckdb.connect()
    with pytest.raises(duckdb.BinderException, match='"m"'):
        run_statements(engine)
    assert engine.execute("SELECT table_name FROM duckdb_tables()").fetchall() == [("first",)]
