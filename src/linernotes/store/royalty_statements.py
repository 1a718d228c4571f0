"""The statements of ``royalty_sql/``, and DuckDB to run them in.

Conventions
-----------
Each statement makes one table from those before it, in whole numbers only; :mod:`linernotes.store.royalty_spark`
carries the same ones over to Spark.
"""

import os
import re
from collections.abc import Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from importlib import resources
from pathlib import Path

import duckdb

from linernotes.errors import FormatError

__all__ = [
    "COLUMNS",
    "STEPS",
    "copy_table",
    "copy_tables",
    "open_engine",
    "open_usage",
    "run",
    "run_statements",
    "statement",
]

STEPS = (
    *("settings", "names", "heaps", "occasions", "cells", "books", "pools", "asked_by_claims"),
    *("asked_by_shares", "sides", "terms", "divided", "totals", "unmatched"),
)
"""The statements, in order; ``divided`` is a view, for its rows are only ever added up or looked up."""

COLUMNS = {
    **dict.fromkeys(("report_id", "period", "territory", "currency", "isrc", "upload_sha256", "iswc"), "VARCHAR"),
    **dict.fromkeys(("title", "artist", "source", "use_type", "commercial_model"), "VARCHAR"),
    **dict.fromkeys(("line", "amount_micro", "quantity"), "BIGINT"),
    "used_on": "DATE",
}
"""Columns of a usage report, with DuckDB's types."""

_ROW_GROUP_ROWS = 61_440  # a look-up asks every row group whether, and unpacks one: both cost the same here
_MEMORY = "1200MB"
_AT_ONCE = 4


def statement(name: str) -> str:
    """Return one of the statements, a step of the run or another, as DuckDB reads it."""
    number = f"{STEPS.index(name) + 1:02d}_" if name in STEPS else ""
    return resources.files("linernotes.store").joinpath("royalty_sql", f"{number}{name}.sql").read_text("utf-8")


def open_usage(engine: duckdb.DuckDBPyConnection, paths: Sequence[Path]) -> None:
    """Make the view ``usage`` of these files; of none it is empty."""
    columns = ", ".join(COLUMNS)
    if not paths:
        typed = ", ".join(f"NULL::{kind} AS {name}" for name, kind in COLUMNS.items())
        engine.execute(f"CREATE VIEW usage AS SELECT {typed} WHERE FALSE")
        return
    files = ", ".join("'" + str(path).replace("'", "''") + "'" for path in paths)
    try:
        # What says no day is judged as on its period's first.
        dated = columns.replace("used_on", "coalesce(used_on, CAST(period || '-01' AS DATE)) AS used_on")
        engine.execute(f"CREATE VIEW usage AS SELECT {dated} FROM read_parquet([{files}])")
    except duckdb.Error as error:
        raise FormatError(f"{paths[0].parent.parent}: a file there is not a usage report ({error})") from error


def run_statements(engine: duckdb.DuckDBPyConnection) -> None:
    """Run the statements, each into a table of its name.

    Whatever names the tables that it reads begins when they are there: some of it keeps one core busy, not two.
    """
    done: dict[str, Future[None]] = {}
    with ThreadPoolExecutor(_AT_ONCE) as threads:
        for step in STEPS:
            work = f"CREATE {'VIEW' if step == 'divided' else 'TABLE'} {step} AS {statement(step)}"
            needed = [done[word] for word in set(re.findall(r"\w+", work)) & done.keys()]
            done[step] = threads.submit(run, engine.cursor(), work, needed)
    for each in done.values():
        each.result()


def run(engine: duckdb.DuckDBPyConnection, work: str, needed: Sequence[Future[None]]) -> None:
    """Do a piece of work when what it needs is done; what went wrong there goes wrong here."""
    for each in needed:
        each.result()
    engine.execute(work)


def open_engine(spill: Path) -> duckdb.DuckDBPyConnection:
    """Open DuckDB within bounds; what has no room in memory goes to the folder ``spill``."""
    engine = duckdb.connect(
        config={
            "memory_limit": _MEMORY,
            "temp_directory": str(spill),
            "preserve_insertion_order": "false",
            "threads": str(min(os.cpu_count() or 1, 8)),
            "autoinstall_known_extensions": "false",
            "autoload_known_extensions": "false",
        }
    )
    engine.execute("SET enable_progress_bar = false")  # it would write into our output
    return engine


def copy_table(engine: duckdb.DuckDBPyConnection, name: str, path: Path) -> None:
    """Write a table, or a query in brackets, to a Parquet file."""
    target = str(path).replace("'", "''")
    options = f"FORMAT parquet, COMPRESSION zstd, COMPRESSION_LEVEL 1, ROW_GROUP_SIZE {_ROW_GROUP_ROWS}"
    engine.execute(f"COPY {name} TO '{target}' ({options})")


def copy_tables(engine: duckdb.DuckDBPyConnection, files: Mapping[str, Path]) -> None:
    """Write tables, or queries in brackets, to Parquet files."""
    for name, path in files.items():
        copy_table(engine, name, path)
