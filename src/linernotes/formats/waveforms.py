"""A waveform as text: what a picture of thousands of columns takes to keep and to read again is a hundredth as JSON.

Conventions
-----------
A waveform has shape (n, 2), the lowest and highest sample of equal stretches, in [-1, 1]. As text it is the base64 of
16-bit whole numbers, the low byte first, 32 767 for 1.
"""

import base64
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

__all__ = ["packed", "unpacked"]

_FULL = 32_767


def packed(waveform: NDArray[np.float32]) -> str:
    """Return a waveform as text. Check: ``packed(np.array([[-1, 1]]))`` is ``AYD/fw==``."""
    whole = np.rint(np.clip(np.nan_to_num(waveform), -1.0, 1.0) * _FULL).astype("<i2")
    return base64.b64encode(whole.tobytes()).decode()


def unpacked(told: str | Sequence[Sequence[float]]) -> NDArray[np.float32]:
    """Return a waveform from its text, or from the pairs of numbers that were kept before there was one."""
    if not isinstance(told, str):
        return np.asarray(told, dtype=np.float32).reshape(-1, 2)
    whole = np.frombuffer(base64.b64decode(told), dtype="<i2").reshape(-1, 2)
    return (whole / np.float32(_FULL)).astype(np.float32)
