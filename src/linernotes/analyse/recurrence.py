"""What is heard faintly again and again: recordings cut into pieces too short, or too deep under others, to be told.

What every window says for a recording is added up over the whole query. A recording that gathers enough is present,
and is looked for once more in short windows: where only its own places compete, less agreement is enough.

Conventions
-----------
Recordings are told by segment and number, as :meth:`linernotes.analyse.candidates.Catalogue.locate` does.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Self

import numpy as np
from numpy.typing import NDArray

from linernotes.analyse import candidates, verdicts
from linernotes.analyse.candidates import ALL_TRANSFORMS, Catalogue, Stretch, Table
from linernotes.analyse.verdicts import Step
from linernotes.model import Fingerprint, FingerprintSegment, LandmarkTable, cell_starts

__all__ = ["FAINTEST", "Part", "Presence", "WINDOW", "hear", "windows"]

Place = tuple[int, int]
WINDOW, _STRIDE = 94, 47  # query frames: 3 s, 1.5 s
FAINTEST = 0.02  # least probability of a window that counts
_HINT = 3.0  # log-odds added to a window's before they are summed
_ENOUGH = 4.0
_MOST = 8  # recordings looked for again
_PROPOSED, _PROPOSED_PER_RECORDING, _LEAST_DEVIATIONS = 1500, 400, 2.5
_STEPS = (Step((4, 0.5), (2, 0.02), 1), Step((1, 0.25), (1, 0.01)))
# Log-odds of a window's best place in a recording that is present, from those in the whole catalogue; fitted on 14
# songs of three layers (evaluations.layers).
_FIRM, _PER_LOG_ODD = 3.2, 0.45


@dataclass(slots=True)
class Presence:
    """What windows say for recordings."""

    _told: dict[Place, dict[int, float]] = field(default_factory=dict)

    def note(self, place: Place, start: int, probability: float) -> None:
        """Keep what the window that begins at ``start`` says for a recording."""
        log_odds = math.log(probability / (1 - probability)) if probability < 1 else 30.0
        told = self._told.setdefault(place, {})
        told[start] = max(told.get(start, -30.0), log_odds)

    def recordings(self) -> list[Place]:
        """Recordings that gathered enough, the most first."""
        sums = {p: sum(math.log1p(math.exp(odds + _HINT)) for odds in told.values()) for p, told in self._told.items()}
        enough = [place for place, gathered in sums.items() if gathered >= _ENOUGH]
        return sorted(enough, key=lambda place: (-sums[place], place))[:_MOST]


@dataclass(frozen=True, slots=True)
class Part:
    """Some recordings of a catalogue as a catalogue of their own, and how far each lies from its place in the whole."""

    catalogue: Catalogue
    shifts: NDArray[np.int64]

    @classmethod
    def of(cls, whole: Catalogue, recordings: Sequence[Place]) -> Self:
        """Take these recordings."""
        part = Catalogue([_alone(whole.segments[s], r) for s, r in recordings])
        firsts = [whole.firsts[s] + whole.segments[s].starts[r] for s, r in recordings]
        return cls(part, np.array(firsts, np.int64) - part.firsts[:-1])

    def in_whole(self, table: Table) -> Table:
        """Move a table of places in this part to the places in the whole catalogue."""
        moved = table.copy()
        moved[:, 0] += self.shifts[self.catalogue.numbers(table[:, 0]) - 1]
        return moved


def _alone(segment: FingerprintSegment, r: int) -> FingerprintSegment:
    """One recording as a segment, without landmarks: every place of it is looked at."""
    low, high = segment.starts[r], segment.starts[r + 1]
    starts = np.array([0, high - low], np.int64)
    nothing = LandmarkTable.pack([], cell_starts(starts))
    loud_low, loud_high = segment.loud_starts[r], segment.loud_starts[r + 1]
    return FingerprintSegment(
        recording_ids=segment.recording_ids[r : r + 1],
        starts=starts,
        loud_starts=np.array([0, loud_high - loud_low], np.int64),
        frames=segment.frames[low:high],
        loud_frames=segment.loud_frames[loud_low:loud_high],
        cell_starts=cell_starts(starts),
        landmarks=nothing,
        removed=segment.removed[r : r + 1],
    )


def windows(query: Fingerprint) -> list[Stretch]:
    """Short windows over the whole query."""
    last = len(query.signs) - WINDOW
    return [Stretch(query, start, start + WINDOW) for start in range(0, last + 1, _STRIDE)]


def hear(window: Stretch, catalogue: Catalogue, part: Part) -> list[tuple[Place, float, NDArray[np.float64]]]:
    """Weigh where in each recording of a part a window may be: recording, probability, and row in the catalogue."""
    proposed = candidates.propose(
        window,
        part.catalogue,
        ALL_TRANSFORMS,
        limit=_PROPOSED,
        per_recording=_PROPOSED_PER_RECORDING,
        least_deviations=_LEAST_DEVIATIONS,
    )
    table = verdicts.one_each(verdicts.improve(window, catalogue, part.in_whole(proposed), _STEPS))
    if not len(table):
        return []
    chances = verdicts.probabilities(verdicts.features(window, catalogue, table), searched=True)
    best: dict[Place, tuple[Place, float, NDArray[np.float64]]] = {}
    for row, chance in zip(table, chances, strict=True):
        place = catalogue.locate(row[3])
        if place is not None and (place not in best or chance > best[place][1]):
            best[place] = (place, float(chance), row)
    return [(place, _when_present(chance), row) for place, chance, row in best.values()]


def _when_present(probability: float) -> float:
    log_odds = math.log(max(probability, 1e-12) / max(1 - probability, 1e-12))
    return 1 / (1 + math.exp(-_FIRM - _PER_LOG_ODD * log_odds))
