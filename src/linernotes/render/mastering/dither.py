"""Fewer bits without distortion: triangular noise of one step before rounding.

Source: S. P. Lipshitz, R. A. Wannamaker, J. Vanderkooy, Quantization and dither, J. Audio Eng. Soc. 40 (1992). The
noise is SplitMix64's: G. L. Steele, D. Lea, C. H. Flood, Fast splittable pseudorandom number generators (2014).
"""

from collections.abc import Iterable, Iterator

import numpy as np
from numba import types
from numpy.typing import NDArray

from linernotes.errors import ParameterError
from linernotes.kernels.compiled import compiled, readable, writable

__all__ = ["dithered"]


def dithered(blocks: Iterable[NDArray[np.float32]], *, bits: int, seed: int = 0) -> Iterator[NDArray[np.int32]]:
    """Round samples to whole steps of ``bits`` (16 or 24), with triangular noise; the same seed gives the same noise.

    Yields
    ------
    steps, shape (n, channels): -32768 to 32767 for 16 bits
    """
    if bits not in (16, 24):
        raise ParameterError(f"cannot dither to {bits} bits: 16 or 24")
    at = np.uint64(seed) << np.uint64(40)  # of the sample: each has a number of its own
    for block in blocks:
        steps = np.empty(block.shape, np.int32)
        _round(block.reshape(-1), at, float(1 << (bits - 1)), steps.reshape(-1))
        at += np.uint64(block.size)
        yield steps


@compiled(types.void, readable(types.float32, 1), types.uint64, types.float64, writable(types.int32, 1))
def _round(samples: NDArray[np.float32], at: np.uint64, full: float, steps: NDArray[np.int32]) -> None:
    """Write samples as whole steps, ``full`` of them to 1."""
    for i in range(samples.shape[0]):
        word = (at + np.uint64(i) + np.uint64(1)) * np.uint64(0x9E3779B97F4A7C15)
        word = (word ^ (word >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        word = (word ^ (word >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        word ^= word >> np.uint64(31)
        triangle = (float(np.int64(word >> np.uint64(32))) - float(np.int64(word & np.uint64(0xFFFFFFFF)))) * 2.0**-32
        step = np.rint(np.float64(samples[i]) * full + triangle)
        steps[i] = np.int32(min(max(step, -full), full - 1.0))
