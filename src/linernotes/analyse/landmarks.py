"""Candidates out of a catalogue of any size: pairs of peaks vote, cells decide who is heard.

Every pair of a query's peaks is looked up as it would be in the recording under each of a few families of changes:
none, speed, tempo, pitch, and both apart. Where votes gather, cells are laid on the recording, as
:mod:`linernotes.analyse.candidates` does everywhere; the best go on. Votes need only bring the true place among the
first in ten thousand, so they may be few.

Work is bounded: a key that is too frequent tells too little to be looked up, and each family passes on a fixed number
of places for every 74 hours of the catalogue.
"""

import math
import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from threading import Lock
from weakref import WeakKeyDictionary

import numpy as np
from numpy.typing import NDArray

from linernotes.analyse.candidates import Catalogue, Stretch, Table, distinct, even_bands, thin
from linernotes.kernels import align, landmarks
from linernotes.model import BLOCK_CELLS, CELL_FRAMES, LANDMARK_KEYS, FingerprintSegment

__all__ = ["CHANGED", "UNCHANGED", "Family", "propose"]

_SPANS = (3, 32)  # of a query's pairs, in frames
_CHANCE = 0.02  # that one pair of a query is also one of its recording
_AGREES, _DISAGREES = 0.565, -1.43  # what a witness adds: 88 % are right at the true place, half elsewhere
_LEAST_IN_FEW = 2.0  # what a vote must tell, however few places there are
_FEW_CELLS = 8192
_REACH = 5  # frames about the middle of a cell that are tried
_THREADED_FRAMES = 2_000_000
_PARTS = 8  # of the work, at least, for threads to share


@dataclass(frozen=True, slots=True)
class Family:
    """Changes looked for together: bands higher, least and greatest tempo, and which tempos are tried on the cells.

    ``limit``: places passed on for every full block; ``least``: what a vote must tell there to be cast.
    """

    bins: int
    low: float
    high: float
    tempos: tuple[float, ...]
    limit: int
    least: float = 9.0


def _changed() -> Iterator[Family]:
    """Yield what recordings are usually changed to: pitch ±4.5 semitones, tempo 0.8 to 1.3, apart and together."""
    steps = [math.exp(0.055 * t) for t in range(-4, 6)]
    half = math.exp(0.6 * 0.055)
    for bins in range(-9, 10):
        yield Family(bins, 0.99, 1.01, (1.0,), 200)
    for tempo in steps:
        yield Family(0, tempo / half, tempo * half, (tempo,), 200)
    for bins in range(-9, 11):
        speed = 2.0 ** (bins / 24)
        yield Family(bins, speed * 2 ** (-0.7 / 24), speed * 2 ** (0.7 / 24), (speed,), 200)
    for bins in range(-9, 10):
        yield Family(bins, 0.79, 1.33, tuple(steps), 80)


UNCHANGED = (Family(0, 0.99, 1.01, (1.0,), 1500, 7.0),)
CHANGED = tuple(_changed())


@dataclass(frozen=True, slots=True)
class _Block:
    """A part of a segment that is searched at once."""

    segment: FingerprintSegment
    first_frame: int  # of the segment in the catalogue
    first_cell: int
    n_cells: int
    offsets: NDArray[np.uint32]
    weights: NDArray[np.uint8]
    postings: NDArray[np.uint32]


@dataclass(frozen=True, slots=True)
class _Asked:
    """What a stretch votes with."""

    stretch: Stretch
    pairs: NDArray[np.int32]
    witnesses: NDArray[np.uint32]
    cells: dict[tuple[int, float], "_Cells"]


@dataclass(frozen=True, slots=True)
class _Cells:
    """Even bands of a stretch's thinned frames under one change, and how many reference frames they span."""

    signs: NDArray[np.uint64]
    strong: NDArray[np.uint64]
    n: int
    span: int


_Lookup = list[tuple[int, int, NDArray[np.uint32], NDArray[np.uint8], NDArray[np.uint32]]]
_lookups: WeakKeyDictionary[FingerprintSegment, _Lookup] = WeakKeyDictionary()
_lookups_lock = Lock()
_GAINS = np.array(
    [
        [round(landmarks.SCALE * (_AGREES * (sure - against) + _DISAGREES * against)) for against in range(sure + 1)]
        + [-10_000] * (landmarks.WITNESSES - sure)
        for sure in range(landmarks.WITNESSES + 1)
    ],
    np.int64,
)


def propose(stretch: Stretch, catalogue: Catalogue, families: Sequence[Family], *, limit: int) -> Table:
    """Places that a stretch may sound at under some family; shape (up to limit, 8), best first.

    ``score`` is here in deviations of independent cells.
    """
    asked = _asked(stretch, families)
    blocks = list(_blocks(catalogue))
    if catalogue.n_frames < _THREADED_FRAMES:
        rows = [_gathered(asked, block, families) for block in blocks]
    else:
        n = min(-(-_PARTS // len(blocks)), len(families))
        parts = [(block, families[i::n]) for block in blocks for i in range(n)]
        with ThreadPoolExecutor(os.cpu_count()) as pool:
            rows = list(pool.map(lambda part: _gathered(asked, *part), parts))
    return distinct(np.concatenate([np.zeros((0, len(align.COLUMNS))), *rows]), catalogue, limit=limit)


def _asked(stretch: Stretch, families: Sequence[Family]) -> _Asked:
    query = stretch.query
    first, last = np.searchsorted(query.peaks[:, 0], (stretch.start, stretch.stop))
    pairs = landmarks.pairs(np.ascontiguousarray(query.peaks[first:last]), fan=len(query.peaks), spans=_SPANS)
    cells = {}
    for tempo in {tempo for family in families for tempo in family.tempos}:
        index, span = thin(stretch, tempo)
        signs, strong = query.signs[index], query.strong[index]
        for bins in {family.bins for family in families if tempo in family.tempos}:
            mask = even_bands(strong, bins)
            cells[bins, tempo] = _Cells(even_bands(signs, bins), mask, int(np.bitwise_count(mask).sum()), int(span))
    return _Asked(stretch, pairs, landmarks.witnesses(query.signs, query.strong, pairs), cells)


def _blocks(catalogue: Catalogue) -> Iterator[_Block]:
    for first, segment in zip(catalogue.firsts, catalogue.segments, strict=False):
        for first_cell, n_cells, offsets, weights, postings in _lookup(segment):
            yield _Block(segment, int(first), first_cell, n_cells, offsets, weights, postings)


def _lookup(segment: FingerprintSegment) -> _Lookup:
    """Where the postings of each key begin and what the key tells, block by block; made once a segment."""
    with _lookups_lock:
        if segment not in _lookups:
            n_cells = int(segment.cell_starts[-1])
            firsts = segment.landmarks.firsts(n_cells)
            _lookups[segment] = []
            for i, first_cell in enumerate(range(0, n_cells, BLOCK_CELLS)):
                within = firsts[i * LANDMARK_KEYS : (i + 1) * LANDMARK_KEYS + 1]
                n = min(BLOCK_CELLS, n_cells - first_cell)
                told = np.log1p(_CHANCE * n / np.maximum(np.diff(within), 1))
                _lookups[segment].append(
                    (
                        first_cell,
                        n,
                        (within - within[0]).astype(np.uint32),
                        np.round(landmarks.SCALE * told).astype(np.uint8),
                        segment.landmarks.postings[within[0] : within[-1]],
                    )
                )
        return _lookups[segment]


def _gathered(asked: _Asked, block: _Block, families: Sequence[Family]) -> Table:
    tallies, touched = np.zeros(block.n_cells, np.uint32), np.empty(block.n_cells, np.int32)
    return np.concatenate([_places(asked, block, family, tallies, touched) for family in families])


def _places(
    asked: _Asked, block: _Block, family: Family, tallies: NDArray[np.uint32], touched: NDArray[np.int32]
) -> Table:
    """Places of a block where votes gather, each as its cells lie best; ``tallies`` are zero before and after."""
    least = max(_LEAST_IN_FEW, family.least - math.log(BLOCK_CELLS / block.n_cells))
    n_touched = landmarks.vote(
        *(block.offsets, block.weights, block.postings, asked.pairs, asked.witnesses, _GAINS),
        *(round(landmarks.SCALE * least), asked.stretch.middle, family.bins, family.low, family.high),
        *(tallies, touched),
    )
    limit = -(-family.limit * block.n_cells // (block.n_cells + _FEW_CELLS))
    found = landmarks.harvest(tallies, touched[:n_touched], limit) + block.first_cell
    starts, segment = block.segment.cell_starts, block.segment
    owners = np.searchsorted(starts, found, side="right") - 1
    middles = segment.starts[owners] + CELL_FRAMES * (found - starts[owners]) + CELL_FRAMES // 2
    rows = [np.zeros((0, len(align.COLUMNS)))]
    for tempo in family.tempos:
        cells = asked.cells[family.bins, tempo]
        if not cells.n:
            continue
        at, opposite = np.empty(len(middles), np.int64), np.empty(len(middles), np.int64)
        landmarks.probe(segment.frames, cells.signs, cells.strong, middles - cells.span // 2, _REACH, at, opposite)
        row = np.zeros((len(middles), len(align.COLUMNS)))
        row[:, 0] = block.first_frame + at + 0.5 * cells.span
        row[:, 1], row[:, 2] = tempo, family.bins
        row[:, 5] = (cells.n - 2.0 * opposite) / math.sqrt(cells.n)
        rows.append(row[at >= 0])
    return np.concatenate(rows)
