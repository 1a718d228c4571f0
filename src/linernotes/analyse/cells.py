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

from linernotes.kernels import spectra
from linernotes.model import Fingerprint

__all__ = ["DEFAULT", "Parameters", "extract"]

_ALGORITHM = "cells2"
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
    empty fingerprint. Memory grows with the fingerprint (3.6 MB an hour), not with the sound.
    """
    counter = _Counter()
    signs, strong, loud = ([np.zeros((0, 2), np.uint64)] for _ in range(3))
    for levels in _levels(counter.count(blocks), parameters):
        signs.append(spectra.pack_bits(levels > 0))
        strong.append(spectra.pack_bits(np.abs(levels) > parameters.strong_level))
        loud.append(spectra.pack_bits(levels > parameters.loud_level))
    heard = any(words.any() for words in strong)
    all_signs, all_strong, all_loud = (np.concatenate(words if heard else words[:1]) for words in (signs, strong, loud))
    step = parameters.reference_step
    return Fingerprint(
        parameters.id,
        counter.n / parameters.sample_rate_hz,
        np.ascontiguousarray(all_signs[::step]),
        np.ascontiguousarray(all_loud[:: 2 * step]),
        all_signs,
        all_strong,
    )


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
