"""How fast a catalogue enters from a table, and how fast what a claim needs is found in it.

Conventions
-----------
Made-up tables of two kinds, each line a recording and its work with ISRC and ISWC. ``plain``: an artist and a writer
who has it all; seven rows of the database a line. ``rich``: an artist, two writers of half each with their IPI name
numbers, a label that holds the master, a year; thirteen rows a line, and two parties for each five lines. Identifiers
are checked by their check digits, shares by their sum.

``…_rows_per_s`` is lines over wall seconds of the whole import, ``…_cpu_s`` what all its processes used together,
``memory_mib`` the most that the importing process held. A look-up is everything a claim needs of a recording: itself,
its work, who did what, all shares, the parties; ``lookup_ms`` the median, ``lookup_p99_ms`` what one in a hundred
exceeds. ``load_average`` is the machine's at the end: above 2, others were using the same cores.
"""

import os
import random
import resource
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from benchmarks.outcome import Outcome, arguments, tell
from linernotes.journeys.catalogue import Imported, import_files
from linernotes.workspace import Workspace

__all__ = ["main", "make_table", "measure"]

_LINES = 1_000_000
_LINES_QUICK = 50_000
_LOOKUPS = 1000
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


def _cpu_s() -> float:
    own, children = resource.getrusage(resource.RUSAGE_SELF), resource.getrusage(resource.RUSAGE_CHILDREN)
    return own.ru_utime + own.ru_stime + children.ru_utime + children.ru_stime


def _timed_ms(action: Callable[[str], object], keys: list[str]) -> list[float]:
    times = []
    for key in keys:
        start = time.perf_counter()
        action(key)
        times.append((time.perf_counter() - start) * 1000)
    return sorted(times)


def measure(*, n_lines: int) -> Outcome:
    """Import both tables, each into an empty workspace, then look things up in the larger one."""
    figures: dict[str, float] = {"lines": n_lines}
    with tempfile.TemporaryDirectory() as folder:
        for kind in ("plain", "rich"):
            path = Path(folder) / f"{kind}.csv"
            make_table(path, n_lines=n_lines, rich=kind == "rich")
            with Workspace(Path(folder) / kind, writable=True) as workspace:
                start, cpu_s = time.perf_counter(), _cpu_s()
                done: Imported = import_files(workspace, [path], jobs=2)
                wall_s, cpu_s = time.perf_counter() - start, _cpu_s() - cpu_s
                if (done.n_works, done.n_recordings) != (n_lines, n_lines) or done.problems:
                    raise RuntimeError(f"the import went wrong: {done.n_works} works, {done.problems[:3]}")
                figures |= {f"{kind}_rows_per_s": n_lines / wall_s, f"{kind}_wall_s": wall_s, f"{kind}_cpu_s": cpu_s}
                figures["memory_mib"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
                if kind == "rich":
                    figures |= _look_up(workspace, n_lines)
            files = (file for file in (Path(folder) / kind).iterdir() if file.is_file())
            figures[f"{kind}_size_mib"] = sum(file.stat().st_size for file in files) / 2**20
    figures["load_average"] = os.getloadavg()[0]
    return Outcome("catalogue", f"{n_lines} made-up lines, 2 processes", figures)


def _look_up(workspace: Workspace, n_lines: int) -> dict[str, float]:
    rng = random.Random(2)  # noqa: S311
    lines = [rng.randrange(n_lines) for _ in range(_LOOKUPS)]
    isrcs = [f"USAB{line // 10**7}{line % 10**7:07d}" for line in lines]
    ids = [workspace.catalogue.page_of(isrc).recordings[0].id for isrc in isrcs]
    by_id = _timed_ms(workspace.catalogue.entry, ids)
    return {
        "lookup_ms": statistics.median(by_id),
        "lookup_p99_ms": by_id[len(by_id) * 99 // 100],
        "lookup_isrc_ms": statistics.median(_timed_ms(workspace.catalogue.page_of, isrcs)),
    }


def main() -> None:
    """Measure and print."""
    parser = arguments(__doc__.splitlines()[0])
    parser.add_argument("--lines", type=int, help=f"lines of the table [default: {_LINES}, quick: {_LINES_QUICK}]")
    given = parser.parse_args()
    n_lines = given.lines or (_LINES_QUICK if given.quick else _LINES)
    tell(measure(n_lines=n_lines), as_json=given.json)


if __name__ == "__main__":
    main()
