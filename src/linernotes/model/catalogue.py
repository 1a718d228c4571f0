"""The catalogue: parties, works, recordings, voices, releases of models, and who has which share of them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from fractions import Fraction

__all__ = [
    "AiDisclosure",
    "Contribution",
    "ModelRelease",
    "Party",
    "Problem",
    "Recording",
    "RecordingEntry",
    "ReferenceEntry",
    "RightType",
    "Role",
    "Share",
    "Voice",
    "Work",
]


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
