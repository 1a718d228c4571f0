"""The way back: from what a run paid to the pool that was divided, the fractions, the claim and the usage lines.

Conventions
-----------
A run keeps its pools and terms; what a party has of them is worked out again by the statement that divided them. Which
usage line went into which pool is written down when somebody first asks, sorted by pool, and lies beside the run then:
the first question takes as long as a run, every other a moment.
"""

import hashlib
import os
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

import duckdb

from linernotes.errors import NotFoundError
from linernotes.model import RightType, UsageLine
from linernotes.store.royalties import KEPT, Royalties
from linernotes.store.royalty_facts import RIGHTS
from linernotes.store.royalty_statements import COLUMNS, copy_table, open_engine, open_usage, statement

__all__ = ["Slice", "SourceRow", "TrailLine", "Trails"]

_TRAIL_NAME = f"trail-{hashlib.sha256(statement('trail').encode()).hexdigest()[:8]}.parquet"
"""It names the statement that makes a trail, so that what another statement made is not taken for one."""


@dataclass(frozen=True, slots=True)
class Slice:
    """What one party, or nobody, has of one pool, with one right and for one reason."""

    pool_no: int
    number: int
    usage_period: str
    currency: str
    thing_id: str
    pool_micro: int
    right_no: int
    reason: str
    party_id: str | None
    claim_id: str | None
    numerator: int
    denominator: int
    amount_micro: int

    @property
    def right(self) -> str:
        """The right's name."""
        return RIGHTS[self.right_no].value


@dataclass(frozen=True, slots=True)
class SourceRow:
    """What a pool got from one source in one territory."""

    pool_no: int
    territory: str
    source: str
    amount_micro: int
    quantity: int


@dataclass(frozen=True, slots=True)
class TrailLine:
    """Where a usage line stands."""

    report_id: str
    line: int
    amount_micro: int
    quantity: int


class Trails:
    """What runs divided, and where it came from; a run once looked into stays open."""

    def __init__(self, royalties: Royalties) -> None:
        """Look into the runs of these royalties."""
        self.royalties = royalties
        self._engines: dict[str, duckdb.DuckDBPyConnection] = {}

    def close(self) -> None:
        """Let go of the runs that were looked into."""
        for engine in self._engines.values():
            engine.close()
        self._engines.clear()

    def slices(
        self, run_id: str, *, usage_periods: Collection[str] = (), party_ids: Sequence[str] = (), pool_no: int = 0
    ) -> list[Slice]:
        """Return what these parties have of what was used in these periods, or everybody of one pool, as divided."""
        engine = self._chosen(run_id, usage_periods, party_ids, pool_no)
        rows = engine.execute(f"""
            SELECT d.pool_no, ROW_NUMBER() OVER (
                    PARTITION BY d.pool_no ORDER BY d.right_no, d.reason_no, d.party_no, d.claim_no) AS number,
                b.usage_period, b.currency, t.thing_id, p.amount_micro, d.right_no, r.reason,
                y.party_id, k.claim_id, d.numerator, d.denominator, d.amount_micro
            FROM ({statement("divided")}) AS d
            JOIN pools AS p ON p.pool_no = d.pool_no
            JOIN books AS b ON b.book_no = p.book_no
            JOIN reasons AS r ON r.reason_no = d.reason_no
            JOIN things AS t ON t.thing_no = p.thing_no
            LEFT JOIN parties AS y ON y.party_no = d.party_no
            LEFT JOIN claim_names AS k ON k.claim_no = d.claim_no
            ORDER BY d.pool_no, number
        """).fetchall()
        found = [Slice(*row) for row in rows]
        wanted = set(party_ids)
        return [each for each in found if each.party_id in wanted] if not pool_no else found

    def brought(
        self, run_id: str, usage_periods: Collection[str], party_ids: Sequence[str]
    ) -> dict[tuple[str, str, RightType], int]:
        """Add up what is paid of these periods, by party, currency and right; what is held is not paid."""
        engine = self._chosen(run_id, usage_periods, party_ids)
        rows = engine.execute(
            f"""
            SELECT y.party_id, b.currency, d.right_no, CAST(SUM(d.amount_micro) AS BIGINT)
            FROM ({statement("divided")}) AS d
            JOIN books AS b ON b.book_no = d.book_no
            JOIN parties AS y ON y.party_no = d.party_no
            JOIN reasons AS r ON r.reason_no = d.reason_no
            WHERE r.reason IN ('share', 'claim') AND y.party_id IN (SELECT unnest(?))
            GROUP BY ALL
            """,
            [list(party_ids)],
        ).fetchall()
        return {(party, currency, RIGHTS[right_no]): amount for party, currency, right_no, amount in rows}

    def payees(self, run_id: str) -> dict[str, str]:
        """Say who was paid for each party in a run."""
        query = "SELECT p.party_id, y.party_id FROM parties p JOIN parties y ON y.party_no = p.payee_no"
        return dict(self._engine(run_id).execute(query).fetchall())

    def sources(self, run_id: str, pool_nos: Collection[int]) -> list[SourceRow]:
        """Return what these pools got, by territory and source, in that order."""
        chosen = sorted(set(pool_nos))
        if not chosen:
            return []
        rows = (
            self._engine(run_id)
            .execute(
                "SELECT pool_no, territory, source, CAST(SUM(amount_micro) AS BIGINT), CAST(SUM(quantity) AS BIGINT)"
                " FROM read_parquet(?) WHERE pool_no BETWEEN ? AND ? AND pool_no IN (SELECT unnest(?))"
                " GROUP BY ALL ORDER BY pool_no, territory, source",
                [str(self._trail(run_id)), chosen[0], chosen[-1], chosen],
            )
            .fetchall()
        )
        return [SourceRow(*row) for row in rows]

    def origins(self, run_id: str, pool_no: int, *, most: int) -> list[tuple[SourceRow, list[TrailLine], int]]:
        """Return what a pool got, as :meth:`sources`; with each its first usage lines and how many there are."""
        rows = (
            self._engine(run_id)
            .execute(
                "SELECT pool_no, territory, source, CAST(SUM(amount_micro) AS BIGINT), CAST(SUM(quantity) AS BIGINT),"
                " list((report_id, line, amount_micro, quantity) ORDER BY report_id, line)[:?], COUNT(*)"
                " FROM read_parquet(?) JOIN report_names USING (report_no) WHERE pool_no = ?"
                " GROUP BY ALL ORDER BY territory, source",
                [most, str(self._trail(run_id)), pool_no],
            )
            .fetchall()
        )
        return [(SourceRow(*row), [TrailLine(*line) for line in lines], count) for *row, lines, count in rows]

    def usage_lines(self, run_id: str, period: str, report_id: str, lines: Sequence[int]) -> list[UsageLine]:
        """Return these lines of a report."""
        names = [name for name in UsageLine.__slots__ if name in COLUMNS]
        (path,) = self.royalties.usage_paths({period: [report_id]})
        rows = (
            self._engine(run_id)
            .execute(
                f"SELECT {', '.join(names)} FROM read_parquet(?)"
                f" WHERE line IN ({', '.join(f'{line:d}' for line in lines)}) ORDER BY line",
                [str(path)],
            )
            .fetchall()
        )
        return [UsageLine(**dict(zip(names, row, strict=True))) for row in rows]

    def _chosen(
        self, run_id: str, usage_periods: Collection[str], party_ids: Sequence[str], pool_no: int = 0
    ) -> duckdb.DuckDBPyConnection:
        """Return an engine whose ``pools`` and ``terms`` are those of one pool, or of what parties have a part in."""
        engine = self._engine(run_id)
        if pool_no:
            chosen = f"pool_no = {pool_no:d}"
        else:
            engine.execute(
                "CREATE OR REPLACE TEMP TABLE of_cells AS SELECT DISTINCT cell_no FROM all_terms WHERE party_no IN"
                " (SELECT party_no FROM parties WHERE party_id IN (SELECT unnest(?)))",
                [list(party_ids)],
            )
            engine.execute(
                "CREATE OR REPLACE TEMP TABLE of_periods AS SELECT unnest(?) AS usage_period", [list(usage_periods)]
            )
            chosen = (
                "book_no IN (SELECT book_no FROM books WHERE usage_period IN (FROM of_periods))"
                " AND cell_no IN (FROM of_cells)"
            )
        engine.execute(f"CREATE OR REPLACE TEMP TABLE pools AS SELECT * FROM all_pools WHERE {chosen}")
        first, last = engine.execute("SELECT MIN(cell_no), MAX(cell_no) FROM pools").fetchone() or (0, 0)
        among = "" if first == last else " AND cell_no IN (SELECT cell_no FROM pools)"
        engine.execute(
            f"CREATE OR REPLACE TEMP TABLE terms AS SELECT * FROM all_terms WHERE cell_no BETWEEN {first or 0} AND"
            f" {last or 0}{among}"
        )
        return engine

    def _trail(self, run_id: str) -> Path:
        """Return where a run's trail lies; it is made when first asked for, and anew where another version made it."""
        folder = self._folder(run_id)
        path = folder / _TRAIL_NAME
        if not path.exists():
            for left in folder.glob("trail*.parquet"):
                left.unlink(missing_ok=True)
            made = folder / f".trail-{os.getpid()}.parquet"
            engine = self._opened(run_id)
            try:
                engine.execute("CREATE VIEW pools AS SELECT * FROM all_pools")
                open_usage(engine, self.royalties.usage_paths(self._reports(engine)))
                copy_table(engine, f"({statement('trail')})", made)
            finally:
                engine.close()
            made.replace(path)
        return path

    def _reports(self, engine: duckdb.DuckDBPyConnection) -> dict[str, list[str]]:
        found: dict[str, list[str]] = {}
        for period, name in engine.execute("SELECT period, report_id FROM reports ORDER BY ALL").fetchall():
            found.setdefault(period, []).append(name)
        return found

    def _folder(self, run_id: str) -> Path:
        folder = self.royalties.run_folder(run_id)
        if not folder.is_dir():
            raise NotFoundError(f"{folder}: what this run divided is not here; it is kept where the run was made")
        if not all((folder / f"{name}.parquet").is_file() for name in KEPT):
            raise NotFoundError(f"{folder}: another version kept this; run royalties for the period again")
        return folder

    def _engine(self, run_id: str) -> duckdb.DuckDBPyConnection:
        if run_id not in self._engines:
            self._engines[run_id] = self._opened(run_id)
        return self._engines[run_id].cursor()  # each question has its own: a server asks in several threads at once

    def _opened(self, run_id: str) -> duckdb.DuckDBPyConnection:
        folder = self._folder(run_id)
        engine = open_engine(self.royalties.folder / "royalties" / f".spill-{os.getpid()}")
        engine.execute("SET parquet_metadata_cache = true")  # what a run kept does not change
        for name in (name for name in KEPT if name != "shares"):  # which the terms were made of
            path = str(folder / f"{name}.parquet").replace("'", "''")
            # What every question needs is held in memory; of pools and terms, some rows are looked up.
            kind, made = ("VIEW", f"all_{name}") if name in ("pools", "terms") else ("TABLE", name)
            engine.execute(f"CREATE {kind} {made} AS SELECT * FROM read_parquet('{path}')")
        engine.execute("CREATE TABLE claim_names AS SELECT DISTINCT claim_no, claim_id FROM claims")
        engine.execute(
            "CREATE TABLE report_names AS SELECT CAST(ROW_NUMBER() OVER (ORDER BY report_id) AS INTEGER) AS report_no,"
            " report_id FROM (SELECT DISTINCT report_id FROM reports)"
        )
        return engine
