"""What everyone speaks: frozen records of the catalogue, of what was heard, and of what is told.

Conventions
-----------
Times are seconds, intervals half-open ``[start, stop)``. An instant ``q`` of an upload, heard inside one
piece of evidence, sounds in the reference at ``reference_start_s + (q - query_start_s) * tempo_ratio``.
``score`` is raw, ``probability`` calibrated on a named set. A record is never changed, only followed by another.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from fractions import Fraction
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

__all__ = [
    "Action",
    "AiDisclosure",
    "Claim",
    "ClaimState",
    "ClaimStep",
    "Contribution",
    "Credit",
    "Decision",
    "Evidence",
    "EvidenceKind",
    "Fingerprint",
    "FingerprintIndex",
    "FingerprintSegment",
    "Match",
    "ModelRelease",
    "Obstacle",
    "Party",
    "Policy",
    "Problem",
    "Recording",
    "RecordingEntry",
    "Reference",
    "ReferenceEntry",
    "RightType",
    "Role",
    "Share",
    "Side",
    "TerritoryRule",
    "Trace",
    "Transform",
    "Upload",
    "UseType",
    "Voice",
    "Work",
]


# ── the catalogue ────────────────────────────────────────────────────────────


class Role(StrEnum):
    """What a party did, or, for an heir, whose place it takes. A ghostwriter is a writer under an alias."""

    PERFORMER = "performer"
    WRITER = "writer"
    ARRANGER = "arranger"
    PRODUCER = "producer"
    PUBLISHER = "publisher"
    LABEL = "label"
    HEIR = "heir"


class RightType(StrEnum):
    """Which right a share divides: the first three on a work, ``master`` on a recording, ``voice`` on a voice.

    ``training`` is on a recording or a work: the right to let a model learn from it.
    """

    MECHANICAL = "mechanical"
    PERFORMANCE = "performance"
    SYNCHRONISATION = "synchronisation"
    MASTER = "master"
    VOICE = "voice"
    TRAINING = "training"


class AiDisclosure(StrEnum):
    """How much of something a machine made, as declared; where nobody declared anything it is None, not ``none``.

    Source: DDEX ERN 4.3.2, ContainsAI and AiContribution.
    """

    NONE = "none"
    PARTLY = "partly"
    ALL = "all"


@dataclass(frozen=True, slots=True)
class Party:
    """Somebody with a right or a role. ``alias_of``: the party that is paid where this is the name it writes under."""

    id: str
    name: str
    ipi_name_number: str | None = None
    ipi_base_number: str | None = None
    isni: str | None = None
    alias_of: str | None = None


@dataclass(frozen=True, slots=True)
class Work:
    """A composition."""

    id: str
    title: str
    iswc: str | None = None


@dataclass(frozen=True, slots=True)
class Recording:
    """One fixed sound; ``id`` follows from ``sha256`` of its file, so the same file twice is one recording.

    One that is told of and not heard yet has an empty ``sha256``, and no sample rate.
    """

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
    contains_ai: AiDisclosure | None = None


@dataclass(frozen=True, slots=True)
class Voice:
    """A performer's voice. ``consent`` says where the performer agreed to its enrolment; None: it is not enrolled."""

    id: str
    party_id: str
    name: str
    consent: str | None = None


@dataclass(frozen=True, slots=True)
class ModelRelease:
    """A released music model and the party that answers for it."""

    id: str
    name: str
    party_id: str


@dataclass(frozen=True, slots=True)
class Contribution:
    """What one party did for one work or one recording (``subject_id``)."""

    subject_id: str
    party_id: str
    role: Role
    contains_ai: AiDisclosure | None = None


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
class ReferenceEntry:
    """What the catalogue says of something that was recognised: the thing, what goes with it, everybody's part in it.

    ``names``: of all parties, by id. ``registered_at``: in UTC, by id. ``label_ids``: the labels that release a voice's
    performer.
    """

    recording: Recording | None = None
    work: Work | None = None
    voice: Voice | None = None
    contributions: Sequence[Contribution] = ()
    shares: Sequence[Share] = ()
    names: Mapping[str, str] = field(default_factory=dict)
    registered_at: Mapping[str, datetime] = field(default_factory=dict)
    label_ids: Sequence[str] = ()


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

    ``index_revision`` names the state of the index that was searched.
    """

    path: str
    upload: Upload | None
    index_revision: str
    evidence: Sequence[Evidence] = ()
    credits: Sequence[Credit] = ()
    problems: Sequence[Problem] = ()


# ── deciding ─────────────────────────────────────────────────────────────────


class UseType(StrEnum):
    """What an upload does with what belongs to somebody; ``recording`` is a sample or a copy."""

    RECORDING = "recording"
    VERSION = "version"
    MELODY = "melody"
    VOICE = "voice"
    LYRICS = "lyrics"
    TRAINING = "training"
    SOUNDALIKE = "soundalike"


class Action(StrEnum):
    """What a party chooses: credit only, credit and a share, ask me, never. From the mildest to the strictest."""

    ALLOW = "allow"
    SHARE = "share"
    REVIEW = "review"
    BLOCK = "block"


class Side(StrEnum):
    """Which half of an upload's revenue a share is taken from."""

    RECORDING = "recording"
    COMPOSITION = "composition"


@dataclass(frozen=True, slots=True)
class Policy:
    """A party's standing rule. It speaks of one work, recording or voice (``subject_id``), or of all a party has.

    It applies to matches at least ``match_length_min_s`` long and at least ``probability_min`` probable, from the day
    ``valid_from`` to the day before ``valid_to``. ``share`` and ``side`` are given with ``Action.SHARE`` alone.
    """

    id: str
    party_id: str
    use_type: UseType
    action: Action
    share: Fraction | None = None
    side: Side | None = None
    territory: str = "2136"
    match_length_min_s: Fraction = Fraction(0)
    probability_min: Fraction = Fraction(0)
    subject_id: str | None = None
    valid_from: date | None = None
    valid_to: date | None = None


class ClaimState(StrEnum):
    """Where a claim stands; :mod:`linernotes.rights.claims` says which state follows which."""

    PROPOSED = "proposed"
    REVIEW = "review"
    CONFIRMED = "confirmed"
    RELEASED = "released"
    DISPUTED = "disputed"
    UPHELD = "upheld"
    WITHDRAWN = "withdrawn"


class Obstacle(StrEnum):
    """Why a claim may not go on until somebody other than the claimant has looked; a flood also ebbs by itself."""

    AI_REFERENCE = "ai_reference"
    CONTESTED_REFERENCE = "contested_reference"
    LATE_REGISTRATION = "late_registration"
    OVERLAPPING_REFERENCES = "overlapping_references"
    SHARES_EXCEED_WHOLE = "shares_exceed_whole"
    FLOOD = "flood"


@dataclass(frozen=True, slots=True)
class TerritoryRule:
    """What holds in one territory where it is not what holds in the rest of the world."""

    territory: str
    action: Action
    share: Fraction | None = None
    side: Side | None = None


@dataclass(frozen=True, slots=True)
class Claim:
    """What a party asserts of an upload: this stretch uses a right of mine, and this is what I choose.

    ``subject_id`` is the work, recording or voice the right is in, ``evidence_id`` the stored record of ``evidence``.
    ``action``, ``share`` and ``side`` hold in the world but for ``exceptions``. ``because`` says, a reason a line, why
    this action and this state; ``obstacles`` are those that nobody has resolved yet; ``policy_id`` is the rule that
    said ``action``, None where none did.
    """

    id: str
    upload_sha256: str
    upload_path: str
    evidence_id: str
    evidence: Evidence
    subject_id: str
    party_id: str
    right_type: RightType
    use_type: UseType
    action: Action
    share: Fraction | None
    side: Side | None
    state: ClaimState
    because: Sequence[str]
    exceptions: Sequence[TerritoryRule] = ()
    obstacles: Sequence[Obstacle] = ()
    policy_id: str | None = None


@dataclass(frozen=True, slots=True)
class Decision:
    """What a person, or a policy in their name, chose for a claim. ``at`` is in UTC."""

    claim_id: str
    actor: str
    action: Action
    why: str
    at: datetime
    share: Fraction | None = None
    side: Side | None = None


@dataclass(frozen=True, slots=True)
class ClaimStep:
    """One step in a claim's history: who did what when and why, and where that took it. ``at`` is in UTC."""

    claim_id: str
    command: str
    state: ClaimState
    action: Action
    actor: str
    why: str
    at: datetime
