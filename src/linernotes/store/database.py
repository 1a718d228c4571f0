"""Opening a database: connection settings, schema version, and what its errors mean to a person.

A database is a SQLite file, or a PostgreSQL database named by its URL (``postgresql://user@host/name``); both have the
same schema, and in both writers take turns, so that what one reads while writing nobody else changes.
"""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import Connection, Engine, QueuePool, create_engine, event, inspect, select, table
from sqlalchemy import column as sql_column
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, DatabaseError, OperationalError

from linernotes.errors import ConflictError, LinernotesError, ParameterError, StorageError, UnavailableError
from linernotes.store.bulk import put_back, those_set_aside
from linernotes.store.schema import metadata

__all__ = ["HEAD", "explained", "open_database", "open_empty", "open_sqlite", "reading", "shown", "writing"]

HEAD = max(file.name.partition("_")[0] for file in (Path(__file__).parent / "migrations" / "versions").glob("0*.py"))
"""The newest schema."""

_BUSY_TIMEOUT_S = 30.0
_CONNECTIONS = 15
_PAGE_BYTES = 8192  # random keys of twenty bytes: half as many pages to touch as with the usual 4096
_WRITERS_LOCK = 0x6C6E  # any number that nothing else in the database locks


def open_database(place: Path | str, *, writable: bool) -> Engine:
    """Open a SQLite file (a path) or a PostgreSQL database (a URL) at the newest schema.

    A file that is missing is made if ``writable``, else stands for an empty catalogue. For errors see
    :func:`open_sqlite`; UnavailableError if the driver is missing or the server does not answer.
    """
    if isinstance(place, str):
        return _open_postgresql(place, writable=writable)
    return open_sqlite(place, writable=writable) if writable or place.exists() else open_empty()


# ── SQLite ───────────────────────────────────────────────────────────────────


def _engine(connect: Callable[[], sqlite3.Connection], *, writable: bool, in_memory: bool = False) -> Engine:
    def configured() -> sqlite3.Connection:
        connection = connect()
        # Autocommit in the driver: the BEGIN below is then the only one, schema changes included.
        connection.isolation_level = None
        # Without recursive_triggers, OR REPLACE would delete rows behind the back of triggers.
        connection.execute("PRAGMA foreign_keys=ON")
        connection.execute("PRAGMA recursive_triggers=ON")
        if writable:
            connection.execute(f"PRAGMA page_size={_PAGE_BYTES}")  # of a file that is made now; others keep theirs
            connection.execute("PRAGMA journal_mode=WAL")
            connection.execute("PRAGMA synchronous=FULL")
        return connection

    def begin(connection: Connection) -> None:
        # A writer takes its lock at once: one that reads first could be refused when it comes to write.
        if connection.get_execution_options().get("write", False):
            connection.exec_driver_sql("BEGIN IMMEDIATE")
        else:  # straight to the driver: this cannot fail, and is done some times a page
            connection.connection.cursor().execute("BEGIN")

    # Told by hand: from a URL without a file SQLAlchemy would take this for one in memory, and close the connections
    # of threads beyond the fifth while they are in use. What is in memory has one connection: threads take turns. Of a
    # file all are kept that were ever needed at once: to open one costs more than most look-ups.
    pool_size = 1 if in_memory else _CONNECTIONS
    engine = create_engine("sqlite://", creator=configured, poolclass=QueuePool, pool_size=pool_size, max_overflow=0)
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
    _bring_to_head(engine, path, writable=writable)
    return engine


def open_empty() -> Engine:
    """Open a catalogue with nothing in it, in memory: what a workspace is before its first use."""
    engine = _engine(lambda: sqlite3.connect(":memory:", check_same_thread=False), writable=False, in_memory=True)
    with writing(engine) as connection:
        metadata.create_all(connection)
    return engine


# ── PostgreSQL ───────────────────────────────────────────────────────────────


def _open_postgresql(url: str, *, writable: bool) -> Engine:
    try:
        parsed = make_url(url)
    except ArgumentError:
        raise ParameterError(f"{url!r} is not a database URL: postgresql://user@host/name") from None
    place = shown(url)
    if parsed.get_backend_name() != "postgresql":
        raise ParameterError(f"{place}: a database is a folder's own or PostgreSQL's: postgresql://user@host/name")
    options = f"-c timezone=UTC -c lock_timeout={round(_BUSY_TIMEOUT_S)}s"
    try:
        engine = create_engine(parsed.set(drivername="postgresql+psycopg"), connect_args={"options": options})
    except ModuleNotFoundError as error:
        raise UnavailableError(f"{place}: needs {error.name}: pip install 'linernotes[postgres]'") from error

    def begin(connection: Connection) -> None:
        # As in SQLite: one writer at a time, a reader sees one state.
        if connection.get_execution_options().get("write", False):
            connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_WRITERS_LOCK})")
        else:
            connection.exec_driver_sql("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")

    event.listen(engine, "begin", begin)
    with explained(place):
        is_new = _version(engine) is None
    if is_new and not writable:
        return open_empty()
    _bring_to_head(engine, place, writable=writable)
    return engine


def shown(place: Path | str) -> Path | str:
    """Return the place as messages may show it: a URL without its password."""
    return place if isinstance(place, Path) else make_url(place).render_as_string(hide_password=True)


# ── both ─────────────────────────────────────────────────────────────────────


def _bring_to_head(engine: Engine, place: Path | str, *, writable: bool) -> None:
    """Migrate a writable database to the newest schema; refuse one that has any other."""
    with explained(place):
        version = _version(engine)
        if writable and (version is None or version < HEAD):
            from linernotes.store.migrations import upgrade  # noqa: PLC0415  (Alembic costs 0.4 s and is needed once)

            with writing(engine) as connection:
                upgrade(connection)
            version = _version(engine)
        if writable and version == HEAD:
            _mend(engine)
    if version != HEAD:
        state = "newer than" if version and version > HEAD else "older than"
        todo = "update Linernotes" if state == "newer than" else "open it once where it can be written"
        raise ConflictError(f"{place}: its schema {version or '(none)'} is {state} this version's {HEAD}: {todo}")


def _mend(engine: Engine) -> None:
    """Build the indexes that an import had set aside when it was killed."""
    with reading(engine) as connection:
        is_whole = not those_set_aside(connection)
    if not is_whole:
        with writing(engine) as connection:
            put_back(connection)


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
    """Give a connection whose changes all happen, or none; one writer at a time."""
    with engine.connect().execution_options(write=True) as connection, connection.begin():
        yield connection


@contextmanager
def explained(place: Path | str) -> Iterator[None]:
    """Say what a database error means for the workspace whose database is at ``place``."""
    try:
        yield
    except OperationalError as error:
        raise _meaning(str(error.orig), place) from error
    except DatabaseError as error:
        if "not a database" in str(error.orig) or "malformed" in str(error.orig):
            message = f"{place}: not a Linernotes catalogue, or damaged ({error.orig}); restore it from a copy"
            raise ParameterError(message, code="damaged") from error
        raise


def _meaning(text: str, place: Path | str) -> LinernotesError:
    text = " ".join(text.split())
    if "full" in text or "disk I/O" in text or "No space left" in text:
        return StorageError(
            f"{place}: no room left on the disk ({text}); what was registered before is kept", code="full"
        )
    if "readonly" in text or "unable to open" in text:
        return StorageError(f"{place}: cannot be written ({text}); give another --workspace", code="read_only")
    if "lock" in text:
        return ConflictError(f"{place}: another process has been writing for {_BUSY_TIMEOUT_S:g} s; try again")
    if isinstance(place, str):
        return UnavailableError(f"{place}: the database does not answer ({text}); is it running?")
    return StorageError(f"{place}: {text}")
