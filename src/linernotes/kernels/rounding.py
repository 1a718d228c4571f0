"""Samples rounded to whole steps, under noise that hides what rounding does.

Source: S. P. Lipshitz, R. A. Wannamaker, J. Vanderkooy, Quantization and dither, J. Audio Eng. Soc. 40 (1992). The
noise is SplitMix64's: G. L. Steele, D. Lea, C. H. Flood, Fast splittable pseudorandom number generators (2014).
"""

import numpy as np
from numpy.typing import NDArray

from linernotes.kernels.compiled import compiled, readable, types, writable

__all__ = ["round_dithered"]


@compiled(types.void, readable(types.float32, 1), types.uint64, types.float64, writable(types.int32, 1))
def round_dithered(samples: NDArray[np.float32], at: np.uint64, full: float, steps: NDArray[np.int32]) -> None:
    """Write samples as whole steps, ``full`` of them to 1, with triangular noise of one step.

    Each sample has noise of its own number, however a stream is cut; that of the first is ``at``.
    """
    for i in range(samples.shape[0]):
        word = (at + np.uint64(i) + np.uint64(1)) * np.uint64(0x9E3779B97F4A7C15)
        word = (word ^ (word >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        word = (word ^ (word >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        word ^= word >> np.uint64(31)
        triangle = (float(np.int64(word >> np.uint64(32))) - float(np.int64(word & np.uint64(0xFFFFFFFF)))) * 2.0**-32
        step = np.rint(np.float64(samples[i]) * full + triangle)
        steps[i] = np.int32(min(max(step, -full), full - 1.0))
