"""Which recordings sound in this one, where, and what was done to them.

The sound becomes a picture of small cells, each above or below its neighbourhood (:mod:`linernotes.kernels.spectra`).
A stretch of the upload is laid on every place of the catalogue and agreeing cells are counted; places that agree far
better than strangers do are followed in both directions for as long as they keep agreeing.

Conventions
-----------
The upload's frames are half as far apart as a recording's. Scores are in standard deviations of what strangers reach.
"""

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import astuple, dataclass, field
from functools import cached_property, lru_cache

import numpy as np
from numpy.typing import NDArray

from linernotes.errors import ConflictError
from linernotes.kernels import align, spectra
from linernotes.model import Fingerprint, FingerprintIndex, FingerprintSegment, Match, Transform

__all__ = ["DEFAULT", "Parameters", "extract", "match"]

_CHUNK_FRAMES = 512  # frames whitened at once: memory, not meaning
_WINDOW_FRAMES = 156  # length of one search window, 5 s
_STRIDE_FRAMES = 78
_THRESHOLD = 6.5


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

    @cached_property
    def id(self) -> str:
        """Short name of exactly these values and of the algorithm."""
        return "cells1-" + hashlib.sha256(repr(astuple(self)).encode()).hexdigest()[:10]

    @property
    def frame_s(self) -> float:
        """Seconds between two frames of a query."""
        return self.hop_length / self.sample_rate_hz


DEFAULT = Parameters()


def extract(blocks: Iterable[NDArray[np.float32]], *, parameters: Parameters = DEFAULT) -> Fingerprint:
    """Hear mono ``blocks`` (each of shape (n,), any n) at ``parameters.sample_rate_hz``; silence gives an empty one."""
    counter = _Counter()
    signs: list[NDArray[np.uint64]] = []
    strong: list[NDArray[np.uint64]] = []
    for levels in _levels(counter.count(blocks), parameters):
        signs.append(spectra.pack_bits(levels > 0))
        strong.append(spectra.pack_bits(np.abs(levels) > parameters.strong_level))
    empty = np.zeros((0, 2), np.uint64)
    all_signs, all_strong = np.concatenate([empty, *signs]), np.concatenate([empty, *strong])
    if not all_strong.any():
        all_signs, all_strong = empty, empty
    duration_s = counter.n / parameters.sample_rate_hz
    return Fingerprint(
        parameters.id, duration_s, all_signs[:: parameters.reference_step], all_signs, all_strong
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
    margin, lead = parameters.whitening_frames - 1, 0
    pending = np.zeros((0, parameters.n_bands), np.float32)

    def whitened(part: NDArray[np.float32]) -> NDArray[np.float32]:
        return spectra.whiten(part, n_frames=parameters.whitening_frames, n_bands=parameters.whitening_bands)

    for chunk in _spectra(blocks, parameters):
        pending = np.concatenate([pending, chunk])
        while len(pending) >= lead + _CHUNK_FRAMES + margin:
            stop = lead + _CHUNK_FRAMES
            yield whitened(pending[: stop + margin])[lead:stop]
            pending, lead = pending[stop - margin :], margin
    if len(pending) > lead:
        yield whitened(pending)[lead:]


def _spectra(blocks: Iterable[NDArray[np.float32]], parameters: Parameters) -> Iterator[NDArray[np.float32]]:
    """Log spectra of chunks of frames; cut the same way whatever the blocks."""
    n_fft, hop = parameters.n_fft, parameters.hop_length
    need = (_CHUNK_FRAMES - 1) * hop + n_fft
    waiting, size = [np.zeros(n_fft // 2, np.float32)], n_fft // 2
    for block in blocks:
        waiting.append(np.asarray(block, np.float32))
        size += len(block)
        if size < need:
            continue
        samples = np.concatenate(waiting)
        while len(samples) >= need:
            yield spectra.band_loudness(samples[:need], _weights(parameters), n_fft=n_fft, hop_length=hop)
            samples = samples[_CHUNK_FRAMES * hop :]
        waiting, size = [samples], len(samples)
    samples = np.concatenate(waiting)
    n_frames = -(-(len(samples) - n_fft // 2) // hop)
    if n_frames > 0:
        padded = np.concatenate([samples, np.zeros(n_fft, np.float32)])[: (n_frames - 1) * hop + n_fft]
        yield spectra.band_loudness(padded, _weights(parameters), n_fft=n_fft, hop_length=hop)


# ── search ───────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class _Candidate:
    """A window of the query laid on a recording: query frame ``q`` on reference frame ``(q - phase) / 2 + offset``."""

    score: float
    recording_id: str
    frames: NDArray[np.uint64] = field(repr=False)
    query_frame: int
    reference_frame: int


def match(
    query: Fingerprint, index: FingerprintIndex, *, limit: int | None = None, parameters: Parameters = DEFAULT
) -> list[Match]:
    """Find every recording of ``index`` that sounds in ``query``, one match per stretch, in order of the query.

    Raises
    ------
    ConflictError : the index was made with other parameters
    """
    if query.parameter_id != index.parameter_id:
        raise ConflictError(
            f"the fingerprint was made with {query.parameter_id}, the index with {index.parameter_id}:"
            " register the catalogue again in a new workspace"
        )
    found: list[Match] = []
    candidates = [c for start in _window_starts(len(query.signs)) for c in _candidates(query, index, start)]
    for candidate in sorted(candidates, key=lambda c: -c.score):
        result = _follow(query, candidate, parameters)
        if result is not None and not any(_same(result, other) for other in found):
            found.append(result)
    kept = sorted(found, key=lambda m: -m.score)[:limit]
    return sorted(kept, key=lambda m: (m.query_start_s, m.recording_id))


def _window_starts(n_frames: int) -> list[int]:
    if n_frames <= _WINDOW_FRAMES:
        return [0] if n_frames >= 8 else []
    last = n_frames - _WINDOW_FRAMES
    return [*range(0, last, _STRIDE_FRAMES), last]


def _candidates(query: Fingerprint, index: FingerprintIndex, start: int) -> Iterator[_Candidate]:
    """Places of the catalogue that agree with the window at ``start`` far better than the rest of it."""
    stop = min(start + _WINDOW_FRAMES, len(query.signs))
    scans = [
        (segment, phase, *_agreement(segment, query, slice(start + phase, stop, 2)))
        for segment in index.segments
        for phase in (0, 1)
    ]
    scores = [agreement / np.sqrt(max(1, cells)) for _, _, agreement, cells in scans]
    n = sum(len(s) for s in scores)
    if n == 0:
        return
    spread = np.sqrt((sum(float(np.sum(s * s)) for s in scores) + 2e4 * 30.0) / (n + 2e4))
    for (segment, phase, _, cells), score in zip(scans, scores, strict=True):
        if cells < 200:
            continue
        for a in np.flatnonzero(score > _THRESHOLD * spread):
            r = int(np.searchsorted(segment.starts, a + (stop - start) // 4, side="right")) - 1
            if not 0 <= r < len(segment.recording_ids) or segment.removed[r]:
                continue
            frames = segment.frames[segment.starts[r] : segment.starts[r + 1]]
            yield _Candidate(
                float(score[a] / spread),
                segment.recording_ids[r],
                frames,
                start + phase,
                int(a - segment.starts[r]),
            )


def _agreement(
    segment: FingerprintSegment, query: Fingerprint, window: slice
) -> tuple[NDArray[np.float64], int]:
    """Agreement at every alignment, and how many cells the window asks for."""
    signs, strong = query.signs[window], query.strong[window]
    cells = int(np.bitwise_count(strong).sum())
    out = np.zeros(max(0, len(segment.frames) - len(signs) + 1), np.uint32)
    align.scan_disagreements(segment.frames, np.ascontiguousarray(signs), np.ascontiguousarray(strong), out)
    agreement = np.float64(cells) - 2 * out.astype(np.float64)
    return agreement, cells


def _follow(query: Fingerprint, candidate: _Candidate, parameters: Parameters) -> Match | None:
    """Extend a candidate in both directions for as long as query and recording agree; None if nothing holds."""
    first = (
        candidate.query_frame - 2 * candidate.reference_frame
    )  # query frame on reference frame 0, may be negative
    skip = max(0, -(first // 2)) if first < 0 else 0
    q = np.arange(first + 2 * skip, len(query.signs), 2)
    n = min(len(q), len(candidate.frames) - skip)
    if n <= 0:
        return None
    q, reference = q[:n], np.ascontiguousarray(candidate.frames[skip : skip + n])
    signs, strong = np.ascontiguousarray(query.signs[q]), np.ascontiguousarray(query.strong[q])
    out = np.zeros(n, np.uint32)
    align.frame_disagreements(reference, signs, strong, out)
    asked = np.bitwise_count(strong).sum(axis=1).astype(np.float64)
    agreement = asked - 2.0 * out
    inside = (q >= candidate.query_frame) & (q < candidate.query_frame + _WINDOW_FRAMES)
    level = float(agreement[inside].sum() / max(1.0, asked[inside].sum()))
    low, high = _best_stretch(agreement - 0.5 * level * asked)
    if high <= low:
        return None
    step, frame_s = parameters.reference_step, parameters.frame_s
    start_s, reference_s = float(q[low]) * frame_s, (skip + low) * step * frame_s
    length_s = (high - low) * step * frame_s
    return Match(
        recording_id=candidate.recording_id,
        query_start_s=start_s,
        query_stop_s=min(start_s + length_s, query.duration_s),
        reference_start_s=reference_s,
        reference_stop_s=reference_s + min(length_s, query.duration_s - start_s),
        score=candidate.score,
        probability=0.99,
        transform=Transform(),
    )


def _best_stretch(gains: NDArray[np.float64]) -> tuple[int, int]:
    """Half-open range of the largest sum."""
    sums = np.concatenate([[0.0], np.cumsum(gains)])
    high = int(np.argmax(sums - np.minimum.accumulate(sums)))
    return int(np.argmin(sums[: high + 1])), high


def _same(one: Match, other: Match) -> bool:
    """Whether two matches tell the same stretch of the query from the same recording."""
    if one.recording_id != other.recording_id:
        return False
    shared_s = min(one.query_stop_s, other.query_stop_s) - max(one.query_start_s, other.query_start_s)
    return shared_s > 0.5 * min(
        one.query_stop_s - one.query_start_s, other.query_stop_s - other.query_start_s
    )
