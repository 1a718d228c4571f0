"""Faults of a sound that can be seen in its samples: flat tops, lone clicks, sudden holes.

A *flat top* is three or more equal samples at half of full scale or above, or any sample beyond full scale. A *click*
is a sample far off the line between its neighbours, where all around keep to theirs. A *hole* is 2 to 500 ms of exact
silence that begins and ends in the middle of a sound.

Source: built from first principles.

Conventions
-----------
Samples are those of one channel. Spots are rows ``start, stop`` in frames since the start of the stream; where there
are more than their array has rows, they are counted only.
"""

import numpy as np
from numpy.typing import NDArray

from linernotes.kernels.compiled import compiled, inner, readable, types, writable
from linernotes.kernels.magnitudes import greatest as greatest_magnitude
from linernotes.kernels.magnitudes import least as least_magnitude

__all__ = ["ChannelInspection", "add_sums"]

_MOST_SPOTS = 100
_LEAST_RUN = 3
_TOP, _FULL = np.float32(0.5), np.float32(1.0)
_CLICK_LEAST, _CLICK_RATIO, _SHARP = np.float32(0.05), np.float32(20.0), np.float32(1.5)
_NEAR, _REACH = 3, 24  # samples about a click that it shakes, and that must be calm
_ROW = 64  # samples that are passed over together where there is nothing to see
_PART = 8  # samples that are calm together
_LIVE = np.float32(0.01)  # -40 dB, on both sides of a hole

_SAMPLES, _STATE, _SPOTS = readable(types.float32, 1), writable(types.int64, 1), writable(types.int64, 2)


@inner
def _stands(row: NDArray[np.float32], last: np.float32) -> bool:
    """Whether a sample high up equals the one before it."""
    n = 1 if row[0] == last and abs(last) >= _TOP else 0
    for i in range(row.shape[0] - 1):
        n += (row[i] == row[i + 1]) & (abs(row[i]) >= _TOP)
    return n > 0


@compiled(types.int64, _SAMPLES, types.int64, types.float32, _STATE, _SPOTS, types.int64)
def _tops(  # noqa: PLR0917  (numba knows no keywords)
    samples: NDArray[np.float32],
    at: int,
    last: np.float32,
    state: NDArray[np.int64],
    spots: NDArray[np.int64],
    n_spots: int,
) -> int:
    """Find flat tops; ``state``: length of the open run, clipped samples so far."""
    run = state[0]
    for start in range(0, samples.shape[0], _ROW):
        row = samples[start : start + _ROW]
        if run <= 1 and max(abs(last), greatest_magnitude(row)) < _FULL and not _stands(row, last):
            last = row[-1]
            run = 1 if abs(last) >= _TOP else 0
            continue
        for i in range(row.shape[0]):
            x, n = row[i], start + i
            size = abs(x)
            if size >= _TOP and (run == 0 or x == last or (size >= _FULL and abs(last) >= _FULL)):
                run += 1
            else:
                if run >= _LEAST_RUN or (run > 0 and abs(last) > _FULL):
                    state[1] += run
                    if n_spots < spots.shape[0]:
                        spots[n_spots, 0], spots[n_spots, 1] = at + n - run, at + n
                    n_spots += 1
                run = 1 if size >= _TOP else 0
            last = x
    state[0] = run
    return int(n_spots)


@compiled(
    types.int64, *(_SAMPLES, types.int64, types.int64, types.int64, types.float32, _STATE), *(_SPOTS, types.int64)
)
def _holes(  # noqa: PLR0917  (numba knows no keywords)
    samples: NDArray[np.float32],
    at: int,
    least: int,
    most: int,
    last: np.float32,
    state: NDArray[np.int64],
    spots: NDArray[np.int64],
    n_spots: int,
) -> int:
    """Find holes; ``state``: length of the open silence, whether it began abruptly."""
    zeros = state[0]
    for start in range(0, samples.shape[0], _ROW):
        row = samples[start : start + _ROW]
        if zeros == 0 and least_magnitude(row) > np.float32(0.0):
            last = row[-1]
            continue
        for i in range(row.shape[0]):
            x, n = row[i], start + i
            if x == np.float32(0.0):
                if zeros == 0:
                    state[1] = 1 if abs(last) > _LIVE else 0
                zeros += 1
            elif zeros:
                if least <= zeros <= most and state[1] and abs(x) > _LIVE:
                    if n_spots < spots.shape[0]:
                        spots[n_spots, 0], spots[n_spots, 1] = at + n - zeros, at + n
                    n_spots += 1
                zeros = 0
            last = x
    state[0] = zeros
    return int(n_spots)


@inner
def _bend(samples: NDArray[np.float32], n: int) -> np.float32:
    """How far a sample lies off the line between its neighbours."""
    return np.float32(abs(samples[n] - np.float32(0.5) * (samples[n - 1] + samples[n + 1])))


@inner
def _busy(samples: NDArray[np.float32]) -> bool:
    """Whether no click can be in the inner ``_ROW`` samples: no bend is sharp enough, or too little around is calm.

    On either side of a click, of the ``_REACH - _NEAR + 1`` samples that must be calm, one part at least is whole.
    """
    bends, parts = np.empty(_ROW + 2 * _REACH, np.float32), np.empty((_ROW + 2 * _REACH) // _PART, np.float32)
    for i in range(_ROW + 2 * _REACH):
        bends[i] = samples[i + 1] - np.float32(0.5) * (samples[i] + samples[i + 2])
    sharpest = greatest_magnitude(bends[_REACH : _REACH + _ROW])
    if sharpest < _CLICK_LEAST:
        return True
    for part in range(parts.shape[0]):
        parts[part] = greatest_magnitude(bends[part * _PART : (part + 1) * _PART])
    n_calm = 0
    for part in range(parts.shape[0]):
        n_calm += parts[part] * _CLICK_RATIO < sharpest
    return n_calm < 2


@compiled(types.int64, _SAMPLES, types.int64, _SPOTS, types.int64)
def _clicks(samples: NDArray[np.float32], at: int, spots: NDArray[np.int64], n_spots: int) -> int:
    """Find clicks among samples ``_REACH + 1`` from either end; ``at`` is the place of the first of all."""
    first, stop = _REACH + 1, samples.shape[0] - _REACH - 1
    bends = np.empty(_ROW + 2, np.float32)
    for start in range(first, stop, _ROW):
        n_row = min(_ROW, stop - start)
        if n_row == _ROW and _busy(samples[start - _REACH - 1 : start + _ROW + _REACH + 1]):
            continue
        for i in range(n_row + 2):
            bends[i] = _bend(samples, start - 1 + i)
        for i in range(n_row):
            n, bend = start + i, bends[i + 1]
            if bend < _CLICK_LEAST:
                continue
            # A sample that is off bends its neighbours half as much; a step bends two alike.
            lone = bend > _SHARP * max(bends[i], bends[i + 2])
            for j in range(_NEAR, _REACH + 1):
                if not lone:
                    break
                lone = max(_bend(samples, n - j), _bend(samples, n + j)) * _CLICK_RATIO < bend
            if lone and (n_spots == 0 or n_spots > spots.shape[0] or at + n - spots[n_spots - 1, 1] > _REACH):
                if n_spots < spots.shape[0]:
                    spots[n_spots, 0], spots[n_spots, 1] = at + n, at + n + 1
                n_spots += 1
    return int(n_spots)


@compiled(types.void, readable(types.float32, 2), writable(types.float64, 2))
def add_sums(rows: NDArray[np.float32], sums: NDArray[np.float64]) -> None:
    """Add samples of shape (channels, n) to ``sums``: rows sum, squares, peak, product with the other channel."""
    # Sums in as many parts as a row has frames, so that a processor's lanes can work.
    totals, squares, products = np.zeros(_ROW), np.zeros(_ROW), np.zeros(_ROW)
    for c in range(rows.shape[0]):
        totals[:], squares[:], products[:] = 0.0, 0.0, 0.0
        for start in range(0, rows.shape[1], _ROW):
            own, other = rows[c, start : start + _ROW], rows[rows.shape[0] - 1 - c, start : start + _ROW]
            for i in range(own.shape[0]):
                x = np.float64(own[i])
                totals[i] += x
                squares[i] += x * x
                products[i] += x * np.float64(other[i])
        sums[0, c] += totals.sum()
        sums[1, c] += squares.sum()
        sums[2, c] = max(sums[2, c], greatest_magnitude(rows[c]))
        sums[3, c] += products.sum()


class ChannelInspection:
    """Looks at one channel of a stream; each kind of fault has its spots, shape (n, 2), at most 100."""

    def __init__(self, *, sample_rate_hz: int) -> None:
        self._least_hole, self._most_hole = round(0.002 * sample_rate_hz), round(0.5 * sample_rate_hz)
        self._at, self._last = 0, np.float32(0.0)
        self._tops_state, self._holes_state = np.zeros(2, np.int64), np.zeros(2, np.int64)
        self._tail = np.zeros(0, np.float32)
        self._spots = {kind: np.zeros((_MOST_SPOTS, 2), np.int64) for kind in ("tops", "holes", "clicks")}
        self._n = dict.fromkeys(self._spots, 0)

    def add(self, samples: NDArray[np.float32]) -> None:
        """Take the next samples, shape (n,), contiguous."""
        if not len(samples):
            return
        spots, n, at = self._spots, self._n, self._at
        n["tops"] = _tops(samples, at, self._last, self._tops_state, spots["tops"], n["tops"])
        n["holes"] = _holes(
            samples, at, self._least_hole, self._most_hole, self._last, self._holes_state, spots["holes"], n["holes"]
        )
        seam = np.concatenate([self._tail, samples[: 2 * _REACH + 2]])
        n["clicks"] = _clicks(seam, at - len(self._tail), spots["clicks"], n["clicks"])
        n["clicks"] = _clicks(samples, at, spots["clicks"], n["clicks"])
        self._tail = np.concatenate([self._tail, samples[-2 * _REACH - 2 :]])[-2 * _REACH - 2 :]
        self._at, self._last = at + len(samples), samples[-1]

    def finish(self) -> None:
        """Close what is open at the end."""
        self._n["tops"] = _tops(
            np.zeros(1, np.float32), self._at, self._last, self._tops_state, self._spots["tops"], self._n["tops"]
        )

    @property
    def n_clipped(self) -> int:
        """Samples in flat tops."""
        return int(self._tops_state[1])

    def spots(self, kind: str) -> NDArray[np.int64]:
        """Return the places of one kind of fault: ``tops``, ``holes`` or ``clicks``."""
        return self._spots[kind][: self._n[kind]]
