"""Fewer bits without distortion: triangular noise of one step before rounding."""

from collections.abc import Iterable, Iterator

import numpy as np
from numpy.typing import NDArray

from linernotes.errors import ParameterError
from linernotes.kernels.rounding import round_dithered

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
        round_dithered(block.reshape(-1), at, float(1 << (bits - 1)), steps.reshape(-1))
        at += np.uint64(block.size)
        yield steps
