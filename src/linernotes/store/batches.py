"""Rows on their way into the catalogue, ready for its tables: a batch of them, by key."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date

__all__ = [
    "WORK_RIGHTS",
    "Batch",
    "ContributionRow",
    "ModelReleaseRow",
    "PartyRow",
    "RecordingRow",
    "ShareRow",
    "VoiceRow",
    "WorkRow",
    "by_right",
]

PartyRow = tuple[str, str, str | None, str | None, str | None]
"""id, name, ipi_name_number, ipi_base_number, isni."""
WorkRow = tuple[str, str, str | None]
"""id, title, iswc."""
RecordingRow = tuple[str, str, str, str | None, str | None, int | None, str | None, str, float]
"""id, title, artist, isrc, work_id, year, contains_ai, path, duration_s."""
ContributionRow = tuple[str, str, str, str | None]
"""subject_id, party_id, role, contains_ai."""
VoiceRow = tuple[str, str, str, str | None]
"""id, party_id, name, consent."""
ModelReleaseRow = tuple[str, str, str]
"""id, name, party_id."""
ShareRow = tuple[str, str, str, int, int, str, date | None, date | None]
"""subject_id, party_id, right_type, numerator, denominator, territory, valid_from, valid_to.

In a batch, ``right_type`` may be :data:`WORK_RIGHTS`: the same share of each of the three rights in a work.
"""
WORK_RIGHTS = "mechanical performance synchronisation"


@dataclass(slots=True)
class Batch:
    """Rows to enter together, by key; ``shares`` by subject, each row once.

    ``contributions``: subject, party and role, and how much a machine did. ``restated``: those to look at again.
    """

    parties: dict[str, PartyRow] = field(default_factory=dict)
    works: dict[str, WorkRow] = field(default_factory=dict)
    recordings: dict[str, RecordingRow] = field(default_factory=dict)
    contributions: dict[tuple[str, str, str], str | None] = field(default_factory=dict)
    shares: dict[str, list[ShareRow]] = field(default_factory=dict)
    voices: dict[str, VoiceRow] = field(default_factory=dict)
    model_releases: dict[str, ModelReleaseRow] = field(default_factory=dict)
    where: dict[str, str] = field(default_factory=dict)
    restated: set[str] = field(default_factory=set)

    def in_order(self) -> "Batch":
        """Return the batch with what has random keys in their order: entered so, neighbours share a page."""
        return Batch(
            {key: self.parties[key] for key in sorted(self.parties)},
            {key: self.works[key] for key in sorted(self.works)},
            {key: self.recordings[key] for key in sorted(self.recordings)},
            self.contributions,
            self.shares,
            self.voices,
            self.model_releases,
            self.where,
            self.restated,
        )


def by_right(rows: Iterable[ShareRow]) -> Iterator[ShareRow]:
    """Yield rows about one right each."""
    for row in rows:
        for right in row[2].split():
            yield (*row[:2], right, *row[3:])
