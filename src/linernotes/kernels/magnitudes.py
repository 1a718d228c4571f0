"""The greatest and the least magnitude among samples, without looking at one after the other.

Without their signs, the bits of floating-point numbers are whole numbers in the same order: of these a processor
compares many at once, which it may not do with the numbers themselves, for fear of those that are none.
"""

import numpy as np
from numpy.typing import NDArray

from linernotes.kernels.compiled import float_of_bits, inner

__all__ = ["greatest", "least"]

_UNSIGNED = np.int32(0x7FFFFFFF)


@inner
def greatest(samples: NDArray[np.float32]) -> np.float32:
    """Return the greatest magnitude, 0 of none; not a number counts as greater than all."""
    bits, most = samples.view(np.int32), np.int32(0)
    for i in range(bits.shape[0]):
        most = max(most, bits[i] & _UNSIGNED)
    return float_of_bits(most)


@inner
def least(samples: NDArray[np.float32]) -> np.float32:
    """Return the least magnitude, or the greatest number there is of none."""
    bits, fewest = samples.view(np.int32), np.int32(0x7F7FFFFF)
    for i in range(bits.shape[0]):
        fewest = min(fewest, bits[i] & _UNSIGNED)
    return float_of_bits(fewest)
