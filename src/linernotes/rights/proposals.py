"""Proposals: what evidence asserts, in whose name, and what keeps it from being asserted.

Conventions
-----------
A piece of evidence touches *grounds*: rights in the reference, with who holds them. Each holder gets a claim of their
own and decides for themselves. On one stretch of an upload claims of different rights stand side by side. Of one right,
in one subject, the closest use is claimed and no other: a copy says more than a version of the same work. Of one right,
in different subjects of different parties, none may go on before a person has said which it is, whoever came first.
"""

import hashlib
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from fractions import Fraction

from linernotes.model import (
    Action,
    AiDisclosure,
    Claim,
    ClaimState,
    Evidence,
    EvidenceKind,
    Obstacle,
    Policy,
    RightType,
    Side,
    UseType,
)
from linernotes.rights.grounds import Grounds
from linernotes.rights.policies import Ruling, Situation, evaluate, exceptions, explain

__all__ = ["Draft", "Heard", "clashes", "draft", "excesses", "is_same", "reconsidered", "use_of"]

_CLOSEST = (
    UseType.RECORDING,
    UseType.VERSION,
    UseType.LYRICS,
    UseType.MELODY,
    UseType.VOICE,
    UseType.SOUNDALIKE,
    UseType.TRAINING,
)
_CROSSFADE_S = 1  # what a medley fades over is no clash
_OVER = frozenset({ClaimState.RELEASED, ClaimState.WITHDRAWN})


@dataclass(frozen=True, slots=True)
class Heard:
    """A stored piece of evidence, with the rights it touches."""

    evidence_id: str
    evidence: Evidence
    use_type: UseType
    grounds: Sequence[Grounds]


@dataclass(frozen=True, slots=True)
class Draft:
    """A claim that could be made, and what in its reference keeps it from going on, each with the reason."""

    claim: Claim
    obstacles: Sequence[tuple[Obstacle, str]]


def use_of(kind: EvidenceKind, *, soundalike: bool = False) -> UseType:
    """Say which use a kind of evidence shows; a voice may be an imitation rather than the voice itself."""
    return UseType.SOUNDALIKE if soundalike and kind is EvidenceKind.VOICE else UseType(kind.value)


def draft(
    heard: Iterable[Heard],
    policies: Sequence[Policy],
    *,
    upload_sha256: str,
    upload_path: str,
    first_seen_at: datetime,
    at: datetime,
    names: Mapping[str, str],
) -> list[Draft]:
    """Draft the claims on one upload, in an order that depends on nothing but what is claimed.

    A claim's ``action`` is what the party's policies say. Obstacles that lie between claims are found by
    :func:`clashes` and :func:`excesses`.
    """
    closest: dict[tuple[str, str, RightType], list[tuple[Heard, Grounds]]] = {}
    by_closeness = sorted(heard, key=lambda h: (_CLOSEST.index(h.use_type), *_place(h.evidence), h.evidence_id))
    drafts = []
    for each in by_closeness:
        for grounds in each.grounds:
            for party_id in sorted(grounds.holders):
                taken = closest.setdefault((party_id, grounds.subject_id, grounds.right_type), [])
                if any(_overlap(other.evidence, each.evidence) for other, _ in taken):
                    continue
                taken.append((each, grounds))
                claim = _claim(
                    each, grounds, party_id, policies, upload=(upload_sha256, upload_path), at=at, names=names
                )
                drafts.append(Draft(claim, _obstacles(grounds, first_seen_at=first_seen_at, names=names)))
    return sorted(drafts, key=lambda draft: draft.claim.id)


def reconsidered(
    claim: Claim, grounds: Grounds, policies: Sequence[Policy], *, at: datetime, names: Mapping[str, str]
) -> Claim:
    """Return a claim as it would be drafted now, in its state: what the rules of today say of what was heard then."""
    heard = Heard(claim.evidence_id, claim.evidence, claim.use_type, (grounds,))
    upload = claim.upload_sha256, claim.upload_path
    now = _claim(heard, grounds, claim.party_id, policies, upload=upload, at=at, names=names)
    return replace(now, id=claim.id, state=claim.state, obstacles=claim.obstacles)


def is_same(one: Claim, other: Claim) -> bool:
    """Tell whether two claims on an upload assert the same: one party's one right in one subject, on one stretch."""
    asserted = [(c.party_id, c.subject_id, c.right_type) for c in (one, other)]
    return asserted[0] == asserted[1] and _overlap(one.evidence, other.evidence)


def clashes(claims: Iterable[Claim], holders: Mapping[str, Iterable[str]], *, fresh: Collection[str]) -> dict[str, str]:
    """Find claims on one stretch and one right whose subjects differ and have no holder in common.

    ``holders``: the parties of each subject. ``fresh``: the claims that nobody has compared yet; a pair without any of
    them was looked at before. Returns the reason by claim id; the order of ``claims`` makes no difference. What a model
    learned from is many things at once, so training never clashes.
    """
    alive = sorted((c for c in claims if c.state not in _OVER), key=lambda claim: claim.id)
    found: dict[str, str] = {}
    for claim in alive:
        others = {
            other.subject_id: other.evidence.reference.title
            for other in alive
            if other.right_type is claim.right_type is not RightType.TRAINING
            and other.subject_id != claim.subject_id
            and (claim.id in fresh or other.id in fresh)
            and _overlap(other.evidence, claim.evidence, more_than_s=_CROSSFADE_S)
            and not set(holders.get(other.subject_id, ())) & set(holders.get(claim.subject_id, ()))
        }
        if others:
            titles = ", ".join(f"{title} ({subject_id})" for subject_id, title in sorted(others.items()))
            found[claim.id] = (
                f"On the same stretch others claim the same right ({claim.right_type}) in {titles}:"
                " layered, taken for each other, or registered twice; a person has to say."
            )
    return found


def excesses(claims: Iterable[Claim], *, fresh: Collection[str]) -> dict[str, str]:
    """Find claims whose shares of one side, on one stretch, add to more than the whole; the reason by claim id.

    Stretches without a claim in ``fresh`` were looked at before.
    """
    asking = [c for c in claims if c.action is Action.SHARE and c.share is not None and c.state not in _OVER]
    found: dict[str, str] = {}
    for side in Side:
        here = sorted((c for c in asking if c.side is side), key=lambda claim: claim.id)
        for instant in sorted({c.evidence.query_start_s for c in here}):
            together = [c for c in here if c.evidence.query_start_s <= instant < c.evidence.query_stop_s]
            total = sum((c.share for c in together if c.share is not None), Fraction(0))
            if total > 1 and any(c.id in fresh for c in together):
                for claim in together:
                    found.setdefault(
                        claim.id,
                        f"The shares asked of the {side} side at {instant:.1f} s add up to {total}, more than the"
                        " whole; a person has to say.",
                    )
    return found


def _claim(
    heard: Heard,
    grounds: Grounds,
    party_id: str,
    policies: Sequence[Policy],
    *,
    upload: tuple[str, str],
    at: datetime,
    names: Mapping[str, str],
) -> Claim:
    sha256, path = upload
    evidence = heard.evidence
    situation = Situation(
        use_type=heard.use_type,
        right_type=grounds.right_type,
        subject_id=grounds.subject_id,
        match_length_s=Fraction(evidence.query_stop_s) - Fraction(evidence.query_start_s),
        probability=Fraction(evidence.probability),
        on=at.date(),
        owner_ids=(party_id,),
        default_ids=grounds.default_ids,
    )
    part = _part(grounds, party_id)
    ruling = evaluate(policies, situation)
    because = list(explain(ruling, names))
    ruling, note = _divided(ruling, part)
    elsewhere = tuple(
        replace(rule, share=None if part is None or rule.share is None else rule.share * part)
        for rule in exceptions(policies, situation)
    )
    return Claim(
        id=_id(sha256, heard.evidence_id, grounds.subject_id, party_id, grounds.right_type, heard.use_type),
        upload_sha256=sha256,
        upload_path=path,
        evidence_id=heard.evidence_id,
        evidence=evidence,
        subject_id=grounds.subject_id,
        party_id=party_id,
        right_type=grounds.right_type,
        use_type=heard.use_type,
        action=ruling.action,
        share=ruling.share,
        side=ruling.side,
        state=ClaimState.PROPOSED,
        because=(*because, *note),
        exceptions=elsewhere,
        policy_id=None if ruling.policy is None else ruling.policy.id,
    )


def _part(grounds: Grounds, party_id: str) -> Fraction | None:
    """Return which part of the right a party holds: all of it where it is the only holder and nothing is stated."""
    stated = grounds.holders[party_id]
    return Fraction(1) if stated is None and len(grounds.holders) == 1 else stated


def _divided(ruling: Ruling, part: Fraction | None) -> tuple[Ruling, list[str]]:
    """Give a part owner its part of the share that its rule asks for."""
    if ruling.share is None or part == 1:
        return ruling, []
    if part is None:
        asked = replace(ruling, action=Action.REVIEW, share=None, side=None)
        return asked, ["Asked: the catalogue does not state which part of the right each of its holders has."]
    return replace(ruling, share=ruling.share * part), [
        f"Of the share {ruling.share} it gets {ruling.share * part}, for it holds {part} of the right."
    ]


def _obstacles(grounds: Grounds, *, first_seen_at: datetime, names: Mapping[str, str]) -> list[tuple[Obstacle, str]]:
    found = []
    if grounds.contains_ai in (AiDisclosure.PARTLY, AiDisclosure.ALL):
        reason = f"The reference itself is AI-made ({grounds.contains_ai}): it may not claim before a person allows it."
        found.append((Obstacle.AI_REFERENCE, reason))
    total = grounds.claimed
    if total > 1:
        sides = ", ".join(
            f"{names.get(p, p)} {part}" for p, part in sorted(grounds.holders.items()) if part is not None
        )
        reason = (
            f"The reference is claimed by several parties for more than the whole ({sides}, together {total}):"
            " it may not claim before they agree."
        )
        found.append((Obstacle.CONTESTED_REFERENCE, reason))
    if grounds.registered_at is not None and grounds.registered_at > first_seen_at:
        reason = (
            f"The reference was registered on {grounds.registered_at:%Y-%m-%d %H:%M} UTC, after the upload it accuses"
            f" ({first_seen_at:%Y-%m-%d %H:%M} UTC): it may not claim before a person has seen which was first."
        )
        found.append((Obstacle.LATE_REGISTRATION, reason))
    return found


def _id(*parts: str) -> str:
    return "clm_" + hashlib.sha256("\x1f".join(parts).encode()).hexdigest()[:16]


def _place(evidence: Evidence) -> tuple[Fraction, Fraction]:
    return Fraction(evidence.query_start_s), Fraction(evidence.query_stop_s)


def _overlap(one: Evidence, other: Evidence, *, more_than_s: int = 0) -> bool:
    return min(one.query_stop_s, other.query_stop_s) - max(one.query_start_s, other.query_start_s) > more_than_s
