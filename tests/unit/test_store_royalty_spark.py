"""Spark comes to the same as DuckDB, byte for byte."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import duckdb
import pytest

from linernotes.journeys import pay
from linernotes.store import royalty_spark
from linernotes.store.royalty_facts import TABLES, load
from linernotes.store.royalty_statements import STEPS, copy_table, open_engine, open_usage, run_statements
from linernotes.workspace import Workspace
from tests.royalty_oracle import line, write_usage
from tests.unit.test_journeys_pay import ISRC, workspace

__all__ = ["workspace"]

WANTED = ("pools", "terms", "divided", "totals", "unmatched")


@pytest.mark.parametrize("step", STEPS)
def test_every_statement_can_be_carried_over(step: str) -> None:
    pytest.importorskip("sqlglot")
    text = royalty_spark.carried_over(step)
    assert "HUGEINT" not in text
    assert "INT128" not in text
    assert "//" not in text


@pytest.fixture
def session() -> Iterator[Any]:
    sql = pytest.importorskip("pyspark.sql")
    made = (
        sql.SparkSession.builder.master("local[1]")
        .config("spark.ui.enabled", "false")
        .config("spark.sql.shuffle.partitions", "2")
        .config("spark.driver.bindAddress", "127.0.0.1")
        .config("spark.driver.host", "127.0.0.1")
        .getOrCreate()
    )
    yield made
    made.stop()


@pytest.mark.extras
@pytest.mark.filterwarnings("ignore")
def test_spark_and_duckdb_divide_alike(workspace: Workspace, session: Any, tmp_path: Path) -> None:
    amounts = [100, 7, -31, 10**15 + 7, 1, 2, 3, 999_999_999]
    lines = [line(amount, isrc=ISRC, territory=t, day=n) for n, amount in enumerate(amounts) for t in ("DE", "US")]
    path = write_usage(workspace, "2026-01", "r1", [*lines, line(5, isrc="XX"), line(9, isrc=ISRC, currency="JPY")])
    facts: dict[str, Path] = {}
    with workspace.royalties.known(pay.law_of(workspace)) as known:
        engine = open_engine(tmp_path / "spill")
        load(engine, known.folder)
        for name in TABLES:
            facts[name] = tmp_path / f"{name}.parquet"
            copy_table(engine, name, facts[name])
        open_usage(engine, [path])
        run_statements(engine)
        ours = {name: text(engine, name) for name in WANTED}
        engine.close()
    theirs = royalty_spark.divide(session, facts, [path], wanted=WANTED)
    for name in WANTED:
        assert text_of(theirs[name].columns, [tuple(row) for row in theirs[name].collect()]) == ours[name], name


def text(engine: duckdb.DuckDBPyConnection, name: str) -> bytes:
    found = engine.execute(f"SELECT * FROM {name}")
    columns = [each[0] for each in found.description or ()]
    return text_of(columns, found.fetchall())


def text_of(columns: Sequence[str], rows: Sequence[Sequence[object]]) -> bytes:
    return "\n".join([",".join(columns), *sorted(",".join(map(str, row)) for row in rows)]).encode()
