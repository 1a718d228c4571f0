"""Usage in: reports become usage that a run can pay by; what cannot be read is kept beside it, line by line.

A report is one file, or a set of files that say they belong together. It lands whole or not at all: good lines as
Parquet, faulty ones with their reasons. The same content twice changes nothing.
"""

import hashlib
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path

from linernotes.errors import FormatError, LinernotesError
from linernotes.formats import dsr
from linernotes.formats.dsr_layouts import DsrLayout, DsrRole, layout_of
from linernotes.formats.usage_tables import read_usage_header
from linernotes.formats.usage_text import UsageText, first_lines, settle
from linernotes.model import Problem
from linernotes.model.usage import ReportFile, ReportSum, UsageFault, UsagePool, UsageReport
from linernotes.rights import territories
from linernotes.store.usage_scratch import UsageScratch
from linernotes.workspace import Workspace

__all__ = ["ImportedUsage", "Progress", "import_usage"]

Progress = Callable[[int, int, float], None]
"""What is done, of how much; the third is for sound."""

_HEADS = ("HEAD", "SRHE")
_FEET = ("FOOT", "SRFO")
_MIB = 1 << 20


@dataclass(frozen=True, slots=True)
class ImportedUsage:
    """What came of an import. ``already``: reports that were here before; ``ignored_columns``: of tables."""

    reports: Sequence[UsageReport]
    already: Sequence[UsageReport]
    problems: Sequence[Problem]
    ignored_columns: Sequence[str]


@dataclass
class _Set:
    """Files that are one report; ``files`` by number, with what each says of itself if it is a DSR."""

    of: int
    files: dict[int, tuple[Path, dsr.DsrFile | None]] = field(default_factory=dict)

    @property
    def in_order(self) -> list[tuple[Path, dsr.DsrFile | None]]:
        return [self.files[number] for number in sorted(self.files)]


@dataclass
class _Read:
    """What was read of a report beside its lines of usage."""

    format: str
    sender: str = ""
    remarks: list[UsageFault] = field(default_factory=list)
    stated: dict[str, int] = field(default_factory=dict)
    divided: dict[str, int] = field(default_factory=dict)
    ignored: Sequence[str] = ()


def import_usage(
    workspace: Workspace,
    paths: Sequence[Path],
    *,
    at: datetime,
    memory_mib: int = 1024,
    threads: int | None = None,
    progress: Progress = lambda _done, _all, _sound: None,
) -> ImportedUsage:
    """Bring reports in: Digital Sales Reports and tables, gzipped or not.

    A file that cannot be read, or a set that lacks a file, is a problem; the others come in. ``memory_mib`` bounds what
    the engine holds of the largest report.
    """
    reports: list[UsageReport] = []
    already: list[UsageReport] = []
    ignored: list[str] = []
    sets, problems = _sets(paths)
    bar = _Bar(progress, [path for one in sets for path, _ in one.files.values()])
    for one in sets:
        try:
            if missing := [number for number in range(1, one.of + 1) if number not in one.files]:
                raise _incomplete(one, missing)
            with workspace.usage.scratch(memory_mib=memory_mib, threads=threads) as scratch:
                report, is_new, ignored_here = _import_set(workspace, scratch, one, at, bar)
            (reports if is_new else already).append(report)
            ignored += [column for column in ignored_here if column not in ignored]
        except FormatError as error:
            problems.append(Problem(error.code, str(error), ", ".join(str(path) for path, _ in one.in_order)))
    return ImportedUsage(reports, already, problems, ignored)


class _Bar:
    """Half of the work is reading a file, half what is done with it."""

    def __init__(self, progress: Progress, paths: Iterable[Path]) -> None:
        self._progress = progress
        self._all = max(1, sum(2 * path.stat().st_size for path in paths if path.is_file()) // _MIB)
        self._done = 0

    def reading(self) -> Callable[[int], None]:
        return lambda n_bytes: self._progress((self._done + n_bytes) // _MIB, self._all, 0.0)

    def did(self, paths: Iterable[Path], *, halves: int) -> None:
        self._done += sum(halves * path.stat().st_size for path in paths)
        self._progress(min(self._done // _MIB, self._all), self._all, 0.0)


def _incomplete(one: _Set, missing: Sequence[int]) -> FormatError:
    numbers = ", ".join(str(number) for number in missing[:20]) + (" …" if len(missing) > 20 else "")
    name = one.in_order[0][0].name
    text = f"{name}: a report of {one.of} files, without file {numbers} of {one.of}; give all of them at once"
    return FormatError(text, code="incomplete")


def _sets(paths: Sequence[Path]) -> tuple[list[_Set], list[Problem]]:
    """Put files together that are one report."""
    sets: list[_Set] = []
    by_key: dict[tuple[str, int], list[_Set]] = {}
    problems = []
    for path in paths:
        try:
            head = next((line for line in first_lines(path) if not line.startswith("#")), "")
            cells = dsr.cut(head)
            if cells[0] not in _HEADS:
                sets.append(_Set(1, {1: (path, None)}))
                continue
            layout = layout_of(cells[0])
            assert layout is not None
            told = dsr.dsr_file(path.name, cells, layout)
        except LinernotesError as error:
            problems.append(Problem(error.code, str(error), str(path)))
            continue
        alike = by_key.setdefault((told.set_key, told.of), [])
        place = next((one for one in alike if told.number not in one.files and told.of > 1), None)
        if place is None:
            place = _Set(told.of)
            alike.append(place)
            sets.append(place)
        place.files[told.number] = (path, told)
    return sets, problems


def _import_set(
    workspace: Workspace, scratch: UsageScratch, one: _Set, at: datetime, bar: _Bar
) -> tuple[UsageReport, bool, Sequence[str]]:
    """Bring one report in; False if it was here."""
    paths = [path for path, _ in one.in_order]
    texts: list[UsageText] = []
    for number, path in enumerate(paths):
        beside = scratch.folder / str(number)
        beside.mkdir()
        texts.append(settle(path, beside, progress=bar.reading()))
        bar.did([path], halves=1)
    digests = [text.sha256 for text in texts]
    report_id = digests[0] if len(digests) == 1 else hashlib.sha256("\n".join(digests).encode()).hexdigest()
    if known := workspace.usage.get(report_id):
        bar.did(paths, halves=1)
        return known, False, ()
    files = _files(texts)
    for text, file in zip(texts, files, strict=True):
        scratch.put_faults(replace(fault, line=fault.line + file.first_line - 1) for fault in text.faults)
    heads = [told for _, told in one.in_order if told is not None]
    read = _read_dsr(scratch, heads, files, texts) if heads else _read_table(scratch, paths[0], texts[0])
    sums = _sums(scratch, read)
    periods = scratch.periods()
    n_faulty = scratch.count_faults()
    report = UsageReport(
        *(report_id, read.format, read.sender, at.isoformat(timespec="seconds"), periods, scratch.n_landed()),
        *(n_faulty, len(read.remarks), files, sums),
    )
    scratch.write(workspace.usage.folder, report_id, periods, sums)
    is_new = workspace.usage.enter(report, (fault for part in (scratch.faults(), read.remarks) for fault in part))
    bar.did(paths, halves=1)
    return report, is_new, read.ignored


def _sums(scratch: UsageScratch, read: _Read) -> list[ReportSum]:
    """Add up what must have landed; FormatError where that is more than the ledger holds."""
    landed = scratch.own_sums()
    for currency, amount_micro in read.divided.items():
        landed[currency] = landed.get(currency, 0) + amount_micro
    if too_large := [currency for currency, amount_micro in landed.items() if abs(amount_micro) >= 2**63]:
        raise FormatError(f"the amounts in {too_large[0]} add up to more than 64 bits of millionths")
    currencies = sorted(landed.keys() | read.stated)
    return [ReportSum(currency, landed.get(currency, 0), read.stated.get(currency)) for currency in currencies]


def _files(texts: Sequence[UsageText]) -> list[ReportFile]:
    """Give each file its number, and count lines through all of them."""
    files: list[ReportFile] = []
    for number, text in enumerate(texts, 1):
        first = files[-1].first_line + files[-1].n_lines if files else 1
        files.append(ReportFile(number, text.name, text.sha256, first, text.n_lines))
    return files


def _read_table(scratch: UsageScratch, path: Path, text: UsageText) -> _Read:
    header = read_usage_header(next(iter(first_lines(path)), ""), where=str(path))
    scratch.put_table(
        text.path,
        text.n_lines,
        delimiter=header.delimiter,
        n_cells=header.n_cells,
        cells=header.cells,
        territories=_countries(),
    )
    return _Read("csv", ignored=header.ignored)


def _countries() -> dict[str, str]:
    """Return what may stand for a country, in capitals, and its ISO 3166-1 code."""
    return {code: code for code in territories.countries(territories.WORLD)} | {"UK": "GB"}


# ── Digital Sales Reports ────────────────────────────────────────────────────


def _read_dsr(
    scratch: UsageScratch, heads: Sequence[dsr.DsrFile], files: Sequence[ReportFile], texts: Sequence[UsageText]
) -> _Read:
    """Read the records of a report into the scratch, and divide what its summaries say was earned."""
    for text in texts:
        scratch.load(text.path, text.n_lines)
    head = heads[0]
    read = _Read(" ".join(("dsr", head.profile)).strip(), head.sender)
    for told, file in zip(heads, files, strict=True):
        read.remarks += [replace(fault, line=file.first_line) for fault in told.faults]
    types = scratch.types()
    headings = dsr.headings(scratch.notes())
    layouts = {type_: layout for type_ in types if (layout := layout_of(type_, headings)) is not None}
    for type_ in types.keys() - layouts.keys() - {"#"}:
        known = bool(re.fullmatch(r"[A-Z]{2}\d\d(\.\d\d)?", type_))
        why = "its cells are not known; add a line of headings, #" + type_ + "…" if known else "no record type"
        scratch.put_unknown(type_, f"{type_!r}: {why}")
    of_role = {role: {t: x for t, x in layouts.items() if x.role is role} for role in DsrRole}
    pools = _read_pools(scratch, of_role[DsrRole.SUMMARY], files, read)
    scratch.put_pools(pools, sender=head.sender, service=head.service, used_on=min(told.starts_on for told in heads))
    for type_, layout in of_role[DsrRole.RESOURCE].items():
        scratch.put_resources(type_, layout.cells)
    for type_, layout in (of_role[DsrRole.RELEASE] | of_role[DsrRole.PART]).items():
        scratch.put_releases(type_, layout.cells)
    scratch.put_works({type_: layout.cells for type_, layout in of_role[DsrRole.WORK].items()})
    for type_, layout in of_role[DsrRole.USAGE].items():
        if "quantity" in layout.cells and "summary" in layout.cells:
            scratch.put_usage(type_, layout.cells, layout.names)
        else:
            scratch.put_unknown(type_, f"{type_!r}: its cells name no usages")
    _divide(scratch, pools, read)
    _check_feet(scratch, of_role[DsrRole.SUMMARY], files, read)
    return read


def _read_pools(
    scratch: UsageScratch, layouts: Mapping[str, DsrLayout], files: Sequence[ReportFile], read: _Read
) -> list[UsagePool]:
    """Read the summaries of all files; what a later file repeats of the first is left alone."""
    last = files[0].n_lines
    lines = scratch.lines_of(*layouts) if layouts else []
    first = {text for number, text in lines if number <= last}
    once = [(number, text) for number, text in lines if number <= last or text not in first]
    codes = _countries()
    pools, faults = dsr.read_pools(once, layouts, lambda text: codes.get(text.strip().upper()))
    scratch.put_faults(faults)
    for pool in pools:
        if pool.revenue_micro is not None:
            read.stated[pool.currency] = read.stated.get(pool.currency, 0) + pool.revenue_micro
    return pools


def _divide(scratch: UsageScratch, pools: Sequence[UsagePool], read: _Read) -> None:
    """Say what is due of each summary, and compare what it states with what its lines have.

    Of the revenue, the lines here are due the part that their usages are of all that the summary states. What faulty
    lines would have brought stays out, and shows in the report's sums.
    """
    totals = scratch.totals()
    shares = []
    for pool in pools:
        used, bearing, weight, priced, own, divided = totals.get(pool.id, (0, 0, 0, False, 0, False))
        stated = pool.usages_micro
        if stated is not None and stated != used:
            _remark(read, pool, f"states {_shown(stated)} usages, its lines have {_shown(used)}")
        if pool.revenue_micro is None:
            _remark(read, pool, "states no revenue: its usage brings nothing" if divided else "")
        elif not divided and own != pool.revenue_micro:
            _remark(read, pool, f"states {_shown(pool.revenue_micro)} {pool.currency}, its lines bring {_shown(own)}")
        elif divided and pool.revenue_micro and pool.revenue_micro * bearing <= 0:
            _remark(read, pool, f"no usage that its revenue of {_shown(pool.revenue_micro)} could be divided by")
        elif divided and pool.revenue_micro:
            due = _part(pool.revenue_micro - own, bearing, max(stated or 0, used, bearing, key=abs))
            by_price = priced and weight * bearing > 0
            shares.append((pool.id, due, weight if by_price else bearing, by_price))
            read.divided[pool.currency] = read.divided.get(pool.currency, 0) + due
    scratch.divide(shares)


def _part(whole_micro: int, part: int, of: int) -> int:
    """Return the part of an amount, cut off after the millionths."""
    due = abs(whole_micro * part) // abs(of)
    return due if whole_micro >= 0 else -due


def _remark(read: _Read, pool: UsagePool, reason: str) -> None:
    if reason:
        read.remarks.append(UsageFault(pool.line, f"summary {pool.id}: {reason}", lost=False))


def _shown(micro: int) -> str:
    sign, whole, part = "-" if micro < 0 else "", abs(micro) // 10**6, abs(micro) % 10**6
    return f"{sign}{whole}" + (f".{part:06d}".rstrip("0") if part else "")


def _check_feet(
    scratch: UsageScratch, summaries: Mapping[str, DsrLayout], files: Sequence[ReportFile], read: _Read
) -> None:
    """Compare each file's footer with what was counted; FormatError where there is none: the file is cut short."""
    feet = {type_: layout for type_ in _FEET if (layout := layout_of(type_)) is not None}
    lines = scratch.lines_of(*feet)
    sums = [number for number, _ in scratch.lines_of(*summaries)] if summaries else []
    last_line = files[-1].first_line + files[-1].n_lines - 1
    n_blocks = 0
    for file in files:
        first, last = file.first_line, file.first_line + file.n_lines - 1
        foot = [(number, text) for number, text in lines if first <= number <= last]
        if not foot:
            raise FormatError(f"{file.name}: no FOOT at its end; the file is cut short, ask for it again")
        counted = {
            "NumberOfLinesInFile": file.n_lines,
            "NumberOfSummaryRecords": sum(first <= number <= last for number in sums),
            "NumberOfBlocksInFile": scratch.count_blocks(first, last),
        }
        n_blocks += counted["NumberOfBlocksInFile"]
        if file is files[-1]:  # what is said of the whole report: only its last file must know
            counted |= {"NumberOfLinesInReport": last_line, "NumberOfBlocksInReport": n_blocks}
        number, text = foot[-1]
        read.remarks += dsr.read_foot(number, text, feet[text.split("\t")[0]], counted)
