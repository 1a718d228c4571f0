"""How well a query's cells agree with a reference's: everywhere, near a place, and around it.

A query cell says +, - or nothing; a reference cell says + or -. At one alignment some cells are asked, and some of
those answer with the opposite sign: agreement is cells asked less twice the opposite ones, and the score divides that
by the square root of the cells asked, its deviation if cells were independent.

Source: built from first principles: a matched filter on signs, counted 64 cells at a time.

Conventions
-----------
Cells are packed 128 to a frame: word 0 holds the even bands, word 1 the odd ones (see
:func:`linernotes.kernels.spectra.pack_bits`). Query frames are half as far apart as reference frames. ``place`` is
the reference frame, not always whole, that lies under the middle of the query's stretch; ``tempo`` is query speed
over reference speed; ``bins`` is how many bands higher the query is.
"""

from typing import Any

import numpy as np
from numba import types
from numpy.typing import NDArray

from linernotes.kernels.compiled import compiled, count_ones, readable, writable

__all__ = ["COLUMNS", "agreement", "refine", "scores_around", "sweep"]

Words = NDArray[np.uint64]
COLUMNS = ("place", "tempo", "bins", "low", "high", "score", "cells", "opposite")
"""Columns of a table of alignments; ``low``, ``high``: the reference frames it may use."""

_CODES, _WORDS = readable(types.uint64, 1), readable(types.uint64, 2)
_TABLE = writable(types.float64, 2)
_LAST_LAG, _FIRST_LAG = 45, 5  # frames: 2.9 s and 0.3 s
_FEW = 200  # cells under which a score means nothing


@compiled(types.void, _CODES, _CODES, _CODES, writable(types.uint16, 1))
def sweep(codes: Words, signs: Words, strong: Words, out: NDArray[np.uint16]) -> None:
    """Count opposite cells at every alignment of one word a frame; ``out``: shape (n - t + 1,)."""
    for a in range(out.shape[0]):
        total = np.uint64(0)
        for i in range(signs.shape[0]):
            total += count_ones((codes[a + i] ^ signs[i]) & strong[i])
        out[a] = total


@compiled(types.uint64, types.uint64, types.int64)
def _moved(word: np.uint64, n: int) -> np.uint64:
    if n >= 0:
        return word >> np.uint64(n)
    return word << np.uint64(-n)


_PAIR: Any = types.Tuple((types.int64, types.int64))  # type: ignore[no-untyped-call]
_STRETCH = (_WORDS, _WORDS, types.int64, types.int64, _WORDS)  # signs, strong, start, stop, frames
_WHERE = (types.int64, types.int64, types.float64, types.float64, types.int64)  # low, high, place, tempo, bins


@compiled(_PAIR, *_STRETCH, *_WHERE)
def _tally(  # noqa: PLR0917  (numba knows no keywords)
    signs: Words,
    strong: Words,
    start: int,
    stop: int,
    frames: Words,
    low: int,
    high: int,
    place: float,
    tempo: float,
    bins: int,
) -> tuple[int, int]:
    """Cells asked, and how many of them are opposite, for query frames ``start`` to ``stop``."""
    middle, step = 0.5 * (start + stop - 1), 2.0 / tempo
    first = max(low, int(np.ceil(place + (start - middle) / step)))
    last = min(high - 1, int(np.floor(place + (stop - 1 - middle) / step)))
    half, odd = bins >> 1, bins & 1
    cells, opposite = np.uint64(0), np.uint64(0)
    for j in range(first, last + 1):
        i = int(np.floor(middle + (j - place) * step + 0.5))
        if i < start or i >= stop:
            continue
        if odd:
            even_sign, odd_sign = _moved(signs[i, 1], half), _moved(signs[i, 0], half + 1)
            even_mask, odd_mask = _moved(strong[i, 1], half), _moved(strong[i, 0], half + 1)
        else:
            even_sign, odd_sign = _moved(signs[i, 0], half), _moved(signs[i, 1], half)
            even_mask, odd_mask = _moved(strong[i, 0], half), _moved(strong[i, 1], half)
        cells += count_ones(even_mask) + count_ones(odd_mask)
        opposite += count_ones((frames[j, 0] ^ even_sign) & even_mask)
        opposite += count_ones((frames[j, 1] ^ odd_sign) & odd_mask)
    return int(cells), int(opposite)


@compiled(types.void, *_STRETCH, _TABLE, types.int64, types.float64, types.int64, types.float64, types.int64)
def refine(  # noqa: PLR0917  (numba knows no keywords)
    signs: Words,
    strong: Words,
    start: int,
    stop: int,
    frames: Words,
    table: NDArray[np.float64],
    n_places: int,
    place_step: float,
    n_tempos: int,
    tempo_step: float,
    n_bins: int,
) -> None:
    """Move every alignment of ``table`` to the best one near it, in place.

    Tried are ``n_places`` steps of ``place_step`` frames, ``n_tempos`` steps of the fraction ``tempo_step`` and
    ``n_bins`` bands to either side. The score does not grow because a faster query covers more of the reference.
    """
    for row in table:
        place, tempo, bins, low, high = row[0], row[1], int(row[2]), int(row[3]), int(row[4])
        row[5] = -1e9
        for b in range(bins - n_bins, bins + n_bins + 1):
            for t in range(-n_tempos, n_tempos + 1):
                speed = tempo * (1.0 + t * tempo_step)
                for p in range(-n_places, n_places + 1):
                    at = place + p * place_step
                    cells, opposite = _tally(signs, strong, start, stop, frames, low, high, at, speed, b)
                    if cells < _FEW:
                        continue
                    score = (cells - 2.0 * opposite) / np.sqrt(cells * speed)
                    if score > row[5]:
                        row[0], row[1], row[2], row[5], row[6], row[7] = at, speed, b, score, cells, opposite


@compiled(types.void, *_STRETCH, _TABLE, _TABLE, _TABLE)
def scores_around(  # noqa: PLR0917  (numba knows no keywords)
    signs: Words,
    strong: Words,
    start: int,
    stop: int,
    frames: Words,
    table: NDArray[np.float64],
    elsewhere: NDArray[np.float64],
    out: NDArray[np.float64],
) -> None:
    """Root mean square of the scores of each alignment near its place, and at places ``elsewhere``.

    Near is 0.3 to 3 s away, also up to three bands higher or lower; ``elsewhere``: shape (m, 3), place, low, high.
    ``out``: shape (n, 2): near, elsewhere; 0 where there is too little to tell.
    """
    for r in range(table.shape[0]):
        place, tempo, bins, low, high = (
            table[r, 0],
            table[r, 1],
            int(table[r, 2]),
            int(table[r, 3]),
            int(table[r, 4]),
        )
        least = max(float(_FEW), 0.5 * table[r, 6])
        n, total = 0, 0.0
        for lag in range(-_LAST_LAG, _LAST_LAG + 1, 2):
            if abs(lag) < _FIRST_LAG:
                continue
            for b in (-3, -1, 0, 1, 3):
                cells, opposite = _tally(signs, strong, start, stop, frames, low, high, place + lag, tempo, bins + b)
                if cells >= least:
                    score = (cells - 2.0 * opposite) / np.sqrt(cells * tempo)
                    n, total = n + 1, total + score * score
        out[r, 0] = np.sqrt(total / max(n, 1))
        n, total = 0, 0.0
        for e in range(elsewhere.shape[0]):
            at, bottom, top = elsewhere[e, 0], int(elsewhere[e, 1]), int(elsewhere[e, 2])
            cells, opposite = _tally(signs, strong, start, stop, frames, bottom, top, at, tempo, bins)
            if cells >= least:
                score = (cells - 2.0 * opposite) / np.sqrt(cells * tempo)
                n, total = n + 1, total + score * score
        out[r, 1] = np.sqrt(total / max(n, 1))


@compiled(types.void, _WORDS, _WORDS, _WORDS, *_WHERE, writable(types.uint32, 2))
def agreement(  # noqa: PLR0917  (numba knows no keywords)
    signs: Words,
    strong: Words,
    frames: Words,
    low: int,
    high: int,
    place: float,
    tempo: float,
    bins: int,
    out: NDArray[np.uint32],
) -> None:
    """Tell query frame by query frame what is asked and what is opposite; ``place`` lies under query frame 0.

    ``out``: shape (n, 2), cells asked and opposite; only every other frame is asked, the rest stay 0.
    """
    for i in range(0, signs.shape[0], 2):
        at = int(np.floor(place + i * tempo / 2.0 + 0.5))
        if at < low or at >= high:
            continue
        cells, opposite = _tally(signs, strong, i, i + 1, frames, at, at + 1, float(at), 1.0, bins)
        out[i, 0], out[i, 1] = cells, opposite
