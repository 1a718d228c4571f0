"""Deciding: what a party wishes, what it claims, and how that goes on."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from fractions import Fraction

from linernotes.model.catalogue import RightType
from linernotes.model.telling import Evidence

__all__ = [
    "Action",
    "Claim",
    "ClaimState",
    "ClaimStep",
    "Decision",
    "Obstacle",
    "Policy",
    "Side",
    "TerritoryRule",
    "UseType",
]


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
