"""Human or machine: the verdict on who made a sound, where, and why."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

__all__ = ["Synthetic", "SyntheticBand", "SyntheticSegment", "SyntheticVerdict"]


class SyntheticVerdict(StrEnum):
    """Who made it. ``mixed``: stretches or layers differ; ``uncertain``: there is not enough to go by."""

    HUMAN = "human"
    AI = "ai"
    MIXED = "mixed"
    UNCERTAIN = "uncertain"


@dataclass(frozen=True, slots=True)
class SyntheticSegment:
    """A stretch [``start_s``, ``stop_s``) and the probability that a generative model made it."""

    start_s: float
    stop_s: float
    probability: float


@dataclass(frozen=True, slots=True)
class SyntheticBand:
    """A box of time and frequency that speaks for a machine, and how strongly (0 to 1): what a picture shows."""

    start_s: float
    stop_s: float
    start_hz: float
    stop_hz: float
    weight: float


@dataclass(frozen=True, slots=True)
class Synthetic:
    """The verdict on one upload, with its calibrated probability, its places and its reasons in words.

    ``family`` names a kind of generator where that is clear. ``model_id`` names the weights that judged.
    """

    verdict: SyntheticVerdict
    probability: float
    family: str | None
    segments: Sequence[SyntheticSegment]
    bands: Sequence[SyntheticBand]
    reasons: Sequence[str]
    model_id: str
