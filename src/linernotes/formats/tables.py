"""Catalogue tables: a CSV that says what recordings and works are, whose they are, and which share is whose.

Conventions
-----------
A header line, then a line per recording; comma, semicolon or tab between cells; UTF-8, or UTF-16 with its mark. Columns
may come in any order and go by their usual other names (``Track title``, ``Composers``); those that are not known are
left alone and named in ``ignored``. Cells that name parties are read by :mod:`linernotes.formats.party_cells`; shares
of ``writers``, ``arrangers``, ``heirs`` and ``publisher`` divide the work, those of ``artist``, ``producer`` and
``label`` the recording. A line without title, ISRC, artist or file is about a work alone; ``voice`` names a performer
whose voice it is about, and after them who else shares the right in it; ``model_release`` names a released model, and
``model_party`` the one party that answers for it.

A faulty line is refused whole, with each of its faults told by line and column; the lines around it are read.
"""

import csv
import io
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache, partial
from pathlib import Path
from typing import Any, NamedTuple

from linernotes import identifiers
from linernotes.errors import FormatError, IdentifierError
from linernotes.formats.csv_lines import Header, no_text, read_cells
from linernotes.formats.party_cells import PartyLine, Territory, disclosure, print_parties, read_parties
from linernotes.model import AiDisclosure, Problem, Role

__all__ = [
    "OF_WORK",
    "Metadata",
    "MetadataTable",
    "PartyLine",
    "read_header",
    "read_metadata",
    "read_parties",
    "read_rows",
    "write_metadata",
]

OF_WORK = frozenset({Role.WRITER, Role.ARRANGER, Role.HEIR, Role.PUBLISHER})
"""Roles in a work; the others are in a recording."""

_HEADER_CHARACTERS_MAX = 20_000
_ARTIST = "artist"
_PARTY_COLUMNS = {
    _ARTIST: Role.PERFORMER,
    "writers": Role.WRITER,
    "arrangers": Role.ARRANGER,
    "heirs": Role.HEIR,
    "publisher": Role.PUBLISHER,
    "label": Role.LABEL,
    "producer": Role.PRODUCER,
}
_ROLE_ORDER = {column: number for number, column in enumerate(_PARTY_COLUMNS)}
_VOICE = "voice"
_MODEL = "model_release"
_MODEL_PARTY = "model_party"
_NEEDED_OF_MODEL = {
    _MODEL: "no model release named: what is it called?",
    _MODEL_PARTY: "nobody named: who answers for the model?",
}
_OF_VOICE = frozenset({"voice_name", "voice_id", "consent"})
_OF_MODEL = frozenset({*_NEEDED_OF_MODEL, "model_release_id"})
_OTHER_NAMES = {
    "artist": "artists performer performers main_artist",
    "display_artist": "artist_name display_artist_name",
    "title": "track title_of_track track_title song song_title recording recording_title name",
    "work_title": "title_of_work composition composition_title",
    "writers": "writer composer composers songwriter songwriters author authors",
    "arrangers": "arranger",
    "heirs": "heir",
    "publisher": "publishers",
    "label": "labels record_label",
    "producer": "producers",
    "year": "release_year",
    "duration_s": "duration length",
    "contains_ai": "ai",
    "file": "filename file_name path",
}
_ALIASES = {other: column for column, others in _OTHER_NAMES.items() for other in others.split()}


class Metadata(NamedTuple):
    """What one line says of one recording and its work; None or empty where it says nothing.

    A tuple, for a table has a million of them.
    """

    file: str
    where: str
    title: str | None = None
    artist: str | None = None
    isrc: str | None = None
    iswc: str | None = None
    year: int | None = None
    parties: Sequence[PartyLine] = ()
    work_title: str | None = None
    duration_s: float | None = None
    contains_ai: AiDisclosure | None = None
    id: str | None = None
    work_id: str | None = None
    voice: Sequence[PartyLine] = ()
    voice_name: str | None = None
    voice_id: str | None = None
    consent: str | None = None
    model_release: str | None = None
    model_party: PartyLine | None = None
    model_release_id: str | None = None

    @property
    def says_something(self) -> bool:
        """Tell whether the line names what it is about: a recording, a work, a voice or a model release."""
        return bool(self.title or self.work_title or self.voice or self.model_release)

    @property
    def has_recording(self) -> bool:
        """Tell whether the line is about a recording, not about a work alone."""
        told = self.file or self.title or self.artist or self.isrc or self.id
        return bool(told) or any(line.role not in OF_WORK for line in self.parties)

    @property
    def has_work(self) -> bool:
        """Tell whether the line says anything of a work."""
        return bool(self.work_title or self.iswc or self.work_id) or any(p.role in OF_WORK for p in self.parties)


_tuple = tuple.__new__  # half of what _make takes
_NOTHING_SAID = Metadata("", "")
_WHERE, _DISPLAYED, _PARTIES = (Metadata._fields.index(name) for name in ("where", "artist", "parties"))
_FIELDS = {"display_artist": "artist", **dict.fromkeys(_PARTY_COLUMNS, "parties")}


@dataclass(frozen=True, slots=True)
class MetadataTable:
    """The good lines, the faulty ones as problems (with the files they are about), the columns that were left alone."""

    rows: Sequence[Metadata]
    problems: Sequence[Problem]
    faulty_files: frozenset[str]
    ignored: Sequence[str]


# ── reading ──────────────────────────────────────────────────────────────────


def read_metadata(path: Path, *, territory: Territory = str) -> MetadataTable:
    """Read a table about sound files; every fault of every line is collected.

    Raises FormatError if it is no such table: not text, no header, no ``file`` column.
    """
    header = read_header(path)
    if "file" not in header.columns:
        raise FormatError(f"{path}:1: no column 'file' in the header ({', '.join(header.columns) or 'empty'})")
    rows: list[Metadata] = []
    problems: list[Problem] = []
    faulty: set[str] = set()
    for lines in read_cells(path, header):
        for row, faults in read_rows(path, header, lines, territory=territory):
            no_file = row is not None and not row.file
            problems += faults
            for column, what in ((_VOICE, "voice"), (_MODEL, "model release")):
                if row is not None and getattr(row, column):
                    told = f"a {what} does not come with a sound; enter it with catalogue import"
                    problems.append(Problem(column, told, f"{row.where} {column}"))
            if row is not None and no_file:
                problems.append(Problem("file", "no file named", f"{row.where} file"))
            if faults or no_file:
                faulty.add(row.file if row is not None else "")
            elif row is not None:
                rows.append(row)
    return MetadataTable(rows, problems, frozenset(faulty), header.ignored)


def read_header(path: Path) -> Header:
    """Read the first line; FormatError if the file is not text or cannot be read."""
    encoding = "utf-8-sig"
    try:
        with path.open("rb") as raw:
            if raw.read(2) in (b"\xff\xfe", b"\xfe\xff"):
                encoding = "utf-16"
        with path.open(encoding=encoding, newline="") as handle:
            line = handle.readline(_HEADER_CHARACTERS_MAX)
    except UnicodeDecodeError as error:
        raise no_text(path, error) from None
    except FileNotFoundError:
        raise FormatError(f"{path}: no such file") from None
    except IsADirectoryError:
        raise FormatError(f"{path}: a folder, not a CSV file") from None
    if len(line) >= _HEADER_CHARACTERS_MAX:
        raise FormatError(f"{path}:1: not a header, {_HEADER_CHARACTERS_MAX} characters and no end: is this a table?")
    delimiter = max(",;\t", key=line.count)
    try:
        cells = next(csv.reader([line], delimiter=delimiter, strict=True), [])
    except csv.Error as error:
        raise FormatError(f"{path}:1: not a CSV line ({error})") from None
    names = [re.sub(r"[\s_-]+", "_", cell.strip().lower()).strip("_") for cell in cells]
    columns = [_ALIASES.get(name, name) for name in names]
    if twice := sorted({name for name in columns if name in _HANDLERS and columns.count(name) > 1}):
        raise FormatError(f"{path}:1: two columns are called {twice[0]}; leave one")
    ignored = [cell.strip() for cell, name in zip(cells, columns, strict=True) if name and name not in _HANDLERS]
    return Header(delimiter, columns, ignored, encoding)


def read_rows(
    path: Path, header: Header, lines: Iterable[tuple[int, list[str] | str]], *, territory: Territory = str
) -> Iterator[tuple[Metadata | None, list[Problem]]]:
    """Say what each line says, and its faults; None for one that could not be cut into cells."""
    reader = _RowReader(header, territory)
    name = str(path)  # not once for each of a million lines
    for number, cells in lines:
        if isinstance(cells, str):
            yield None, [Problem("format", cells, f"{name}:{number}")]
        else:
            yield reader.read(cells, f"{name}:{number}")


class _RowReader:
    """Reads the cells of lines under one header."""

    def __init__(self, header: Header, territory: Territory) -> None:
        self._n_columns = len(header.columns)
        self._handlers = [
            (
                *(place, column, Metadata._fields.index(_FIELDS.get(column, column))),
                partial(handle, territory=territory) if column in (*_PARTY_COLUMNS, _VOICE) else handle,
            )
            for place, column in enumerate(header.columns)
            if (handle := _HANDLERS.get(column)) is not None
        ]
        # Whoever a line names stands in the order of their roles, wherever their columns are.
        self._handlers.sort(key=lambda handler: _ROLE_ORDER.get(handler[1], 0))
        self._names_more = not (_OF_VOICE | _OF_MODEL | {_VOICE}).isdisjoint(header.columns)

    def read(self, cells: Sequence[str], where: str) -> tuple[Metadata, list[Problem]]:
        """Say what a line says, and its faults."""
        faults: list[Problem] = []
        said: list[Any] = [*_NOTHING_SAID]
        said[_WHERE] = where
        parties: tuple[PartyLine, ...] = ()
        n_cells = len(cells)
        for place, column, field, handle in self._handlers:
            if place < n_cells and (text := cells[place].strip()):
                try:
                    value = handle(text)
                except (IdentifierError, FormatError) as error:
                    faults.append(Problem(error.code, str(error), f"{where} {column}"))
                    continue
                if field == _PARTIES:
                    parties += value
                    if column == _ARTIST and said[_DISPLAYED] is None:
                        said[_DISPLAYED] = value[0].name if len(value) == 1 else ", ".join([p.name for p in value])
                else:
                    said[field] = value
        said[_PARTIES] = parties
        row = _tuple(Metadata, said)
        if n_cells > self._n_columns:
            faults.append(Problem("cells", f"{n_cells} cells, but the header names {self._n_columns}", where))
        if self._names_more:
            faults += _incomplete(row, faults)
        if len(parties) > 1:
            faults += [Problem("shares", message, where) for message in _excess(parties)]
        return row, faults


def _incomplete(row: Metadata, faults: Sequence[Problem]) -> list[Problem]:
    """Say what is missing of a voice or a model release, or too much."""
    found = []
    if not row.voice and (row.voice_name or row.voice_id or row.consent):
        found.append(Problem("voice", "no voice named: whose is it?", f"{row.where} {_VOICE}"))
    if row.model_release or row.model_party or row.model_release_id:
        told = {fault.where for fault in faults}
        lacking = {f"{row.where} {column}": why for column, why in _NEEDED_OF_MODEL.items() if not getattr(row, column)}
        found += [Problem(_MODEL, message, place) for place, message in lacking.items() if place not in told]
    return found + [Problem("shares", message, row.where) for message in _excess(row.voice, what="voice")]


def _excess(parties: Sequence[PartyLine], *, what: str = "recording") -> list[str]:
    """Say which shares add to more than the whole; those bounded in right, place or time are for the catalogue."""
    messages: list[str] = []
    stated = [p for p in parties if p.share is not None]
    if len(stated) < 2:  # one share is at most 1
        return messages
    stated = [p for p in stated if not p.rights and _is_unbounded(p)]
    for of_work in (True, False):
        held = [p for p in stated if (p.role in OF_WORK) == of_work]
        if len(held) > 1 and _exceeds_one([p.share for p in held if p.share is not None]):
            total = sum((p.share or Fraction(0) for p in held), Fraction(0))
            who = ", ".join(f"{p.name} {p.share}" for p in held)
            messages.append(f"the shares of the {'work' if of_work else what} add up to {total}, more than 1: {who}")
    return messages


def _is_unbounded(line: PartyLine) -> bool:
    return line.territory == "2136" and line.valid_from is line.valid_to is None


def _exceeds_one(fractions: Sequence[Fraction]) -> bool:
    """Add as whole numbers: a line in a million exceeds, and reducing each sum to lowest terms takes its time."""
    above, below = 0, 1
    for part in fractions:
        above, below = above * part.denominator + part.numerator * below, below * part.denominator
    return above > below


# ── one cell ─────────────────────────────────────────────────────────────────


def _text(text: str) -> str:
    return " ".join(text.split())


@lru_cache(maxsize=512)
def _year(text: str) -> int:
    if not re.fullmatch(r"(1[89]|20)\d\d", text):
        raise FormatError(f"{text!r} is not a year: four digits, 1800 to 2099")
    return int(text)


def _duration(text: str) -> float:
    if match := re.fullmatch(r"(?:(?:(\d+):)?(\d{1,3}):)?(\d{1,6}(?:\.\d+)?)(?:\s*s)?", text):
        hours, minutes, seconds = match.groups(default="0")
        return int(hours) * 3600 + int(minutes) * 60 + float(seconds)
    raise FormatError(f"{text!r} is not a duration: seconds (215.5) or minutes and seconds (3:35)")


def _id(kind: str, text: str) -> str:
    if not re.fullmatch(rf"{kind}_[0-9a-f]{{16}}", text):
        raise FormatError(f"{text!r} is not an id of ours: {kind}_ and sixteen digits 0 to f; leave it empty")
    return text


def _answering(text: str) -> PartyLine:
    """Read the party that answers for a model: one, whole."""
    line, *others = read_parties(text, role=Role.PRODUCER) or (None,)
    if line is None or others or line.share is not None or line.contains_ai is not None:
        raise FormatError(f"{text!r} does not say who answers for the model: one party, without a share")
    return line


_HANDLERS: dict[str, Callable[..., Any]] = {
    "id": partial(_id, "rec"),
    "file": str,
    "title": _text,
    "display_artist": _text,
    "isrc": identifiers.isrc,
    "work_id": partial(_id, "wrk"),
    "work_title": _text,
    "iswc": identifiers.iswc,
    "year": _year,
    "duration_s": _duration,
    "contains_ai": disclosure,
    _VOICE: partial(read_parties, role=Role.PERFORMER),
    "voice_name": _text,
    "voice_id": partial(_id, "voi"),
    "consent": _text,
    _MODEL: _text,
    _MODEL_PARTY: _answering,
    "model_release_id": partial(_id, "mdl"),
    **{column: partial(read_parties, role=role) for column, role in _PARTY_COLUMNS.items()},
}


# ── writing ──────────────────────────────────────────────────────────────────


def write_metadata(rows: Iterable[Metadata]) -> Iterator[str]:
    """Yield the lines of a table, the header first, that reads back as these rows."""
    columns = [*_HANDLERS]
    buffer = io.StringIO(newline="")
    writer = csv.DictWriter(buffer, columns, lineterminator="\n")
    writer.writeheader()
    for row in rows:
        cells = {
            "id": row.id,
            "file": row.file,
            "title": row.title,
            "isrc": row.isrc,
            "work_id": row.work_id,
            "work_title": row.work_title,
            "iswc": row.iswc,
            "year": row.year,
            "duration_s": None if row.duration_s is None else f"{row.duration_s:.6f}".rstrip("0").rstrip("."),
            "contains_ai": row.contains_ai,
            _VOICE: print_parties(row.voice),
            "voice_name": row.voice_name,
            "voice_id": row.voice_id,
            "consent": row.consent,
            _MODEL: row.model_release,
            _MODEL_PARTY: print_parties([row.model_party] if row.model_party else []),
            "model_release_id": row.model_release_id,
        }
        for column, role in _PARTY_COLUMNS.items():
            cells[column] = print_parties(line for line in row.parties if line.role is role)
        if row.artist != (", ".join(line.name for line in row.parties if line.role is Role.PERFORMER) or None):
            cells["display_artist"] = row.artist
        writer.writerow(cells)
        yield buffer.getvalue()
        buffer.seek(0)
        buffer.truncate()
    yield buffer.getvalue()
