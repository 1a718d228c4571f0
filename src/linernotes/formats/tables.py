"""Metadata tables: a CSV that says what recordings are, whose they are, and which share is whose.

Conventions
-----------
A header line, then a line per recording; comma, semicolon or tab between cells; UTF-8. ``file`` is required, a name or
a path relative to the table; any of ``title, artist, isrc, iswc, writers, publisher, label, producer, year`` may
follow, other columns are left alone and named in ``ignored``. A cell that names parties separates them by ``;`` and may
say for each an identifier in brackets and a share: ``Ada Example [IPI 00014107338] 1/2; Ben Example 50%``. Shares of
``writers`` and ``publisher`` divide the work, those of ``artist``, ``producer`` and ``label`` the recording.
"""

import csv
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from functools import partial
from pathlib import Path
from typing import TypeVar

from linernotes import identifiers
from linernotes.errors import FormatError, IdentifierError
from linernotes.model import Problem, Role

__all__ = ["Metadata", "MetadataTable", "PartyLine", "read_metadata", "read_parties"]

_LINES_MAX = 5_000_000
_CELL_CHARACTERS_MAX = 20_000
_PARTY = re.compile(
    r"(?P<name>[^\[\]]+?)\s*(?:\[(?P<identifiers>[^\[\]]*)\])?\s*(?P<share>\d+\s*/\s*\d+|\d+(?:\.\d+)?\s*%)?"
)
_PARTY_COLUMNS = {
    "artist": Role.PERFORMER,
    "writers": Role.WRITER,
    "publisher": Role.PUBLISHER,
    "label": Role.LABEL,
    "producer": Role.PRODUCER,
}
_OF_WORK = frozenset({Role.WRITER, Role.PUBLISHER})
_T = TypeVar("_T")
_COLUMNS = frozenset({"file", "title", "isrc", "iswc", "year"} | set(_PARTY_COLUMNS))


@dataclass(frozen=True, slots=True)
class PartyLine:
    """One party as a cell names it; ``identifiers`` maps field names of Party to checked values."""

    name: str
    role: Role
    share: Fraction | None = None
    identifiers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Metadata:
    """What one line says of one file; None or empty where it says nothing."""

    file: str
    where: str
    title: str | None = None
    artist: str | None = None
    isrc: str | None = None
    iswc: str | None = None
    year: int | None = None
    parties: Sequence[PartyLine] = ()


@dataclass(frozen=True, slots=True)
class MetadataTable:
    """The good lines, the faulty ones as problems (with the files they are about), the columns that were left alone."""

    rows: Sequence[Metadata]
    problems: Sequence[Problem]
    faulty_files: frozenset[str]
    ignored: Sequence[str]


def read_metadata(path: Path) -> MetadataTable:
    """Read a metadata table; every fault of every line is collected.

    Raises FormatError if it is no such table: not text, no header, no ``file`` column.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as handle:
            return _read_lines(path, handle.read())
    except UnicodeDecodeError as error:
        raise FormatError(f"{path}: not UTF-8 text (byte {error.start})") from None
    except FileNotFoundError:
        raise FormatError(f"{path}: no such file") from None
    except IsADirectoryError:
        raise FormatError(f"{path}: a folder, not a CSV file") from None


def _read_lines(path: Path, text: str) -> MetadataTable:
    header = text.split("\n", 1)[0]
    delimiter = max(",;\t", key=header.count)
    csv.field_size_limit(_CELL_CHARACTERS_MAX)
    reader = csv.reader(text.splitlines(keepends=True), delimiter=delimiter, strict=True)
    rows: list[Metadata] = []
    problems: list[Problem] = []
    faulty: set[str] = set()
    try:
        columns = [name.strip().lower() for name in next(reader, [])]
        if "file" not in columns:
            raise FormatError(f"{path}:1: no column 'file' in the header ({', '.join(columns) or 'empty'})")
        for cells in reader:
            if not any(cell.strip() for cell in cells):
                continue
            where = f"{path}:{reader.line_num}"
            row, faults = _read_row(dict(zip(columns, cells, strict=False)), where)
            if len(cells) > len(columns):
                faults.append(Problem("cells", f"{len(cells)} cells, but the header names {len(columns)}", where))
            if faults:
                problems += faults
                faulty.add(row.file)
            else:
                rows.append(row)
            if reader.line_num > _LINES_MAX:
                raise FormatError(f"{where}: more than {_LINES_MAX} lines; split the table")
    except csv.Error as error:
        raise FormatError(f"{path}:{reader.line_num}: not a CSV line ({error})") from None
    ignored = [name for name in columns if name and name not in _COLUMNS]
    return MetadataTable(rows, problems, frozenset(faulty), ignored)


def _read_row(cells: Mapping[str, str], where: str) -> tuple[Metadata, list[Problem]]:
    given = {name: text.strip() for name, text in cells.items() if text and text.strip()}
    faults: list[Problem] = []

    def checked(column: str, check: Callable[[str], _T]) -> _T | None:
        if column not in given:
            return None
        try:
            return check(given[column])
        except (IdentifierError, FormatError) as error:
            faults.append(Problem(error.code, str(error), f"{where} {column}"))
            return None

    parties: list[PartyLine] = []
    for column, role in _PARTY_COLUMNS.items():
        parties += checked(column, partial(read_parties, role=role)) or []
    faults += [Problem("shares", message, where) for message in _excess(parties)]
    if "file" not in given:
        faults.append(Problem("file", "no file named", f"{where} file"))
    row = Metadata(
        file=given.get("file", ""),
        where=where,
        title=given.get("title"),
        artist=", ".join(line.name for line in parties if line.role is Role.PERFORMER) or None,
        isrc=checked("isrc", identifiers.isrc),
        iswc=checked("iswc", identifiers.iswc),
        year=checked("year", _year),
        parties=parties,
    )
    return row, faults


def read_parties(text: str, *, role: Role) -> list[PartyLine]:
    """Read a cell that names parties.

    Raises FormatError or IdentifierError naming the part that cannot be read.
    Check: ``Ada 1/2; Ben 50%`` gives two lines with share 1/2 each.
    """
    lines = []
    for part in filter(None, map(str.strip, text.split(";"))):
        match = _PARTY.fullmatch(part)
        if match is None:
            raise FormatError(f"{part!r} is not a party: Name [IPI 00014107338] 1/2")
        lines.append(PartyLine(match["name"], role, _share(match["share"]), _identifiers(match["identifiers"] or "")))
    return lines


def _share(text: str | None) -> Fraction | None:
    if text is None:
        return None
    try:
        share = Fraction(text[:-1].strip()) / 100 if text.endswith("%") else Fraction(text.replace(" ", ""))
    except ZeroDivisionError:
        raise FormatError(f"{text!r} is not a share") from None
    if not 0 < share <= 1:
        raise FormatError(f"{text!r} is not a share: more than 0 and at most 1")
    return share


def _identifiers(text: str) -> dict[str, str]:
    found = {}
    for part in filter(None, map(str.strip, text.split(","))):
        kind, _, value = part.partition(" ")
        if kind.upper() == "ISNI":
            found["isni"] = identifiers.isni(value)
        elif kind.upper() == "IPI" and value.strip().upper().startswith("I"):
            found["ipi_base_number"] = identifiers.ipi_base_number(value)
        elif kind.upper() == "IPI":
            found["ipi_name_number"] = identifiers.ipi_name_number(value)
        else:
            raise IdentifierError(f"{part!r} is not an identifier of a party: IPI or ISNI and a number")
    return found


def _excess(parties: Sequence[PartyLine]) -> list[str]:
    """Say which shares add to more than the whole."""
    messages = []
    for of_work, what in ((True, "work"), (False, "recording")):
        total = sum((p.share or Fraction(0) for p in parties if (p.role in _OF_WORK) == of_work), Fraction(0))
        if total > 1:
            messages.append(f"the shares of the {what} add up to {total}, more than 1")
    return messages


def _year(text: str) -> int:
    if not re.fullmatch(r"(1[89]|20)\d\d", text):
        raise FormatError(f"{text!r} is not a year: four digits, 1800 to 2099")
    return int(text)
