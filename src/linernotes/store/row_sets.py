"""Sets of rows: found by thousands of values in one statement, added in another."""

import json
import sqlite3
from collections.abc import Iterable, Sequence
from itertools import chain, repeat
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

from linernotes.store.batches import WORK_RIGHTS, Rows
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
    names = [*rows.columns, *same]
    cells = _as_stored(connection, table, rows)
    if connection.dialect.name == "sqlite":
        insert = sqlite.insert(table).on_conflict_do_nothing().compile(dialect=sqlite.dialect(), column_keys=names)
        given = dict(zip(names, [*cells, *map(repeat, same.values())], strict=True))
        filled = list(zip(*(given[name] for name in insert.positiontup or ()), strict=False))  # a repeat never ends
        return _fill(connection, str(insert), filled)
    # A list for each column, in one statement: a round trip for the lot, and it says how many were added.
    kinds = [table.columns[name].type for name in names]
    listed = zip(cells, kinds, strict=False)
    told: list[ColumnElement[Any]] = [func.unnest(literal(list(e), postgresql.ARRAY(kind))) for e, kind in listed]
    told += [literal(value, kind) for value, kind in zip(same.values(), kinds[len(cells) :], strict=True)]
    statement = postgresql.insert(table).from_select(names, select(*told)).on_conflict_do_nothing()
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
        told = text(f"(VALUES {_marks(len(rows.columns))})")  # which SQLite calls column1, column2 and so on
        columns: list[ColumnElement[Any]] = [
            literal_column(f"column{number}") for number in range(1, len(rows.columns) + 1)
        ]
        source = select(rights.subquery().c.right_type, *columns).select_from(told)
        insert = sqlite.insert(shares).from_select(["right_type", *rows.columns], source)
        filled = list(zip(*_as_stored(connection, shares, rows), strict=True))
        _fill(connection, str(insert.compile(dialect=sqlite.dialect())), filled)


def _fill(connection: Connection, statement: str, rows: Sequence[tuple[Any, ...]]) -> int:
    """Run a statement that adds one row for all rows; returns how many were added.

    Some hundred go into one statement, by the driver's own loop: alone, each takes SQLite half as long again.
    """
    width = len(rows[0])
    driver: sqlite3.Connection = connection.connection.driver_connection  # type: ignore[assignment]
    together = min(_ROWS_TOGETHER, driver.getlimit(sqlite3.SQLITE_LIMIT_VARIABLE_NUMBER) // width, len(rows))
    cells = tuple(chain.from_iterable(rows))
    step = together * width
    last = len(rows) // together * step
    row = _marks(width)
    many = statement.replace(row, ", ".join([row] * together))
    n_added = connection.exec_driver_sql(many, [cells[at : at + step] for at in range(0, last, step)]).rowcount
    if last < len(cells):
        n_added += connection.exec_driver_sql(statement, rows[last // width :]).rowcount
    return n_added


def _marks(width: int) -> str:
    return f"({', '.join('?' * width)})"


def _as_stored(connection: Connection, table: Table, rows: Rows) -> list[Sequence[Any]]:
    """Return the columns, their days as SQLAlchemy would write them."""
    columns: list[Sequence[Any]] = []
    for name, cells in zip(rows.columns, rows.cells, strict=True):
        kind = table.columns[name].type
        if isinstance(kind, Date) and (days := set(cells) - {None}):
            write = kind.dialect_impl(connection.dialect).bind_processor(connection.dialect)
            written = {day: write(day) for day in days} if write is not None else {}
            columns.append([written.get(day, day) for day in cells])
        else:
            columns.append(cells)
    return columns
