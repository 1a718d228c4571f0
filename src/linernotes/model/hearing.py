"""Hearing: a fingerprint, an index of them, and a stretch of a query found in a recording."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from linernotes.model.landmarks import LandmarkTable

__all__ = [
    "Fingerprint",
    "FingerprintIndex",
    "FingerprintSegment",
    "Match",
    "Transform",
]


@dataclass(frozen=True, slots=True)
class Transform:
    """What was done to the reference: shift in semitones, query speed over reference speed (1.25: 25 % faster)."""

    pitch_semitones: float = 0.0
    tempo_ratio: float = 1.0


@dataclass(frozen=True, slots=True, eq=False)
class Fingerprint:
    """What is kept of one sound, made with the parameters named by ``parameter_id``.

    An index keeps ``frames``, shape (n, 2): one bit per cell of the whitened spectrum, 128 cells to a frame, whether it
    is above its neighbourhood; and ``loud_frames``, shape ((n + 1) // 2, 2): whether it is far above, in every second
    frame. A search asks with ``signs`` and ``strong``, shape (about 2 n, 2): frames twice as dense, whether a cell is
    above its neighbourhood, and whether it is off by enough to ask for. All empty where there is nothing to hear.

    To propose places, an index keeps ``landmarks``, shape (m, 3): key, place in units of
    eight frames, and witnesses; a search asks with ``peaks``, shape (k, 2): frame (of
    ``signs``) and band, in order of time.
    """

    parameter_id: str
    duration_s: float
    frames: NDArray[np.uint64] = field(repr=False)
    loud_frames: NDArray[np.uint64] = field(repr=False)
    signs: NDArray[np.uint64] = field(repr=False)
    strong: NDArray[np.uint64] = field(repr=False)
    landmarks: NDArray[np.uint32] = field(repr=False)
    peaks: NDArray[np.int32] = field(repr=False)


@dataclass(frozen=True, slots=True)
class Match:
    """A stretch of a query found in one recording of an index."""

    recording_id: str
    query_start_s: float
    query_stop_s: float
    reference_start_s: float
    reference_stop_s: float
    score: float
    probability: float
    transform: Transform


@dataclass(frozen=True, slots=True, eq=False, weakref_slot=True)
class FingerprintSegment:
    """Fingerprints of many recordings laid end to end, as an index keeps them.

    Recording ``i`` owns frames ``starts[i]`` to ``starts[i + 1]`` of ``frames``, shape (n, 2), and, from
    ``loud_starts[i]`` on, one row of ``loud_frames`` for its first and every second frame, and the cells of landmarks
    ``cell_starts[i]`` to ``cell_starts[i + 1]`` in ``landmarks``; ``removed[i]``: it is no longer in the index.
    """

    recording_ids: Sequence[str]
    starts: NDArray[np.int64] = field(repr=False)
    loud_starts: NDArray[np.int64] = field(repr=False)
    frames: NDArray[np.uint64] = field(repr=False)
    loud_frames: NDArray[np.uint64] = field(repr=False)
    cell_starts: NDArray[np.int64] = field(repr=False)
    landmarks: LandmarkTable = field(repr=False)
    removed: NDArray[np.bool_] = field(repr=False)


class FingerprintIndex(Protocol):
    """What a search needs of an index, whatever keeps it."""

    @property
    def parameter_id(self) -> str:
        """The parameters of every fingerprint inside."""

    @property
    def segments(self) -> Sequence[FingerprintSegment]:
        """Everything inside, unchanged for as long as the caller holds it."""
