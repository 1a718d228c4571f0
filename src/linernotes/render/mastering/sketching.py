"""A sketch of a sound that tells what a limiter would do to its loudness, without running it."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from linernotes.kernels.limiter import Ballistics, ReductionStream, reduce_cells
from linernotes.kernels.loudness import KWeighting, add_cells, gated
from linernotes.kernels.true_peak import CELL, PeakCells
from linernotes.render.mastering.scratch import BLOCK_FRAMES, Scratch

__all__ = ["Forecast", "Sketch"]

_MOST_CELLS = 1 << 17
_PAUSE = 1e-3  # of the mean power: what lies below is no part of the music
_SPARE = 10.0 ** (-4.0 / 20.0)  # peaks are known so much farther down than is asked for


@dataclass(frozen=True, slots=True)
class Forecast:
    """What a limiter would leave: its loudness, and the reduction that 95 % of the music stays below."""

    loudness_lufs: float
    reduction_db: float


class Sketch:
    """True peak and K-weighted energy of cells, some hundred thousand at most: longer sounds have longer cells.

    Peaks of the finest cells are kept in a scratch file of ``folder``.
    """

    def __init__(self, *, sample_rate_hz: int, channels: int, n_frames: int, folder: Path | None = None) -> None:
        self.sample_rate_hz, self._channels, self._folder = sample_rate_hz, channels, folder
        self._merged = 1 << max(0, int(np.ceil(np.log2(max(1.0, n_frames / CELL / _MOST_CELLS)))))
        self._cell_s = self._merged * CELL / sample_rate_hz
        self._weighting = KWeighting(sample_rate_hz=sample_rate_hz, channels=channels)
        n_cells = -(-n_frames // (self._merged * CELL))
        self._energies, self._n_frames = np.zeros(n_cells), 0
        self._least, self._tops = np.inf, np.zeros(n_cells, np.float32)
        self._peaks = Scratch(1, folder=folder)

    def close(self) -> None:
        """Give the scratch file back."""
        self._peaks.close()

    def add(self, block: NDArray[np.float32]) -> None:
        """Take the energy of the next frames, shape (n, channels)."""
        add_cells(self._weighting.energies(block), self._n_frames, self._merged * CELL, self._energies)
        self._n_frames += len(block)

    def know(self, blocks: Iterable[NDArray[np.float32]], least: float) -> None:
        """See to it that no true peak above ``least`` is missed; lower ones may be told by their samples alone."""
        if self._least <= least:
            return
        self._least = least * _SPARE
        cells = PeakCells(channels=self._channels, least=self._least, guarded=True)
        self._peaks.close()
        self._peaks = Scratch(1, folder=self._folder).fill(cells.add(block)[:, None] for block in blocks)
        self._peaks.append(cells.finish()[:, None])
        at = 0
        for some in self._peaks.blocks(max(BLOCK_FRAMES, self._merged)):
            tops = np.maximum.reduceat(some[:, 0], np.arange(0, len(some), self._merged))
            self._tops[at : at + len(tops)] = tops
            at += len(tops)

    @property
    def least(self) -> float:
        """What is known of peaks is true above this."""
        return self._least

    def peak(self) -> float:
        """Return the greatest true peak."""
        return float(self._tops.max(initial=0.0))

    def loudness(self) -> float:
        """Return the integrated loudness of the sound as it is."""
        return gated(self._blocks(self._energies))

    def reductions(self, *, gain: float, ceiling: float, ballistics: Ballistics) -> Scratch:
        """Return what a limiter after ``gain`` takes away under ``ceiling``, both factors, at the edges of cells."""
        stream = ReductionStream(over=gain / ceiling, cell_s=CELL / self.sample_rate_hz, ballistics=ballistics)
        edges = Scratch(1, folder=self._folder).fill(stream.add(peaks[:, 0])[:, None] for peaks in self._peaks.blocks())
        edges.append(stream.finish()[:, None])
        return edges

    def forecast(self, *, gain: float, ceiling: float, ballistics: Ballistics) -> Forecast:
        """Tell what a limiter after ``gain`` would leave under ``ceiling``, both factors."""
        stream = ReductionStream(over=gain / ceiling, cell_s=self._cell_s, ballistics=ballistics)
        edges_db = np.concatenate([stream.add(self._tops), stream.finish()])
        left, reductions_db = np.empty_like(self._energies), np.empty(len(self._energies), np.float32)
        reduce_cells(self._energies, edges_db, gain * gain, left, reductions_db)
        played = reductions_db[self._energies > _PAUSE * self._energies.mean()]
        return Forecast(
            loudness_lufs=gated(self._blocks(left)),
            reduction_db=float(np.quantile(played, 0.95)) if len(played) else 0.0,
        )

    def _blocks(self, energies: NDArray[np.float64]) -> NDArray[np.float64]:
        """Mean powers of 400 ms, one every 100 ms: straight inside cells, which need not end where these do."""
        sums = np.concatenate([[0.0], np.cumsum(energies)])
        n_tenths = int(len(energies) * self._cell_s * 10.0)
        n_window = min(4, max(1, n_tenths))
        at = np.arange(n_tenths + 1) / (10.0 * self._cell_s)
        ends = np.interp(at, np.arange(len(sums)), sums)
        powers: NDArray[np.float64] = (ends[n_window:] - ends[:-n_window]) * 10.0 / n_window
        return powers / self.sample_rate_hz
