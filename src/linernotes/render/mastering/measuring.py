"""All meters over one pass of a sound."""

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from linernotes.model import Meters

__all__ = ["measure"]


def measure(blocks: Iterable[NDArray[np.float32]], *, sample_rate_hz: int) -> Meters:
    """Measure a sound given in blocks of any size, shape (n, channels), one or two channels, 8 to 192 kHz.

    Raises
    ------
    DecodeError if a sample is not a number; ParameterError for other rates and more channels; InputError if it is empty
    """
    raise NotImplementedError
