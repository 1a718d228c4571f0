"""Dynamics of bands: how their levels are distributed, and gains that turn one distribution into another."""

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from linernotes.kernels.filters import Geometry, Transform, band_shares, realised
from linernotes.kernels.levels import Levels, cell_powers, greatest_sample
from linernotes.kernels.mixing import add_band
from linernotes.model import BAND_EDGES_HZ, FLOOR_DB, LEVEL_QUANTILES, BandMeter, BandPlan

__all__ = ["BandDynamics", "BandMeters"]

# Histogram of slow levels (rows) and of fast levels relative to them (columns).
_SLOW_DB = (-120.0, 20.0, 1.0)
_FAST_DB = (-48.0, 24.0, 0.25)
_GATE_DB = -30.0  # softer than the mean by more: a pause
_UNHEARD_DB = -90.0
_WHOLE, _RUN, _OUT_OF = 480, 4, 12  # segments that are listened to
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
    """Measures level and dynamics of each band from the spectra of segments.

    The first two minutes are listened to whole, then a second of every three: that tells a distribution as well.
    """

    def __init__(self, geometry: Geometry, *, channels: int) -> None:
        self._geometry = geometry
        self._responses = realised(band_shares(BAND_EDGES_HZ, geometry), geometry)
        n_bands = len(self._responses)
        self._steps = [_step(edge, geometry) for edge in BAND_EDGES_HZ] + [1]
        self._levels, self._n_segments = self._fresh_levels(), 0
        self._counts = np.zeros((n_bands, _n_bins(_SLOW_DB), _n_bins(_FAST_DB)), np.int64)
        self._peaks, self._sums, self._n_cells = np.zeros(n_bands), np.zeros((n_bands, channels)), 0

    def add(self, transform: Transform, spectra: NDArray[np.complex64], n: int) -> None:
        """Take the spectra of a segment whose inner part has ``n`` frames of sound."""
        self._n_segments += 1
        if self._n_segments > _WHOLE and self._n_segments % _OUT_OF >= _RUN:
            if self._n_segments % _OUT_OF == _RUN:
                self._count(*self._levels.finish())
                self._levels = self._fresh_levels()
            return
        cell = self._geometry.cell
        n_cells = -(-n // cell)
        powers = np.empty((len(self._steps), n_cells))
        for b, step in enumerate(self._steps):
            rows = transform.thinned(spectra, self._responses[b], step)[:, : n_cells * cell // step]
            powers[b], squares = cell_powers(rows, cell // step)
            self._sums[b] += np.multiply(squares, step)
            self._peaks[b] = max(self._peaks[b], greatest_sample(rows))
        self._n_cells += n_cells
        self._count(*self._levels.add(powers))

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


def _step(edge_hz: float, geometry: Geometry) -> int:
    """How far apart the samples of a band may be that ends at ``edge_hz``: it is gone an octave and a half above."""
    step = 1
    while step < geometry.cell // 2 and edge_hz * 3.0 < geometry.sample_rate_hz / (4.0 * step):
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
    """Splits a stream of spectra into bands, moves each as planned, and adds them up; late by a segment.

    Parameters
    ----------
    responses : of each band, shape (n_bands, rows, bins), the tone included
    """

    def __init__(
        self, geometry: Geometry, responses: NDArray[np.float32], bands: Sequence[BandPlan], *, channels: int
    ) -> None:
        self._geometry, self._responses, self._bands = geometry, responses, bands
        self._levels = Levels(n_bands=len(bands), cell_s=geometry.cell / geometry.sample_rate_hz)
        self._waiting: list[list[NDArray[np.float32]]] = []
        self._out = np.empty((channels, geometry.hop), np.float32)
        # Half a bell of cells before the start, and one for the straight line into the first cell.
        self._gains_db = np.zeros((len(bands), len(_BELL) // 2 + 1))

    def add(self, transform: Transform, spectra: NDArray[np.complex64]) -> Iterator[NDArray[np.float32]]:
        """Take the spectra of the next segment; yield what is ready, shape (rows, hop)."""
        cell = self._geometry.cell
        split = [transform.filtered(spectra, response) for response in self._responses]
        self._waiting.append(split)
        powers = np.stack([cell_powers(rows, cell)[0] for rows in split])
        self._move(*self._levels.add(powers))
        yield from self._ready()

    def finish(self) -> Iterator[NDArray[np.float32]]:
        """Yield what was waiting."""
        self._move(*self._levels.finish())
        last = np.repeat(self._gains_db[:, -1:], len(_BELL) // 2 + 1, axis=1)
        self._gains_db = np.concatenate([self._gains_db, last], axis=1)
        yield from self._ready()

    def _move(self, slow: NDArray[np.float64], fast: NDArray[np.float64]) -> None:
        gains = np.empty_like(slow)
        for b, band in enumerate(self._bands):
            gains[b] = np.interp(slow[b], band.slow_level_db, band.slow_gain_db)
            gains[b] += np.interp(fast[b] - slow[b], band.fast_level_db, band.fast_gain_db)
        self._gains_db = np.concatenate([self._gains_db, gains], axis=1)

    def _ready(self) -> Iterator[NDArray[np.float32]]:
        n_cells = self._geometry.hop // self._geometry.cell
        needed = n_cells + 2 + len(_BELL) - 1
        while self._waiting and self._gains_db.shape[1] >= needed:
            split = self._waiting.pop(0)
            self._out[:] = 0.0
            for b, rows in enumerate(split):
                smooth_db = np.convolve(self._gains_db[b, :needed], _BELL, "valid")
                gains = 10.0 ** (smooth_db / 20.0)
                for row, out in zip(rows, self._out, strict=True):
                    add_band(row, gains, self._geometry.cell, out)
            self._gains_db = self._gains_db[:, n_cells:]
            yield self._out
