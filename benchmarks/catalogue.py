"""How fast a catalogue enters from a table, and how fast what a claim needs is found in it.

Conventions
-----------
A row is a line of a made-up table: a recording and its work, with ISRC and ISWC, and everybody named with them. Two
kinds. ``plain``: an artist and a writer who has it all; seven rows of the database. ``rich``, a tenth as many: an
artist, two writers of half each with their IPI name numbers, a label that holds the master, a year; thirteen rows of
the database, and two parties for each five lines. Identifiers are checked by their check digits, shares by their sum.

``…_rows_per_s`` is rows over wall seconds of the whole import, at its end indexed and kept; ``…_writing_cpu_s`` what
the process that writes used, ``…_reading_cpu_s`` the one that reads: on two cores of their own the wall is about the
greater. ``memory_mib`` is the most that the writing process held, ``memory_reading_mib`` the reading one. A look-up is
everything a claim needs of a recording: itself, its work, who did what, all shares, the parties; in the plain
catalogue, ``lookup_ms`` is the median, ``lookup_p99_ms`` what one in a hundred exceeds, ``lookup_cpu_ms`` what one
costs without waiting, ``lookup_cpu_p99_ms`` likewise. ``load_average`` is the machine's at the end: above 2, others
were using the same cores.

The peer ``sqlite3`` is what the database itself takes: Python's own driver fills the same tables with a tenth of the
plain rows in the same order, indexes in place, nothing read, checked or looked up; only that is timed.
"""

import os
import random
import resource
import shutil
import sqlite3
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from benchmarks.outcome import Outcome, arguments, tell
from linernotes.formats.csv_lines import read_cells
from linernotes.formats.tables import read_header
from linernotes.journeys.catalogue import Imported, import_files
from linernotes.journeys.table_rows import from_lines
from linernotes.store.batches import WORK_RIGHTS
from linernotes.workspace import Workspace

__all__ = ["main", "make_table", "measure"]

_LINES = 1_000_000
_LINES_QUICK = 50_000
_LOOKUPS = 1000
_RICH_PART = 10
_SYLLABLES = ("ka", "lo", "mi", "ne", "ru", "sa", "ti", "vo", "we", "yu")


def make_table(path: Path, *, n_lines: int, rich: bool, seed: int = 1) -> None:
    """Write a table of either kind."""
    rng = random.Random(seed)  # noqa: S311  (made-up names, no secrets)
    n_names = max(10, n_lines // 5)

    def writer() -> str:
        number = rng.randrange(n_names)
        return f"{_name(number)} [IPI {_ipi(number)}] 1/2"

    with path.open("w", encoding="utf-8") as handle:
        handle.write("title,artist,isrc,iswc,writers" + (",label,year\n" if rich else "\n"))
        for line in range(n_lines):
            artist = _name(n_names + rng.randrange(n_names))
            said = f"Title {line},{artist},USAB{line // 10**7}{line % 10**7:07d},{_iswc(line)}"
            if rich:
                said += f",{writer()}; {writer()},Label {rng.randrange(500)} 100%,{1950 + line % 70}\n"
            else:
                said += f",{_name(rng.randrange(n_names))} 100%\n"
            handle.write(said)


def _name(number: int) -> str:
    digits = [int(digit) for digit in f"{number:07d}"]
    first, last = digits[:3], digits[3:]
    return " ".join("".join(_SYLLABLES[digit] for digit in part).capitalize() for part in (first, last))


def _ipi(number: int) -> str:
    digits = f"{number:09d}"
    rest = sum(int(digit) * weight for digit, weight in zip(digits, range(10, 1, -1), strict=True)) % 101
    return f"{digits}{(101 - rest) % 100 if rest else 0:02d}"


def _iswc(number: int) -> str:
    digits = f"{number:09d}"
    return f"T{digits}{-(1 + sum(n * int(digit) for n, digit in enumerate(digits, 1))) % 10}"


def _used(who: int) -> float:
    used = resource.getrusage(who)
    return used.ru_utime + used.ru_stime


def _held_mib(who: int) -> float:
    return resource.getrusage(who).ru_maxrss / 1024


def _timed_ms(action: Callable[[str], object], keys: list[str], *, clock: Callable[[], float]) -> list[float]:
    times = []
    for key in keys:
        start = clock()
        action(key)
        times.append((clock() - start) * 1000)
    return sorted(times)


def measure(*, n_lines: int) -> Outcome:
    """Import both tables, each into an empty workspace, then look things up in the plain one."""
    figures: dict[str, float] = {"lines": n_lines}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for kind, n in (("plain", n_lines), ("rich", max(1, n_lines // _RICH_PART))):
            path = folder / f"{kind}.csv"
            make_table(path, n_lines=n, rich=kind == "rich")
            with Workspace(folder / kind, writable=True) as workspace:
                figures |= {f"{kind}_{name}": value for name, value in _imported(workspace, path, n).items()}
                if kind == "plain":
                    figures["memory_mib"] = _held_mib(resource.RUSAGE_SELF)
                    figures["memory_reading_mib"] = _held_mib(resource.RUSAGE_CHILDREN)
                    figures |= _look_up(workspace, n)
            files = (file for file in (folder / kind).iterdir() if file.is_file())
            figures[f"{kind}_size_mib"] = sum(file.stat().st_size for file in files) / 2**20
            shutil.rmtree(folder / kind)
        peer = _filled(folder / "peer", folder / "plain.csv", n_lines // _RICH_PART)
    figures["load_average"] = os.getloadavg()[0]
    return Outcome("catalogue", f"{n_lines} made-up lines, 2 processes", figures, {"sqlite3": peer})


def _imported(workspace: Workspace, path: Path, n_lines: int) -> dict[str, float]:
    start, own_s, others_s = time.perf_counter(), _used(resource.RUSAGE_SELF), _used(resource.RUSAGE_CHILDREN)
    done: Imported = import_files(workspace, [path], jobs=2)
    wall_s = time.perf_counter() - start
    if (done.n_works, done.n_recordings) != (n_lines, n_lines) or done.problems:
        raise RuntimeError(f"the import went wrong: {done.n_works} works, {done.problems[:3]}")
    return {
        "rows_per_s": n_lines / wall_s,
        "wall_s": wall_s,
        "writing_cpu_s": _used(resource.RUSAGE_SELF) - own_s,
        "reading_cpu_s": _used(resource.RUSAGE_CHILDREN) - others_s,
    }


_PEER_FILLS = {
    "names": "INSERT INTO parties (id,name) VALUES (?,?) ON CONFLICT DO NOTHING",
    "works": "INSERT INTO works VALUES (?,?,?,'2026-01-01 00:00:00.000000')",
    "recordings": """INSERT INTO recordings (id,title,artist,isrc,work_id,year,contains_ai,path,duration_s,
    sample_rate_hz,channels,registered_at) VALUES (?,?,?,?,?,?,?,?,?,0,0,'2026-01-01 00:00:00.000000')""",
    "contributions": "INSERT INTO contributions VALUES (?,?,?,?)",
    "whole_shares": """INSERT INTO shares
    (subject_id,party_id,numerator,denominator,territory,valid_from,valid_to,right_type) VALUES (?,?,?,?,?,?,?,?)""",
}


def _filled(folder: Path, path: Path, n_lines: int) -> dict[str, float]:
    with Workspace(folder, writable=True) as workspace:
        len(workspace.catalogue)  # makes the file
    wall_s = cpu_s = 0.0
    header = read_header(path)
    connection = sqlite3.connect(folder / "catalogue.sqlite3")
    connection.execute("PRAGMA cache_size=-131072")
    connection.execute("PRAGMA foreign_keys=ON")
    waiting = n_lines
    for lines in read_cells(path, header):
        told = from_lines(path, header, lines[:waiting])
        filled = {name: list(getattr(told.batch, name).without("where")) for name in _PEER_FILLS}
        filled["whole_shares"] = [(*row, right) for row in filled["whole_shares"] for right in WORK_RIGHTS.split()]
        start, used_s = time.perf_counter(), time.process_time()
        for name, rows in filled.items():
            connection.executemany(_PEER_FILLS[name], rows)
        waiting -= told.n_lines
        if not waiting:
            connection.commit()
            connection.close()
        wall_s, cpu_s = wall_s + time.perf_counter() - start, cpu_s + time.process_time() - used_s
        if not waiting:
            break
    return {"plain_rows_per_s": n_lines / wall_s, "plain_wall_s": wall_s, "plain_writing_cpu_s": cpu_s}


def _look_up(workspace: Workspace, n_lines: int) -> dict[str, float]:
    rng = random.Random(2)  # noqa: S311
    lines = [rng.randrange(n_lines) for _ in range(_LOOKUPS)]
    isrcs = [f"USAB{line // 10**7}{line % 10**7:07d}" for line in lines]
    ids = [workspace.catalogue.page_of(isrc).recordings[0].id for isrc in isrcs]
    figures: dict[str, float] = {}
    for name, clock in (("lookup", time.perf_counter), ("lookup_cpu", time.process_time)):
        taken = _timed_ms(workspace.catalogue.entry, ids, clock=clock)
        figures |= {f"{name}_ms": statistics.median(taken), f"{name}_p99_ms": taken[len(taken) * 99 // 100]}
    by_isrc = _timed_ms(workspace.catalogue.page_of, isrcs, clock=time.perf_counter)
    return figures | {"lookup_isrc_ms": statistics.median(by_isrc)}


def main() -> None:
    """Measure and print."""
    parser = arguments(__doc__.splitlines()[0])
    parser.add_argument("--lines", type=int, help=f"lines of the table [default: {_LINES}, quick: {_LINES_QUICK}]")
    given = parser.parse_args()
    n_lines = given.lines or (_LINES_QUICK if given.quick else _LINES)
    tell(measure(n_lines=n_lines), as_json=given.json)


if __name__ == "__main__":
    main()
