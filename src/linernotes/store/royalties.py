"""The royalty run: usage lines in Parquet, through the statements of ``royalty_sql/``, to what the books need.

Conventions
-----------
The statements are the engine: each makes one table from those before it, in whole numbers only, and they say the same
to DuckDB here and, carried over by sqlglot, to Spark. ``usage/<period>/<report>.parquet`` is read; what a run divided
(``pools``) and by which fractions (``terms``) is kept in ``royalties/<run>/``, so that any amount can be worked out
again, by the same statement that divided it.
"""

import csv
import hashlib
import os
import shutil
import tempfile
from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

import duckdb
from sqlalchemy import Engine, select

from linernotes.errors import FormatError, ParameterError, StorageError
from linernotes.model import UsageLine
from linernotes.store import chain
from linernotes.store.database import explained, open_database, reading, shown
from linernotes.store.royalty_facts import NOBODY, Law, load, party_rows, write
from linernotes.store.royalty_statements import (
    COLUMNS,
    copy_table,
    copy_tables,
    open_engine,
    open_usage,
    run_statements,
    statement,
)
from linernotes.store.schema import claims, recordings, uploads, works
from linernotes.store.usage_tables import usage_periods

__all__ = ["KEPT", "Division", "Held", "Known", "Received", "Royalties", "Total", "content_hash"]

KEPT = (
    *("pools", "terms", "things", "parties", "shares", "claims", "rule_parts", "named_uses", "reasons"),
    *("names", "settings", "occasions", "cells", "books", "reports"),
)
_COMPARED = ("things", "parties", "shares", "claims")
_ORDER = {"pools": "pool_no", "terms": "cell_no", "things": "thing_no", "parties": "party_no", "claims": "claim_no"}
_UPLOAD = "upload:"  # before the SHA-256 of one that is no recording of the catalogue
_SUM_MAX = 1 << 62
_RECEIVED = """
SELECT period, currency, SUM(CAST(amount_micro AS HUGEINT)), SUM(ABS(CAST(amount_micro AS HUGEINT)))
FROM read_parquet(?) GROUP BY ALL
"""


@dataclass(frozen=True)
class Known:
    """All that a run knows of catalogue, claims and rules, in files, and the SHA-256 of it; and of the rules alone."""

    digest: str
    rules_digest: str
    folder: Path

    @cached_property
    def engine(self) -> duckdb.DuckDBPyConnection:
        """An engine with all of it in tables."""
        engine = open_engine(self.folder / "spill")
        load(engine, self.folder)
        return engine


Total = tuple[str, str, str, str | None, int]
"""What a payee, or an account of nobody, has: usage period, currency, reason, party, amount."""


class Received(NamedTuple):
    """What came in, and how large its parts are without their signs."""

    amount_micro: int
    size_micro: int


class Held(NamedTuple):
    """What is held, and the cause that it waits for: ``claim:…``, or what is contested of a thing."""

    usage_period: str
    currency: str
    cause: str
    party_id: str | None
    amount_micro: int


@dataclass(frozen=True, slots=True)
class Division:
    """What a run came to, and what it ``received`` by usage period and currency.

    ``folder``: where pools and terms lie until the run is booked; all of them, when ``written`` is done.
    """

    received: Mapping[tuple[str, str], int]
    totals: Sequence[Total]
    held: Sequence[Held]
    folder: Path
    written: Future[None]


class Royalties:
    """Usage and runs in the workspace's folder; parties, shares and claims in its database."""

    def __init__(self, folder: Path, database: Path | str, *, writable: bool) -> None:
        """Open the usage in ``folder`` and the database ``database``."""
        self.folder = folder
        self.database: Engine = open_database(database, writable=writable)
        self.path = shown(database)

    def close(self) -> None:
        """Let go of the database."""
        self.database.dispose()

    def reports(self, *, until: str) -> dict[str, list[str]]:
        """List the reports of each usage period up to ``until``, by id."""
        rows = select(usage_periods).where(usage_periods.c.period <= until)
        found: dict[str, list[str]] = {}
        with explained(self.path), reading(self.database) as connection:
            for row in connection.execute(rows.order_by(usage_periods.c.period, usage_periods.c.report_id)):
                found.setdefault(row.period, []).append(row.report_id)
        return found

    @contextmanager
    def known(self, law: Law) -> Iterator[Known]:
        """Write down all that a run would know now; it is gone afterwards."""
        with self._scratch() as scratch:
            with explained(self.path), reading(self.database) as connection:
                known = Known(*write(connection, law, scratch), scratch)
            try:
                yield known
            finally:
                if "engine" in vars(known):
                    known.engine.close()

    def touched(self, known: Known, before: str, reports: Mapping[str, Sequence[str]]) -> list[str]:
        """List the usage periods with a line of anything that is known otherwise than when the run ``before`` was made.

        That is all of them where nobody can tell, for that run lies elsewhere.
        """
        folder = self.run_folder(before)
        if not all((folder / f"{name}.parquet").exists() for name in _COMPARED):
            return sorted(reports)
        known.engine.execute("CREATE SCHEMA before")
        for name in _COMPARED:
            path = str(folder / f"{name}.parquet").replace("'", "''")
            known.engine.execute(f"CREATE VIEW before.{name} AS FROM read_parquet('{path}')")
        open_usage(known.engine, self.usage_paths(reports))
        found = known.engine.execute(statement("touched")).fetchall()
        known.engine.execute("DROP VIEW usage")
        return [period for (period,) in found]

    def received(self, reports: Mapping[str, Sequence[str]]) -> dict[tuple[str, str], Received]:
        """Add up what these reports say, by usage period and currency.

        FormatError if one is not a usage report or is about another period
        """
        found: dict[tuple[str, str], Received] = {}
        if not (paths := self.usage_paths(reports)):
            return found
        with open_engine(self.folder / "royalties" / f".spill-{os.getpid()}") as engine:
            for path in paths:
                try:
                    rows = engine.execute(_RECEIVED, [str(path)]).fetchall()
                except duckdb.Error as error:
                    raise FormatError(f"{path}: not a usage report ({error}); import it again") from error
                if strange := sorted({period for period, *_ in rows} - {path.parent.name}, key=str):
                    said = ", ".join(map(str, strange))
                    raise FormatError(f"{path}: its lines are of {said}, it lies in {path.parent.name}", code="period")
                for period, currency, amount, size in rows:
                    before = found.get((period, currency), Received(0, 0))
                    found[period, currency] = Received(before.amount_micro + amount, before.size_micro + size)
        return found

    @contextmanager
    def divided(
        self, known: Known, reports: Mapping[str, Sequence[str]], received: Mapping[tuple[str, str], Received]
    ) -> Iterator[Division]:
        """Divide all usage of these reports; what it was divided by lies in the division's folder meanwhile.

        ParameterError if the amounts, of which they ``received`` so much, are more than the books can hold
        """
        _refuse_too_much(received)
        kept = known.folder / "kept"
        kept.mkdir()
        engine = known.engine
        try:
            open_usage(engine, self.usage_paths(reports))
            _note_reports(engine, reports)
            run_statements(engine)
            with ThreadPoolExecutor(1) as beside:
                files = {_ordered(name): kept / f"{name}.parquet" for name in KEPT}
                written = beside.submit(copy_tables, engine.cursor(), files)
                amounts = {key: each.amount_micro for key, each in received.items()}
                yield Division(amounts, _totals(engine), _held(engine), kept, written)
        except duckdb.OutOfMemoryException as error:
            raise StorageError(f"{known.folder}: no room for the run ({error})", code="full") from error

    def payees(self) -> dict[str, str]:
        """Say who is paid for each party that is paid as another."""
        with explained(self.path), reading(self.database) as connection:
            return {party: payee for party, payee in party_rows(connection) if party != payee}

    def claims_in(self, claim_ids: Sequence[str], states: Collection[str]) -> set[str]:
        """Return which of these claims are in one of these states."""
        with explained(self.path), reading(self.database) as connection:
            query = select(claims.c.id).where(claims.c.state.in_(list(states)))
            found: set[str] = set()
            for start in range(0, len(claim_ids), 500):
                found |= set(connection.scalars(query.where(claims.c.id.in_(claim_ids[start : start + 500]))))
            return found

    def titles(self, thing_ids: Sequence[str]) -> dict[str, dict[str, str | None]]:
        """Return what recordings, and the works in them, are called; of an upload, the name of its file."""
        query = select(
            recordings.c.id, recordings.c.title, recordings.c.isrc, recordings.c.work_id, works.c.title, works.c.iswc
        ).join(works, works.c.id == recordings.c.work_id, isouter=True)
        found: dict[str, dict[str, str | None]] = {}
        names = sorted(set(thing_ids))
        with explained(self.path), reading(self.database) as connection:
            for start in range(0, len(names), 500):
                for row in connection.execute(query.where(recordings.c.id.in_(names[start : start + 500]))):
                    keys = ("title", "isrc", "work_id", "work_title", "iswc")
                    found[row[0]] = dict(zip(keys, row[1:], strict=True))
            sha256s = [name.removeprefix(_UPLOAD) for name in names if name.startswith(_UPLOAD)]
            for start in range(0, len(sha256s), 500):
                some = uploads.c.sha256.in_(sha256s[start : start + 500])
                for sha256, path in connection.execute(select(uploads.c.sha256, uploads.c.path).where(some)):
                    found[_UPLOAD + sha256] = {"title": Path(path).name}
        return found

    def known_isrcs(self, isrcs: Sequence[str]) -> set[str]:
        """Return which of these ISRCs are recordings here."""
        found: set[str] = set()
        with explained(self.path), reading(self.database) as connection:
            for start in range(0, len(isrcs), 500):
                chosen = recordings.c.isrc.in_(isrcs[start : start + 500])
                found |= set(connection.scalars(select(recordings.c.isrc).where(chosen)))
        return found

    def add_report(self, report_id: str, period: str, lines: Sequence[UsageLine]) -> Path:
        """Write the usage of a report, each line as of its period's first day; it counts once the report is entered."""
        path = self.folder / "usage" / period / f"{report_id}.parquet"
        if path.exists():
            return path
        path.parent.mkdir(parents=True, exist_ok=True)
        made = path.with_name(f".{report_id}-{os.getpid()}.tmp")
        names = [name for name in UsageLine.__slots__ if name in COLUMNS and name != "used_on"]
        with self._scratch() as scratch, duckdb.connect() as engine:
            with (scratch / "lines.csv").open("w", newline="", encoding="utf-8") as file:
                csv.writer(file, lineterminator="\n").writerows(
                    [getattr(line, name) for name in names] for line in lines
                )
            typed = ", ".join(f"'{name}': '{COLUMNS[name]}'" for name in names)
            read = (
                f"read_csv('{str(scratch / 'lines.csv').replace(chr(39), chr(39) * 2)}', auto_detect=false,"
                f" header=false, delim=',', quote='\"', escape='\"', columns={{{typed}}})"
            )
            picked = ", ".join(
                name
                if name in names
                else f"DATE '{period}-01' AS used_on"
                if name == "used_on"
                else f"NULL::{kind} AS {name}"
                for name, kind in COLUMNS.items()
            )
            copy_table(engine, f"(SELECT {picked} FROM {read})", made)
        made.replace(path)
        return path

    def keep(self, division: Division, run_id: str) -> None:
        """Keep what a run divided, under its id; what is there already is the same."""
        place = self.run_folder(run_id)
        division.written.result()
        if not place.exists():
            place.parent.mkdir(exist_ok=True)
            for path in division.folder.iterdir():
                with path.open("rb") as written:
                    os.fsync(written.fileno())
            try:
                division.folder.rename(place)
            except OSError:
                if not place.is_dir():  # else another process has just kept the same
                    raise

    def run_folder(self, run_id: str) -> Path:
        """Return where what a run divided is kept."""
        return self.folder / "royalties" / run_id

    def usage_paths(self, reports: Mapping[str, Sequence[str]]) -> list[Path]:
        """Return the files of these reports."""
        return [
            self.folder / "usage" / period / f"{name}.parquet" for period in sorted(reports) for name in reports[period]
        ]

    @contextmanager
    def _scratch(self) -> Iterator[Path]:
        """Give a folder beside the runs that is gone afterwards."""
        parent = self.folder / "royalties"
        parent.mkdir(parents=True, exist_ok=True)
        _sweep(parent)
        scratch = Path(tempfile.mkdtemp(prefix=f".run-{os.getpid()}-", dir=parent))
        try:
            yield scratch
        finally:
            shutil.rmtree(scratch, ignore_errors=True)


def _sweep(parent: Path) -> None:
    """Take away what runs left behind that were killed."""
    for left in parent.glob(".run-*-*"):
        pid = left.name.split("-")[1]
        try:
            os.kill(int(pid), 0)
        except ProcessLookupError:
            shutil.rmtree(left, ignore_errors=True)
        except (PermissionError, ValueError):
            continue  # somebody else's, and alive


def _ordered(name: str) -> str:
    """Return a table in the order in which it is looked up, so that a look-up reads one stretch of the file."""
    return f"(SELECT * FROM {name} ORDER BY {_ORDER[name]})" if name in _ORDER else name


def _note_reports(engine: duckdb.DuckDBPyConnection, reports: Mapping[str, Sequence[str]]) -> None:
    engine.execute("CREATE TABLE reports (period VARCHAR, report_id VARCHAR)")
    for period, names in reports.items():
        for name in names:
            engine.execute("INSERT INTO reports VALUES (?, ?)", [period, name])


def _refuse_too_much(received: Mapping[tuple[str, str], Received]) -> None:
    sizes: dict[str, int] = defaultdict(int)
    for (_, currency), each in received.items():
        sizes[currency] += each.size_micro
    for currency, size in sizes.items():
        if size >= _SUM_MAX:
            message = f"{size // 1_000_000} {currency} are reported: more than the books can hold; see usage list"
            raise ParameterError(message, code="too_much")


def _totals(engine: duckdb.DuckDBPyConnection) -> list[Total]:
    query = """
        SELECT b.usage_period, b.currency, CASE WHEN t.reason_no = 6 THEN 'unclaimed' ELSE 'share' END, y.party_id,
            t.amount_micro
        FROM (
            SELECT x.book_no, CASE WHEN x.reason_no = 1 THEN 0 ELSE x.reason_no END AS reason_no, p.payee_no,
                CAST(SUM(x.amount_micro) AS BIGINT) AS amount_micro
            FROM totals AS x LEFT JOIN parties AS p ON p.party_no = x.party_no
            WHERE x.reason_no IN (0, 1, 6)
            GROUP BY ALL
        ) AS t
        JOIN books AS b ON b.book_no = t.book_no
        LEFT JOIN parties AS y ON y.party_no = t.payee_no
        UNION ALL
        SELECT usage_period, currency, 'unmatched', NULL, amount_micro FROM unmatched
        ORDER BY ALL
    """
    return engine.execute(query).fetchall()


def _held(engine: duckdb.DuckDBPyConnection) -> list[Held]:
    rows = engine.execute("""
        SELECT b.usage_period, b.currency,
            CASE WHEN t.reason_no = 2 THEN 'claim:' || k.claim_id ELSE r.reason || ':' || g.thing_id END AS cause,
            y.party_id, CAST(SUM(t.amount_micro) AS BIGINT)
        FROM totals AS t
        JOIN books AS b ON b.book_no = t.book_no
        JOIN reasons AS r ON r.reason_no = t.reason_no
        LEFT JOIN parties AS p ON p.party_no = t.party_no
        LEFT JOIN parties AS y ON y.party_no = p.payee_no
        LEFT JOIN (SELECT DISTINCT claim_no, claim_id FROM claims) AS k ON k.claim_no = t.claim_no
        LEFT JOIN things AS g ON g.thing_no = t.thing_no
        WHERE t.reason_no IN (2, 3, 4, 5) AND t.amount_micro <> 0
        GROUP BY ALL
        ORDER BY ALL
    """).fetchall()
    return list(map(Held._make, rows))


def content_hash(value: object) -> str:
    """Return the SHA-256 of something as canonical JSON: how runs, and what they post, come by their ids."""
    return hashlib.sha256(chain.canonical(value).encode()).hexdigest()


assert NOBODY == 2_147_483_647, "the statements write it out"
