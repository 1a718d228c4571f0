"""Peaks of a whitened spectrum, pairs of them, and how pairs of a query vote for places of a catalogue.

A peak is a cell stronger than all around it. Noise moves cells, but the strongest stay where they are. Two peaks near
each other make a *pair*: a band, a rise in bands, a span in time. Played higher, the band moves and the rise stays;
played faster, the span shrinks and the rise stays. So one pair of a query, asked under every change of pitch and tempo,
points to all places that may be its own. Each pair carries *witnesses*: whether certain cells about its two ends, told
relative to them, lie above their neighbourhood. A change moves witnesses with their pair, so they hold under every
change, and in noise as well as all cells do: a vote whose witnesses disagree is not cast.

A vote weighs what it tells: the logarithm of how much likelier it is at the true place than elsewhere.

Source: built from first principles; the weights are log likelihood ratios (I. J. Good, Probability and the weighing of
evidence, 1950).

Conventions
-----------
Frames are those of a query, half as far apart as reference frames. ``bins`` and ``tempo`` as in
:mod:`linernotes.kernels.align`. A key packs band, rise and span; a posting packs a place in units of eight reference
frames and the witnesses there; a tally packs the sum of the votes a place has got and which peak voted last.
"""

import numpy as np
from numpy.typing import NDArray

from linernotes.kernels.compiled import compiled, count_ones, readable, types, writable

__all__ = [
    "KEYS",
    "MOST_RISE",
    "SCALE",
    "WITNESSES",
    "count_pairs",
    "harvest",
    "keys",
    "pairs",
    "peaks",
    "probe",
    "vote",
    "witnesses",
]

KEYS = 1 << 18
WITNESSES = 13
MOST_RISE = 31
SCALE = 4  # votes are whole numbers: this many to a unit of log likelihood
_LEAST_SPAN, _MOST_SPAN = 2, 20  # of a key, in two frames

# Half spans after the first peak, and bands above the first (0) or the second peak (1).
_WITNESSES = (
    *((0, 0, -2), (0, 0, 2), (2, 1, -2), (2, 1, 2), (0, 1, 4), (2, 0, 4), (2, 0, -3)),
    *((0, 1, -3), (2, 1, 5), (0, 0, 5), (2, 0, 9), (1, 0, 0), (1, 1, 0)),
)
_WORD_BITS = 64

_WORDS, _LEVELS = readable(types.uint64, 2), readable(types.float32, 2)
_PAIRS, _WITNESS_WORDS = readable(types.int32, 2), readable(types.uint32, 2)
_NUMBERS, _TALLIES = readable(types.uint32, 1), writable(types.uint32, 1)


@compiled(
    types.int64,
    *(_LEVELS, types.int64, types.int64, types.int64, types.float64),
    *(writable(types.int32, 2), writable(types.float32, 1)),
)
def peaks(  # noqa: PLR0917  (numba knows no keywords)
    levels: NDArray[np.float32],
    start: int,
    stop: int,
    reach: int,
    least: float,
    places: NDArray[np.int32],
    heights: NDArray[np.float32],
) -> int:
    """Write frame and band of all peaks above ``least`` in frames ``start`` to ``stop``, and their levels; count them.

    A peak is the greatest cell within ``reach`` frames and bands; of equals, the first. There is room enough with
    ``ceil(frames / (reach + 1)) * ceil(bands / (reach + 1))`` rows.
    """
    n = 0
    n_frames, n_bands = levels.shape
    for t in range(start, stop):
        for b in range(n_bands):
            level = levels[t, b]
            if level <= least:
                continue
            greatest = True
            for u in range(max(0, t - reach), min(n_frames, t + reach + 1)):
                for c in range(max(0, b - reach), min(n_bands, b + reach + 1)):
                    other = levels[u, c]
                    if other > level or (other == level and (u < t or (u == t and c < b))):
                        greatest = False
                        break
                if not greatest:
                    break
            if greatest:
                places[n, 0], places[n, 1], heights[n] = t, b, level
                n += 1
    return n


@compiled(types.int64, _PAIRS, types.int64, types.int64, types.int64, writable(types.int32, 2))
def _pair(places: NDArray[np.int32], fan: int, least: int, most: int, out: NDArray[np.int32]) -> int:
    n = 0
    for i in range(places.shape[0]):
        found = 0
        for j in range(i + 1, places.shape[0]):
            span, rise = places[j, 0] - places[i, 0], places[j, 1] - places[i, 1]
            if span > most or found == fan:
                break
            if span < least or abs(rise) > MOST_RISE:
                continue
            if n < out.shape[0]:
                out[n, 0], out[n, 1], out[n, 2], out[n, 3], out[n, 4] = places[i, 0], places[i, 1], rise, span, i
            found += 1
            n += 1
    return n


def count_pairs(places: NDArray[np.int32], *, fan: int, spans: tuple[int, int]) -> int:
    """Count what :func:`pairs` gives."""
    return _pair(places, fan, *spans, np.empty((0, 5), np.int32))


def pairs(places: NDArray[np.int32], *, fan: int, spans: tuple[int, int]) -> NDArray[np.int32]:
    """Pair every peak with up to ``fan`` later ones; columns frame, band, rise, span, number of the first peak.

    Parameters
    ----------
    places : frame and band of each peak, in order of time
    spans : least and greatest span, in frames
    """
    out = np.empty((count_pairs(places, fan=fan, spans=spans), 5), np.int32)
    _pair(places, fan, *spans, out)
    return out


def keys(pair: NDArray[np.int32]) -> NDArray[np.uint32]:
    """Pack band, rise and span, rounded down to two frames, into numbers below :data:`KEYS`."""
    packed: NDArray[np.uint32] = (pair[:, 1] << 11 | (pair[:, 2] + 32) << 5 | pair[:, 3] >> 1).astype(np.uint32)
    return packed


def witnesses(signs: NDArray[np.uint64], strong: NDArray[np.uint64], pair: NDArray[np.int32]) -> NDArray[np.uint32]:
    """Return what the cells about each pair say, and which say it clearly; shape (n, 2), one bit a witness.

    Cells beyond the first and the last frame or band say nothing.
    """
    out = np.zeros((len(pair), 2), np.uint32)
    for w, (halves, end, above) in enumerate(_WITNESSES):
        t = pair[:, 0] + (halves * pair[:, 3] + 1) // 2
        b = pair[:, 1] + end * pair[:, 2] + above
        inside = np.flatnonzero((t < len(signs)) & (b >= 0) & (b < 2 * _WORD_BITS))
        t, b = t[inside], b[inside]
        for column, words in enumerate((signs, strong)):
            bits = words[t, b & 1] >> (b >> 1).astype(np.uint64) & np.uint64(1)
            out[inside, column] |= bits.astype(np.uint32) << np.uint32(w)
    return out


@compiled(
    types.int64,
    *(_NUMBERS, readable(types.uint8, 1), _NUMBERS),
    *(_PAIRS, _WITNESS_WORDS, readable(types.int64, 2), types.int64),
    *(types.float64, types.int64, types.float64, types.float64, _TALLIES, writable(types.int32, 1)),
)
def vote(  # noqa: PLR0917  (numba knows no keywords)
    offsets: NDArray[np.uint32],
    weights: NDArray[np.uint8],
    postings: NDArray[np.uint32],
    pair: NDArray[np.int32],
    witness: NDArray[np.uint32],
    gains: NDArray[np.int64],
    least: int,
    middle: float,
    bins: int,
    low: float,
    high: float,
    tallies: NDArray[np.uint32],
    touched: NDArray[np.int32],
) -> int:
    """Let the pairs of a query vote for where its frame ``middle`` lies; count the places that got a vote.

    Parameters
    ----------
    offsets : shape (KEYS + 1,): postings of key ``k`` are ``offsets[k]`` to ``offsets[k + 1]``
    weights : shape (KEYS,): what equal keys alone tell; 0: too frequent to tell anything
    gains : shape (WITNESSES + 1, WITNESSES + 1): what witnesses add, by how many are sure and how many disagree
    least : a vote that tells less is not cast
    low, high : least and greatest tempo
    tallies : one a place, added to: the sum in the upper 16 bits; a peak votes once for a place
    touched : as long as ``tallies``; the places that got their first vote, in order of that, are written to its start
    """
    n_touched = np.int64(0)
    for p in range(pair.shape[0]):
        band = pair[p, 1] - bins
        if band < 0 or band > 127:
            continue
        span = pair[p, 3]
        said, sure = np.uint64(witness[p, 0]), np.uint64(witness[p, 1])
        n_sure = count_ones(sure)
        stamp = (pair[p, 4] + 1) & 0xFFFF
        first = max(_LEAST_SPAN, int(np.ceil(span * low - 1.0)) >> 1)
        last = min(_MOST_SPAN, int(np.floor(span * high + 1.0)) >> 1)
        for half in range(first, last + 1):
            key = band << 11 | (pair[p, 2] + 32) << 5 | half
            weight = np.int64(weights[key])
            if weight == 0 or weight + gains[n_sure, 0] < least:
                continue
            most = np.int64(0)
            while most < n_sure and weight + gains[n_sure, most + 1] >= least:
                most += 1
            tempo = min(max((2 * half + 0.5) / span, low), high)
            ahead = int(np.floor((middle - pair[p, 0]) * tempo * 0.5)) + 4
            start, stop = np.int64(offsets[key]), np.int64(offsets[key + 1])
            for q in range(start, stop):
                posting = np.int64(postings[q])
                against = np.int64(count_ones((np.uint64(posting) ^ said) & sure))
                if against > most:
                    continue
                place = (((posting >> WITNESSES) << 3) + ahead) >> 3
                if 0 <= place < tallies.shape[0]:
                    tally = np.int64(tallies[place])
                    if (tally & 0xFFFF) != stamp:
                        if tally == 0:
                            touched[n_touched] = place
                            n_touched += 1
                        total = min((tally >> 16) + weight + gains[n_sure, against], 0xFFFF)
                        tallies[place] = total << 16 | stamp
    return int(n_touched)


def harvest(tallies: NDArray[np.uint32], touched: NDArray[np.int32], limit: int) -> NDArray[np.int64]:
    """Return the places with the greatest sums among those ``touched``, at most ``limit``, in order of place.

    Their tallies are set back to zero: few places of many get a vote.
    """
    sums = tallies[touched] >> np.uint32(16)
    tallies[touched] = 0
    if len(sums) > limit:
        below = len(sums) - limit - 1
        touched = touched[sums > np.partition(sums, below)[below]]
    return np.sort(touched).astype(np.int64)


@compiled(
    types.void,
    *(_WORDS, readable(types.uint64, 1), readable(types.uint64, 1), readable(types.int64, 1), types.int64),
    *(writable(types.int64, 1), writable(types.int64, 1)),
)
def probe(  # noqa: PLR0917  (numba knows no keywords)
    frames: NDArray[np.uint64],
    signs: NDArray[np.uint64],
    strong: NDArray[np.uint64],
    starts: NDArray[np.int64],
    reach: int,
    at: NDArray[np.int64],
    opposite: NDArray[np.int64],
) -> None:
    """Lay even bands on every second frame near ``starts``; write the best start and the opposite cells there.

    ``at`` is -1 where the words do not fit.
    """
    last = frames.shape[0] - 2 * (signs.shape[0] - 1) - 1
    for c in range(starts.shape[0]):
        at[c], opposite[c] = -1, 0
        for a in range(max(0, starts[c] - reach), min(last, starts[c] + reach) + 1):
            total = np.uint64(0)
            for i in range(signs.shape[0]):
                total += count_ones((frames[a + 2 * i, 0] ^ signs[i]) & strong[i])
            if at[c] < 0 or total < opposite[c]:
                at[c], opposite[c] = a, np.int64(total)
