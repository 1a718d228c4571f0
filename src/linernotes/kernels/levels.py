"""Levels of bands over time: slow ones that follow a phrase, fast ones that follow a stroke.

Conventions
-----------
Powers are told for cells (:mod:`linernotes.kernels.filters`), shape (n_bands, n). The slow level of a cell is the mean
of the 400 ms around it, the fast level that of the 6 ms around it, both in dB, at least :data:`FLOOR_DB`. At the ends
of a sound there is less around.
"""

import numpy as np
from numpy.typing import NDArray

from linernotes.kernels.compiled import compiled, readable, types, writable
from linernotes.kernels.magnitudes import greatest

__all__ = ["FLOOR_DB", "Levels", "cell_powers"]

FLOOR_DB = -120.0
_SLOW_S, _FAST_S = 0.4, 0.006


@compiled(
    types.float32,
    *(readable(types.float32, 3), types.int64, types.int64, writable(types.float64, 1), writable(types.float64, 1)),
)
def cell_powers(
    rows: NDArray[np.float32],
    margin: int,
    cell: int,
    powers: NDArray[np.float64],
    squares: NDArray[np.float64],
) -> np.float32:
    """Write the power of each cell, summed over mid and side, and return the greatest sample of either channel.

    ``rows``: segments as :mod:`linernotes.kernels.filters` has them, margins included. ``squares`` of each row are
    added up. The frames of a cell are a power of two.
    """
    n_cells = (rows.shape[2] - 2 * margin) // cell
    sizes, sums = np.zeros(cell, np.float32), np.empty(cell, np.float32)
    most = np.float32(0.0)
    for place in range(powers.shape[0]):
        segment, start = place // n_cells, margin + place % n_cells * cell
        sizes[:] = np.float32(0.0)
        powers[place] = 0.0
        for c in range(rows.shape[1]):
            row = rows[segment, c, start : start + cell]
            for i in range(cell):
                sizes[i] += abs(row[i])  # where mid and side have one sign, the greater channel is their sum
                sums[i] = row[i] * row[i]
            n = cell // 2
            while n:
                for i in range(n):
                    sums[i] += sums[i + n]
                n //= 2
            powers[place] += np.float64(sums[0]) / cell
            squares[c] += np.float64(sums[0])
        most = max(most, greatest(sizes))
    return most


@compiled(types.void, readable(types.float64, 2), types.int64, types.int64, types.int64, writable(types.float64, 2))
def _means(powers: NDArray[np.float64], start: int, n: int, reach: int, out: NDArray[np.float64]) -> None:
    """Write the mean power within ``reach`` on either side of ``n`` cells from ``start`` on."""
    for b in range(powers.shape[0]):
        low, high, total = max(0, start - reach), max(0, start - reach), 0.0
        for k in range(n):
            while high < min(powers.shape[1], start + k + reach + 1):
                total += powers[b, high]
                high += 1
            while low < start + k - reach:
                total -= powers[b, low]
                low += 1
            out[b, k] = max(total, 0.0) / (high - low)


class Levels:
    """Tells slow and fast levels of a stream of cell powers, late by half a slow window."""

    def __init__(self, *, n_bands: int, cell_s: float) -> None:
        self._slow, self._fast = round(0.5 * _SLOW_S / cell_s), max(1, round(0.5 * (_FAST_S / cell_s - 1.0)))
        self._powers = np.zeros((n_bands, 0))
        self._n_past = 0

    def add(self, powers: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Take the next cells; return slow and fast levels of those that can be told."""
        self._powers = np.concatenate([self._powers, powers], axis=1)
        return self._told(self._powers.shape[1] - self._n_past - self._slow)

    def finish(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return the levels of the cells that were waiting."""
        return self._told(self._powers.shape[1] - self._n_past)

    def _told(self, n: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        levels = np.empty((2, len(self._powers), max(0, n)))
        if n > 0:
            _means(self._powers, self._n_past, n, self._slow, levels[0])
            _means(self._powers, self._n_past, n, self._fast, levels[1])
            levels = 10.0 * np.log10(np.maximum(levels, 10.0 ** (FLOOR_DB / 10.0)))
            n_dropped = max(0, self._n_past + n - self._slow)
            self._powers, self._n_past = self._powers[:, n_dropped:].copy(), self._n_past + n - n_dropped
        return levels[0], levels[1]
