"""How fast ten million usage lines become posted books, and what plain rounding would lose of them.

Conventions
-----------
A seeded catalogue in SQLite: 2 to 8 parties for each recording, on both sides together, in thirds, sevenths, hundredths
thousandths. Usage in Parquet, in five currencies and thirty countries, popular recordings more often (a power law);
3 % of recordings with claims on them, 1 % with shares that contradict each other, 2 % of the lines of what nobody
knows. The month before is closed; a late report changes it. ``lines_per_s`` is from Parquet and SQLite to books
posted and committed, the correction included, in a process of its own whose peak is ``peak_mib``. ``lost_micro`` is
what came in and stands nowhere. ``first_statement_s`` writes the trail down, once a run.

The peers divide the recording side of a fiftieth of the lines, of recordings without contradictions: join, multiply as
decimals, round each share of each line to the micro-unit. ``lost_micro`` is by how much that misses what came in.
"""

import argparse
import importlib.util
import json
import resource
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from fractions import Fraction
from functools import partial
from pathlib import Path
from typing import Any

import duckdb

from benchmarks.outcome import Outcome, arguments, tell
from linernotes.model import ANY_USE, RightType, RoyaltyRule
from linernotes.model.usage import UsageReport
from linernotes.workspace import Workspace

__all__ = ["main", "measure"]

_PERIOD, _BEFORE = "2026-01", "2025-12"
_AT = "2026-02-01 00:00:00.000000"


def fill(folder: Path, *, n_recordings: int) -> None:
    """Make the catalogue: parties, works, recordings, shares, claims."""
    # One right on each side, so that a recording has 2 to 8 parties in all.
    parts = {RightType.MASTER: Fraction(8, 10), RightType.PERFORMANCE: Fraction(2, 10)}
    with Workspace(folder, writable=True) as workspace:
        workspace.agreements.set_rules([RoyaltyRule(ANY_USE, parts)])
    engine = duckdb.connect()
    engine.execute("SELECT setseed(0.5)")
    n_parties = max(50, n_recordings // 10)
    engine.execute(
        "CREATE TABLE r AS SELECT range AS n, hash(range, 1) % 4 + 1 AS master, hash(range, 2) % 4 + 1 AS writers,"
        " [100, 1000, 3, 7][1 + CAST(hash(range, 3) % 4 AS INTEGER)] AS base, hash(range, 4) % 100 AS luck"
        " FROM range(?)",
        [n_recordings],
    )
    sides = {"master": ("rec_", ("master",)), "writers": ("wrk_", ("performance",))}
    rows: list[tuple[object, ...]] = []
    for side, (prefix, rights) in sides.items():
        for n, count, base, luck in engine.execute(f"SELECT n, {side}, base, luck FROM r").fetchall():
            whole = max(base, count) * (1 if base >= count else 3)
            first = whole - (count - 1) * (whole // count)
            for k in range(count):
                party = f"pty_{(n * 7919 + k * 104_729 + len(side)) % n_parties:08d}"
                part = first if k == 0 else whole // count
                if luck == 0 and k == 0:  # somebody says they have all of it
                    part = whole
                rows += [(f"{prefix}{n:08d}", party, right, part, whole, "2136") for right in rights]
    database = sqlite3.connect(folder / "catalogue.sqlite3", isolation_level=None)
    database.execute("PRAGMA synchronous=OFF")
    database.execute("BEGIN")
    database.executemany(
        "INSERT INTO parties (id, name) VALUES (?, ?)", ((f"pty_{n:08d}", f"P{n}") for n in range(n_parties))
    )
    database.executemany(
        "INSERT INTO works (id, title) VALUES (?, ?)", ((f"wrk_{n:08d}", f"W{n}") for n in range(n_recordings))
    )
    database.executemany(
        "INSERT INTO recordings (id, title, artist, sha256, path, duration_s, sample_rate_hz, channels, isrc, work_id,"
        f" registered_at) VALUES (?, ?, 'A', ?, 'x', 1, 1, 1, ?, ?, '{_AT}')",
        ((f"rec_{n:08d}", f"R{n}", f"{n:064x}", f"XXB26{n:07d}", f"wrk_{n:08d}") for n in range(n_recordings)),
    )
    database.executemany(
        "INSERT INTO shares (subject_id, party_id, right_type, numerator, denominator, territory) VALUES (?,?,?,?,?,?)",
        rows,
    )
    claimed = [n for (n,) in engine.execute("SELECT n FROM r WHERE luck BETWEEN 1 AND 3").fetchall()]
    _claim(database, claimed, n_parties)
    database.execute("COMMIT")
    database.close()
    engine.close()


def _claim(database: sqlite3.Connection, claimed: list[int], n_parties: int) -> None:
    """Enter a claim on each of these recordings; of every third it is disputed, on every sixth they contradict."""
    uploads = [(f"{n:064x}", "x", _AT) for n in claimed]
    database.executemany("INSERT INTO uploads VALUES (?, ?, ?)", uploads)
    database.executemany("INSERT INTO evidence VALUES (?, ?, '{}')", ((f"{n:064d}", f"{n:064x}") for n in claimed))
    for n in claimed:
        for k, (share, side) in enumerate((("1/3", "recording"), ("3/4", "recording"))[: 2 if n % 6 == 0 else 1]):
            party, state = f"pty_{(n + k) % n_parties:08d}", "disputed" if n % 3 == 1 else "confirmed"
            head = {"id": f"clm_{n:08d}_{k}", "upload_sha256": f"{n:064x}", "party_id": party}
            content = json.dumps(head | {"action": "share", "share": share, "side": side, "exceptions": []})
            database.execute(
                "INSERT INTO claims VALUES (?, ?, ?, 'rec_00000000', ?, 'master', 'recording', ?, ?, '0', ?)",
                (head["id"], head["upload_sha256"], f"{n:064d}", party, state, content, _AT),
            )


def report(folder: Path, period: str, name: str, *, n_lines: int, n_recordings: int, seed: int) -> None:
    """Write a usage report, as the importer does."""
    path = folder / "usage" / period / f"{name}.parquet"
    path.parent.mkdir(parents=True, exist_ok=True)
    engine = duckdb.connect(config={"memory_limit": "1500MB", "threads": "2"})
    places = "US GB DE JP CH FR IT ES SE NO DK FI NL BE AT PL CZ PT IE BR MX AR CL CO IN ID KR AU NZ ZA".split()  # noqa: SIM905
    uses = ["OnDemandStream", "NonInteractiveStream", "PermanentDownload"]

    def drawn(number: int, below: int) -> str:
        return f"CAST(hash(range, {seed}, {number}) % {below} AS BIGINT)"

    popular = f"CAST(floor(power({drawn(7, 1_000_003)} / 1000003.0, 2) * {n_recordings}) AS BIGINT)"
    engine.execute(
        f"""
        COPY (
            SELECT '{name}' AS report_id, range + 1 AS line, '{period}' AS period,
                DATE '{period}-01' + CAST({drawn(1, 28)} AS INTEGER) AS used_on,
                list_extract({places}, 1 + {drawn(2, 30)}) AS territory,
                list_extract(['USD', 'GBP', 'EUR', 'JPY', 'CHF'], 1 + {drawn(2, 30)} % 5) AS currency,
                1 + {drawn(3, 9_000_000)} AS amount_micro,
                1 + {drawn(4, 2000)} AS quantity,
                CASE WHEN {drawn(5, 50)} = 0 THEN 'ZZUNKNOWN' || {drawn(6, 999)}
                    ELSE 'XXB26' || lpad(CAST({popular} AS VARCHAR), 7, '0') END AS isrc,
                CAST(NULL AS VARCHAR) AS upload_sha256, CAST(NULL AS VARCHAR) AS iswc,
                'Title' AS title, 'Artist' AS artist,
                list_extract(['Shop A', 'Shop B', 'Shop C', 'Shop D'], 1 + {drawn(8, 4)}) AS source,
                list_extract({uses}, 1 + {drawn(9, 3)}) AS use_type,
                'Subscription' AS commercial_model
            FROM range({n_lines})
        ) TO '{path}' (FORMAT parquet, COMPRESSION snappy, ROW_GROUP_SIZE 61440)
        """
    )
    engine.close()
    with Workspace(folder, writable=True) as workspace:
        workspace.usage.enter(UsageReport(name, "made up", "benchmark", _AT, [period], n_lines, 0, 0, [], []), [])


# ── what is measured, each in a process of its own ───────────────────────────


def run_once(folder: Path, period: str, *, close: bool = False) -> dict[str, float | str]:
    """Run a period; how long it took, on the clock and on the cores, and how much memory."""
    from linernotes.journeys import pay  # noqa: PLC0415

    start, cpu = time.perf_counter(), time.process_time()
    with Workspace(folder, writable=True) as workspace:
        done = pay.run_royalties(workspace, period, at=datetime(2026, 2, 1, tzinfo=UTC), close=close)
        seconds, cpu = time.perf_counter() - start, time.process_time() - cpu
        balances = workspace.books.balances()
    came_in = -sum(amount for (account, _, _), amount in balances.items() if account == "cash")
    stands = sum(amount for (account, _, _), amount in balances.items() if account != "cash")
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return {
        "wall_s": seconds,
        "cpu_s": cpu,
        "peak_mib": peak,
        "entries": done.entry_count,
        "unaccounted_micro": came_in - stands,
        "run_id": done.run_id,
    }


def explain_once(folder: Path, period: str) -> dict[str, float]:
    """Ask for one party's statement, and why its lines are what they are: the first answer, and those after it."""
    from linernotes.journeys import earnings  # noqa: PLC0415

    with Workspace(folder) as workspace:
        start = time.perf_counter()
        told = earnings.statements(workspace, "pty_00000007", period)
        first_s = time.perf_counter() - start
        start = time.perf_counter()
        earnings.statements(workspace, "pty_00000007", period)
        statement_s = time.perf_counter() - start
        lines = [line for each in told for line in each.lines][::97][:20]
        times = []
        for line in lines:
            start = time.perf_counter()
            found = earnings.why(workspace, line.id)
            times.append(time.perf_counter() - start)
            assert found.usage
    return {"first_statement_s": first_s, "statement_s": statement_s, "why_ms": 1000 * statistics.median(times)}


def peer_once(folder: Path, period: str, *, name: str) -> dict[str, float]:
    """Divide lines as people do: join lines and shares, multiply as decimals, round each to the micro-unit, add up."""
    limit = int(period)
    source = f"""
        SELECT u.amount_micro, 4 * s.parts AS parts, 5 * s.whole AS whole
        FROM (SELECT * FROM read_parquet('{folder}/usage/{_PERIOD}/*.parquet') LIMIT {limit}) u
        JOIN read_parquet('{folder}/plain.parquet') s USING (isrc)
    """
    engine = duckdb.connect()
    (came_in,) = engine.execute(
        "SELECT SUM(amount_micro)"
        f" FROM (SELECT * FROM read_parquet('{folder}/usage/{_PERIOD}/*.parquet') LIMIT {limit})"
        f" WHERE isrc IN (SELECT isrc FROM read_parquet('{folder}/plain.parquet'))"
    ).fetchone() or (0,)
    start, given = time.perf_counter(), Decimal(0)
    if name == "pandas":
        frame = engine.execute(source).df()
        rounded = [
            (Decimal(int(amount)) / 1_000_000 * int(parts) / int(whole)).quantize(Decimal("0.000001"))
            for amount, parts, whole in zip(frame["amount_micro"], frame["parts"], frame["whole"], strict=True)
        ]
        given = sum(rounded, Decimal(0)) * 1_000_000
    else:
        import polars as pl  # noqa: PLC0415

        table = pl.DataFrame(engine.execute(source).fetchnumpy())
        unit = pl.Decimal(38, 12)
        of = pl.col("amount_micro").cast(unit) * pl.col("parts").cast(unit) / pl.col("whole").cast(unit)
        given = Decimal(str(table.select(of.round(0).sum()).item()))
    seconds = time.perf_counter() - start
    # Four fifths are the recording side's: what the lines brought it, less what its parties were given.
    lost = abs(Fraction(int(came_in) * 4, 5) - Fraction(given))
    return {"lines_per_s": limit / seconds, "lost_micro": float(lost), "wall_s": seconds}


def in_child(step: str, folder: Path, *more: str) -> dict[str, Any]:
    """Do one step in a process of its own, so that its memory is its own."""
    command = ["nice", sys.executable, "-m", "benchmarks.royalties", "--step", step, "--folder", str(folder), *more]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def peers(folder: Path, *, n_lines: int) -> tuple[dict[str, dict[str, float]], list[str]]:
    """Let pandas and polars divide the recording side of the first lines, of recordings without any trouble."""
    engine = duckdb.connect()
    database = sqlite3.connect(folder / "catalogue.sqlite3")
    rows = database.execute(
        "SELECT r.isrc, s.numerator, s.denominator FROM shares s JOIN recordings r ON r.id = s.subject_id"
        " WHERE s.subject_id IN (SELECT subject_id FROM shares GROUP BY subject_id"
        " HAVING SUM(numerator) = MAX(denominator)) ORDER BY s.id"
    ).fetchall()
    with (folder / "plain.csv").open("w", encoding="utf-8") as file:
        file.writelines(f"{isrc},{parts},{whole}\n" for isrc, parts, whole in rows)
    engine.execute(
        f"COPY (SELECT * FROM read_csv('{folder}/plain.csv', header=false, columns={{'isrc': 'VARCHAR',"
        f" 'parts': 'BIGINT', 'whole': 'BIGINT'}})) TO '{folder}/plain.parquet' (FORMAT parquet)"
    )
    found, skipped = {}, []
    for name in ("pandas", "polars"):
        if importlib.util.find_spec(name) is None:
            skipped.append(f"{name} is not installed")
        else:
            found[name] = in_child(name, folder, "--period", str(n_lines))
    return found, skipped


def pieces_make_the_whole(*, n_lines: int, n_recordings: int) -> bool:
    """Tell whether three runs on three reports leave every balance where one run on all of them does."""
    standing = []
    for pieces in ((("a",), ("b",), ("c",)), (("a", "b", "c"),)):
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            fill(folder, n_recordings=n_recordings)
            for piece in pieces:
                for letter in piece:
                    report(folder, _PERIOD, letter * 64, n_lines=n_lines, n_recordings=n_recordings, seed=ord(letter))
                in_child("run", folder, "--period", _PERIOD)
            with Workspace(folder) as workspace:
                standing.append(workspace.books.balances())
    return standing[0] == standing[1]


def measure(*, quick: bool) -> Outcome:
    """Make a world, run it, run it again, ask why, and let the peers do it their way."""
    n_lines, n_recordings = (500_000, 20_000) if quick else (10_000_000, 200_000)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        fill(folder, n_recordings=n_recordings)
        report(folder, _BEFORE, "a" * 64, n_lines=n_lines // 20, n_recordings=n_recordings, seed=1)
        in_child("run", folder, "--period", _BEFORE, "--close")
        report(folder, _PERIOD, "b" * 64, n_lines=n_lines, n_recordings=n_recordings, seed=2)
        report(folder, _BEFORE, "c" * 64, n_lines=n_lines // 100, n_recordings=n_recordings, seed=3)
        run = in_child("run", folder, "--period", _PERIOD)
        again = in_child("run", folder, "--period", _PERIOD)
        asked = in_child("explain", folder, "--period", _PERIOD)
        others, skipped = peers(folder, n_lines=n_lines // 50)
    n_all = n_lines + n_lines // 20 + n_lines // 100
    figures = {
        "lines_per_s": n_all / run["wall_s"],
        "lines_per_cpu_s": n_all / run["cpu_s"],
        "wall_s": run["wall_s"],
        "cpu_s": run["cpu_s"],
        "peak_mib": run["peak_mib"],
        "lost_micro": abs(run["unaccounted_micro"]),
        "again_s": again["wall_s"],
        "again_is_same_run": float(again["run_id"] == run["run_id"] and again["entries"] == 0),
        "pieces_make_the_whole": float(pieces_make_the_whole(n_lines=n_lines // 20, n_recordings=n_recordings // 10)),
        **asked,
    }
    return Outcome("royalties", f"{n_all} lines, {n_recordings} recordings", figures, others, skipped=skipped)


def main() -> None:
    """Measure and print."""
    parser = arguments(__doc__.splitlines()[0])
    for option in ("--step", "--folder", "--period"):
        parser.add_argument(option, help=argparse.SUPPRESS)
    parser.add_argument("--close", action="store_true", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.step:
        folder = Path(given.folder)
        steps: Mapping[str, Any] = {
            "run": partial(run_once, close=given.close),
            "explain": explain_once,
            "pandas": partial(peer_once, name="pandas"),
            "polars": partial(peer_once, name="polars"),
        }
        print(json.dumps(steps[given.step](folder, given.period)))
        return
    tell(measure(quick=given.quick), as_json=given.json)


if __name__ == "__main__":
    main()
