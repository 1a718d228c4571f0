"""Claims, their evidence and policies as rows and as records of the chain, and back."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from fractions import Fraction
from functools import lru_cache
from typing import Any

from sqlalchemy import Row

from linernotes.model import (
    Action,
    Claim,
    ClaimState,
    ClaimStep,
    Evidence,
    EvidenceKind,
    Obstacle,
    Policy,
    Reference,
    RightType,
    Side,
    TerritoryRule,
    Transform,
    UseType,
)
from linernotes.store.chain import ChainRow

__all__ = ["Stored", "claim_content", "policy_content", "policy_from", "policy_row", "step_from", "stored_from"]


@dataclass(frozen=True, slots=True)
class Stored:
    """A claim as it stands in the database, and the hash of its last row in the chain."""

    claim: Claim
    head: str


def _text(fraction: Fraction | None) -> str | None:
    return None if fraction is None else str(fraction)


def policy_row(policy: Policy) -> dict[str, Any]:
    """Return a policy as a row: exact numbers are written out."""
    exact = {name: _text(getattr(policy, name)) for name in ("share", "match_length_min_s", "probability_min")}
    return asdict(policy) | exact


def policy_content(row: Mapping[str, Any]) -> dict[str, str | None]:
    """Return a policy's row as it goes into the chain: all of it as text."""
    return {name: None if value is None else str(value) for name, value in row.items()}


def policy_from(row: Row[Any]) -> Policy:
    """Return the policy that a row holds."""
    return Policy(
        id=row.id,
        party_id=row.party_id,
        use_type=UseType(row.use_type),
        action=Action(row.action),
        share=None if row.share is None else Fraction(row.share),
        side=None if row.side is None else Side(row.side),
        territory=row.territory,
        match_length_min_s=Fraction(row.match_length_min_s),
        probability_min=Fraction(row.probability_min),
        subject_id=row.subject_id,
        valid_from=row.valid_from,
        valid_to=row.valid_to,
    )


def _evidence(content: Mapping[str, Any]) -> Evidence:
    fields = {name: content[name] for name in Evidence.__slots__}
    transform = content["transform"]
    return Evidence(
        **fields
        | {
            "kind": EvidenceKind(content["kind"]),
            "reference": Reference(**content["reference"]),
            "transform": transform and Transform(**transform),
        }
    )


def claim_content(claim: Claim) -> dict[str, Any]:
    """Return a claim as JSON's types; the evidence stays where it is, its id stands for it."""
    content = {name: getattr(claim, name) for name in Claim.__slots__ if name != "evidence"}
    content["exceptions"] = [
        {"territory": rule.territory, "action": rule.action.value, "share": _text(rule.share), "side": rule.side}
        for rule in claim.exceptions
    ]
    return content | {
        "share": _text(claim.share),
        "because": list(claim.because),
        "obstacles": [obstacle.value for obstacle in claim.obstacles],
    }


def stored_from(row: Row[Any]) -> Stored:
    """Return the claim that a row holds, which has its evidence's payload beside it."""
    return _stored(row.content, row.payload, row.head)


@lru_cache(maxsize=1024)  # lists show the same claims again and again, and none of them can be changed
def _stored(content_json: str, evidence_json: str, head: str) -> Stored:
    content = json.loads(content_json)
    side = content["side"]
    return Stored(
        Claim(
            **content
            | {
                "evidence": _evidence(json.loads(evidence_json)),
                "right_type": RightType(content["right_type"]),
                "use_type": UseType(content["use_type"]),
                "action": Action(content["action"]),
                "share": _fraction(content["share"]),
                "side": side and Side(side),
                "state": ClaimState(content["state"]),
                "because": tuple(content["because"]),
                "exceptions": tuple(
                    TerritoryRule(
                        rule["territory"],
                        Action(rule["action"]),
                        _fraction(rule["share"]),
                        rule["side"] and Side(rule["side"]),
                    )
                    for rule in content["exceptions"]
                ),
                "obstacles": tuple(map(Obstacle, content["obstacles"])),
            }
        ),
        head,
    )


def _fraction(text: str | None) -> Fraction | None:
    return None if text is None else Fraction(text)


def step_from(row: ChainRow) -> ClaimStep:
    """Return the step that a row of the chain tells."""
    content = row.content
    return ClaimStep(
        claim_id=row.subject_id,
        command=content["command"],
        state=ClaimState(content["claim"]["state"]),
        action=Action(content["claim"]["action"]),
        actor=row.actor,
        why=row.why,
        at=datetime.fromisoformat(row.at),
    )
