r"""DDEX Digital Sales Reports: what a report, its files, its summaries and its footers say.

Conventions
-----------
Cells stand between tabs, values of one cell between ``|``; nothing is quoted. A delimiter that is meant is escaped: a
tab as ``\<TAB>``, a pipe as ``\\|`` (many write ``\|``), a backslash as ``\\\``. A line that begins with ``#`` is for
people. Lines of sale are read set-wise, elsewhere; what stands once in a file is read here.

A report may be cut into files (``…_1of2_…``); each then repeats the summaries, and no block crosses from one to the
next.

**Source**: DDEX DSR part 1, architecture: 6.3 (files), 6.6 (delimiters, escapes), 8.1 (file names).
"""

import re
from calendar import monthrange
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal

from linernotes.errors import FormatError
from linernotes.formats.dsr_layouts import DsrLayout
from linernotes.model.usage import UsageFault, UsagePool

__all__ = ["DsrFile", "cut", "dsr_file", "escaped", "headings", "micro", "read_foot", "read_pools"]

_NUMBER = re.compile(r"[+-]?(\d{1,12}(\.\d{0,6}0*)?|\.\d{1,6}0*)")
_NAME = re.compile(
    r"DSR_(?P<recipient>[^_]+)_(?P<sender>[^_]+)_(?P<service>.+?)_(?P<period>\d{4}[^_]*)_(?P<territory>[^_]+)"
    r"(?:_(?P<number>\d+)of(?P<of>\d+))?_(?P<time>\d{8}T?\d*)$"
)
_SUFFIXES = re.compile(r"(\.(tsv|txt|csv|gz|gzip))+$", re.IGNORECASE)
_FILES_MAX = 10_000


@dataclass(frozen=True, slots=True)
class DsrFile:
    """What one file says of itself: in its first line, else in its name.

    ``set_key`` is the same for all files of a report; ``starts_on`` and ``ends_on`` bound the usage.
    """

    set_key: str
    number: int
    of: int
    starts_on: date
    ends_on: date
    sender: str
    service: str
    profile: str
    faults: Sequence[UsageFault] = ()


# ── cells ────────────────────────────────────────────────────────────────────


def cut(line: str) -> list[str]:
    r"""Cut a line into cells and read their escapes.

    Check: ``cut("AS01\t1\tAC\\\\\\DC \\\\| more")`` is ``["AS01", "1", "AC\\DC | more"]``.
    """
    if "\\" not in line:
        return line.split("\t")
    held = line.replace("\\\\\\", "\x01").replace("\\\t", "\x02")
    return [
        cell.replace("\\\\|", "|").replace("\\|", "|").replace("\x01", "\\").replace("\x02", "\t")
        for cell in held.split("\t")
    ]


def escaped(text: str) -> str:
    """Write a text so that it stands in one cell; what :func:`cut` reads back."""
    return text.replace("\\", "\\\\\\").replace("\t", "\\\t").replace("|", "\\\\|")


def micro(text: str) -> int | None:
    """Read a decimal number as whole millionths, exactly; None if it is none, has 13 digits or a seventh decimal.

    Check: ``micro("12.5")`` is 12500000, ``micro("1e30")`` and ``micro("0.0000001")`` are None.
    """
    return int(Decimal(text).scaleb(6)) if _NUMBER.fullmatch(text) else None


def headings(lines: Iterable[str]) -> dict[str, Sequence[str]]:
    """Return the cell names that the lines for people bring, by record type."""
    told = (line[1:].split("\t") for line in lines if line.startswith("#"))
    return {cells[0].strip(): [cell.strip() for cell in cells[1:]] for cells in told if len(cells) > 1}


# ── files ────────────────────────────────────────────────────────────────────


def dsr_file(name: str, head: Sequence[str], layout: DsrLayout) -> DsrFile:
    """Read what a file says of itself; what its first line lacks is taken from its name, and told.

    Raises FormatError if neither says which period the usage is of, or if they number it impossibly.
    """
    faults: list[str] = []
    known = _NAME.fullmatch(_SUFFIXES.sub("", name))
    named = {key: value or "" for key, value in known.groupdict().items()} if known else {}
    told = {field: head[place - 1].strip() for field, place in layout.cells.items() if place <= len(head)}
    if len(head) < layout.cells["SenderName"]:
        faults.append(
            f"{head[0]} has {len(head)} cells where {len(layout.cells) + 1} are due; read from the file's name"
        )
        told = {}
    days = _span(told.get("UsageStartDate", ""), told.get("UsageEndDate", "")) or _of_period(named.get("period", ""))
    if days is None:
        where = f"{told.get('UsageStartDate', '')!r} to {told.get('UsageEndDate', '')!r}"
        raise FormatError(f"{name}:1: neither its HEAD ({where}) nor its name says which days the usage is of")
    in_name = _numbering(named.get("number", ""), named.get("of", "")) or ((1, 1) if known else None)
    number, of = _numbering(told.get("FileNumber", ""), told.get("NumberOfFiles", "")) or in_name or (1, 1)
    if in_name and (number, of) != in_name:
        faults.append(f"its HEAD says file {number} of {of}, its name {in_name[0]} of {in_name[1]}")
    if not 1 <= number <= of <= _FILES_MAX:
        raise FormatError(f"{name}:1: file {number} of {of} cannot be")
    sender = told.get("SenderName") or named.get("sender") or told.get("SenderPartyId", "")
    message = "\t".join((told.get("SenderPartyId", ""), told["MessageId"])) if told.get("MessageId") else ""
    stem = re.sub(r"_\d+of\d+(?=_)", "", _SUFFIXES.sub("", name))
    return DsrFile(
        message or stem,
        number,
        of,
        *days,
        sender,
        told.get("ServiceDescription") or named.get("service", ""),
        f"{told.get('Profile', '')} {told.get('ProfileVersion', '')}".strip(),
        [UsageFault(1, reason, lost=False) for reason in faults],
    )


def _numbering(number: str, of: str) -> tuple[int, int] | None:
    return (int(number), int(of)) if re.fullmatch(r"\d{1,6}", number) and re.fullmatch(r"\d{1,6}", of) else None


def _span(start: str, stop: str) -> tuple[date, date] | None:
    first, last = _day(start), _day(stop)
    return (first, last) if first and last and first <= last else None


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


def _of_period(text: str) -> tuple[date, date] | None:
    """Read the period of a file name: 2026-05, 2026-Q2, 2026, 2026-05-01, or two days with ``--`` between."""
    if "--" in text:
        return _span(*text.split("--", 1))
    if quarter := re.fullmatch(r"(\d{4})-?Q([1-4])", text):
        year, last = int(quarter[1]), 3 * int(quarter[2])
        return date(year, last - 2, 1), date(year, last, monthrange(year, last)[1])
    if month := re.fullmatch(r"(\d{4})-?(0[1-9]|1[0-2])", text):
        year, number = int(month[1]), int(month[2])
        return date(year, number, 1), date(year, number, monthrange(year, number)[1])
    if re.fullmatch(r"[12]\d{3}", text):
        return date(int(text), 1, 1), date(int(text), 12, 31)
    day = _day(text)
    return (day, day) if day else None


# ── summaries ────────────────────────────────────────────────────────────────


def read_pools(
    lines: Iterable[tuple[int, str]], layouts: Mapping[str, DsrLayout], territory: Callable[[str], str | None]
) -> tuple[list[UsagePool], list[UsageFault]]:
    """Read the summaries, one of each id, and what is wrong with the others.

    ``lines``: number and text of each summary; ``territory`` returns the ISO 3166-1 code, None if it is none. Rows with
    one id, as for several rights controllers, are one summary: what they state is added up.
    """
    pools: dict[str, UsagePool] = {}
    faults: list[UsageFault] = []
    for number, line in lines:
        cells = cut(line)
        layout = layouts[cells[0]]
        told = {field: cells[place - 1].strip() for field, place in layout.cells.items() if place <= len(cells)}
        reasons = [f"{layout.names[field]} {told.get(field, '')!r}: {why}" for field, why in _wrong(told, territory)]
        pool = UsagePool(
            told.get("id", ""),
            number,
            territory(told.get("territory", "")) or "",
            told.get("currency", ""),
            micro(told["usages"]) if told.get("usages") else None,
            micro(told["revenue"]) if told.get("revenue") else None,
            told.get("service", ""),
            told.get("use_type", ""),
            told.get("commercial_model", ""),
        )
        before = pools.get(pool.id)
        if before and (before.territory, before.currency) != (pool.territory, pool.currency):
            reasons.append(f"SummaryRecordId {pool.id!r}: line {before.line} has it for another territory or currency")
        if reasons:
            faults.append(UsageFault(number, "; ".join(reasons), line))
        else:
            pools[pool.id] = _together(before, pool) if before else pool
    return list(pools.values()), faults


def _together(one: UsagePool, other: UsagePool) -> UsagePool:
    usages, revenues = ((one.usages_micro, other.usages_micro), (one.revenue_micro, other.revenue_micro))
    return replace(one, usages_micro=_added(usages), revenue_micro=_added(revenues))


def _added(stated: Sequence[int | None]) -> int | None:
    known = [number for number in stated if number is not None]
    return sum(known) if known else None


def _wrong(told: Mapping[str, str], territory: Callable[[str], str | None]) -> list[tuple[str, str]]:
    """Name what is wrong with the cells of a summary; those its layout lacks are left alone."""
    faults = []
    if not told.get("id"):
        faults.append(("id", "no usage can point to it"))
    if territory(told.get("territory", "")) is None:
        faults.append(("territory", "not an ISO 3166-1 country"))
    if not re.fullmatch(r"[A-Z]{3}", told.get("currency", "")):
        faults.append(("currency", "not an ISO 4217 currency"))
    faults += [
        (field, "not a number of up to 12 digits and 6 decimals")
        for field in ("usages", "revenue")
        if told.get(field) and micro(told[field]) is None
    ]
    revenue, usages = micro(told.get("revenue", "")), micro(told.get("usages", ""))
    if (revenue or 0) < 0 < (usages or 0):
        faults.append(("revenue", "revenue below zero for usage above zero; a correction has both below zero"))
    return faults


# ── footers ──────────────────────────────────────────────────────────────────


def read_foot(line: int, text: str, layout: DsrLayout, counted: Mapping[str, int]) -> list[UsageFault]:
    """Compare what a footer states with what was counted, both by the standard's names."""
    cells = cut(text)
    told = {name: cells[place - 1].strip() for name, place in layout.cells.items() if place <= len(cells)}
    wrong = [
        f"{name} is {told[name]!r}, counted {counted[name]}"
        for name in layout.cells
        if told.get(name) and name in counted and told[name] != str(counted[name])
    ]
    return [UsageFault(line, "; ".join(wrong), text, lost=False)] if wrong else []
