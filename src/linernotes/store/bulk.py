"""Filling an empty catalogue: indexes that entering does not look into are built once, at the end, in order.

A B-tree that grows by random keys is written over and over; one that is built from sorted keys is written once. So a
large import into an empty SQLite file sets aside the indexes named here. They come back when it ends, however it ends;
after a kill, when the file is next opened to write. Until then every answer is right, and some take longer.
"""

from sqlalchemy import Connection, Index, String, Table, column, select, table

from linernotes.store.schema import contributions, parties, recordings, shares, works

__all__ = ["put_back", "set_aside", "those_set_aside"]

_INDEXES: tuple[Index, ...] = tuple(
    index
    for filled in (parties, recordings, contributions, shares)
    for index in sorted(filled.indexes, key=lambda index: str(index.name))
)


def set_aside(connection: Connection) -> None:
    """Let go of the indexes that entering does not need, if this is a SQLite file without works and recordings."""
    told = (connection.scalar(select(subject.c.id).limit(1)) for subject in (works, recordings))
    if connection.dialect.name == "sqlite" and not any(told):
        for index in _INDEXES:
            index.drop(connection, checkfirst=True)


def those_set_aside(connection: Connection) -> list[Index]:
    """Return the indexes that are set aside now."""
    if connection.dialect.name != "sqlite":
        return []
    names = select(column("name", String)).select_from(table("sqlite_master")).where(column("type") == "index")
    here = set(connection.scalars(names))
    return [index for index in _INDEXES if index.name not in here]


def put_back(connection: Connection, *, only: Table | None = None) -> None:
    """Build the indexes that were set aside; those of one table, if it is given."""
    for index in those_set_aside(connection):
        if only is None or index.table is only:
            index.create(connection)
