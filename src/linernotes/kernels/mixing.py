"""Bands added up again, each under a gain that moves, each at a rate of its own.

A band that ends low is told by few samples. It is moved as it is, and only the sum is brought to the rate of the next
band, by an interpolation that loses nothing below the band's end and lets nothing through of its mirror image.

Source: J. F. Kaiser, R. W. Schafer, On the use of the I0-sinh window for spectrum analysis (1980), for its length.

Conventions
-----------
Gains are factors at the middle of cells, straight between them; they have one cell more at either end. Rows are mid and
side, or one channel; a sum has shape (rows, n).
"""

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from linernotes.kernels.compiled import compiled, inner, readable, types, writable

__all__ = ["Ladder", "move", "spread"]

_ROW = 512
_REJECTED_DB = 100.0
_WHOLE = readable(types.float32, 2)


@compiled(
    types.void,
    *(readable(types.float32, 3), readable(types.float64, 1), types.int64, types.int64),
    writable(types.float32, 2),
)
def move(
    rows: NDArray[np.float32], gains: NDArray[np.float64], margin: int, cell: int, out: NDArray[np.float32]
) -> None:
    """Write the inner parts of segments, shape (segments, rows, n), one behind the other, under gains."""
    half = cell // 2
    n_cells = (rows.shape[2] - 2 * margin) // cell
    for place in range(out.shape[1] // half):  # halves of cells
        segment, start = place // (2 * n_cells), margin + place % (2 * n_cells) * half
        left = (place + 1) // 2
        step = np.float32((gains[left + 1] - gains[left]) / cell)
        first = np.float32(gains[left]) + step * np.float32(half * (1 - place % 2))
        for c in range(out.shape[0]):
            row, moved = rows[segment, c, start : start + half], out[c, place * half : (place + 1) * half]
            for i in range(half):
                moved[i] = row[i] * (first + step * np.float32(i))


@compiled(types.void, _WHOLE, writable(types.float32, 2))
def spread(rows: NDArray[np.float32], out: NDArray[np.float32]) -> None:
    """Write left and right, shape (n, channels)."""
    if rows.shape[0] == 1:
        for i in range(out.shape[0]):
            out[i, 0] = rows[0, i]
    else:
        mid, side = rows[0], rows[1]
        for i in range(out.shape[0]):
            out[i, 0] = mid[i] + side[i]
            out[i, 1] = mid[i] - side[i]


@inner
def _braid(phases: NDArray[np.float32], upper: NDArray[np.float32], out: NDArray[np.float32], n: int) -> None:
    """Write ``upper`` and ``n`` samples of each phase in turn; by name, a processor writes two and four at once."""
    factor = phases.shape[0]
    if factor == 2:
        a, b = phases[0], phases[1]
        for i in range(n):
            out[2 * i] = upper[2 * i] + a[i]
            out[2 * i + 1] = upper[2 * i + 1] + b[i]
    elif factor == 4:
        a, b, c, d = phases[0], phases[1], phases[2], phases[3]
        for i in range(n):
            out[4 * i] = upper[4 * i] + a[i]
            out[4 * i + 1] = upper[4 * i + 1] + b[i]
            out[4 * i + 2] = upper[4 * i + 2] + c[i]
            out[4 * i + 3] = upper[4 * i + 3] + d[i]
    else:
        for phase in range(factor):
            for i in range(n):
                out[i * factor + phase] = upper[i * factor + phase] + phases[phase, i]


@compiled(types.void, _WHOLE, _WHOLE, _WHOLE, writable(types.float32, 2))
def _climb(
    samples: NDArray[np.float32], weights: NDArray[np.float32], upper: NDArray[np.float32], out: NDArray[np.float32]
) -> None:
    """Write ``upper`` and samples at its rate; of ``weights``, shape (factor, taps), the first row takes one sample."""
    factor, taps = weights.shape
    phases = np.empty((factor, _ROW), np.float32)
    for c in range(out.shape[0]):
        for start in range(0, out.shape[1] // factor, _ROW):
            n = min(_ROW, out.shape[1] // factor - start)
            phases[0, :n] = samples[c, start + taps // 2 - 1 : start + taps // 2 - 1 + n]
            for phase in range(1, factor):
                sums = phases[phase]
                sums[:n] = np.float32(0.0)
                for k in range(0, taps, 2):
                    first, second, some = weights[phase, k], weights[phase, k + 1], samples[c, start + k :]
                    for i in range(n):
                        sums[i] += first * some[i] + second * some[i + 1]
            _braid(phases, upper[c, start * factor :], out[c, start * factor :], n)


def _weights(factor: int, *, ends: float) -> NDArray[np.float32]:
    """Return the weights of an interpolation by ``factor``; a band ``ends`` at this share of the lower rate."""
    if factor == 1:
        return np.array([[1.0, 0.0]], np.float32)
    width = (1.0 - 2.0 * ends) / factor
    reach = int(np.ceil((_REJECTED_DB - 8.0) / (2.285 * 2.0 * np.pi * width) / (2 * factor)))
    at = np.arange(factor)[:, None] / factor - np.arange(1 - reach, reach + 1)[None, :]
    weights = np.sinc(at) * np.i0(0.1102 * (_REJECTED_DB - 8.7) * np.sqrt(np.maximum(0.0, 1.0 - (at / reach) ** 2)))
    weights /= weights.sum(axis=1, keepdims=True)
    return weights.astype(np.float32)


class Ladder:
    """Adds up bands of a stream from the slowest to the fastest; late by a few samples of each.

    Parameters
    ----------
    steps : how many frames lie between the samples of each band; each is a multiple of the next, the last is 1
    ends : where each band ends, as a share of its own rate, below a half
    """

    def __init__(self, steps: Sequence[int], ends: Sequence[float], *, rows: int) -> None:
        factors = [slow // fast for slow, fast in pairwise(steps)]
        self._weights = [_weights(factor, ends=end) for factor, end in zip(factors, ends[:-1], strict=True)]
        self._lower = [np.zeros((rows, weights.shape[1] // 2 - 1), np.float32) for weights in self._weights]
        self._upper = [np.zeros((rows, 0), np.float32) for _ in self._weights]

    def add(self, bands: Sequence[NDArray[np.float32]]) -> NDArray[np.float32]:
        """Take the same stretch of each band; return the sum, shape (rows, n), as far as it can be told."""
        total = bands[0]
        for rung, (weights, band) in enumerate(zip(self._weights, bands[1:], strict=True)):
            factor, taps = weights.shape
            lower = np.concatenate([self._lower[rung], total], axis=1)
            upper = np.concatenate([self._upper[rung], band], axis=1)
            n = max(0, lower.shape[1] - taps + 1)
            total = np.empty((len(band), n * factor), np.float32)
            _climb(lower, weights, upper, total)
            self._lower[rung], self._upper[rung] = lower[:, n:], upper[:, n * factor :]
        return total
