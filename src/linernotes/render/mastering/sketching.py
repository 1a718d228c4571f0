"""A sketch of a sound that tells what a limiter would do to its loudness, without running it."""

import numpy as np
from numpy.typing import NDArray

from linernotes.kernels.limiter import Ballistics, ReductionStream
from linernotes.kernels.loudness import KWeighting, integrated
from linernotes.kernels.true_peak import CELL, PeakCells

__all__ = ["Sketch"]

_MOST_CELLS = 1 << 20
_STEPS_PER_S = 100


class Sketch:
    """True peak and K-weighted energy of cells; when there are too many, neighbours merge."""

    def __init__(self, *, sample_rate_hz: int, channels: int, least: float) -> None:
        self._rate = sample_rate_hz
        self._weighting = KWeighting(sample_rate_hz=sample_rate_hz, channels=channels)
        self._peak_cells = PeakCells(channels=channels, least=least)
        self._waiting: list[NDArray[np.float32]] = []
        self._frames_per_cell = CELL
        self._peaks = np.zeros(0, np.float32)
        self._energies = np.zeros(0)

    def add(self, block: NDArray[np.float32]) -> None:
        """Take the next frames; all blocks but the last hold whole cells."""
        raise NotImplementedError
