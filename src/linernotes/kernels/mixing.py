"""Bands added up again, each under a gain that moves.

Conventions
-----------
Gains are factors at the middle of cells, straight between them; ``gains`` has one cell more at either end.
"""

import numpy as np
from numba import types
from numpy.typing import NDArray

from linernotes.kernels.compiled import compiled, readable, writable

__all__ = ["add_band"]


@compiled(
    types.void,
    *(readable(types.float32, 1), readable(types.float64, 1), types.int64, writable(types.float32, 1)),
)
def add_band(row: NDArray[np.float32], gains: NDArray[np.float64], cell: int, out: NDArray[np.float32]) -> None:
    """Add a row of a band times its gain to ``out``."""
    half = cell // 2
    for c in range(gains.shape[0] - 1):
        step = np.float32((gains[c + 1] - gains[c]) / cell)
        first = np.float32(gains[c])
        start = c * cell - half
        for i in range(max(0, -start), min(cell, row.shape[0] - start)):
            out[start + i] += row[start + i] * (first + step * np.float32(i))
