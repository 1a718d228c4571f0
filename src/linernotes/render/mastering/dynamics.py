"""Dynamics of bands: how their levels are distributed, and gains that turn one distribution into another."""

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from linernotes.kernels.filters import STRETCH, Geometry, Transform, band_shares, realised
from linernotes.kernels.levels import Levels, cell_powers
from linernotes.kernels.mixing import Ladder, move, spread
from linernotes.model import BAND_EDGES_HZ, FLOOR_DB, LEVEL_QUANTILES, BandMeter, BandPlan

__all__ = ["BandDynamics", "BandMeters"]

# Histogram of slow levels (rows) and of fast levels relative to them (columns).
_SLOW_DB = (-120.0, 20.0, 1.0)
_FAST_DB = (-48.0, 24.0, 0.25)
_GATE_DB = -30.0  # softer than the mean by more: a pause
_UNHEARD_DB = -90.0
_STRIDE = 4  # cells: levels overlap, and every fourth tells as much
_BELL = np.hanning(11)[1:-1] / np.hanning(11).sum()  # 12 ms: no gain moves faster


def _n_bins(axis: tuple[float, float, float]) -> int:
    return round((axis[1] - axis[0]) / axis[2])


def _middles(axis: tuple[float, float, float]) -> NDArray[np.float64]:
    return np.asarray(axis[0] + (np.arange(_n_bins(axis)) + 0.5) * axis[2], np.float64)


def _places(levels: NDArray[np.float64], axis: tuple[float, float, float]) -> NDArray[np.int64]:
    places = ((levels - axis[0]) / axis[2]).astype(np.int64)
    return np.minimum(np.maximum(places, 0), _n_bins(axis) - 1)


class BandMeters:
    """Measures level and dynamics of each band from the spectra of stretches."""

    def __init__(self, geometry: Geometry, *, channels: int) -> None:
        self._geometry = geometry
        self._responses = realised(band_shares(BAND_EDGES_HZ, geometry)[:, None], geometry)
        n_bands = len(self._responses)
        self._steps = _steps(geometry)
        self._levels = self._fresh_levels()
        self._counts = np.zeros((n_bands, _n_bins(_SLOW_DB), _n_bins(_FAST_DB)), np.int64)
        self._peaks, self._sums, self._n_cells = np.zeros(n_bands), np.zeros((n_bands, channels)), 0

    def add(self, transform: Transform, spectra: NDArray[np.complex64], n: int) -> None:
        """Take the spectra of a stretch whose inner part has ``n`` frames of sound."""
        margin, cell = self._geometry.margin, self._geometry.cell
        powers = np.empty((len(self._steps), -(-n // cell)))
        for b, step in enumerate(self._steps):
            rows, squares = transform.thinned(spectra, self._responses[b], step=step), np.zeros(self._sums.shape[1])
            greatest = cell_powers(rows, margin // step, cell // step, powers[b], squares)
            self._sums[b] += squares * step
            self._peaks[b] = max(self._peaks[b], float(greatest))
        self._n_cells += powers.shape[1]
        self._count(*self._levels.add(powers))

    def pause(self) -> None:
        """Let go of what came before: the next stretch is not its neighbour."""
        self._count(*self._levels.finish())
        self._levels = self._fresh_levels()

    def _fresh_levels(self) -> Levels:
        cell_s = self._geometry.cell / self._geometry.sample_rate_hz
        return Levels(n_bands=len(self._responses), cell_s=cell_s)

    def _count(self, slow: NDArray[np.float64], fast: NDArray[np.float64]) -> None:
        n_fast = self._counts.shape[2]
        for b in range(len(slow)):
            slow_db, fast_db = slow[b, ::_STRIDE], fast[b, ::_STRIDE]
            places = _places(slow_db, _SLOW_DB) * n_fast + _places(fast_db - slow_db, _FAST_DB)
            np.add.at(self._counts[b].reshape(-1), places, 1)

    def low_powers(self) -> NDArray[np.float64]:
        """Return power of mid and side in the lowest band."""
        low: NDArray[np.float64] = self._sums[0]
        return low

    def meters(self) -> Sequence[BandMeter]:
        """Tell all bands; the sound has ended."""
        self._count(*self._levels.finish())
        edges = [0.0, *BAND_EDGES_HZ, self._geometry.sample_rate_hz / 2.0]
        return tuple(
            self._meter(b, min(edges[b], edges[-1]), min(edges[b + 1], edges[-1])) for b in range(len(self._steps))
        )

    def _meter(self, b: int, start_hz: float, stop_hz: float) -> BandMeter:
        mean = self._sums[b].sum() / (max(1, self._n_cells) * self._geometry.cell)
        mean_db = 10.0 * np.log10(max(mean, 10.0 ** (FLOOR_DB / 10.0)))
        if mean_db < _UNHEARD_DB:
            return BandMeter(start_hz, stop_hz, FLOOR_DB, 0.0, (), ())
        slow_db, fast_db = _middles(_SLOW_DB), _middles(_FAST_DB)
        counts = self._counts[b] * (slow_db > mean_db + _GATE_DB)[:, None]
        weights = counts.sum(axis=1)
        level_db = 10.0 * np.log10(np.average(10.0 ** (slow_db / 10.0), weights=weights))
        crest_db = 20.0 * np.log10(max(self._peaks[b], 1e-9)) - mean_db
        slow = _quantiles(weights, slow_db, _SLOW_DB[2]) - level_db
        fast = _quantiles(counts.sum(axis=0), fast_db, _FAST_DB[2])
        return BandMeter(
            start_hz, stop_hz, float(level_db), float(crest_db), tuple(slow.tolist()), tuple(fast.tolist())
        )


def _steps(geometry: Geometry) -> list[int]:
    """Tell how many frames may lie between the samples of each band."""
    return [*(_step(edge, geometry) for edge in BAND_EDGES_HZ), 1]


def _step(edge_hz: float, geometry: Geometry) -> int:
    """How far apart the samples of a band may be that ends at ``edge_hz``: it is gone half an octave above."""
    step = 1
    while step < geometry.cell // 2 and edge_hz * 2.0 < geometry.sample_rate_hz / (4.0 * step):
        step *= 2
    return step


def _quantiles(counts: NDArray[np.int64], middles: NDArray[np.float64], width: float) -> NDArray[np.float64]:
    """Quantiles of a histogram, straight inside a bin."""
    reached = np.concatenate([[0], np.cumsum(counts)]) / max(1, counts.sum())
    edges = np.append(middles - width / 2, middles[-1] + width / 2)
    first, last = np.flatnonzero(counts)[[0, -1]]
    told: NDArray[np.float64] = np.interp(LEVEL_QUANTILES, reached[first : last + 2], edges[first : last + 2])
    return told


class BandDynamics:
    """Splits a stream of spectra into bands, moves each as planned, and adds them up; late by a stretch.

    Parameters
    ----------
    responses : of each band, shape (n_bands, rows, bins), the tone included
    """

    def __init__(
        self, geometry: Geometry, responses: NDArray[np.float32], bands: Sequence[BandPlan], *, channels: int
    ) -> None:
        self._geometry, self._responses, self._bands, self._channels = geometry, responses, bands, channels
        self._levels = Levels(n_bands=len(bands), cell_s=geometry.cell / geometry.sample_rate_hz)
        self._steps = _steps(geometry)
        ends = [
            1.5 * edge * step / geometry.sample_rate_hz for edge, step in zip(BAND_EDGES_HZ, self._steps, strict=False)
        ]
        self._ladder = Ladder(self._steps, [*ends, 0.5], rows=channels)
        self._free = [
            [np.empty((STRETCH, channels, geometry.n_fft // step), np.float32) for step in self._steps]
            for _ in range(2)
        ]
        self._waiting: list[tuple[list[NDArray[np.float32]], int]] = []
        # Half a bell of cells before the start, and one for the straight line into the first cell.
        self._gains_db = np.zeros((len(bands), len(_BELL) // 2 + 1))

    def add(self, transform: Transform, spectra: NDArray[np.complex64]) -> Iterator[NDArray[np.float32]]:
        """Take the spectra of the next stretch; yield frames that are ready, shape (n, channels)."""
        geometry, split, n = self._geometry, self._free.pop(), len(spectra)
        powers = np.empty((len(split), n * geometry.hop // geometry.cell))
        for rows, response, power, step in zip(split, self._responses, powers, self._steps, strict=True):
            transform.filtered(spectra, response, rows[:n], step=step)
            cell_powers(rows[:n], geometry.margin // step, geometry.cell // step, power, np.zeros(rows.shape[1]))
        self._waiting.append((split, n))
        self._move(*self._levels.add(powers))
        yield from self._ready()

    def finish(self) -> Iterator[NDArray[np.float32]]:
        """Yield what was waiting."""
        self._move(*self._levels.finish())
        last = np.repeat(self._gains_db[:, -1:], len(_BELL) // 2 + 1, axis=1)
        self._gains_db = np.concatenate([self._gains_db, last], axis=1)
        yield from self._ready()
        silence = [np.zeros((self._channels, self._geometry.hop // step), np.float32) for step in self._steps]
        yield self._summed(silence)

    def _move(self, slow: NDArray[np.float64], fast: NDArray[np.float64]) -> None:
        gains = np.empty_like(slow)
        for b, band in enumerate(self._bands):
            gains[b] = np.interp(slow[b], band.slow_level_db, band.slow_gain_db)
            gains[b] += np.interp(fast[b] - slow[b], band.fast_level_db, band.fast_gain_db)
        self._gains_db = np.concatenate([self._gains_db, gains], axis=1)

    def _ready(self) -> Iterator[NDArray[np.float32]]:
        geometry = self._geometry
        while self._waiting:
            split, n = self._waiting[0]
            n_cells = n * geometry.hop // geometry.cell
            needed = n_cells + 2 + len(_BELL) - 1
            if self._gains_db.shape[1] < needed:
                return
            smooth_db = np.stack([np.convolve(row[:needed], _BELL, "valid") for row in self._gains_db])
            moved = [np.empty((self._channels, n * geometry.hop // step), np.float32) for step in self._steps]
            for rows, gains, step, out in zip(split, 10.0 ** (smooth_db / 20.0), self._steps, moved, strict=True):
                move(rows, gains, geometry.margin // step, geometry.cell // step, out)
            self._gains_db = self._gains_db[:, n_cells:]
            self._free.append(self._waiting.pop(0)[0])
            yield self._summed(moved)

    def _summed(self, bands: Sequence[NDArray[np.float32]]) -> NDArray[np.float32]:
        rows = self._ladder.add(bands)
        out = np.empty((rows.shape[1], self._channels), np.float32)
        spread(rows, out)
        return out
