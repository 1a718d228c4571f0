"""Fewer bits without distortion: triangular noise of one step before rounding.

Source: S. P. Lipshitz, R. A. Wannamaker, J. Vanderkooy, Quantization and dither, J. Audio Eng. Soc. 40 (1992).
"""

from collections.abc import Iterable, Iterator

import numpy as np
from numpy.typing import NDArray

from linernotes.errors import ParameterError

__all__ = ["dithered"]


def dithered(blocks: Iterable[NDArray[np.float32]], *, bits: int, seed: int = 0) -> Iterator[NDArray[np.int32]]:
    """Round samples to whole steps of ``bits`` (16 or 24), with triangular noise; the same seed gives the same noise.

    Yields
    ------
    steps, shape (n, channels): -32768 to 32767 for 16 bits
    """
    if bits not in (16, 24):
        raise ParameterError(f"cannot dither to {bits} bits: 16 or 24")
    noise = np.random.Generator(np.random.SFC64(seed))
    full = float(1 << (bits - 1))
    for block in blocks:
        triangle = noise.random(block.shape, np.float32) - noise.random(block.shape, np.float32)
        steps = triangle + block.astype(np.float64) * full
        yield np.clip(np.rint(steps, out=steps), -full, full - 1).astype(np.int32)
