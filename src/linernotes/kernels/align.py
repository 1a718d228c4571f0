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

from itertools import product

import numpy as np
from numpy.typing import NDArray

from linernotes.kernels.compiled import compiled, count_ones, readable, types, writable

__all__ = ["COLUMNS", "agreement", "missing", "moved", "refine", "score", "scores_around", "sweep"]

Words = NDArray[np.uint64]
Table = NDArray[np.float64]
COLUMNS = ("place", "tempo", "bins", "low", "high", "score", "cells", "opposite")
"""Columns of a table of alignments; ``low``, ``high``: the reference frames it may use."""

_CODES, _WORDS, _TABLE = readable(types.uint64, 1), readable(types.uint64, 2), writable(types.float64, 2)
_LAGS = np.array([lag for lag in range(-45, 46, 2) if abs(lag) > 4], np.float64)  # frames: 0.3 to 2.9 s
_BANDS = (-3, -1, 0, 1, 3)
_FEW = 200  # cells under which a score means nothing
_NOTHING = -1e9
_ONE = 4294967296.0  # of a fixed-point number with 32 bits behind the point
_EVEN, _ODD, _EVEN_SIGN, _ODD_SIGN, _ASKED = (np.uint64(column) for column in range(5))


@compiled(types.void, _CODES, _CODES, _CODES, writable(types.uint16, 1))
def sweep(codes: Words, signs: Words, strong: Words, out: NDArray[np.uint16]) -> None:
    """Count opposite cells at every alignment of one word a frame; ``out``: shape (n - t + 1,)."""
    for a in range(out.shape[0]):
        total = np.uint64(0)
        for i in range(signs.shape[0]):
            total += count_ones((codes[a + i] ^ signs[i]) & strong[i])
        out[a] = total


@compiled(types.void, _WORDS, _WORDS, types.int64, types.int64, types.int64, writable(types.uint64, 3))
def _lower(  # noqa: PLR0917  (numba knows no keywords)
    signs: Words, strong: Words, start: int, stop: int, least_bins: int, out: NDArray[np.uint64]
) -> None:
    """Move query frames down by each of the numbers of bands from ``least_bins`` on.

    ``out``: shape (numbers, frames, 5): even and odd cells asked, the signs of both, how many are asked.
    """
    for n in range(out.shape[0]):
        bins = least_bins + n
        # Moving down by an odd number of bands swaps even and odd words.
        odd, even_shift, odd_shift = bins & 1, bins >> 1, (bins + 1) >> 1
        even_right, even_left = np.uint64(max(even_shift, 0)), np.uint64(max(-even_shift, 0))
        odd_right, odd_left = np.uint64(max(odd_shift, 0)), np.uint64(max(-odd_shift, 0))
        for i in range(start, stop):
            even_mask = (strong[i, odd] >> even_right) << even_left
            odd_mask = (strong[i, 1 - odd] >> odd_right) << odd_left
            row = out[n, i - start]
            row[_EVEN], row[_ODD] = even_mask, odd_mask
            row[_EVEN_SIGN] = ((signs[i, odd] >> even_right) << even_left) & even_mask
            row[_ODD_SIGN] = ((signs[i, 1 - odd] >> odd_right) << odd_left) & odd_mask
            row[_ASKED] = count_ones(even_mask) + count_ones(odd_mask)


@compiled(types.void, _WORDS, _WORDS, types.int64, types.int64, _WORDS, _TABLE)
def score(  # noqa: PLR0917  (numba knows no keywords)
    signs: Words, strong: Words, start: int, stop: int, frames: Words, table: Table
) -> None:
    """Write cells asked, cells opposite and score of every row for query frames ``start`` to ``stop``.

    What rows may use, ``low`` to ``high``, lies within ``frames``, and the stretch in the query: nothing checks it.
    The score does not grow because a faster query covers more of the reference; it is -1e9 where too few are asked.
    """
    if not table.shape[0]:
        return
    middle = 0.5 * (start + stop - 1)
    least_bins = int(table[:, 2].min())
    lowered = np.empty((int(table[:, 2].max()) - least_bins + 1, max(0, stop - start), 5), np.uint64)
    _lower(signs, strong, start, stop, least_bins, lowered)
    for r in range(table.shape[0]):
        place, tempo, number = table[r, 0], table[r, 1], np.uint64(int(table[r, 2]) - least_bins)
        step = 2.0 / tempo
        first = max(int(table[r, 3]), int(np.ceil(place + (start - middle) / step)))
        last = min(int(table[r, 4]) - 1, int(np.floor(place + (stop - 1 - middle) / step)))
        # In fixed point, and with unsigned places, which need no check for the end: half the time.
        at = np.int64((middle - start + (first - place) * step + 0.5) * _ONE)
        by = np.int64(np.rint(step * _ONE))
        cells, opposite = np.uint64(0), np.uint64(0)
        for j in range(np.uint64(first), np.uint64(max(first, last + 1))):
            i = np.uint64(at >> 32)
            at += by
            cells += lowered[number, i, _ASKED]
            opposite += count_ones((frames[j, _EVEN] & lowered[number, i, _EVEN]) ^ lowered[number, i, _EVEN_SIGN])
            opposite += count_ones((frames[j, _ODD] & lowered[number, i, _ODD]) ^ lowered[number, i, _ODD_SIGN])
        table[r, 5], table[r, 6], table[r, 7] = _NOTHING, cells, opposite
        if cells >= _FEW:
            table[r, 5] = (np.float64(cells) - 2.0 * np.float64(opposite)) / np.sqrt(np.float64(cells) * tempo)


@compiled(
    types.void,
    *(_WORDS, types.int64, types.int64, _WORDS, readable(types.int64, 1), _TABLE, writable(types.float64, 1)),
)
def missing(  # noqa: PLR0917  (numba knows no keywords)
    signs: Words,
    start: int,
    stop: int,
    loud_frames: Words,
    loud_lows: NDArray[np.int64],
    table: Table,
    out: NDArray[np.float64],
) -> None:
    """Write the share of the reference's loud cells that are low in the query; ``out``: shape (n,), each in [0, 1].

    Sound laid over a recording covers few of its loud cells; of another recording that resembles it, many are missing.
    Row ``r`` of ``table`` may use frames from ``low`` on, whose loud cells stand from row ``loud_lows[r]`` of
    ``loud_frames`` on, one row for two frames.
    """
    middle = 0.5 * (start + stop - 1)
    whole = ~np.uint64(0)
    for r in range(table.shape[0]):
        place, bins, low = table[r, 0], int(table[r, 2]), int(table[r, 3])
        step = 2.0 / table[r, 1]
        first = max(low, int(np.ceil(place + (start - middle) / step)))
        last = min(int(table[r, 4]) - 1, int(np.floor(place + (stop - 1 - middle) / step)))
        odd, even_shift, odd_shift = bins & 1, bins >> 1, (bins + 1) >> 1
        even_right, even_left = np.uint64(max(even_shift, 0)), np.uint64(max(-even_shift, 0))
        odd_right, odd_left = np.uint64(max(odd_shift, 0)), np.uint64(max(-odd_shift, 0))
        even_inside, odd_inside = (whole >> even_right) << even_left, (whole >> odd_right) << odd_left
        asked, low_there = np.uint64(0), np.uint64(0)
        for j in range(first + ((first - low) & 1), last + 1, 2):
            i = int(np.floor(middle + (j - place) * step + 0.5))
            if i < start or i >= stop:
                continue
            k = loud_lows[r] + ((j - low) >> 1)
            even_loud, odd_loud = loud_frames[k, 0] & even_inside, loud_frames[k, 1] & odd_inside
            asked += count_ones(even_loud) + count_ones(odd_loud)
            low_there += count_ones(even_loud & ~((signs[i, odd] >> even_right) << even_left))
            low_there += count_ones(odd_loud & ~((signs[i, 1 - odd] >> odd_right) << odd_left))
        out[r] = np.float64(low_there) / max(1.0, np.float64(asked))


def moved(words: Words, bins: int) -> Words:
    """Return packed frames, shape (n, 2), with everything ``bins`` bands lower."""
    columns = []
    for parity in (0, 1):
        column, shift = words[:, (bins + parity) & 1], (bins + parity) >> 1
        columns.append(column >> np.uint64(shift) if shift >= 0 else column << np.uint64(-shift))
    return np.stack(columns, axis=1)


def agreement(
    signs: Words, strong: Words, frames: Words, at: NDArray[np.int64], *, low: int, high: int, bins: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Tell frame by frame how many cells are asked and how many are opposite, both of shape (n,).

    Query frame ``i`` lies on reference frame ``at[i]``; outside ``[low, high)`` nothing is asked.
    """
    inside = (at >= low) & (at < high)
    mask = moved(strong, bins) * inside[:, None].astype(np.uint64)
    there = frames[np.clip(at, low, high - 1)]
    opposite = np.bitwise_count((there ^ moved(signs, bins)) & mask)
    return np.bitwise_count(mask).sum(axis=1, dtype=np.int64), opposite.sum(axis=1, dtype=np.int64)


def refine(
    query: tuple[Words, Words, int, int],
    frames: Words,
    table: Table,
    *,
    places: tuple[int, float],
    tempos: tuple[int, float],
    n_bins: int,
) -> Table:
    """Move every alignment of ``table`` to the best one near it.

    Parameters
    ----------
    query : signs, strong, start and stop, as for :func:`score`
    places : how many steps to either side, and their size in reference frames
    tempos : how many steps to either side, and their size as a fraction
    n_bins : how many bands to either side
    """
    steps = np.array(
        [
            (p * places[1], 1.0 + t * tempos[1], b)
            for b, t, p in product(_around(n_bins), _around(tempos[0]), _around(places[0]))
        ]
    )
    tried = np.repeat(table, len(steps), axis=0).reshape(len(table), len(steps), len(COLUMNS))
    tried[:, :, 0] += steps[:, 0]
    tried[:, :, 1] *= steps[:, 1]
    tried[:, :, 2] += steps[:, 2]
    score(*query, frames, tried.reshape(-1, len(COLUMNS)))
    best: Table = tried[np.arange(len(table)), tried[:, :, 5].argmax(axis=1)]
    return best


def scores_around(
    query: tuple[Words, Words, int, int], frames: Words, table: Table, elsewhere: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Root mean square of the scores of each alignment near its place, and at places ``elsewhere``; shape (n, 2).

    Near is 0.3 to 3 s away, also up to three bands higher or lower; ``elsewhere``: shape (m, 3), place, low, high.
    0 where there is too little to tell.
    """
    near = np.repeat(table, len(_LAGS) * len(_BANDS), axis=0)
    near[:, 0] += np.tile(np.repeat(_LAGS, len(_BANDS)), len(table))
    near[:, 2] += np.tile(_BANDS, len(table) * len(_LAGS))
    far = np.repeat(table, len(elsewhere), axis=0)
    far[:, [0, 3, 4]] = np.tile(elsewhere, (len(table), 1))
    return np.stack([_root_mean_square(query, frames, rows, table) for rows in (near, far)], axis=1)


def _root_mean_square(
    query: tuple[Words, Words, int, int], frames: Words, rows: Table, table: Table
) -> NDArray[np.float64]:
    score(*query, frames, rows)
    least = np.maximum(_FEW, 0.5 * table[:, 6])
    grouped = rows.reshape(len(table), -1, len(COLUMNS))
    told = grouped[:, :, 6] >= least[:, None]
    squares = np.where(told, grouped[:, :, 5] ** 2, 0.0).sum(axis=1)
    root: NDArray[np.float64] = np.sqrt(squares / np.maximum(told.sum(axis=1), 1))
    return root


def _around(n: int) -> range:
    return range(-n, n + 1)
