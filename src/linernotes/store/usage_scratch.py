"""A place where one report is turned into usage: an embedded database beside the workspace, gone when it is done.

Nothing in it outlives the import. A killed import leaves its folder behind; the next one removes it.
"""

import contextlib
import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import duckdb

from linernotes.errors import FormatError, InvariantError, StorageError
from linernotes.model.usage import ReportSum, UsageFault, UsagePool
from linernotes.store import usage_sql as sql
from linernotes.store.usage_table_sql import cells_entries, countries, csv_cells, lines_entries

__all__ = ["UsageScratch"]

_RAW_CHARACTERS_MAX = 2000
_TYPES_MAX = 1000
_PERIODS_MAX = 600
_LINE_BYTES_MAX = 2 << 20
_SPAN_LINES = 1_000_000
_BLOCK_LINES = 20_000


class UsageScratch:
    """The lines of one report, and what becomes of them; use it as a context manager.

    ``memory_mib`` bounds what the database holds; what is beyond it goes to the disk.

    Raises
    ------
    FormatError : an amount adds up to more than the ledger's 64 bits hold
    StorageError : no room, or no permission
    """

    def __init__(self, folder: Path, *, memory_mib: int = 1024, threads: int | None = None) -> None:
        try:
            folder.mkdir(parents=True, exist_ok=True)
            _sweep(folder)
            self.folder = Path(tempfile.mkdtemp(prefix=".import-", dir=folder))
            self._lock = os.open(self.folder / "lock", os.O_CREAT | os.O_RDWR)
        except OSError as error:
            raise StorageError(f"{folder}: cannot be written ({error.strerror}); give another --workspace") from error
        fcntl.flock(self._lock, fcntl.LOCK_EX)
        settings: dict[str, Any] = {
            "memory_limit": f"{memory_mib}MiB",
            "temp_directory": str(self.folder / "spill"),
            "autoinstall_known_extensions": "false",
            "autoload_known_extensions": "false",
        }
        if threads:
            settings["threads"] = threads
        # In a file: what is held in memory alone and spilled keeps more behind in memory, the more of it there is.
        self._database = duckdb.connect(str(self.folder / "scratch.duckdb"), config=settings)
        self._n_lines = 0
        self._unread: tuple[Path, int] | None = None  # the text of a table, while no line of it is asked for
        self._is_in_order = False  # of entries, by line
        self._run("SET force_compression = 'uncompressed'")  # it is read once or twice, and gone
        self._run("SET enable_progress_bar = false")  # it would write into our output
        self._run(sql.MACROS)
        self._run(sql.TABLES)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Remove all of it."""
        self._database.close()
        shutil.rmtree(self.folder, ignore_errors=True)
        os.close(self._lock)

    def _run(self, statement: str, values: Sequence[Any] | None = None) -> list[tuple[Any, ...]]:
        try:
            return self._database.execute(statement, values or []).fetchall()
        except duckdb.OutOfRangeException as error:
            raise FormatError(f"amounts too large to add up in 64 bits of millionths ({error})") from error
        except (duckdb.IOException, duckdb.OutOfMemoryException) as error:
            message = f"{self.folder}: no room to work in ({' '.join(str(error).split())})"
            raise StorageError(message, code="full") from error

    # ── lines ────────────────────────────────────────────────────────────────

    def load(self, path: Path, n_lines: int) -> int:
        """Take in the lines of a file; return the number of its first when files are counted through.

        InvariantError if other than ``n_lines`` came in: the file changed meanwhile.
        """
        first = self._n_lines + 1
        self._run(
            f"INSERT INTO lines SELECT * FROM read_csv($1, header = false, delim = '\x1f', quote = '', escape = '',"
            " columns = {'line': 'VARCHAR'}, auto_detect = false, compression = 'none', strict_mode = false,"
            f" max_line_size = {_LINE_BYTES_MAX})",
            [str(path)],
        )
        self._n_lines = self._one("SELECT count(*) FROM lines")
        if self._n_lines - first + 1 != n_lines:
            raise InvariantError(f"{path}: {self._n_lines - first + 1} lines came in, {n_lines} were counted")
        return first

    def types(self) -> dict[str, int]:
        """Count the lines by their first cell; lines for people count as ``#``, empty ones as nothing.

        FormatError where there are so many that this is no report of records.
        """
        rows = self._run(
            "SELECT CASE WHEN line[1] = '#' THEN '#' WHEN line[5] = chr(9) THEN line[:4]"
            " WHEN line[8] = chr(9) THEN line[:7] ELSE left(string_split(line, chr(9))[1], 40) END AS type, count(*)"
            f" FROM lines WHERE line IS NOT NULL GROUP BY type ORDER BY type LIMIT {_TYPES_MAX + 1}"
        )
        if len(rows) > _TYPES_MAX:
            raise FormatError(f"more than {_TYPES_MAX} different record types: not a Digital Sales Report")
        return dict(rows)

    def lines_of(self, *types: str) -> list[tuple[int, str]]:
        """Return number and text of the lines whose first cell is one of ``types``."""
        test = " OR ".join(["starts_with(line, ? || chr(9)) OR line = ?"] * len(types)) or "FALSE"
        values = [value for type_ in types for value in (type_, type_)]
        return self._run(f"SELECT rowid + 1, line FROM lines WHERE {test} ORDER BY rowid", values)

    def notes(self) -> list[str]:
        """Return the lines for people."""
        rows = self._run("SELECT DISTINCT line FROM lines WHERE starts_with(line, '#') LIMIT 1000")
        return [line for (line,) in rows]

    def count_blocks(self, first: int, last: int) -> int:
        """Count the blocks of resources between two lines."""
        return self._one(
            "SELECT count(*) FROM (SELECT DISTINCT block FROM resources WHERE line BETWEEN ? AND ?)", [first, last]
        )

    # ── a Digital Sales Report ───────────────────────────────────────────────

    def put_pools(self, pools: Iterable[UsagePool], *, sender: str, service: str, used_on: object) -> None:
        """Say which summaries there are; usage without a date of its own is of the day ``used_on``."""
        rows = [
            (
                *(pool.id, pool.territory, pool.currency, " · ".join(filter(None, (sender, pool.service or service)))),
                *(pool.use_type, pool.commercial_model, used_on),
            )
            for pool in pools
        ]
        if rows:
            self._database.executemany("INSERT INTO pools VALUES (?, ?, ?, ?, ?, ?, ?)", rows)

    def put_resources(self, type_: str, cells: Mapping[str, int]) -> None:
        """Take resources from the lines of a type."""
        self._run(sql.resources(type_, cells))

    def put_releases(self, type_: str, cells: Mapping[str, int]) -> None:
        """Take releases, and parts of them, from the lines of a type."""
        self._run(sql.releases(type_, cells))

    def put_works(self, types: Mapping[str, Mapping[str, int]]) -> None:
        """Give the resources the works in the lines of these types."""
        for type_, cells in types.items():
            self._run(sql.works(type_, cells))
        if self._one("SELECT count(*) FROM works WHERE iswc IS NOT NULL"):
            self._run(sql.WORKS_GIVEN)

    def put_usage(self, type_: str, cells: Mapping[str, int], names: Mapping[str, str]) -> None:
        """Take usage from the lines of a type."""
        rows = self._run("SELECT id FROM pools")
        only = rows[0][0] if len(rows) == 1 else None
        before = self._one("SELECT count(*) FROM entries")
        n_lines = self._one("SELECT count(*) FROM lines WHERE starts_with(line, ? || chr(9))", [type_])
        for span in self._spans():
            self._run(sql.dsr_entries(type_, cells, names, only_pool=only, careful=False, span=span))
        unnamed = f"SELECT count(*) FROM entries WHERE rowid >= {before} AND contains(reason, 'names no such resource')"
        if self._one("SELECT count(*) FROM entries") == before + n_lines and not self._one(unnamed):
            return
        # Rarer things: releases were sold, a resource is there twice, a line points to none.
        self._run(f"DELETE FROM entries WHERE line IN (SELECT line FROM entries WHERE rowid >= {before})")
        self._run(sql.dsr_entries(type_, cells, names, only_pool=only, careful=True))
        if "release" in cells:
            self._run(sql.release_entries(type_, cells, names, only_pool=only))
        lines = "SELECT count(DISTINCT e.line) FROM entries e JOIN lines l ON l.rowid = e.line - 1"
        n_new = self._one(f"{lines} WHERE starts_with(l.line, ? || chr(9))", [type_])
        if n_new != n_lines:
            raise InvariantError(f"{n_lines} lines {type_} became {n_new} entries")

    def _spans(self) -> list[tuple[int, int]]:
        """Cut the lines into stretches, each begun by a block."""
        starts = [1]
        for target in range(_SPAN_LINES, self._n_lines - _SPAN_LINES // 2, _SPAN_LINES):
            found = self._run(sql.NEXT_BLOCK, [target, target + _BLOCK_LINES])[0][0]
            starts += [found] if found else []
        return list(zip(starts, [*(start - 1 for start in starts[1:]), self._n_lines], strict=True))

    def totals(self) -> dict[str, tuple[int, int, int, bool, int, bool]]:
        """Return, by summary, all usages, those that bring money, their weight by price, whether all have a price,
        what lines bring by themselves, and whether any does not. Numbers are millionths.
        """  # noqa: D205
        return {
            summary: (int(used or 0), int(bearing), int(weight), bool(priced), int(own or 0), bool(divided))
            for summary, used, bearing, weight, priced, own, divided in self._run(sql.POOLS)
        }

    def divide(self, shares: Iterable[tuple[str, int, int, bool]]) -> None:
        """Divide what is due of each summary over its entries: id, amount, sum of weights, whether prices weigh."""
        rows = [(summary, str(amount), str(weight), by_price) for summary, amount, weight, by_price in shares]
        if rows:
            self._database.executemany("INSERT INTO shares VALUES (?, ?, ?, ?)", rows)
        self._run(sql.CLASSES)
        self._run(sql.DIVIDED)

    # ── a table ──────────────────────────────────────────────────────────────

    def put_table(
        self,
        path: Path,
        n_lines: int,
        *,
        delimiter: str,
        n_cells: int,
        cells: Mapping[str, int],
        territories: Mapping[str, str],
    ) -> None:
        """Take usage from a table; ``territories``: what may stand for a country, and its code."""
        self._run(countries(territories))
        if self._cells_fit(path, n_lines, delimiter, n_cells):
            self._run(cells_entries(n_cells, cells))
            self._run("DROP TABLE cells")
            self._unread, self._is_in_order = (path, n_lines), True
        else:
            self.load(path, n_lines)
            self._run(lines_entries(delimiter, n_cells, cells))
        self._run(sql.LANDED)

    def _cells_fit(self, path: Path, n_lines: int, delimiter: str, n_cells: int) -> bool:
        """Read a table in one go; tell whether each line became a row, so that rows number the lines."""
        try:
            self._database.execute(csv_cells(delimiter, n_cells), [str(path), _LINE_BYTES_MAX])
        except (duckdb.InvalidInputException, duckdb.ConversionException):
            return False
        if self._one("SELECT count(*) FROM cells") == n_lines - 1:
            return True
        self._run("DROP TABLE cells")
        return False

    # ── out ──────────────────────────────────────────────────────────────────

    def put_faults(self, faults: Iterable[UsageFault]) -> None:
        """Add lines that did not land for another reason than their own cells."""
        rows = [(fault.line, fault.reason, fault.raw or None) for fault in faults]
        if rows:
            self._database.executemany("INSERT INTO faults VALUES (?, ?, ?)", rows)

    def put_unknown(self, type_: str, reason: str) -> None:
        """Add all lines of a type as faulty."""
        where = "starts_with(line, ? || chr(9)) OR line = ?"
        statement = f"INSERT INTO faults SELECT rowid + 1, ?, NULL FROM lines WHERE {where}"
        self._run(statement, [reason, type_, type_])

    def count_faults(self) -> int:
        """Gather the lines that did not land, once, and count them."""
        self._run(sql.ENTRY_FAULTS)
        if self._unread is not None and self._one("SELECT count(*) FROM faults"):
            self.load(*self._unread)
        return self._one("SELECT count(DISTINCT line) FROM faults")

    def faults(self) -> Iterator[UsageFault]:
        """Yield the lines that did not land, in order, each with the text it had."""
        cursor = self._database.cursor().execute(
            "SELECT f.line, string_agg(f.reason, '; ' ORDER BY f.reason),"
            f" any_value(left(COALESCE(f.raw, l.line, ''), {_RAW_CHARACTERS_MAX}))"
            " FROM faults f LEFT JOIN lines l ON l.rowid = f.line - 1 GROUP BY f.line ORDER BY f.line"
        )
        while rows := cursor.fetchmany(10_000):
            for line, reason, raw in rows:
                yield UsageFault(line, reason, raw)

    def periods(self) -> list[str]:
        """Return the periods of what landed; FormatError if there are more than anybody can mean."""
        rows = self._run(
            "SELECT strftime(month, '%Y-%m') FROM"
            " (SELECT DISTINCT date_trunc('month', used_on) AS month FROM entries WHERE reason IS NULL) ORDER BY month"
        )
        if len(rows) > _PERIODS_MAX:
            raise FormatError(f"usage in {len(rows)} different months; at most {_PERIODS_MAX} fit a report")
        return [period for (period,) in rows]

    def own_sums(self) -> dict[str, int]:
        """Return what the good lines bring by themselves, by currency; shares of summaries are not in it."""
        rows = self._run(
            "SELECT currency, CAST(COALESCE(sum(amount_micro), 0) AS VARCHAR) FROM entries"
            " WHERE reason IS NULL AND part = 0 GROUP BY currency ORDER BY currency"
        )
        return {currency: int(amount) for currency, amount in rows}

    def n_landed(self) -> int:
        """Count the lines that landed."""
        return self._one("SELECT count(*) FROM entries WHERE reason IS NULL AND part = 0")

    def write(self, folder: Path, report_id: str, periods: Iterable[str], sums: Sequence[ReportSum]) -> None:
        """Write a Parquet file for each period into ``folder/PERIOD``; all of them are whole before one is there.

        Files that are there already (of an import that was killed) are the same and are replaced.
        """
        finished: list[tuple[Path, Path]] = []
        for period in periods:
            unfinished = self.folder / f"{period}.parquet"
            self._run(sql.written(str(unfinished).replace("'", "''"), report_id, period, in_order=self._is_in_order))
            finished.append((unfinished, folder / period / f"{report_id}.parquet"))
        self._check([str(unfinished) for unfinished, _ in finished], sums)
        for unfinished, place in finished:
            _force(unfinished)
            place.parent.mkdir(parents=True, exist_ok=True)
            unfinished.replace(place)
            _force(place.parent)

    def query(self, statement: str, values: Sequence[Any]) -> list[tuple[Any, ...]]:
        """Ask something of files; see :mod:`linernotes.store.usage_sql`."""
        return self._run(statement, values)

    def _check(self, paths: list[str], sums: Sequence[ReportSum]) -> None:
        """Read what was written; InvariantError unless it is what was to be written."""
        if not paths:
            return
        rows = self._run(
            "SELECT currency, CAST(sum(amount_micro) AS VARCHAR) FROM read_parquet($1) GROUP BY currency", [paths]
        )
        read = {currency: int(amount) for currency, amount in rows}
        if read != {
            total.currency: total.amount_micro for total in sums if total.currency in read or total.amount_micro
        }:
            raise InvariantError(f"{self.folder}: Parquet has {read}, to be written were {sums}")

    def _one(self, statement: str, values: Sequence[Any] | None = None) -> int:
        return int(self._run(statement, values)[0][0])


def _force(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _sweep(folder: Path) -> None:
    """Remove what killed imports left: whoever lives holds a lock in its folder."""
    for left in folder.glob(".import-*"):
        with contextlib.suppress(OSError):
            lock = os.open(left / "lock", os.O_RDWR)
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(left, ignore_errors=True)
            finally:
                os.close(lock)
