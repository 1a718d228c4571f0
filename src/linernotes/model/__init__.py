"""What everyone speaks: frozen records of the catalogue, of what was heard, and of what is told.

Conventions
-----------
Times are seconds, intervals half-open ``[start, stop)``. An instant ``q`` of an upload, heard inside one
piece of evidence, sounds in the reference at ``reference_start_s + (q - query_start_s) * tempo_ratio``.
``score`` is raw, ``probability`` calibrated on a named set. A record is never changed, only followed by another.
"""

from linernotes.model.catalogue import (
    AiDisclosure,
    Contribution,
    ModelRelease,
    Party,
    Problem,
    Recording,
    RecordingEntry,
    ReferenceEntry,
    RightType,
    Role,
    Share,
    Voice,
    Work,
)
from linernotes.model.deciding import (
    Action,
    Claim,
    ClaimState,
    ClaimStep,
    Decision,
    Obstacle,
    Policy,
    Side,
    TerritoryRule,
    UseType,
)
from linernotes.model.hearing import (
    Fingerprint,
    FingerprintIndex,
    FingerprintSegment,
    Match,
    Transform,
)
from linernotes.model.landmarks import (
    BLOCK_CELLS,
    CELL_FRAMES,
    LANDMARK_KEYS,
    WITNESS_BITS,
    LandmarkTable,
    cell_starts,
)
from linernotes.model.paying import (
    Account,
    Deduction,
    DeductionKind,
    Entry,
    EntryKind,
    Payment,
    Posting,
    Statement,
    StatementLine,
    UsageLine,
)
from linernotes.model.telling import (
    Credit,
    Evidence,
    EvidenceKind,
    Reference,
    Trace,
    Upload,
)

__all__ = [
    "BLOCK_CELLS",
    "CELL_FRAMES",
    "LANDMARK_KEYS",
    "WITNESS_BITS",
    "Account",
    "Action",
    "AiDisclosure",
    "Claim",
    "ClaimState",
    "ClaimStep",
    "Contribution",
    "Credit",
    "Decision",
    "Deduction",
    "DeductionKind",
    "Entry",
    "EntryKind",
    "Evidence",
    "EvidenceKind",
    "Fingerprint",
    "FingerprintIndex",
    "FingerprintSegment",
    "LandmarkTable",
    "Match",
    "ModelRelease",
    "Obstacle",
    "Party",
    "Payment",
    "Policy",
    "Posting",
    "Problem",
    "Recording",
    "RecordingEntry",
    "Reference",
    "ReferenceEntry",
    "RightType",
    "Role",
    "Share",
    "Side",
    "Statement",
    "StatementLine",
    "TerritoryRule",
    "Trace",
    "Transform",
    "Upload",
    "UsageLine",
    "UseType",
    "Voice",
    "Work",
    "cell_starts",
]
