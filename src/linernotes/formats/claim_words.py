"""What claims and standing rules say in plain words, on a screen and on a page.

Conventions
-----------
English, in the order in which states want attention. A use reads on as "a copy of …".
"""

from collections.abc import Mapping
from fractions import Fraction

from linernotes.model import Action, ClaimState, Obstacle, Side, UseType

__all__ = ["ACTIONS", "OBSTACLES", "STATES", "USES", "chosen"]

STATES: Mapping[ClaimState, tuple[str, str]] = {
    ClaimState.REVIEW: ("Review", "somebody is asked"),
    ClaimState.DISPUTED: ("Disputed", "held until upheld or withdrawn"),
    ClaimState.PROPOSED: ("Proposed", "waiting"),
    ClaimState.CONFIRMED: ("Confirmed", "in force"),
    ClaimState.UPHELD: ("Upheld", "in force, after a dispute"),
    ClaimState.RELEASED: ("Released", "over"),
    ClaimState.WITHDRAWN: ("Withdrawn", "over, after a dispute"),
}
"""Each state, and what it means; in the order in which they want attention."""

USES: Mapping[UseType, str] = {
    UseType.RECORDING: "copy of",
    UseType.VERSION: "version of",
    UseType.MELODY: "melody of",
    UseType.VOICE: "voice of",
    UseType.LYRICS: "lyrics of",
    UseType.TRAINING: "learned from",
    UseType.SOUNDALIKE: "imitation of",
}
"""What an upload is to the thing it uses."""

OBSTACLES: Mapping[Obstacle, str] = {
    Obstacle.AI_REFERENCE: "the reference is AI-made",
    Obstacle.CONTESTED_REFERENCE: "the reference is claimed for more than the whole",
    Obstacle.LATE_REGISTRATION: "registered after the upload",
    Obstacle.OVERLAPPING_REFERENCES: "others claim the same stretch",
    Obstacle.SHARES_EXCEED_WHOLE: "the shares exceed the whole",
    Obstacle.FLOOD: "a flood of claims, slowed",
}
"""Why a claim may not go on yet."""

ACTIONS: Mapping[Action, tuple[str, str]] = {
    Action.ALLOW: ("Allow", "it may stay up, with credit"),
    Action.SHARE: ("Share", "it may stay up for a share of what it earns"),
    Action.REVIEW: ("Ask me", "I look at each"),
    Action.BLOCK: ("Take down", "it must go"),
}
"""What a party can choose, and what that means."""


def chosen(action: Action, share: Fraction | None, side: Side | None) -> str:
    """Say what was chosen. Check: ``chosen(Action.SHARE, Fraction(1, 4), Side.RECORDING)`` names 1/4 and the side."""
    name = ACTIONS[action][0]
    if share is None:
        return name
    return f"{name} {share} of the {side} side" if side else f"{name} {share}"
