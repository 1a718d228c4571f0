"""One second of sound in numbers that add up: what every kind of evidence is computed from.

Conventions
-----------
Samples at 44,100 Hz. Levels in dB, 0 for a full-scale sine. A stretch is the sum of its cells, whatever its length.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from linernotes.kernels import residuals

__all__ = [
    "CELL_LENGTH",
    "FINE_HZ",
    "N_ZONES",
    "SAMPLE_RATE_HZ",
    "STRETCH",
    "ZONES_HZ",
    "Cell",
    "cut",
    "measure",
    "total",
]

Floats = NDArray[np.float32]

SAMPLE_RATE_HZ = 44_100
CELL_LENGTH = SAMPLE_RATE_HZ
ZONES_HZ = (200, 1000, 2000, 4000, 6000, 8000, 11_000, 14_000, 16_000, 19_500)
N_ZONES = len(ZONES_HZ) - 1
STRETCH = 4
"""Cells that are judged at once."""

_FINE_FRAME, _FINE_HOP = 8192, 4410
_LONG_FRAME, _LONG_HOP = 4096, 1176
_FRAME, _HOP = 1024, 294
_SHORT_FRAME, _SHORT_HOP = 256, 147
_TAIL = _FINE_FRAME  # what a cell may look ahead
_SHORTEST = SAMPLE_RATE_HZ // 2
FINE_HZ = SAMPLE_RATE_HZ / _FINE_FRAME

_SILENCE_DB, _FLOOR_DB, _RANGE_DB = -75.0, -118.0, 85.0


@dataclass(frozen=True, slots=True)
class Cell:
    """Sums over ``n`` seconds of sound.

    ``fine``: level per bin of ``FINE_HZ``; ``triples`` (3, 4, zones, 125; long, middle and short frames) and
    ``phases`` (2, zones, 64): counts of :mod:`linernotes.kernels.residuals`; ``heard`` (zones,): seconds in which a
    zone lies below the band edge; ``edge_hz``; ``quiet``: seconds of silence.
    """

    n: float
    fine: Floats
    triples: Floats
    phases: Floats
    heard: Floats
    edge_hz: float
    quiet: float


def total(parts: Iterable[Cell]) -> Cell:
    """Add cells up."""
    known = list(parts)
    return Cell(*(sum(getattr(part, name) for part in known) for name in Cell.__slots__))


def cut(blocks: Iterable[Floats]) -> Iterator[Cell]:
    """Cut blocks of shape (n, 2) into seconds; a last one of half a second or more counts too."""
    waiting: list[Floats] = []
    n_waiting = 0
    for block in blocks:
        waiting.append(block)
        n_waiting += len(block)
        if n_waiting < CELL_LENGTH + _TAIL:
            continue
        samples = np.concatenate(waiting)
        start = 0
        while len(samples) - start >= CELL_LENGTH + _TAIL:
            yield measure(samples[start : start + CELL_LENGTH + _TAIL], CELL_LENGTH)
            start += CELL_LENGTH
        waiting, n_waiting = [samples[start:]], len(samples) - start
    samples = np.concatenate(waiting) if waiting else np.zeros((0, 2), np.float32)
    while len(samples) >= _SHORTEST:
        yield measure(samples[: CELL_LENGTH + _TAIL], min(CELL_LENGTH, len(samples)))
        samples = samples[CELL_LENGTH:]


def measure(samples: Floats, length: int) -> Cell:
    """Measure one second, ``length`` samples, with what follows it as far as there is more."""
    n = length / CELL_LENGTH
    left, right = np.ascontiguousarray(samples.T)
    middle = (left + right) / 2
    fine = _fine(middle, length)
    edge_bin = _edge(fine)
    edge_hz = edge_bin * FINE_HZ
    power = float(np.mean(middle[:length] ** 2))
    if edge_bin == 0 or 10 * np.log10(power + 1e-20) < _SILENCE_DB:
        return _silence(n)
    heard_zones = (np.array(ZONES_HZ[1:]) * 0.98 <= edge_hz).astype(np.float32)
    triples = np.zeros((3, 4, N_ZONES, 125), np.float32)
    phases = np.zeros((2, N_ZONES, 64), np.float32)
    long_db = _level_db(_stft(middle, length, _LONG_FRAME, _LONG_HOP))
    residuals.count_triples(long_db, _heard(_LONG_FRAME, heard_zones), triples[0])
    spectrum = _stft(middle, length, _FRAME, _HOP)
    level_db, zones = _level_db(spectrum), _heard(_FRAME, heard_zones)
    residuals.count_triples(level_db, zones, triples[1])
    residuals.count_phases(np.arctan2(spectrum.imag, spectrum.real) * np.float32(0.5 / np.pi), zones, phases)
    short_db = _level_db(_stft(middle, length, _SHORT_FRAME, _SHORT_HOP))
    residuals.count_triples(short_db, _heard(_SHORT_FRAME, heard_zones), triples[2])
    scale = np.float32(n)
    return Cell(n, fine * scale, triples, phases, heard_zones * scale, edge_hz * n, 0.0)


def _silence(n: float) -> Cell:
    def nothing(*shape: int) -> Floats:
        return np.zeros(shape, np.float32)

    return Cell(
        n=0.0,
        fine=nothing(_FINE_FRAME // 2 + 1),
        triples=nothing(3, 4, N_ZONES, 125),
        phases=nothing(2, N_ZONES, 64),
        heard=nothing(N_ZONES),
        edge_hz=0.0,
        quiet=n,
    )


def _frames(samples: Floats, length: int, frame: int, hop: int) -> Floats:
    """Frames that begin within ``length`` and end within the samples."""
    return np.lib.stride_tricks.sliding_window_view(samples, frame)[:length:hop]


@cache
def _window(n: int) -> Floats:
    """Give a full-scale sine 0 dB, after a transform that divides by ``n``."""
    window = np.hanning(n + 1)[:-1].astype(np.float32)
    return window * np.float32(2 * n / window.sum())


@cache
def _zones(frame: int) -> NDArray[np.int64]:
    hz = np.arange(frame // 2 + 1) * (SAMPLE_RATE_HZ / frame)
    zones = np.searchsorted(ZONES_HZ, hz, side="right") - 1
    zones[zones >= N_ZONES] = -1
    return zones.astype(np.int64)


def _heard(frame: int, heard: Floats) -> NDArray[np.int64]:
    """Zone of each bin, −1 where the zone is not heard."""
    zones = _zones(frame)
    return np.where(heard[np.maximum(zones, 0)] > 0, zones, -1)


def _stft(samples: Floats, length: int, frame: int, hop: int) -> NDArray[np.complex64]:
    return _spectra(_frames(samples, length, frame, hop) * _window(frame))


def _spectra(frames: Floats) -> NDArray[np.complex64]:
    # Told to divide, numpy stays in single precision, which takes a quarter of the time.
    return np.fft.rfft(frames, axis=1, norm="forward").astype(np.complex64, copy=False)


def _level_db(spectrum: NDArray[np.complex64]) -> Floats:
    power = spectrum.real**2 + spectrum.imag**2
    level_db: Floats = np.float32(10) * np.log10(power + np.float32(1e-13))
    return level_db


def _fine(samples: Floats, length: int) -> Floats:
    frames = _frames(samples, length, _FINE_FRAME, _FINE_HOP)
    spectrum = _spectra(frames * _window(_FINE_FRAME))
    mean: Floats = np.log10(np.abs(spectrum) ** 2 + 1e-14).mean(axis=0, dtype=np.float64).astype(np.float32) * 10
    return mean


def _edge(fine: Floats) -> int:
    """Bin at which the sound ends: above it all is far below the strongest, or below what 16 bits hold."""
    smooth = np.convolve(np.pad(fine, (31, 32), mode="edge"), np.full(64, 1 / 64), "valid")
    loud = np.flatnonzero(smooth > max(float(smooth.max()) - _RANGE_DB, _FLOOR_DB))
    return int(loud[-1]) if len(loud) else 0
