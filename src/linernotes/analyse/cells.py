"""Sound into cells: the features every later step of the fingerprint works on.

Conventions
-----------
Frame ``i`` of a fingerprint's ``signs`` and ``strong`` is centred on sample ``i * hop_length``; ``frames`` holds
every ``reference_step``-th of them, ``loud_frames`` every second of those.
"""

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import astuple, dataclass
from functools import cached_property, lru_cache

import numpy as np
from numpy.typing import NDArray

from linernotes.kernels import landmarks, spectra
from linernotes.model import CELL_FRAMES, Fingerprint

__all__ = ["DEFAULT", "Parameters", "extract"]

_ALGORITHM = "cells3"
_CHUNK_FRAMES = 512  # frames whitened at once: memory, not meaning


@dataclass(frozen=True)
class Parameters:
    """Everything that changes a stored byte."""

    sample_rate_hz: int = 11025
    n_fft: int = 1024
    hop_length: int = 352
    reference_step: int = 2
    lowest_hz: float = 120.0
    bands_per_octave: int = 24
    n_bands: int = 128
    whitening_frames: int = 19
    whitening_bands: int = 25
    strong_level: float = 0.65
    loud_level: float = 1.3
    peak_level: float = 1.0
    peak_reach: int = 3
    peak_frames: int = 32
    query_peaks: int = 32
    reference_peaks: int = 10
    reference_fan: int = 4
    reference_spans: tuple[int, int] = (4, 40)

    @cached_property
    def id(self) -> str:
        """Short name of the algorithm and of exactly these values."""
        return f"{_ALGORITHM}-" + hashlib.sha256(repr(astuple(self)).encode()).hexdigest()[:10]

    @property
    def frame_s(self) -> float:
        """Seconds between two frames of a query."""
        return self.hop_length / self.sample_rate_hz


DEFAULT = Parameters()


def extract(blocks: Iterable[NDArray[np.float32]], *, parameters: Parameters = DEFAULT) -> Fingerprint:
    """Hear mono ``blocks``, each of shape (n,), at ``parameters.sample_rate_hz``.

    The result does not depend on how the sound is cut into blocks. Silence, and less than a whole frame, gives an
    empty fingerprint. Memory grows with the fingerprint (some 6 MB an hour), not with the sound.
    """
    counter, crowd = _Counter(), _Peaks(parameters)
    signs, strong, loud = ([np.zeros((0, 2), np.uint64)] for _ in range(3))
    for levels in _levels(counter.count(blocks), parameters):
        signs.append(spectra.pack_bits(levels > 0))
        strong.append(spectra.pack_bits(np.abs(levels) > parameters.strong_level))
        loud.append(spectra.pack_bits(levels > parameters.loud_level))
        crowd.add(levels)
    heard = any(words.any() for words in strong)
    all_signs, all_strong, all_loud = (np.concatenate(words if heard else words[:1]) for words in (signs, strong, loud))
    peaks, ranks = crowd.strongest(heard=heard)
    step = parameters.reference_step
    return Fingerprint(
        parameters.id,
        counter.n / parameters.sample_rate_hz,
        np.ascontiguousarray(all_signs[::step]),
        np.ascontiguousarray(all_loud[:: 2 * step]),
        all_signs,
        all_strong,
        _landmarks(peaks[ranks < parameters.reference_peaks], all_signs, all_strong, parameters),
        peaks,
    )


def _landmarks(
    peaks: NDArray[np.int32], signs: NDArray[np.uint64], strong: NDArray[np.uint64], parameters: Parameters
) -> NDArray[np.uint32]:
    """Return what an index keeps to propose a recording; columns key, cell, witnesses."""
    pairs = landmarks.pairs(peaks, fan=parameters.reference_fan, spans=parameters.reference_spans)
    cells = pairs[:, 0] // (parameters.reference_step * CELL_FRAMES)
    columns = (landmarks.keys(pairs), cells, landmarks.witnesses(signs, strong, pairs)[:, 0])
    return np.stack(columns, axis=1).astype(np.uint32)


class _Peaks:
    """The peaks of levels that come chunk by chunk; the strongest of every second stay."""

    def __init__(self, parameters: Parameters) -> None:
        self._parameters = parameters
        self._waiting = np.zeros((0, parameters.n_bands), np.float32)  # the last frames, of which some are done
        self._first, self._done = 0, 0
        self._places = [np.zeros((0, 2), np.int32)]
        self._heights = [np.zeros(0, np.float32)]

    def add(self, levels: NDArray[np.float32], *, at_end: bool = False) -> None:
        """Go on with ``levels``, shape (n, n_bands)."""
        reach = self._parameters.peak_reach
        self._waiting = np.concatenate([self._waiting, levels])
        start, stop = self._done - self._first, len(self._waiting) - (0 if at_end else reach)
        if stop <= start:
            return
        room = -(-(stop - start) // (reach + 1)) * -(-levels.shape[1] // (reach + 1))
        places, heights = np.empty((room, 2), np.int32), np.empty(room, np.float32)
        n = landmarks.peaks(self._waiting, start, stop, reach, self._parameters.peak_level, places, heights)
        places[:n, 0] += self._first
        self._places.append(places[:n])
        self._heights.append(heights[:n])
        self._done = self._first + stop
        spent = max(0, stop - reach)
        self._waiting, self._first = self._waiting[spent:], self._first + spent

    def strongest(self, *, heard: bool) -> tuple[NDArray[np.int32], NDArray[np.intp]]:
        """Frame and band of the strongest, in order of time, and the rank of each within its second."""
        self.add(self._waiting[:0], at_end=True)
        places, heights = np.concatenate(self._places), np.concatenate(self._heights)
        if not heard:
            places, heights = places[:0], heights[:0]
        second = places[:, 0] // self._parameters.peak_frames
        order = np.lexsort((-heights, second))
        firsts = np.searchsorted(second[order], second[order], side="left")
        ranks = np.empty(len(order), np.intp)
        ranks[order] = np.arange(len(order)) - firsts
        kept = ranks < self._parameters.query_peaks
        return np.ascontiguousarray(places[kept]), ranks[kept]


@dataclass(slots=True)
class _Counter:
    n: int = 0

    def count(self, blocks: Iterable[NDArray[np.float32]]) -> Iterator[NDArray[np.float32]]:
        for block in blocks:
            self.n += len(block)
            yield block


@lru_cache(maxsize=4)
def _weights(parameters: Parameters) -> NDArray[np.float32]:
    return spectra.band_weights(
        sr=parameters.sample_rate_hz,
        n_fft=parameters.n_fft,
        lowest_hz=parameters.lowest_hz,
        bands_per_octave=parameters.bands_per_octave,
        n_bands=parameters.n_bands,
    )


def _levels(blocks: Iterable[NDArray[np.float32]], parameters: Parameters) -> Iterator[NDArray[np.float32]]:
    """Whitened cells, shape (up to _CHUNK_FRAMES, n_bands) each; every cell sees its whole neighbourhood."""
    n_frames, n_bands = parameters.whitening_frames, parameters.whitening_bands
    margin, lead = n_frames - 1, 0
    pending = np.zeros((0, parameters.n_bands), np.float32)
    for chunk in _spectra(blocks, parameters):
        pending = np.concatenate([pending, chunk])
        while len(pending) >= lead + _CHUNK_FRAMES + margin:
            stop = lead + _CHUNK_FRAMES
            yield spectra.whiten(pending[: stop + margin], n_frames=n_frames, n_bands=n_bands)[lead:stop]
            pending, lead = pending[stop - margin :], margin
    if len(pending) > lead:
        yield spectra.whiten(pending, n_frames=n_frames, n_bands=n_bands)[lead:]


def _spectra(blocks: Iterable[NDArray[np.float32]], parameters: Parameters) -> Iterator[NDArray[np.float32]]:
    """Spectra of chunks of frames, cut the same way whatever the blocks."""
    n_fft, hop, weights = parameters.n_fft, parameters.hop_length, _weights(parameters)
    need = (_CHUNK_FRAMES - 1) * hop + n_fft
    waiting, size = [np.zeros(n_fft // 2, np.float32)], n_fft // 2
    for block in blocks:
        waiting.append(np.asarray(block, np.float32))
        size += len(block)
        if size < need:
            continue
        samples = np.concatenate(waiting)
        while len(samples) >= need:
            yield spectra.band_loudness(samples[:need], weights, n_fft=n_fft, hop_length=hop)
            samples = samples[_CHUNK_FRAMES * hop :]
        waiting, size = [samples], len(samples)
    samples = np.concatenate(waiting)
    n_frames = -(-(len(samples) - n_fft // 2) // hop)
    if n_frames > 0:
        padded = np.concatenate([samples, np.zeros(n_fft, np.float32)])[: (n_frames - 1) * hop + n_fft]
        yield spectra.band_loudness(padded, weights, n_fft=n_fft, hop_length=hop)
