"""Usage reports that came in, and the usage itself: rows in the database, Parquet in the workspace.

A report's Parquet is whole before its row is entered, and what has no row does not count; so a kill at any moment
leaves nothing half-said, and the same import does the rest.
"""

import csv
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict
from itertools import count, islice
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import Connection, Engine, Table, insert, or_, select
from sqlalchemy.exc import IntegrityError

from linernotes.errors import ConflictError, NotFoundError
from linernotes.model.usage import ReportFile, ReportSum, UnmatchedUsage, UsageFault, UsageReport
from linernotes.store.database import explained, open_database, reading, shown, writing
from linernotes.store.schema import claims, recordings
from linernotes.store.usage_scratch import UsageScratch
from linernotes.store.usage_sql import UNMATCHED
from linernotes.store.usage_tables import usage_faults, usage_files, usage_periods, usage_reports, usage_sums

__all__ = ["UsageReports"]

_BATCH = 5000
_Item = TypeVar("_Item")


class UsageReports:
    """The reports of one workspace: rows in its database, Parquet in ``folder``."""

    def __init__(self, path: Path | str, folder: Path, *, writable: bool) -> None:
        """Open the reports in the file ``path``, or the database at the URL; their usage lies in ``folder``."""
        self._engine: Engine = open_database(path, writable=writable)
        self._place = shown(path)
        self.folder = folder

    def close(self) -> None:
        """Let go of the database."""
        self._engine.dispose()

    def scratch(self, *, memory_mib: int = 1024, threads: int | None = None) -> UsageScratch:
        """Open a place to turn one report into usage."""
        return UsageScratch(self.folder, memory_mib=memory_mib, threads=threads)

    # ── in ───────────────────────────────────────────────────────────────────

    def enter(self, report: UsageReport, faults: Iterable[UsageFault]) -> bool:
        """Enter a report whose Parquet lies whole, with its faults; False if it is here already."""
        with explained(self._place), writing(self._engine) as connection:
            if connection.scalar(select(usage_reports.c.id).where(usage_reports.c.id == report.id)):
                return False
            told = asdict(report)
            periods, files, sums = (told.pop(name) for name in ("periods", "files", "sums"))
            connection.execute(insert(usage_reports).values(told))
            self._put(connection, usage_files, report.id, files)
            self._put(connection, usage_periods, report.id, ({"period": period} for period in periods))
            self._put(connection, usage_sums, report.id, sums)
            numbers = count(1)
            rows = ({"number": next(numbers), **asdict(fault)} for fault in faults)
            try:
                self._put(connection, usage_faults, report.id, rows)
            except IntegrityError as error:
                raise ConflictError(f"report {report.id}: cannot be entered ({error.orig})") from error
            return True

    @staticmethod
    def _put(connection: Connection, table: Table, report_id: str, rows: Iterable[dict[str, Any]]) -> None:
        for some in _batches({"report_id": report_id, **row} for row in rows):
            connection.execute(insert(table), list(some))

    # ── out ──────────────────────────────────────────────────────────────────

    def __len__(self) -> int:
        with explained(self._place), reading(self._engine) as connection:
            return len(connection.execute(select(usage_reports.c.id)).all())

    def get(self, report_id: str) -> UsageReport | None:
        """Return the report with this id, None if it is not here."""
        return next(iter(self._read(usage_reports.c.id == report_id)), None)

    def find(self, key: str) -> UsageReport:
        """Return the report whose id begins with ``key``, or with a file of that name.

        Raises NotFoundError if there is none, ConflictError if there are several.
        """
        named = select(usage_files.c.report_id).where(usage_files.c.name == key)
        found = self._read(or_(usage_reports.c.id.startswith(key, autoescape=True), usage_reports.c.id.in_(named)))
        if not found:
            raise NotFoundError(f"no report {key!r} here; `linernotes usage list` shows them")
        if len(found) > 1:
            raise ConflictError(f"{len(found)} reports are called {key!r}: {', '.join(r.id[:12] for r in found[:5])}")
        return found[0]

    def reports(self) -> list[UsageReport]:
        """Return all reports, the newest last."""
        return self._read()

    def _read(self, *conditions: Any) -> list[UsageReport]:
        statement = select(usage_reports).where(*conditions)
        with explained(self._place), reading(self._engine) as connection:
            rows = connection.execute(statement.order_by(usage_reports.c.imported_at, usage_reports.c.id)).all()
            ids = [row.id for row in rows]
            files = self._parts(connection, usage_files, ids)
            periods = self._parts(connection, usage_periods, ids)
            sums = self._parts(connection, usage_sums, ids)
        return [
            UsageReport(
                row.id,
                row.format,
                row.sender,
                row.imported_at,
                [period.period for period in periods[row.id]],
                row.n_lines,
                row.n_faulty,
                row.n_remarks,
                [ReportFile(f.number, f.name, f.sha256, f.first_line, f.n_lines) for f in files[row.id]],
                [ReportSum(s.currency, s.amount_micro, s.stated_micro) for s in sums[row.id]],
            )
            for row in rows
        ]

    @staticmethod
    def _parts(connection: Connection, table: Table, ids: Sequence[str]) -> dict[str, list[Any]]:
        parts: dict[str, list[Any]] = defaultdict(list)
        for some in _batches(ids):
            statement = select(table).where(table.c.report_id.in_(some)).order_by(*table.primary_key.columns)
            for row in connection.execute(statement):
                parts[row.report_id].append(row)
        return parts

    def faults(self, report_id: str) -> Iterator[UsageFault]:
        """Yield what is wrong with a report, in the order of its lines."""
        table = usage_faults.c
        statement = select(table.line, table.reason, table.raw, table.lost).where(table.report_id == report_id)
        with explained(self._place), reading(self._engine) as connection:
            for row in connection.execute(statement.order_by(table.line, table.number)):
                yield UsageFault(row.line, row.reason, row.raw, row.lost)

    def paths(self, period: str | None = None) -> list[Path]:
        """Return the Parquet files that count, of a period or of all.

        Raises NotFoundError if one of them is gone from the workspace.
        """
        statement = select(usage_periods).order_by(usage_periods.c.period, usage_periods.c.report_id)
        if period is not None:
            statement = statement.where(usage_periods.c.period == period)
        with explained(self._place), reading(self._engine) as connection:
            rows = connection.execute(statement).all()
        paths = [self.folder / row.period / f"{row.report_id}.parquet" for row in rows]
        if gone := [path for path in paths if not path.is_file()]:
            raise NotFoundError(f"{gone[0]}: the usage of a report is gone; restore it from a copy")
        return paths

    def unmatched(self, *, limit: int | None = None) -> list[UnmatchedUsage]:
        """Add up what was used and neither catalogue nor claims know, what brought most first in each currency."""
        paths = [str(path) for path in self.paths()]
        if not paths:
            return []
        with self.scratch() as scratch:
            known = scratch.folder / "known.csv"
            statement = select(recordings.c.isrc, recordings.c.sha256).execution_options(yield_per=_BATCH)
            claimed = select(claims.c.upload_sha256).distinct().execution_options(yield_per=_BATCH)
            with (
                explained(self._place),
                reading(self._engine) as connection,
                known.open("w", encoding="utf-8", newline="") as handle,
            ):
                table = csv.writer(handle)
                table.writerows((isrc or "", sha256 or "") for isrc, sha256 in connection.execute(statement))
                table.writerows(("", sha256) for sha256 in connection.scalars(claimed))
            rows = scratch.query(UNMATCHED, [paths, str(known), 2**62 if limit is None else limit])
        return [
            UnmatchedUsage(isrc, upload, title, artist, currency, int(amount), int(quantity), n_lines, first, last)
            for isrc, upload, title, artist, currency, amount, quantity, n_lines, first, last in rows
        ]


def _batches(items: Iterable[_Item]) -> Iterator[list[_Item]]:
    source = iter(items)
    while some := list(islice(source, _BATCH)):
        yield some
