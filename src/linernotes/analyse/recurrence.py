"""What is heard faintly again and again: recordings cut into pieces too short, or too deep under others, to be told.

A new song may be made of parts of others: two bars here, two there, pitched, one over the other. One such piece alone
is seldom told. But what short windows say for each recording can be added up over the whole query; a recording that
gathers enough is present, and is looked for once more: where only its own places compete, less agreement is enough.
Where one is surely present others are likely, too: then the likeliest are looked for again, and that decides.

Source: built from first principles: a mixture likelihood for presence (a recording is heard in a tenth of the windows,
or in none), and an empirical prior for its places.
"""

import math
import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from linernotes.analyse import candidates, verdicts
from linernotes.analyse.candidates import ALL_TRANSFORMS, Catalogue, Hypothesis, Stretch, Table
from linernotes.analyse.verdicts import Step
from linernotes.model import Fingerprint, FingerprintSegment, LandmarkTable, cell_starts

__all__ = ["Faint", "Part", "search", "windows"]

Place = tuple[int, int]
"""Segment and number of a recording, as :meth:`Catalogue.locate` tells it."""

_Best = tuple[Place, float, NDArray[np.float64]]
"""A recording, the log-odds of a window's best place in it, and that row."""

_LIKELY: tuple[Hypothesis, ...] = tuple(
    (tempo, bins)
    for tempo, bins in ALL_TRANSFORMS
    if tempo == 1 or bins == 0 or abs(24 * math.log2(tempo) - bins) < 1.05
)
"""Pitch alone, tempo alone, and both as a turntable does."""
_LEAST, _WINDOW, _STRIDE = 470, 94, 24  # query frames: 15 s, 3 s, 0.77 s
_HEARD_SHARE, _PRIOR_LOG_ODDS = 0.1, 4.0  # of windows; taken off what a window says, which knows the prior
_SILENT = math.log(1 - _HEARD_SHARE)
_CLEAREST = 8.0  # log-odds
_ENOUGH = 1.5
# What is surely made of one recording is likelier made of others: the next likely ones are looked for again as well.
# Among those few, in 14 songs of three layers, what is not in them got at most 0.5, 39 of the 42 layers 5.5 or more.
_SURELY, _AMONG_FEW_LOG_ODDS, _DOUBT = 8.0, 5.0, 1.3
_MOST = 8  # recordings looked for again
_STEPS = (Step((4, 0.5), (2, 0.02), 1), Step((1, 0.25), (1, 0.01)))
_REFINED = 60
_PROPOSED, _PROPOSED_PER_RECORDING = 1500, 400
_LEAST_DEVIATIONS = 1.5  # few places: even the best of them is seldom far from the mean
# Log-odds of a window's best place in a recording that is present, from those in the whole catalogue; fitted on 14
# songs of three layers (evaluations.layers).
_FIRM, _PER_LOG_ODD = 3.2, 0.45


@dataclass(frozen=True, slots=True)
class Faint:
    """A window heard in a recording that is present, and its row in the whole catalogue.

    ``presence`` is the probability that the recording is in the query at all, ``probability`` that it is heard here.
    """

    window: Stretch
    place: Place
    presence: float
    probability: float
    row: NDArray[np.float64]


def windows(query: Fingerprint) -> list[Stretch]:
    """Short windows over the whole query; none of one too short for anything to recur."""
    last = len(query.signs) - _WINDOW
    if len(query.signs) < _LEAST:
        return []
    return [Stretch(query, start, start + _WINDOW) for start in range(0, last + 1, _STRIDE)]


def search(short: Sequence[Stretch], catalogue: Catalogue, *, words: float) -> Iterator[Faint]:
    """Find what recurs in ``short`` windows; each of two passes makes at most ``words`` comparisons of a word."""
    asked = _affordable(short[::2], _LIKELY, catalogue, words)
    sums = _sums(_over_cores(lambda window: _best(window, catalogue), asked), _PRIOR_LOG_ODDS)
    ranked = sorted(sums, key=lambda place: (-sums[place], place))[:_MOST]
    in_company = bool(ranked) and sums[ranked[0]] >= _SURELY
    few = [place for place in ranked if in_company or sums[place] >= _ENOUGH]
    if not few:
        return
    part = Part.of(catalogue, few)
    again = _affordable(short, ALL_TRANSFORMS, part.catalogue, words)
    heard = _over_cores(lambda window: _heard(window, catalogue, part), again)
    if in_company:
        sums = {place: log_odds - _DOUBT for place, log_odds in _sums(heard, _AMONG_FEW_LOG_ODDS).items()}
    for window, told in zip(again, heard, strict=True):
        for place, log_odds, row in told:
            presence = _chance(sums[place])
            yield Faint(window, place, presence, presence * _chance(_FIRM + _PER_LOG_ODD * log_odds), row)


def _over_cores(hear: Callable[[Stretch], list[_Best]], asked: Sequence[Stretch]) -> list[list[_Best]]:
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        return list(pool.map(hear, asked))


def _affordable(
    short: Sequence[Stretch], hypotheses: Sequence[Hypothesis], catalogue: Catalogue, words: float
) -> list[Stretch]:
    n = min(len(short), int(words / (len(hypotheses) * catalogue.n_frames * _WINDOW / 4)))
    return [short[i] for i in np.linspace(0, len(short) - 1, n).round().astype(int)] if n else []


def _best(window: Stretch, catalogue: Catalogue) -> list[_Best]:
    """Tell where in each likely recording of the whole catalogue a window is heard best."""
    proposed = candidates.propose(window, catalogue, _LIKELY, limit=250)
    table = verdicts.one_each(verdicts.improve(window, catalogue, proposed, _STEPS)[:_REFINED])
    return _best_of_each(window, catalogue, table)


def _sums(heard: Sequence[Sequence[_Best]], prior_log_odds: float) -> dict[Place, float]:
    """Add up what windows say for each recording: log-odds of its being heard in a tenth of them, against none."""
    sums: dict[Place, float] = {}
    for told in heard:
        for place, log_odds, _ in told:
            likelihood = math.exp(min(log_odds, _CLEAREST) + prior_log_odds)
            gain = math.log(1 - _HEARD_SHARE + _HEARD_SHARE * likelihood) - _SILENT
            sums[place] = sums.get(place, len(heard) * _SILENT) + gain
    return sums


@dataclass(frozen=True, slots=True)
class Part:
    """Some recordings of a catalogue as a catalogue of their own, and how far each lies from its place in the whole."""

    catalogue: Catalogue
    shifts: NDArray[np.int64]

    @classmethod
    def of(cls, whole: Catalogue, recordings: Sequence[Place]) -> Self:
        """Take these recordings."""
        firsts = [whole.firsts[s] + whole.segments[s].starts[r] for s, r in recordings]
        part = Catalogue([_joined([(whole.segments[s], r) for s, r in recordings])])
        return cls(part, np.array(firsts, np.int64) - part.segments[0].starts[:-1])

    def in_whole(self, table: Table) -> Table:
        """Move a table of places in this part to the places in the whole catalogue."""
        moved = table.copy()
        moved[:, 0] += self.shifts[self.catalogue.numbers(table[:, 0]) - 1]
        return moved


def _joined(recordings: Sequence[tuple[FingerprintSegment, int]]) -> FingerprintSegment:
    """Lay recordings end to end in one segment, without landmarks: every place of it is looked at."""
    frames = [s.frames[s.starts[r] : s.starts[r + 1]] for s, r in recordings]
    loud_frames = [s.loud_frames[s.loud_starts[r] : s.loud_starts[r + 1]] for s, r in recordings]
    starts = np.cumsum([0, *map(len, frames)])
    return FingerprintSegment(
        recording_ids=[s.recording_ids[r] for s, r in recordings],
        starts=starts,
        loud_starts=np.cumsum([0, *map(len, loud_frames)]),
        frames=np.concatenate(frames),
        loud_frames=np.concatenate(loud_frames),
        cell_starts=cell_starts(starts),
        landmarks=LandmarkTable.pack([], cell_starts(starts)),
        removed=np.zeros(len(frames), np.bool_),
    )


def _heard(window: Stretch, catalogue: Catalogue, part: Part) -> list[_Best]:
    """Tell where in each recording of a part a window is heard best."""
    proposed = candidates.propose(
        window,
        part.catalogue,
        ALL_TRANSFORMS,
        limit=_PROPOSED,
        per_recording=_PROPOSED_PER_RECORDING,
        least_deviations=_LEAST_DEVIATIONS,
    )
    table = verdicts.one_each(verdicts.improve(window, catalogue, part.in_whole(proposed), _STEPS))
    return _best_of_each(window, catalogue, table)


def _best_of_each(window: Stretch, catalogue: Catalogue, table: Table) -> list[_Best]:
    """Weigh a table; each recording's best row and its log-odds."""
    if not len(table):
        return []
    chances = verdicts.probabilities(verdicts.features(window, catalogue, table, among=table), searched=True)
    best: dict[Place, _Best] = {}
    for i in np.argsort(-chances, kind="stable"):
        place = catalogue.locate(table[i, 3])
        if place is not None and place not in best:
            chance = min(max(float(chances[i]), 1e-12), 1 - 1e-12)
            best[place] = (place, math.log(chance / (1 - chance)), table[i])
    return list(best.values())


def _chance(log_odds: float) -> float:
    return 1 / (1 + math.exp(-log_odds))
