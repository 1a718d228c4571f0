"""How far an alignment holds, and exactly how the recording was changed.

From the window where it was found, an alignment is followed in both directions for as long as agreement pays for
itself, and refined again on what it then covers: the longer the stretch, the finer tempo and place are known.

Conventions
-----------
A :class:`Diagonal` is a straight line through query and recording: query frame ``q`` lies on reference frame
``origin + q * tempo / 2``, frames counted inside one segment.
"""

import math
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from linernotes.analyse.candidates import Catalogue, Stretch
from linernotes.kernels import align
from linernotes.model import Fingerprint, Transform

__all__ = ["Diagonal", "follow"]

_ROUNDS = 6
_REACH = 320  # query frames looked at beyond what already holds, 10 s
_KEEP = 0.5  # a frame pays if it agrees at least this much of what the stretch does on average
_SAME_TEMPO, _SAME_BANDS = 0.003, 0.6
_NEARLY_STEADY, _STEADY_ENOUGH = 0.03, 0.94


@dataclass(frozen=True, slots=True)
class Diagonal:
    """A straight line through query and recording, and the query frames ``start`` to ``stop`` where it holds."""

    segment: int
    recording: int
    origin: float
    tempo: float
    bins: int
    start: int
    stop: int
    agreement: float = 0.0
    pitch_bins: float = 0.0

    @property
    def transform(self) -> Transform:
        """Pitch and tempo, told exactly where they lie within reach of none, or of each other."""
        tempo, bins = self.tempo, self.pitch_bins
        if abs(tempo - 1) < _SAME_TEMPO:
            tempo = 1.0
        if abs(bins) < _SAME_BANDS and self.bins == 0 and tempo == 1.0:
            bins = 0.0
        elif tempo != 1.0 and abs(24 * math.log2(tempo) - bins) < _SAME_BANDS:
            bins = 24 * math.log2(tempo)
        return Transform(pitch_semitones=bins / 2, tempo_ratio=tempo)


def follow(query: Fingerprint, catalogue: Catalogue, diagonal: Diagonal) -> Diagonal:
    """Extend and refine a diagonal until it no longer changes; empty (start == stop) if nothing of it holds."""
    for _ in range(_ROUNDS):
        refined = _refined(query, catalogue, diagonal)
        extended = _extended(query, catalogue, refined)
        settled = (extended.start, extended.stop) == (diagonal.start, diagonal.stop)
        diagonal = extended
        if settled or diagonal.stop <= diagonal.start:
            break
    return replace(diagonal, pitch_bins=_pitch(query, catalogue, diagonal))


def _row(catalogue: Catalogue, diagonal: Diagonal) -> NDArray[np.float64]:
    """Return the diagonal as a table of one row for its stretch."""
    segment = catalogue.segments[diagonal.segment]
    low, high = segment.starts[diagonal.recording], segment.starts[diagonal.recording + 1]
    place = diagonal.origin + 0.5 * (diagonal.start + diagonal.stop - 1) * diagonal.tempo / 2
    return np.array([[place, diagonal.tempo, diagonal.bins, low, high, 0.0, 0.0, 0.0]])


def _refined(query: Fingerprint, catalogue: Catalogue, diagonal: Diagonal) -> Diagonal:
    """Move a diagonal to where its stretch agrees best; a steady tempo is preferred unless it clearly agrees less."""
    stretch = Stretch(query, diagonal.start, diagonal.stop)
    fine = 1.0 / max(40, stretch.stop - stretch.start)  # moves the ends by a quarter of a reference frame
    frames = catalogue.segments[diagonal.segment].frames
    free = _row(catalogue, diagonal)
    steady = free.copy()
    steady[0, 1] = 1.0
    for places, fineness in (((3, 0.5), 2 * fine), ((1, 0.25), fine)):
        n_tempos = 3 if places[0] == 3 else 1
        free = align.refine(stretch.words, frames, free, places=places, tempos=(n_tempos, fineness), n_bins=0)
        steady = align.refine(stretch.words, frames, steady, places=places, tempos=(0, 0.0), n_bins=0)
    is_steady = abs(free[0, 1] - 1) < _NEARLY_STEADY and steady[0, 5] >= _STEADY_ENOUGH * free[0, 5]
    place, tempo, bins, *_ = steady[0] if is_steady else free[0]
    return replace(diagonal, origin=float(place - stretch.middle * tempo / 2), tempo=float(tempo), bins=int(bins))


def _extended(query: Fingerprint, catalogue: Catalogue, diagonal: Diagonal) -> Diagonal:
    segment = catalogue.segments[diagonal.segment]
    first = max(0, diagonal.start - _REACH)
    last = min(len(query.signs), diagonal.stop + _REACH)
    at = np.floor(diagonal.origin + np.arange(first, last, 2) * diagonal.tempo / 2 + 0.5).astype(np.int64)
    asked, opposite = align.agreement(
        query.signs[first:last:2],
        query.strong[first:last:2],
        segment.frames,
        at,
        low=int(segment.starts[diagonal.recording]),
        high=int(segment.starts[diagonal.recording + 1]),
        bins=diagonal.bins,
    )
    agreed = asked - 2.0 * opposite
    inside = slice((diagonal.start - first + 1) // 2, (diagonal.stop - first + 1) // 2)
    level = float(agreed[inside].sum() / max(1.0, asked[inside].sum()))
    low, high = _best_stretch(agreed - _KEEP * max(level, 0.0) * asked)
    held = slice(low, high)
    return replace(
        diagonal,
        start=first + 2 * low,
        stop=min(first + 2 * high, len(query.signs)),
        agreement=float(agreed[held].sum() / max(1.0, asked[held].sum())),
    )


def _best_stretch(gains: NDArray[np.float64]) -> tuple[int, int]:
    """Half-open range of the largest sum."""
    sums = np.concatenate([[0.0], np.cumsum(gains)])
    high = int(np.argmax(sums - np.minimum.accumulate(sums)))
    return int(np.argmin(sums[: high + 1])), high


def _pitch(query: Fingerprint, catalogue: Catalogue, diagonal: Diagonal) -> float:
    """Bands the query is higher, between bands by a parabola through the neighbours' scores."""
    if diagonal.stop <= diagonal.start:
        return float(diagonal.bins)
    table = np.repeat(_row(catalogue, diagonal), 3, axis=0)
    table[:, 2] += (-1, 0, 1)
    stretch = Stretch(query, diagonal.start, diagonal.stop)
    align.score(*stretch.words, catalogue.segments[diagonal.segment].frames, table)
    below, best, above = table[:, 5]
    bend = below - 2 * best + above
    if bend >= 0 or table[:, 5].min() < 0:
        return float(diagonal.bins)
    return diagonal.bins + float(np.clip(0.5 * (below - above) / bend, -0.5, 0.5))
