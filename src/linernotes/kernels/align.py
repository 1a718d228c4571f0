"""How well a query's cells agree with a reference's, alignment by alignment.

A query cell says +, - or nothing; a reference cell says + or -. The agreement at one alignment is the number of equal
signs less the number of opposite ones among the cells where the query says something.

Conventions
-----------
Cells are packed 128 to a frame in two 64-bit words (see :func:`linernotes.kernels.spectra.pack_bits`); arrays of
words have shape (n, 2). Alignment ``a`` lays query frame 0 on reference frame ``a``.
"""

import numpy as np
from numba import types
from numpy.typing import NDArray

from linernotes.kernels.compiled import compiled, count_ones, readable, writable

__all__ = ["frame_disagreements", "scan_disagreements"]

Words = NDArray[np.uint64]
_WORDS = readable(types.uint64, 2)


@compiled(types.void, _WORDS, _WORDS, _WORDS, writable(types.uint32, 1))
def scan_disagreements(reference: Words, signs: Words, strong: Words, out: NDArray[np.uint32]) -> None:
    """Opposite signs among the ``strong`` cells at every alignment that fits; ``out``: shape (n - t + 1,)."""
    n, t = reference.shape[0], 2 * signs.shape[0]
    line, wanted, mask = reference.reshape(2 * n), signs.reshape(t), strong.reshape(t)
    for a in range(out.shape[0]):
        total = np.uint64(0)
        for i in range(t):
            total += count_ones((line[2 * a + i] ^ wanted[i]) & mask[i])
        out[a] = total


@compiled(types.void, _WORDS, _WORDS, _WORDS, writable(types.uint32, 1))
def frame_disagreements(reference: Words, signs: Words, strong: Words, out: NDArray[np.uint32]) -> None:
    """Opposite signs among the ``strong`` cells frame by frame; all of shape (t, 2), ``out`` of shape (t,)."""
    for i in range(out.shape[0]):
        out[i] = count_ones((reference[i, 0] ^ signs[i, 0]) & strong[i, 0]) + count_ones(
            (reference[i, 1] ^ signs[i, 1]) & strong[i, 1]
        )
