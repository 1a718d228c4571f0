"""Rows on their way into the catalogue: drafted by key, then a batch of them by column, ready for its tables."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from datetime import date
from itertools import compress, repeat
from operator import itemgetter
from typing import Any

__all__ = [
    "SHARE",
    "WORK_RIGHTS",
    "Batch",
    "Draft",
    "ModelReleaseRow",
    "PartyRow",
    "RecordingRow",
    "Rows",
    "Same",
    "ShareRow",
    "VoiceRow",
    "WorkRow",
    "by_right",
]

PartyRow = tuple[str, str, str | None, str | None, str | None]
"""id, name, ipi_name_number, ipi_base_number, isni."""
WorkRow = tuple[str, str, str | None, str]
"""id, title, iswc, where: which line it comes from."""
RecordingRow = tuple[str, str, str, str | None, str | None, int | None, str | None, str, float, str]
"""id, title, artist, isrc, work_id, year, contains_ai, path, duration_s, where."""
VoiceRow = tuple[str, str, str, str | None, str]
"""id, party_id, name, consent, where."""
ModelReleaseRow = tuple[str, str, str, str]
"""id, name, party_id, where."""
ShareRow = tuple[str, str, str, int, int, str, date | None, date | None]
"""subject_id, party_id, right_type, numerator, denominator, territory, valid_from, valid_to.

In a draft, ``right_type`` may be :data:`WORK_RIGHTS`: the same share of each of the three rights in a work.
"""
WORK_RIGHTS = "mechanical performance synchronisation"

_PARTY_IDENTIFIERS = ("ipi_name_number", "ipi_base_number", "isni")
_PARTY = ("id", "name", *_PARTY_IDENTIFIERS)
_WORK = ("id", "title", "iswc", "where")
_RECORDING = ("id", "title", "artist", "isrc", "work_id", "year", "contains_ai", "path", "duration_s", "where")
_LINK = ("subject_id", "party_id", "role")
SHARE = ("subject_id", "party_id", "right_type", "numerator", "denominator", "territory", "valid_from", "valid_to")
_KEY = itemgetter(0)
_BETWEEN = "\0"  # what no cell is likely to hold


class Same(Sequence[Any]):
    """A column that says one thing all through: it travels once, and is bound once for some hundred rows."""

    __slots__ = ("_length", "value")

    def __init__(self, value: object, length: int) -> None:
        self.value = value
        self._length = length

    def __len__(self) -> int:
        return self._length

    def __iter__(self) -> Iterator[Any]:
        return repeat(self.value, self._length)

    def __getitem__(self, place: Any) -> Any:
        return [*self][place]


@dataclass(frozen=True, slots=True)
class Rows:
    """Rows of one table, ``cells`` a sequence for each of ``columns``: a million of them travel as a few long texts."""

    columns: Sequence[str]
    cells: Sequence[Sequence[Any]]

    @classmethod
    def of(cls, columns: Sequence[str], rows: Iterable[tuple[Any, ...]]) -> "Rows":
        """Turn rows into columns."""
        return cls(columns, tuple(map(_briefly, zip(*rows, strict=True))) or ((),) * len(columns))

    def __reduce__(self) -> tuple[Any, ...]:
        return _unpacked, (self.columns, [*map(_packed, self.cells)])

    def __len__(self) -> int:
        return len(self.cells[0])

    def __iter__(self) -> Iterator[tuple[Any, ...]]:
        return zip(*self.cells, strict=True)

    def column(self, name: str) -> Sequence[Any]:
        """Return the cells of a column."""
        return self.cells[self.columns.index(name)]

    def without(self, *columns: str) -> "Rows":
        """Return the rows without these columns."""
        kept = [name not in columns for name in self.columns]
        return Rows(tuple(compress(self.columns, kept)), tuple(compress(self.cells, kept)))

    def with_column(self, name: str, cells: Sequence[Any]) -> "Rows":
        """Return the rows with another column behind the others."""
        return Rows((*self.columns, name), (*self.cells, _briefly(cells)))

    def renamed(self, ids: Mapping[str, str], *columns: str) -> "Rows":
        """Return the rows with ids of these columns exchanged, where there is another for them."""
        cells = [
            [ids.get(cell, cell) for cell in cells] if name in columns else cells
            for name, cells in zip(self.columns, self.cells, strict=True)
        ]
        return Rows(self.columns, cells)


def _briefly(cells: Sequence[Any]) -> Sequence[Any]:
    """Return a column, as :class:`Same` if it is one."""
    is_same = len(cells) > 1 and cells[0] == cells[-1] and cells.count(cells[0]) == len(cells)
    return Same(cells[0], len(cells)) if is_same else cells


def _packed(cells: Sequence[Any]) -> Sequence[Any]:
    """Join a column of nothing but texts: one text is sent and read in a fifth of the time that thousands take."""
    if isinstance(cells, Same):
        return cells
    try:
        text = _BETWEEN.join(cells)
    except TypeError:
        return cells
    return text if text.count(_BETWEEN) == len(cells) - 1 else cells


def _unpacked(columns: Sequence[str], packed: Sequence[Sequence[Any]]) -> Rows:
    return Rows(columns, tuple(cells.split(_BETWEEN) if isinstance(cells, str) else cells for cells in packed))


@dataclass(frozen=True, slots=True)
class Batch:
    """Rows to enter together, those with random keys in their order: entered so, neighbours share a page.

    ``names`` are parties that have nothing but a name. ``whole_shares`` are of each of :data:`WORK_RIGHTS`.
    ``restated``: those to look at again.
    """

    names: Rows
    parties: Rows
    works: Rows
    recordings: Rows
    contributions: Rows
    shares: Rows
    whole_shares: Rows
    voices: Mapping[str, VoiceRow]
    model_releases: Mapping[str, ModelReleaseRow]
    restated: AbstractSet[str]


@dataclass(slots=True)
class Draft:
    """What is said so far of what will be entered together, by key; ``shares`` by subject, each row once.

    ``contributions``: subject, party and role, and how much a machine did.
    """

    parties: dict[str, PartyRow] = field(default_factory=dict)
    works: dict[str, WorkRow] = field(default_factory=dict)
    recordings: dict[str, RecordingRow] = field(default_factory=dict)
    contributions: dict[tuple[str, str, str], str | None] = field(default_factory=dict)
    shares: dict[str, list[ShareRow]] = field(default_factory=dict)
    voices: dict[str, VoiceRow] = field(default_factory=dict)
    model_releases: dict[str, ModelReleaseRow] = field(default_factory=dict)
    restated: set[str] = field(default_factory=set)

    def batch(self) -> Batch:
        """Return what is said as rows to enter."""
        parties = sorted(self.parties.values(), key=_KEY)
        named = Rows.of(_PARTY, [row for row in parties if row[2] is row[3] is row[4] is None])
        links = sorted(self.contributions, key=_KEY)
        shares = [row for rows in self.shares.values() for row in rows]
        whole = Rows.of(SHARE, [row for row in shares if row[2] == WORK_RIGHTS])
        return Batch(
            names=named.without(*_PARTY_IDENTIFIERS),
            parties=Rows.of(_PARTY, [row for row in parties if not row[2] is row[3] is row[4] is None]),
            works=Rows.of(_WORK, sorted(self.works.values(), key=_KEY)),
            recordings=Rows.of(_RECORDING, sorted(self.recordings.values(), key=_KEY)),
            contributions=Rows.of(_LINK, links).with_column("contains_ai", [*map(self.contributions.get, links)]),
            shares=Rows.of(SHARE, [row for row in shares if row[2] != WORK_RIGHTS]),
            whole_shares=whole.without("right_type"),
            voices=self.voices,
            model_releases=self.model_releases,
            restated=self.restated,
        )


def by_right(rows: Iterable[ShareRow]) -> Iterator[ShareRow]:
    """Yield rows about one right each."""
    for row in rows:
        for right in row[2].split():
            yield (*row[:2], right, *row[3:])
