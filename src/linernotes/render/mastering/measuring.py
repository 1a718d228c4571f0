"""All meters over one pass of a sound."""

from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from linernotes.errors import DecodeError, InputError, ParameterError
from linernotes.kernels.filters import Geometry, Segments, Transform
from linernotes.kernels.inspection import ChannelInspection, add_sums
from linernotes.kernels.loudness import LoudnessMeter, integrated, loudness, loudness_range, sliding
from linernotes.kernels.third_octaves import add_spectra, third_octave_powers
from linernotes.kernels.true_peak import TruePeakMeter
from linernotes.model import FLOOR_DB, THIRD_OCTAVES_HZ, Meters, Spot, StereoMeter
from linernotes.render.mastering.dynamics import BandMeters

__all__ = ["RATES_HZ", "decibels", "measure"]

RATES_HZ = (8000, 192000)
_DEAD_DB = -60.0  # a channel this far below the other says nothing
_SERIES_STEPS, _SERIES_PIECE = 10, 30_000  # of 10 ms
_WHOLE, _OUT_OF = 30, 4  # stretches whose spectra are taken: the first, then one of so many; the mean is the same


def decibels(powers: NDArray[np.float64] | float) -> NDArray[np.float64]:
    """Tell powers in dB, :data:`FLOOR_DB` at least."""
    told: NDArray[np.float64] = 10.0 * np.log10(np.maximum(powers, 10.0 ** (FLOOR_DB / 10.0)))
    return told


def measure(blocks: Iterable[NDArray[np.float32]], *, sample_rate_hz: int) -> Meters:
    """Measure a sound given in blocks of any size, shape (n, channels), one or two channels, 8 to 192 kHz.

    Raises
    ------
    DecodeError if a sample is not a number; ParameterError for other rates and more channels; InputError if it is empty
    """
    if not RATES_HZ[0] <= sample_rate_hz <= RATES_HZ[1]:
        raise ParameterError(f"cannot master at {sample_rate_hz} Hz: {RATES_HZ[0]} to {RATES_HZ[1]}")
    blocks = iter(blocks)
    first = next(blocks, None)
    if first is None:
        raise InputError("nothing to master: the sound is empty")
    meter = _Meter(sample_rate_hz, first.shape[1])
    segments = Segments(_chained(first, blocks), meter.geometry, channels=first.shape[1])
    for stretch, n in segments:
        meter.add(stretch, n)
    if not segments.n_frames:
        raise InputError("nothing to master: the sound is empty")
    return meter.meters()


def _chained(first: NDArray[np.float32], rest: Iterable[NDArray[np.float32]]) -> Iterable[NDArray[np.float32]]:
    yield first
    yield from rest


class _Meter:
    """Every meter there is, fed with stretches."""

    def __init__(self, sample_rate_hz: int, channels: int) -> None:
        if channels not in (1, 2):
            raise ParameterError(f"cannot master {channels} channels: fold them to two first")
        self.geometry = Geometry(sample_rate_hz)
        self._channels = channels
        self._n_frames, self._n_stretches, self._n_heard = 0, 0, 0
        self._loudness = LoudnessMeter(sample_rate_hz=sample_rate_hz, channels=channels)
        self._true_peak = TruePeakMeter(channels=channels)
        self._inspections = [ChannelInspection(sample_rate_hz=sample_rate_hz) for _ in range(channels)]
        self._sums = np.zeros((4, channels))
        self._transform = Transform(self.geometry, channels=channels)
        self._spectrum = np.zeros((channels, self.geometry.n_fft // 2 + 1))
        self._bands = BandMeters(self.geometry, channels=channels)

    def add(self, stretch: NDArray[np.float32], n: int) -> None:
        margin = self.geometry.margin
        inner = stretch[margin : margin + n]
        rows = np.ascontiguousarray(inner.T)
        add_sums(rows, self._sums)
        if not np.isfinite(self._sums).all():
            raise DecodeError("holds samples that are not numbers (NaN or infinite)", code="not_finite")
        self._n_frames += n
        self._loudness.add(inner)
        self._true_peak.add(inner)
        for row, inspection in zip(rows, self._inspections, strict=True):
            inspection.add(row)
        self._n_stretches += 1
        if self._n_stretches <= _WHOLE or self._n_stretches % _OUT_OF == 0:
            self._hear(stretch, n)

    def _hear(self, stretch: NDArray[np.float32], n: int) -> None:
        """Take tone and dynamics of a stretch."""
        if self._n_stretches > _WHOLE:
            self._bands.pause()
        spectra = self._transform.spectra(stretch)
        add_spectra(spectra, self._spectrum)
        self._bands.add(self._transform, spectra, n)
        self._n_heard += n

    def meters(self) -> Meters:
        rate, channels = self.geometry.sample_rate_hz, self._channels
        for inspection in self._inspections:
            inspection.finish()
        powers = self._loudness.powers()
        momentary, greatest_momentary = _series(powers, 40)
        short_term, greatest_short_term = _series(powers, 300)
        total, squares, peaks, product = self._sums
        means = squares / self._n_frames
        true_peaks = decibels(self._true_peak.peaks().astype(np.float64) ** 2)
        integrated_lufs = integrated(powers)
        thirds = third_octave_powers(self._spectrum, self._n_heard, np.array(THIRD_OCTAVES_HZ), self.geometry)
        thirds = np.concatenate([thirds, np.zeros_like(thirds)])
        bands = self._bands.meters()
        return Meters(
            sample_rate_hz=rate,
            channels=channels,
            n_frames=self._n_frames,
            integrated_lufs=integrated_lufs,
            range_lu=loudness_range(powers),
            momentary_lufs=momentary,
            short_term_lufs=short_term,
            greatest_momentary_lufs=greatest_momentary,
            greatest_short_term_lufs=greatest_short_term,
            peaks_db=_told(decibels(peaks**2)),
            true_peaks_dbtp=_told(true_peaks),
            plr_db=float(true_peaks.max() - integrated_lufs),
            crest_db=float(decibels(peaks.max() ** 2) - decibels(means.max())),
            mid_db=_told(decibels(thirds[0])),
            side_db=_told(decibels(thirds[1])),
            bands=bands,
            stereo=_stereo(means, product[0] / self._n_frames, self._bands.low_powers()) if channels == 2 else None,
            dc=_told(total / self._n_frames),
            n_clipped=sum(inspection.n_clipped for inspection in self._inspections),
            clipped=self._spots("tops"),
            clicks=self._spots("clicks"),
            dropouts=self._spots("holes"),
            dead_channels=_dead(means),
        )

    def _spots(self, kind: str) -> Sequence[Spot]:
        rate = self.geometry.sample_rate_hz
        return tuple(
            Spot(start / rate, stop / rate, channel)
            for channel, inspection in enumerate(self._inspections)
            for start, stop in inspection.spots(kind).tolist()
        )


def _told(values: NDArray[np.float64]) -> Sequence[float]:
    return tuple(values.tolist())


def _series(powers: NDArray[np.float64], n: int) -> tuple[Sequence[float], float]:
    """Loudness of the ``n`` steps that end with each tenth of a second, and the greatest that ends anywhere."""
    told, greatest = list[float](), FLOOR_DB
    for start in range(0, len(powers), _SERIES_PIECE):  # in pieces: three hours at once would fill a memory
        stop = start + _SERIES_PIECE
        before = np.concatenate([np.zeros(max(0, n - 1 - start)), powers[max(0, start - n + 1) : start]])
        levels = loudness(sliding(np.concatenate([before, powers[start:stop]]), n))
        told += levels[_SERIES_STEPS - 1 :: _SERIES_STEPS].round(3).tolist()
        greatest = max(greatest, float(levels.max()))
    return tuple(told), greatest


def _dead(means: NDArray[np.float64]) -> Sequence[int]:
    levels = decibels(means)
    return tuple(int(c) for c in np.flatnonzero(levels < levels.max() + _DEAD_DB)) if levels.max() > FLOOR_DB else ()


def _stereo(means: NDArray[np.float64], product: float, low: NDArray[np.float64]) -> StereoMeter:
    both, mid, side = means.sum(), (means.sum() + 2.0 * product) / 4.0, (means.sum() - 2.0 * product) / 4.0
    unit = float(np.sqrt(means[0] * means[1]))
    return StereoMeter(
        correlation=float(np.clip(product / unit, -1.0, 1.0)) if unit > 0.0 else 0.0,
        low_correlation=float((low[0] - low[1]) / low.sum()) if low.sum() > 0.0 else 0.0,
        width_db=float(decibels(max(side, 0.0)) - decibels(max(mid, 0.0))),
        balance_db=float(decibels(means[0]) - decibels(means[1])),
        mono_loss_db=float(decibels(both / 2.0) - decibels(max(mid, 0.0))),
    )
