"""Telling: what was recognised in an upload, who belongs in its liner notes."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from linernotes.model.catalogue import Problem, Role
from linernotes.model.hearing import Transform
from linernotes.model.synthetic import Synthetic

__all__ = [
    "Credit",
    "Evidence",
    "EvidenceKind",
    "Reference",
    "Trace",
    "Upload",
]


class EvidenceKind(StrEnum):
    """What was recognised."""

    RECORDING = "recording"
    VERSION = "version"
    MELODY = "melody"
    VOICE = "voice"
    LYRICS = "lyrics"
    TRAINING = "training"


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

    ``index_revision`` names the state of the index that was searched. ``synthetic``: None where nobody listened for it.
    """

    path: str
    upload: Upload | None
    index_revision: str
    evidence: Sequence[Evidence] = ()
    credits: Sequence[Credit] = ()
    problems: Sequence[Problem] = ()
    synthetic: Synthetic | None = None
