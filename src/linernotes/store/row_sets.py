"""Sets of rows: found by thousands of values in one statement, added in another."""

import json
import sqlite3
from collections.abc import Iterable, Sequence
from functools import lru_cache
from itertools import count
from typing import Any

from sqlalchemy import (
    Column,
    ColumnElement,
    Connection,
    Date,
    String,
    Table,
    any_,
    func,
    literal,
    literal_column,
    select,
    text,
    union_all,
)
from sqlalchemy.dialects import postgresql, sqlite

from linernotes.store.batches import WORK_RIGHTS, Rows, Same
from linernotes.store.schema import shares

__all__ = ["add", "add_whole_shares", "rows_of"]

_ROWS_TOGETHER = 500


def rows_of(connection: Connection, table: Table, column: Column[Any], values: Sequence[Any]) -> Iterable[Any]:
    """Return the rows that have one of these values in a column."""
    return connection.execute(select(table).where(_among(connection, column, values))).all() if values else ()


def _among(connection: Connection, column: Column[Any], values: Sequence[Any]) -> ColumnElement[bool]:
    """Tell a column's values from others, as one parameter: there may be more than a statement can have."""
    if connection.dialect.name == "sqlite":
        return column.in_(select(func.json_each(json.dumps(values)).table_valued("value").c.value))
    return column == any_(literal(list(values), postgresql.ARRAY(String)))


def add(connection: Connection, table: Table, rows: Rows, **same: Any) -> int:
    """Add rows, with what is ``same`` in all of them; those whose key is here stay as they are. Returns how many."""
    if not len(rows):
        return 0
    columns = _as_stored(connection, table, rows) | {name: Same(value, len(rows)) for name, value in same.items()}
    if connection.dialect.name == "sqlite":
        insert = sqlite.insert(table).on_conflict_do_nothing().compile(dialect=sqlite.dialect(), column_keys=[*columns])
        return _fill(connection, str(insert), [columns[name] for name in insert.positiontup or ()])
    # A list for each column, in one statement: a round trip for the lot, and it says how many were added.
    told: list[ColumnElement[Any]] = []
    for name, cells in columns.items():
        kind = table.columns[name].type
        if isinstance(cells, Same):
            told.append(literal(cells.value, kind))
        else:
            told.append(func.unnest(literal([*cells], postgresql.ARRAY(kind))))
    statement = postgresql.insert(table).from_select([*columns], select(*told)).on_conflict_do_nothing()
    return connection.execute(statement, execution_options={"preserve_rowcount": True}).rowcount


def add_whole_shares(connection: Connection, rows: Rows) -> None:
    """Add shares that are of each of the rights in a work."""
    if connection.dialect.name != "sqlite":
        for right in WORK_RIGHTS.split():
            add(connection, shares, rows, right_type=right)
    elif len(rows):  # a row comes from here once, not three times
        rights = union_all(
            *(select(literal_column(f"'{right}'", String).label("right_type")) for right in WORK_RIGHTS.split())
        )
        told = text(f"(VALUES ({', '.join('?' * len(rows.columns))}))")  # which SQLite calls column1, column2 and so on
        columns: list[ColumnElement[Any]] = [
            literal_column(f"column{number}") for number in range(1, len(rows.columns) + 1)
        ]
        source = select(rights.subquery().c.right_type, *columns).select_from(told)
        insert = sqlite.insert(shares).from_select(["right_type", *rows.columns], source)
        filled = [*_as_stored(connection, shares, rows).values()]
        _fill(connection, str(insert.compile(dialect=sqlite.dialect())), filled)


def _fill(connection: Connection, statement: str, columns: Sequence[Sequence[Any]]) -> int:
    """Run a statement that adds one row for all rows; returns how many were added.

    Some hundred go into one statement, by the driver's own loop: alone, each takes SQLite half as long again. What is
    the same in all of them is bound once.
    """
    is_same = tuple(isinstance(cells, Same) for cells in columns)
    same = [cells.value for cells in columns if isinstance(cells, Same)]
    others = [cells for cells in columns if not isinstance(cells, Same)]
    driver: sqlite3.Connection = connection.connection.driver_connection  # type: ignore[assignment]
    width, n_rows = len(others), len(others[0])
    n_marks = driver.getlimit(sqlite3.SQLITE_LIMIT_VARIABLE_NUMBER) - len(same)
    together = min(_ROWS_TOGETHER, n_marks // width, n_rows)
    cells: list[Any] = [None] * (width * n_rows)
    for place, column in enumerate(others):
        cells[place::width] = column
    n_added = 0
    last = n_rows // together * together * width
    for rows, begin, end in ((together, 0, last), (1, last, len(cells))):
        if begin < end:
            step = rows * width
            many = statement.replace(_marks((False,) * len(columns), 1), _marks(is_same, rows))
            given = [(*same, *cells[at : at + step]) for at in range(begin, end, step)]
            n_added += connection.exec_driver_sql(many, given).rowcount
    return n_added


@lru_cache(maxsize=64)
def _marks(is_same: tuple[bool, ...], n_rows: int) -> str:
    """Return the places of rows: numbered, those of what is the same before the others."""
    if not any(is_same):
        return ", ".join([f"({', '.join('?' * len(is_same))})"] * n_rows)
    same, others = count(1), count(1 + sum(is_same))
    first = [next(same) if it else 0 for it in is_same]
    return ", ".join(f"({', '.join(f'?{number or next(others)}' for number in first)})" for _ in range(n_rows))


def _as_stored(connection: Connection, table: Table, rows: Rows) -> dict[str, Sequence[Any]]:
    """Return the columns, their days as SQLAlchemy would write them; of the first, each cell, to tell how many."""
    columns: dict[str, Sequence[Any]] = {}
    for name, cells in zip(rows.columns, rows.cells, strict=True):
        kind = table.columns[name].type
        write = kind.dialect_impl(connection.dialect).bind_processor(connection.dialect)
        columns[name] = cells if columns or not isinstance(cells, Same) else [*cells]
        if isinstance(kind, Date) and write is not None and (days := set(cells) - {None}):
            written = {day: write(day) for day in days}
            columns[name] = [written.get(day, day) for day in cells]
    return columns
