"""Opening a database: connection settings, schema version, and what its errors mean to a person."""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import Connection, Engine, StaticPool, create_engine, event, inspect, select, table
from sqlalchemy import column as sql_column
from sqlalchemy.exc import DatabaseError, OperationalError

from linernotes.errors import ConflictError, LinernotesError, ParameterError, StorageError
from linernotes.store.schema import metadata

__all__ = ["HEAD", "explained", "open_empty", "open_sqlite", "reading", "writing"]

HEAD = "0001"
"""The newest schema; the newest file in ``migrations/versions`` bears it."""

_BUSY_TIMEOUT_S = 30.0


def _engine(connect: Callable[[], sqlite3.Connection], *, writable: bool, shared: bool = False) -> Engine:
    def configured() -> sqlite3.Connection:
        connection = connect()
        # Autocommit in the driver: the BEGIN below is then the only one, schema changes included.
        connection.isolation_level = None
        # Without recursive_triggers, OR REPLACE would delete rows behind the back of triggers.
        connection.execute("PRAGMA foreign_keys=ON")
        connection.execute("PRAGMA recursive_triggers=ON")
        if writable:
            connection.execute("PRAGMA journal_mode=WAL")
            connection.execute("PRAGMA synchronous=FULL")
        return connection

    def begin(connection: Connection) -> None:
        # A writer takes its lock at once: one that reads first could be refused when it comes to write.
        write = connection.get_execution_options().get("write", False)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if write else "BEGIN")

    pool = StaticPool if shared else None
    engine = create_engine("sqlite://", creator=configured, poolclass=pool)
    event.listen(engine, "begin", begin)
    return engine


def open_sqlite(path: Path, *, writable: bool) -> Engine:
    """Open a SQLite file at the newest schema; a writable one is made or migrated if need be.

    Raises
    ------
    ConflictError if its schema is older and it is not writable, or newer than this program
    StorageError, ParameterError if the place cannot be used
    """
    uri = f"file:{path.resolve()}"
    if not writable:
        uri += "?mode=ro"
        if not path.with_name(f"{path.name}-wal").exists():
            uri += "&immutable=1"  # no log, so nobody is writing: can be read on a read-only disk too

    def connect() -> sqlite3.Connection:
        return sqlite3.connect(uri, uri=True, timeout=_BUSY_TIMEOUT_S, check_same_thread=False)

    engine = _engine(connect, writable=writable)
    with explained(path):
        version = _version(engine)
        if writable and (version is None or version < HEAD):
            from linernotes.store.migrations import upgrade  # noqa: PLC0415  (Alembic costs 0.4 s and is needed once)

            with writing(engine) as connection:
                upgrade(connection)
            version = _version(engine)
    if version != HEAD:
        state = "newer than" if version and version > HEAD else "older than"
        todo = "update Linernotes" if state == "newer than" else "open it once where it can be written"
        raise ConflictError(f"{path}: its schema {version or '(none)'} is {state} this version's {HEAD}: {todo}")
    return engine


def open_empty() -> Engine:
    """Open a catalogue with nothing in it, in memory: what a workspace is before its first use."""
    engine = _engine(lambda: sqlite3.connect(":memory:", check_same_thread=False), writable=False, shared=True)
    with writing(engine) as connection:
        metadata.create_all(connection)
    return engine


def _version(engine: Engine) -> str | None:
    with reading(engine) as connection:
        if not inspect(connection).has_table("alembic_version"):
            return None
        return connection.scalar(select(sql_column("version_num")).select_from(table("alembic_version")))


@contextmanager
def reading(engine: Engine) -> Iterator[Connection]:
    """Give a connection that sees one state of the database."""
    with engine.connect() as connection:
        yield connection


@contextmanager
def writing(engine: Engine) -> Iterator[Connection]:
    """Give a connection whose changes all happen, or none."""
    with engine.connect().execution_options(write=True) as connection, connection.begin():
        yield connection


@contextmanager
def explained(path: Path) -> Iterator[None]:
    """Say what a database error means for the workspace at ``path``."""
    try:
        yield
    except OperationalError as error:
        raise _meaning(str(error.orig), path) from error
    except DatabaseError as error:
        if "not a database" in str(error.orig) or "malformed" in str(error.orig):
            message = f"{path}: not a Linernotes catalogue, or damaged ({error.orig}); restore it from a copy"
            raise ParameterError(message, code="damaged") from error
        raise


def _meaning(text: str, path: Path) -> LinernotesError:
    if "full" in text or "disk I/O" in text:
        return StorageError(
            f"{path}: no room left on the disk ({text}); what was registered before is kept", code="full"
        )
    if "readonly" in text or "unable to open" in text:
        return StorageError(f"{path}: cannot be written ({text}); give another --workspace", code="read_only")
    if "locked" in text:
        return ConflictError(f"{path}: another process has been writing for {_BUSY_TIMEOUT_S:g} s; try again")
    return StorageError(f"{path}: {text}")
