"""Sets of rows: found by thousands of values in one statement, added in another."""

import json
from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import Any

from sqlalchemy import (
    Column,
    ColumnElement,
    Connection,
    Date,
    DateTime,
    String,
    Table,
    any_,
    bindparam,
    func,
    literal,
    literal_column,
    select,
    union_all,
)
from sqlalchemy.dialects import postgresql, sqlite

from linernotes.store.batches import WORK_RIGHTS, ShareRow, by_right
from linernotes.store.schema import shares

__all__ = ["add", "add_shares", "rows_of"]


def rows_of(connection: Connection, table: Table, column: Column[Any], values: Sequence[Any]) -> Iterable[Any]:
    """Return the rows that have one of these values in a column."""
    return connection.execute(select(table).where(_among(connection, column, values))).all() if values else ()


def _among(connection: Connection, column: Column[Any], values: Sequence[Any]) -> ColumnElement[bool]:
    """Tell a column's values from others, as one parameter: there may be more than a statement can have."""
    if connection.dialect.name == "sqlite":
        return column.in_(select(func.json_each(json.dumps(values)).table_valued("value").c.value))
    return column == any_(literal(list(values), postgresql.ARRAY(String)))


def add(connection: Connection, table: Table, rows: Sequence[tuple[Any, ...]]) -> int:
    """Add rows; those whose key is here already stay as they are. Returns how many were added."""
    if not rows:
        return 0
    columns = [column for column in table.columns if not (table is shares and column.name == "id")]
    keys = [column.name for column in columns]
    if connection.dialect.name == "sqlite":
        # The driver's own loop over tuples: a catalogue has ten million rows.
        insert = sqlite.insert(table).on_conflict_do_nothing().compile(dialect=sqlite.dialect(), column_keys=keys)
        return connection.exec_driver_sql(str(insert), _as_stored(connection, columns, rows)).rowcount
    # A list for each column, in one statement: a round trip for the lot, and it says how many were added.
    given = zip(columns, zip(*rows, strict=True), strict=True)
    source = select(*(func.unnest(literal(list(cells), postgresql.ARRAY(column.type))) for column, cells in given))
    statement = postgresql.insert(table).from_select(keys, source).on_conflict_do_nothing()
    return connection.execute(statement, execution_options={"preserve_rowcount": True}).rowcount


def add_shares(connection: Connection, rows: Sequence[ShareRow]) -> None:
    """Add shares; where a row is about all rights in a work, the database makes three of it."""
    whole = [(*row[:2], *row[3:]) for row in rows if row[2] == WORK_RIGHTS]
    if not whole or connection.dialect.name != "sqlite":
        add(connection, shares, list(by_right(rows)))
        return
    add(connection, shares, [row for row in rows if row[2] != WORK_RIGHTS])
    each = [select(literal_column(f"'{right}'", String).label("right_type")) for right in WORK_RIGHTS.split()]
    given = [column for column in shares.columns if column.name not in ("id", "right_type")]
    source = select(
        union_all(*each).subquery().c.right_type, *(bindparam(column.name, type_=column.type) for column in given)
    )
    statement = sqlite.insert(shares).from_select(["right_type", *(column.name for column in given)], source)
    connection.exec_driver_sql(str(statement.compile(dialect=sqlite.dialect())), _as_stored(connection, given, whole))


def _as_stored(
    connection: Connection, columns: Sequence[Column[Any]], rows: Sequence[tuple[Any, ...]]
) -> list[tuple[Any, ...]]:
    """Write days as SQLAlchemy would, and moments unless they are written already."""
    writers = {
        place: lru_cache(maxsize=1024)(write)
        for place, column in enumerate(columns)
        if isinstance(column.type, Date | DateTime)
        and (write := column.type.dialect_impl(connection.dialect).bind_processor(connection.dialect)) is not None
    }
    for place, write in writers.items():
        rows = [
            row
            if row[place] is None or isinstance(row[place], str)
            else (*row[:place], write(row[place]), *row[place + 1 :])
            for row in rows
        ]
    return list(rows)
