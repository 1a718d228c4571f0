"""Where in a catalogue a stretch of a query may sound, and how it may have been changed.

A stretch is laid on every place of the catalogue under a grid of transformations, with half of its bands and a quarter
of its frames: enough to leave a few hundred places out of tens of millions. Those are then moved to the best alignment
nearby with all bands and frames.

Conventions
-----------
A table of alignments has the columns of :data:`linernotes.kernels.align.COLUMNS`; places count frames of the whole
catalogue, segment after segment.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from threading import Lock
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np
from numpy.typing import NDArray

from linernotes.kernels import align
from linernotes.model import Fingerprint, FingerprintSegment

__all__ = [
    "ALL_TRANSFORMS",
    "PER_RECORDING",
    "Catalogue",
    "Stretch",
    "distinct",
    "even_bands",
    "first_of_each",
    "propose",
    "rank",
    "thin",
]

Table = NDArray[np.float64]
Hypothesis = tuple[float, int]
"""Tempo ratio, and bands the query is higher."""

ALL_TRANSFORMS: tuple[Hypothesis, ...] = tuple((math.exp(0.055 * t), b) for t in range(-4, 6) for b in range(-9, 10))
_LEAST_DEVIATIONS = 3.4  # a place nearer to chance than this is no candidate
_PER_HYPOTHESIS = 96
PER_RECORDING = 8  # so that music that lasts does not crowd out the rest
_LOOKED_AT = 25  # times as many as are kept are looked at
_FEW_CELLS = 120
_PRIOR_ALIGNMENTS, _PRIOR_DEVIATION = (
    4000.0,
    2.2,
)  # of opposite cells, over the root of the cells, in small catalogues


@dataclass(frozen=True, slots=True)
class Stretch:
    """Query frames ``start`` to ``stop``."""

    query: Fingerprint = field(repr=False)
    start: int
    stop: int

    @property
    def words(self) -> tuple[NDArray[np.uint64], NDArray[np.uint64], int, int]:
        """What the kernels take."""
        return self.query.signs, self.query.strong, self.start, self.stop

    @property
    def middle(self) -> float:
        """The frame that alignments are told by."""
        return 0.5 * (self.start + self.stop - 1)


@dataclass(frozen=True, slots=True)
class _Codes:
    """Even bands of even and of odd frames: what the first look at a segment reads."""

    even: NDArray[np.uint64]
    odd: NDArray[np.uint64]


_codes: WeakKeyDictionary[FingerprintSegment, _Codes] = WeakKeyDictionary()
_codes_lock = Lock()


def _codes_of(segment: FingerprintSegment) -> _Codes:
    with _codes_lock:
        if segment not in _codes:
            _codes[segment] = _Codes(
                np.ascontiguousarray(segment.frames[0::2, 0]), np.ascontiguousarray(segment.frames[1::2, 0])
            )
        return _codes[segment]


class Catalogue:
    """Segments of an index as one row of frames."""

    def __init__(self, segments: Sequence[FingerprintSegment]) -> None:
        self.segments: Sequence[FingerprintSegment] = [s for s in segments if len(s.frames)]
        self.firsts = np.cumsum([0, *(len(s.frames) for s in self.segments)])

    @property
    def n_frames(self) -> int:
        """Frames of all recordings."""
        return int(self.firsts[-1])

    @cached_property
    def codes(self) -> list[_Codes]:
        """What :func:`propose` reads, segment by segment."""
        return [_codes_of(segment) for segment in self.segments]

    @cached_property
    def _edges(self) -> NDArray[np.int64]:
        """Where each recording begins and ends, and whether it is in the index still; shape (n, 3), all segments."""
        edges = [
            np.stack([first + s.starts[:-1], first + s.starts[1:], ~s.removed], axis=1)
            for first, s in zip(self.firsts, self.segments, strict=False)
        ]
        return np.concatenate(edges) if edges else np.zeros((0, 3), np.int64)

    def numbers(self, places: NDArray[np.float64]) -> NDArray[np.intp]:
        """Count the recordings before the one at each place."""
        return np.searchsorted(self._edges[:, 0], places, side="right")

    def bounded(self, table: Table) -> Table:
        """Write into each row of a copy the frames of the recording it lies in; drop what lies in none."""
        which = self.numbers(table[:, 0]) - 1
        edges = self._edges[which]
        inside = (which >= 0) & (table[:, 0] < edges[:, 1]) & (edges[:, 2] > 0)
        kept = table[inside]
        kept[:, 3:5] = edges[inside, :2]
        return kept

    def locate(self, place: float) -> tuple[int, int] | None:
        """Segment and recording that own frame ``place``; None where nothing does or it was removed."""
        s = int(np.searchsorted(self.firsts, place, side="right")) - 1
        if not 0 <= s < len(self.segments):
            return None
        segment = self.segments[s]
        r = int(np.searchsorted(segment.starts, place - self.firsts[s], side="right")) - 1
        if not 0 <= r < len(segment.recording_ids) or segment.removed[r]:
            return None
        return s, r


def propose(
    stretch: Stretch,
    catalogue: Catalogue,
    hypotheses: Sequence[Hypothesis],
    *,
    limit: int,
    per_recording: int = PER_RECORDING,
    least_deviations: float = _LEAST_DEVIATIONS,
) -> Table:
    """Places that agree with a stretch beyond chance under some hypothesis; shape (up to limit, 8), best first.

    ``score`` is here in deviations from the mean of all places under the same hypothesis.
    """
    rows = [np.zeros((0, len(align.COLUMNS)))]
    for tempo, bins in hypotheses:
        index, reach = thin(stretch, tempo)
        signs, strong = (
            even_bands(stretch.query.signs[index], bins),
            even_bands(stretch.query.strong[index], bins),
        )
        rows.append(_places(catalogue, signs, strong, reach=reach, tempo=tempo, bins=bins, least=least_deviations))
    return distinct(np.concatenate(rows), catalogue, limit=limit, per_recording=per_recording)


def distinct(table: Table, catalogue: Catalogue, *, limit: int, per_recording: int = PER_RECORDING) -> Table:
    """Keep the best alignment of each neighbourhood (half a second, three bands, two tempos), few of each recording."""
    most = _LOOKED_AT * limit
    if len(table) > most:
        table = table[np.sort(np.argpartition(-table[:, 5], most)[:most])]
    table = table[np.argsort(-table[:, 5], kind="stable")]
    key = (table[:, 0] // 8 * 64 + (table[:, 2] + 30) // 3) * 64 + np.round(np.log(table[:, 1]) / 0.055) // 2
    table = table[first_of_each(key)]
    return table[rank(catalogue.numbers(table[:, 0])) < per_recording][:limit]


def first_of_each(keys: NDArray[np.float64]) -> NDArray[np.intp]:
    """Where each number occurs first, in order of place."""
    _, first = np.unique(keys, return_index=True)
    return np.sort(first)


def rank(groups: NDArray[Any]) -> NDArray[np.intp]:
    """How many earlier entries belong to the same group, for each entry."""
    order = np.argsort(groups, kind="stable")
    ordered = groups[order]
    starts = np.flatnonzero(np.concatenate([[True], ordered[1:] != ordered[:-1]]))
    ranks = np.empty(len(groups), np.intp)
    ranks[order] = np.arange(len(groups)) - np.repeat(starts, np.diff([*starts, len(groups)]))
    return ranks


def thin(stretch: Stretch, tempo: float) -> tuple[NDArray[np.intp], float]:
    """Query frames two reference frames apart, and how many reference frames they span."""
    step = 4.0 / tempo
    n = int((stretch.stop - stretch.start - 1) / step) + 1
    first = stretch.middle - 0.5 * (n - 1) * step
    return np.floor(first + np.arange(n) * step + 0.5).astype(np.intp), 2.0 * (n - 1)


def even_bands(words: NDArray[np.uint64], bins: int) -> NDArray[np.uint64]:
    """Return the even bands of packed frames after moving everything ``bins`` bands down."""
    column, shift = np.ascontiguousarray(words[:, bins & 1]), bins >> 1
    moved: NDArray[np.uint64] = column >> np.uint64(shift) if shift >= 0 else column << np.uint64(-shift)
    return moved


def _places(
    catalogue: Catalogue,
    signs: NDArray[np.uint64],
    strong: NDArray[np.uint64],
    *,
    reach: float,
    tempo: float,
    bins: int,
    least: float,
) -> Table:
    """Places beyond chance under one hypothesis, for the words of a thinned window."""
    cells = int(np.bitwise_count(strong).sum())
    if cells < _FEW_CELLS:
        return np.zeros((0, len(align.COLUMNS)))
    counts, firsts = [], []
    for first, codes in zip(catalogue.firsts, catalogue.codes, strict=False):
        for parity, line in ((0, codes.even), (1, codes.odd)):
            out = np.empty(max(0, len(line) - len(signs) + 1), np.uint16)
            align.sweep(line, signs, strong, out)
            counts.append(out)
            firsts.append(first + parity)
    n = sum(map(len, counts)) + _PRIOR_ALIGNMENTS
    mean = (sum(float(np.sum(out, dtype=np.float64)) for out in counts) + _PRIOR_ALIGNMENTS * 0.5 * cells) / n
    squares = sum(float(np.sum((out.astype(np.float32) - np.float32(mean)) ** 2)) for out in counts)
    deviation = math.sqrt((squares + _PRIOR_ALIGNMENTS * _PRIOR_DEVIATION**2 * cells) / n)
    rows = []
    for first, out in zip(firsts, counts, strict=True):
        at = np.flatnonzero(out < mean - least * deviation)
        if len(at) > _PER_HYPOTHESIS:
            at = at[np.argpartition(out[at], _PER_HYPOTHESIS)[:_PER_HYPOTHESIS]]
        row = np.zeros((len(at), len(align.COLUMNS)))
        row[:, 0] = first + 2.0 * at + 0.5 * reach
        row[:, 1], row[:, 2] = tempo, bins
        row[:, 5] = (mean - out[at]) / deviation
        rows.append(row)
    return np.concatenate(rows) if rows else np.zeros((0, len(align.COLUMNS)))
