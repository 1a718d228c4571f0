"""Masters: what became of one sound that was mastered, with what it was checked against."""

from collections.abc import Sequence
from dataclasses import dataclass

from linernotes.model.catalogue import Problem
from linernotes.model.mastering import MasteringPlan, MasteringResult, Meters, PlanNote

__all__ = ["CodecCost", "CodedPeak", "Master"]


@dataclass(frozen=True, slots=True)
class CodedPeak:
    """The true peak of a master after a codec."""

    codec: str
    true_peak_dbtp: float


@dataclass(frozen=True, slots=True)
class CodecCost:
    """What it took to keep the ceiling after all codecs.

    ``ceiling_db``: how much lower the limiter's own ceiling is. ``dip_db``: by how much single moments are turned down
    at most. ``reduction_db``: how much deeper the limiter reaches; ``loudness_lu``: what of loudness is lost.
    """

    ceiling_db: float
    loudness_lu: float
    reduction_db: float
    dip_db: float


@dataclass(frozen=True, slots=True)
class Master:
    """One sound, mastered or not: ``problems`` say why not.

    ``sha256`` is that of the input. ``key`` names what a master is made of, input, settings, version and the encoders
    it was tried with: the same key is the same master, bit for bit. ``out_path`` is None where nothing was written.
    ``ceiling_dbtp`` is what was asked for, also of the codecs.
    ``target_lufs`` is what was asked of this sound: in an album, its place beside the loudest one. ``album_offset_lu``:
    how much lower the whole album stands, where its loudest songs could not reach the target.
    """

    path: str
    sha256: str = ""
    key: str = ""
    out_path: str | None = None
    out_sha256: str = ""
    bits: int = 0
    codec: str = ""
    target_lufs: float | None = None
    ceiling_dbtp: float | None = None
    before: Meters | None = None
    plan: MasteringPlan | None = None
    result: MasteringResult | None = None
    coded: Sequence[CodedPeak] = ()
    codec_cost: CodecCost | None = None
    first_shortfall_lu: float = 0.0
    album_offset_lu: float = 0.0
    kept: bool = False
    notes: Sequence[PlanNote] = ()
    problems: Sequence[Problem] = ()
