"""How fast usage reports come in: Digital Sales Reports and tables, plain and gzipped, to Parquet and a row.

Conventions
-----------
Made-up files with the shape of real ones: a Basic Audio report has two lines a recording (resource, streams) in blocks
of their own and five summaries whose revenue is divided to the last millionth; a table has eleven columns, a tenth of
its titles quoted. Each is imported into an empty workspace by a process of its own: hash, check of every byte, parse,
join, division, Parquet, read back, database row.

``…_lines_per_s`` is lines of the file over wall seconds, ``…_cpu_s`` all processor seconds, ``…_lines_per_cpu_s`` what
one core does by itself, ``…_memory_mib`` the most the process held. ``load_average`` is the machine's at the end: above
its cores, others were using them. Peers read the same table and group it by territory and currency, in doubles, and
check nothing: what they are beside is the floor of the work, not the work.
"""

import gzip
import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from benchmarks.outcome import Outcome, arguments, tell
from benchmarks.usage_files import dsr_lines, dsr_name, table_lines, write_lines

__all__ = ["main", "measure"]

_LINES = 2_000_000
_LINES_QUICK = 200_000
_KINDS = ("dsr", "csv", "dsr_gz", "csv_gz")

_IMPORT = """
import json, resource, sys, time
from datetime import UTC, datetime
from pathlib import Path
from linernotes.journeys.usage import import_usage
from linernotes.workspace import Workspace
with Workspace(sys.argv[2], writable=True) as workspace:
    workspace.usage
    start, before = time.perf_counter(), time.process_time()
    result = import_usage(workspace, [Path(sys.argv[1])], at=datetime.now(UTC))
    wall_s, cpu_s = time.perf_counter() - start, time.process_time() - before
(report,) = result.reports
used = resource.getrusage(resource.RUSAGE_SELF)
exact = all(total.missing_micro == 0 for total in report.sums)
print(json.dumps([wall_s, cpu_s, used.ru_maxrss / 1024, report.n_lines, report.n_faulty + report.n_remarks, exact]))
"""
_PEERS = {
    "pandas": """
import json, resource, sys, time, pandas
start, before = time.perf_counter(), time.process_time()
table = pandas.read_csv(sys.argv[1])
table.groupby(["territory", "currency"])["amount"].sum()
""",
    "polars": """
import json, resource, sys, time, polars
start, before = time.perf_counter(), time.process_time()
table = polars.read_csv(sys.argv[1])
table.group_by("territory", "currency").agg(polars.col("amount").sum())
""",
}
_PEER_END = """
wall_s, cpu_s = time.perf_counter() - start, time.process_time() - before
print(json.dumps([wall_s, cpu_s, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024]))
"""


def _run(code: str, *given: Path) -> list[float] | None:
    done = subprocess.run([sys.executable, "-c", code, *map(str, given)], capture_output=True, text=True, check=False)
    if "ModuleNotFoundError" in done.stderr:
        return None
    done.check_returncode()
    return json.loads(done.stdout)  # type: ignore[no-any-return]


def measure(*, n_lines: int, only: str | None = None) -> Outcome:
    """Write the files, import each, and let the peers read the table; or ``only`` one of :data:`_KINDS`."""
    kinds = [kind for kind in _KINDS if only in (None, kind)]
    figures: dict[str, float] = {"lines": n_lines}
    peers: dict[str, dict[str, float]] = {}
    skipped: list[str] = []
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        files = {}
        if {"dsr", "dsr_gz"} & {*kinds}:
            files["dsr"] = write_lines(place / dsr_name(), dsr_lines(n_blocks=n_lines // 2))
        if {"csv", "csv_gz"} & {*kinds}:
            files["csv"] = write_lines(place / "usage.csv", table_lines(n_lines=n_lines))
        files |= {f"{kind}_gz": _gzipped(path) for kind, path in files.items() if f"{kind}_gz" in kinds}
        for kind in kinds:
            path = files[kind]
            found = _run(_IMPORT, path, place / kind)
            assert found is not None
            wall_s, cpu_s, memory_mib, n_landed, n_faults, exact = found
            if (n_landed, n_faults, exact) != (n_lines // 2 if "dsr" in kind else n_lines, 0, True):
                raise RuntimeError(f"{kind}: {n_landed} lines landed, {n_faults} faults, to the millionth: {exact}")
            figures |= _figures(kind, n_lines, wall_s, cpu_s, memory_mib)
            figures[f"{kind}_file_mib"] = path.stat().st_size / (1 << 20)
        for peer, code in _PEERS.items() if "csv" in files else ():
            found = _run(code + _PEER_END, files["csv"])
            if found is None:
                skipped.append(f"{peer}: not installed")
            else:
                peers[peer] = _figures("csv", n_lines, *found)
    figures["load_average"] = os.getloadavg()[0]
    return Outcome("usage", f"made-up reports of {n_lines} lines, {os.cpu_count()} cores", figures, peers, (), skipped)


def _gzipped(path: Path) -> Path:
    packed = path.with_name(path.name + ".gz")
    with path.open("rb") as source, gzip.open(packed, "wb", compresslevel=1) as target:
        shutil.copyfileobj(source, target, 1 << 20)
    return packed


def _figures(kind: str, n_lines: int, wall_s: float, cpu_s: float, memory_mib: float) -> dict[str, float]:
    return {
        f"{kind}_lines_per_s": n_lines / wall_s,
        f"{kind}_lines_per_cpu_s": n_lines / cpu_s,
        f"{kind}_cpu_s": cpu_s,
        f"{kind}_memory_mib": memory_mib,
    }


def main() -> None:
    """Measure and print."""
    parser = arguments(__doc__.splitlines()[0])
    parser.add_argument("--lines", type=int, help=f"lines of each file [default: {_LINES}, quick: {_LINES_QUICK}]")
    parser.add_argument(
        "--only", choices=_KINDS, help="one kind of file; with many lines it shows that memory stays flat"
    )
    given = parser.parse_args()
    n_lines = given.lines or (_LINES_QUICK if given.quick else _LINES)
    tell(measure(n_lines=n_lines, only=given.only), as_json=given.json)


if __name__ == "__main__":
    main()
