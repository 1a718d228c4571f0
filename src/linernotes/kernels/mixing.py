"""Bands added up again, each under a gain that moves.

Conventions
-----------
Gains are factors at the middle of cells, straight between them; ``gains`` has one cell more at either end. Bands are
mid and side, or one channel, in segments with a margin on either side, as :mod:`linernotes.kernels.filters` has them.
"""

import numpy as np
from numpy.typing import NDArray

from linernotes.kernels.compiled import compiled, readable, types, writable

__all__ = ["mix"]


@compiled(
    types.void,
    *(readable(types.float32, 4), readable(types.float64, 2), types.int64, types.int64),
    writable(types.float32, 2),
)
def mix(
    bands: NDArray[np.float32], gains: NDArray[np.float64], margin: int, cell: int, out: NDArray[np.float32]
) -> None:
    """Write the sum of bands, shape (bands, segments, channels, n_fft), under gains, shape (bands, cells + 2).

    ``out``: left and right, shape (n, channels): as many segments as fit.
    """
    channels, half = bands.shape[2], cell // 2
    n_cells = (bands.shape[3] - 2 * margin) // cell
    sums = np.empty((2, half), np.float32)
    for place in range(out.shape[0] // half):  # halves of cells
        segment, start = place // (2 * n_cells), margin + place % (2 * n_cells) * half
        left = (place + 1) // 2
        sums[:] = np.float32(0.0)
        for b in range(bands.shape[0]):
            step = np.float32((gains[b, left + 1] - gains[b, left]) / cell)
            first = np.float32(gains[b, left]) + step * np.float32(half * (1 - place % 2))
            for c in range(channels):
                row = bands[b, segment, c, start : start + half]
                for i in range(half):
                    sums[c, i] += row[i] * (first + step * np.float32(i))
        frames = out[place * half : (place + 1) * half]
        if channels == 1:
            for i in range(half):
                frames[i, 0] = sums[0, i]
        else:
            for i in range(half):
                frames[i, 0] = sums[0, i] + sums[1, i]
                frames[i, 1] = sums[0, i] - sums[1, i]
