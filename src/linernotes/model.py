"""What everyone speaks: frozen records of the catalogue, of what was heard, and of what is told.

Conventions
-----------
Times are seconds, intervals half-open ``[start, stop)``. An instant ``q`` of an upload, heard inside one
piece of evidence, sounds in the reference at ``reference_start_s + (q - query_start_s) * tempo_ratio``.
``score`` is raw, ``probability`` calibrated on a named set. A record is never changed, only followed by another.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from fractions import Fraction
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

__all__ = [
    "Contribution",
    "Credit",
    "Evidence",
    "EvidenceKind",
    "Fingerprint",
    "FingerprintIndex",
    "FingerprintSegment",
    "Match",
    "Party",
    "Problem",
    "Recording",
    "RecordingEntry",
    "Reference",
    "RightType",
    "Role",
    "Share",
    "Trace",
    "Transform",
    "Upload",
    "Work",
]


# ── the catalogue ────────────────────────────────────────────────────────────


class Role(StrEnum):
    """What a party did."""

    PERFORMER = "performer"
    WRITER = "writer"
    PRODUCER = "producer"
    PUBLISHER = "publisher"
    LABEL = "label"


class RightType(StrEnum):
    """Which right a share divides; the first three on a work, the last on a recording."""

    MECHANICAL = "mechanical"
    PERFORMANCE = "performance"
    SYNCHRONISATION = "synchronisation"
    MASTER = "master"


@dataclass(frozen=True, slots=True)
class Party:
    """A writer, publisher, performer, producer or label."""

    id: str
    name: str
    ipi_name_number: str | None = None
    ipi_base_number: str | None = None
    isni: str | None = None


@dataclass(frozen=True, slots=True)
class Work:
    """A composition."""

    id: str
    title: str
    iswc: str | None = None


@dataclass(frozen=True, slots=True)
class Recording:
    """One fixed sound; ``id`` follows from ``sha256`` of its file, so the same file twice is one recording."""

    id: str
    title: str
    artist: str
    sha256: str
    path: str
    duration_s: float
    sample_rate_hz: int
    channels: int
    isrc: str | None = None
    work_id: str | None = None
    year: int | None = None


@dataclass(frozen=True, slots=True)
class Contribution:
    """What one party did for one work or one recording (``subject_id``)."""

    subject_id: str
    party_id: str
    role: Role


@dataclass(frozen=True, slots=True)
class Share:
    """An exact part of one right in one work or recording; unbounded where a date is None.

    ``territory`` is a CISAC TIS or ISO 3166-1 code; ``2136`` is the world.
    """

    subject_id: str
    party_id: str
    right_type: RightType
    fraction: Fraction
    territory: str = "2136"
    valid_from: date | None = None
    valid_to: date | None = None


@dataclass(frozen=True, slots=True)
class RecordingEntry:
    """A recording with all that is said of it; what goes into the catalogue and comes out together."""

    recording: Recording
    work: Work | None = None
    parties: Sequence[Party] = ()
    contributions: Sequence[Contribution] = ()
    shares: Sequence[Share] = ()


@dataclass(frozen=True, slots=True)
class Problem:
    """A fault in what was given, kept as a value: a batch reports it and goes on."""

    code: str
    message: str
    where: str


# ── hearing ──────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Transform:
    """What was done to the reference: shift in semitones, query speed over reference speed (1.25: 25 % faster)."""

    pitch_semitones: float = 0.0
    tempo_ratio: float = 1.0


@dataclass(frozen=True, slots=True, eq=False)
class Fingerprint:
    """What is kept of one sound, made with the parameters named by ``parameter_id``.

    ``frames``: shape (n, 2), what an index keeps: one bit per cell of the whitened spectrum, 128 cells to a frame.
    ``signs``, ``strong``: shape (about 2 n, 2), what a search asks with: frames twice as dense, whether a cell is
    above its neighbourhood, and whether by enough to ask for. All empty where there is nothing to hear.
    """

    parameter_id: str
    duration_s: float
    frames: NDArray[np.uint64] = field(repr=False)
    signs: NDArray[np.uint64] = field(repr=False)
    strong: NDArray[np.uint64] = field(repr=False)


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

    Recording ``i`` owns frames ``starts[i]`` to ``starts[i + 1]`` of ``frames``, shape (n, 2); ``removed[i]``: it is
    no longer in the index.
    """

    recording_ids: Sequence[str]
    starts: NDArray[np.int64] = field(repr=False)
    frames: NDArray[np.uint64] = field(repr=False)
    removed: NDArray[np.bool_] = field(repr=False)


class FingerprintIndex(Protocol):
    """What a search needs of an index, whatever keeps it."""

    @property
    def parameter_id(self) -> str:
        """The parameters of every fingerprint inside."""

    @property
    def segments(self) -> Sequence[FingerprintSegment]:
        """Everything inside, unchanged for as long as the caller holds it."""


# ── telling ──────────────────────────────────────────────────────────────────


class EvidenceKind(StrEnum):
    """What was recognised."""

    RECORDING = "recording"


@dataclass(frozen=True, slots=True)
class Upload:
    """The sound that came in. ``waveform``: shape (n, 2), lowest and highest sample of equal stretches, in [-1, 1]."""

    path: str
    sha256: str
    duration_s: float
    sample_rate_hz: int
    channels: int
    waveform: NDArray[np.float32] = field(compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Reference:
    """The catalogue's side of a piece of evidence."""

    id: str
    title: str
    artist: str
    isrc: str | None
    iswc: str | None


@dataclass(frozen=True, slots=True)
class Evidence:
    """What was heard, where in both sounds, and how sure we are; ``parameter_id`` names what made it."""

    kind: EvidenceKind
    reference: Reference
    query_start_s: float
    query_stop_s: float
    reference_start_s: float
    reference_stop_s: float
    score: float
    probability: float
    transform: Transform | None
    explanation: str
    parameter_id: str


@dataclass(frozen=True, slots=True)
class Credit:
    """Who belongs in the liner notes, and why; ``share`` only where the catalogue states one."""

    party: str
    role: Role
    share: Fraction | None
    because: str


@dataclass(frozen=True, slots=True)
class Trace:
    """The liner notes of one upload. ``upload`` is None where the file could not be read; ``problems`` says why.

    ``index_revision`` names the state of the index that was searched.
    """

    path: str
    upload: Upload | None
    index_revision: str
    evidence: Sequence[Evidence] = ()
    credits: Sequence[Credit] = ()
    problems: Sequence[Problem] = ()
