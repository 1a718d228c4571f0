"""A sketch of a sound that tells what a limiter would do to its loudness, without running it."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from linernotes.kernels.limiter import Ballistics, ReductionStream
from linernotes.kernels.loudness import STEPS_PER_S, KWeighting, add_cells, integrated
from linernotes.kernels.true_peak import CELL, PeakCells

__all__ = ["Forecast", "Sketch"]

_MOST_CELLS = 1 << 18
_PAUSE = 1e-3  # of the mean power: what lies below is no part of the music


@dataclass(frozen=True, slots=True)
class Forecast:
    """What a limiter would leave: its loudness, and the reduction that 95 % of the music stays below."""

    loudness_lufs: float
    reduction_db: float


class Sketch:
    """True peak and K-weighted energy of cells, a quarter of a million at most: longer sounds have longer cells.

    Parameters
    ----------
    n_frames : length of the sound
    least : no true peak above it is missed; lower ones may be told by their samples alone
    """

    def __init__(self, *, sample_rate_hz: int, channels: int, n_frames: int, least: float) -> None:
        merged = 1 << max(0, int(np.ceil(np.log2(max(1.0, n_frames / CELL / _MOST_CELLS)))))
        self._cell = CELL * merged
        self._cell_s = self._cell / sample_rate_hz
        self._weighting = KWeighting(sample_rate_hz=sample_rate_hz, channels=channels)
        self._peak_cells = PeakCells(channels=channels, least=least, guarded=True)
        n_cells = -(-n_frames // self._cell)
        self._peaks, self._energies = np.zeros(n_cells, np.float32), np.zeros(n_cells)
        self._n_fine, self._n_frames = 0, 0

    def add(self, block: NDArray[np.float32]) -> None:
        """Take the next frames, shape (n, channels)."""
        add_cells(self._weighting.energies(block), self._n_frames, self._cell, self._energies)
        self._n_frames += len(block)
        self._keep(self._peak_cells.add(block))

    def finish(self) -> None:
        """Take what was waiting; the sound has ended."""
        self._keep(self._peak_cells.finish())

    def _keep(self, peaks: NDArray[np.float32]) -> None:
        if not len(peaks):
            return
        merged = self._cell // CELL
        first = self._n_fine % merged
        tops = np.maximum.reduceat(peaks, np.r_[0, np.arange(merged - first, len(peaks), merged)])
        at = self._n_fine // merged
        np.maximum(self._peaks[at : at + len(tops)], tops, out=self._peaks[at : at + len(tops)])
        self._n_fine += len(peaks)

    def peak(self) -> float:
        """Return the greatest true peak."""
        return float(self._peaks.max(initial=0.0))

    def loudness(self) -> float:
        """Return the integrated loudness of the sound as it is."""
        return integrated(self._powers(self._energies))

    def forecast(self, *, gain: float, ceiling: float, ballistics: Ballistics) -> Forecast:
        """Tell what a limiter after ``gain`` would leave under ``ceiling``, both factors."""
        stream = ReductionStream(over=gain / ceiling, cell_s=self._cell_s, ballistics=ballistics)
        edges_db = np.concatenate([stream.add(self._peaks), stream.finish()])
        reductions_db = 0.5 * (edges_db[:-1] + edges_db[1:])
        energies = self._energies * (gain * gain) * 10.0 ** (-reductions_db / 10.0)
        played = reductions_db[self._energies > _PAUSE * self._energies.mean()]
        return Forecast(
            loudness_lufs=integrated(self._powers(energies)),
            reduction_db=float(np.quantile(played, 0.95)) if len(played) else 0.0,
        )

    def _powers(self, energies: NDArray[np.float64]) -> NDArray[np.float64]:
        """Mean powers of 10 ms: straight inside cells, which need not end where these do."""
        sums = np.concatenate([[0.0], np.cumsum(energies)])
        n_steps = int(len(energies) * self._cell_s * STEPS_PER_S)
        at = np.arange(n_steps + 1) / (STEPS_PER_S * self._cell_s)
        powers: NDArray[np.float64] = np.diff(np.interp(at, np.arange(len(sums)), sums)) * STEPS_PER_S
        return powers / (self._cell / self._cell_s)
