"""Which standing rule decides a use, and why: policies evaluated as a pure function, in any order.

Conventions
-----------
A rule *applies* if it speaks of the use, the subject, the territory and the day, and the match is long and probable
enough. Of those that apply, one wins, by the first of these that tells them apart:

1. the word of the party whose right it is, over the default of a label or publisher;
2. a rule about this very work, recording or voice, over one about everything a party has;
3. the narrower territory, over the wider;
4. the rule for longer matches, then for surer ones, then for a bounded time, over the more general.

Rules that none of these tells apart and that say different things are a question to a person: ``review``. So is no
rule.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from fractions import Fraction

from linernotes.errors import ParameterError
from linernotes.model import Action, Policy, RightType, Side, TerritoryRule, UseType
from linernotes.rights import territories

__all__ = ["Ruling", "Situation", "evaluate", "exceptions", "explain", "side_of", "valid"]

_RANKS = (
    "the word of the party whose right it is outranks a default",
    "a rule about this very subject outranks one about everything",
    "a narrower territory outranks a wider one",
    "a rule for longer matches outranks a more general one",
    "a rule for surer matches outranks a more general one",
    "a rule for a bounded time outranks one without end",
)
_COMPOSITION = frozenset({RightType.MECHANICAL, RightType.PERFORMANCE, RightType.SYNCHRONISATION})


@dataclass(frozen=True, slots=True)
class Situation:
    """What is asked of the policies: this use, of this right in this subject, here, on this day.

    ``owner_ids``: the parties whose right it is. ``default_ids``: those whose default counts where no owner has spoken,
    such as the label of a recording. Policies of anybody else do not apply.
    """

    use_type: UseType
    right_type: RightType
    subject_id: str
    match_length_s: Fraction
    probability: Fraction
    on: date
    owner_ids: Collection[str]
    default_ids: Collection[str] = ()
    territory: str = "2136"


@dataclass(frozen=True, slots=True)
class Ruling:
    """What the policies say: the rule that won, or None, and every other rule about this use with why it lost."""

    action: Action
    share: Fraction | None
    side: Side | None
    policy: Policy | None
    because: str
    lost: Sequence[tuple[Policy, str]] = ()

    @property
    def verdict(self) -> tuple[Action, Fraction | None, Side | None]:
        """What follows, without the reasons."""
        return self.action, self.share, self.side


def valid(policy: Policy) -> Policy:
    """Return the policy if it can be followed.

    Raises ParameterError saying what contradicts what.
    """
    where = f"policy for {policy.use_type}"
    if (policy.action is Action.SHARE) != (policy.share is not None):
        raise ParameterError(f"{where}: a share goes with the action 'share', and only with it: share {policy.share}")
    if policy.share is not None and not 0 < policy.share <= 1:
        raise ParameterError(f"{where}: {policy.share} is not a share: more than 0 and at most 1")
    if policy.side is not None and policy.action is not Action.SHARE:
        raise ParameterError(f"{where}: a side goes with the action 'share': {policy.side}")
    if policy.match_length_min_s < 0 or not 0 <= policy.probability_min <= 1:
        raise ParameterError(
            f"{where}: a match lasts 0 s or more and is 0 to 1 probable:"
            f" {policy.match_length_min_s} s, {policy.probability_min}"
        )
    if policy.valid_from and policy.valid_to and policy.valid_from >= policy.valid_to:
        raise ParameterError(f"{where}: it would end ({policy.valid_to}) before it begins ({policy.valid_from})")
    return policy


def side_of(right_type: RightType) -> Side:
    """Say from which side of the revenue a right is paid where nobody says otherwise."""
    return Side.COMPOSITION if right_type in _COMPOSITION else Side.RECORDING


def evaluate(policies: Iterable[Policy], situation: Situation) -> Ruling:
    """Find the rule that decides; the order of ``policies`` makes no difference.

    Check: a performer's ``share 1/2`` on their voice wins over ``block`` of the label that released the recording.
    """
    known = {*situation.owner_ids, *situation.default_ids}
    concerned = sorted((p for p in policies if _concerns(p, situation, known)), key=lambda policy: policy.id)
    lost: list[tuple[Policy, str]] = []
    applying: list[tuple[tuple[Fraction | int, ...], Policy]] = []
    for policy in concerned:
        if reason := _does_not_apply(policy, situation):
            lost.append((policy, reason))
        else:
            applying.append((_rank(policy, situation), policy))
    if not applying:
        return Ruling(Action.REVIEW, None, None, None, "no rule speaks of this use: the party is asked", tuple(lost))
    best = max(rank for rank, _ in applying)
    winners = [policy for rank, policy in applying if rank == best]
    lost += [(policy, _why_lost(rank, best)) for rank, policy in applying if rank != best]
    if len({(p.action, p.share, _side(p, situation)) for p in winners}) > 1:
        names = ", ".join(policy.id for policy in winners)
        reason = f"equally specific rules say different things ({names}): the party is asked"
        return Ruling(Action.REVIEW, None, None, None, reason, (*((p, reason) for p in winners), *lost))
    winner = winners[0]
    lost += [(policy, "says the same as the rule that won") for policy in winners[1:]]
    side = _side(winner, situation) if winner.action is Action.SHARE else None
    return Ruling(winner.action, winner.share, side, winner, _why_won(best), tuple(lost))


def exceptions(policies: Sequence[Policy], situation: Situation) -> tuple[TerritoryRule, ...]:
    """Say where inside the situation's territory something else holds; a narrower territory's rule outranks a wider's.

    The order of ``policies`` makes no difference.
    """
    ruled = {situation.territory: evaluate(policies, situation).verdict}
    inside = {p.territory for p in policies if territories.covers(situation.territory, p.territory)}
    found = []
    for territory in sorted(inside - {situation.territory}, key=lambda code: (-territories.size(code), code)):
        verdict = evaluate(policies, _moved(situation, territory)).verdict
        around = {code: territories.size(code) for code in ruled if territories.covers(code, territory)}
        narrowest = [code for code, size in around.items() if size == min(around.values())]
        if any(ruled[code] != verdict for code in narrowest):
            ruled[territory] = verdict
            found.append(TerritoryRule(territory, *verdict))
    return tuple(found)


def explain(ruling: Ruling, names: Mapping[str, str]) -> tuple[str, ...]:
    """Put a ruling into words, a line for the rule that won and one for each that lost; ``names`` by party id."""
    if ruling.policy is None:
        first = f"Asked: {ruling.because}."
    else:
        first = f"{_told(ruling.policy, names)} decides: {ruling.because}."
    return first, *(f"{_told(policy, names)} does not: {reason}." for policy, reason in ruling.lost)


def _moved(situation: Situation, territory: str) -> Situation:
    return Situation(
        situation.use_type,
        situation.right_type,
        situation.subject_id,
        situation.match_length_s,
        situation.probability,
        situation.on,
        situation.owner_ids,
        situation.default_ids,
        territory,
    )


def _concerns(policy: Policy, situation: Situation, known: Collection[str]) -> bool:
    """Tell whether a rule is about this use of this subject at all, and a word of these parties."""
    about = policy.subject_id in (None, situation.subject_id)
    return about and policy.party_id in known and policy.use_type is situation.use_type


def _does_not_apply(policy: Policy, situation: Situation) -> str:
    """Say why a rule does not apply; empty where it does."""
    has_one_side = situation.right_type not in (RightType.VOICE, RightType.TRAINING)
    if not territories.covers(policy.territory, situation.territory):
        reason = f"it holds in territory {policy.territory}, this is {situation.territory}"
    elif policy.valid_from is not None and situation.on < policy.valid_from:
        reason = f"it begins on {policy.valid_from}"
    elif policy.valid_to is not None and situation.on >= policy.valid_to:
        reason = f"it ended on {policy.valid_to}"
    elif situation.match_length_s < policy.match_length_min_s:
        reason = f"it is for matches of {policy.match_length_min_s} s or more"
    elif situation.probability < policy.probability_min:
        reason = f"it is for probabilities of {policy.probability_min} or more"
    elif has_one_side and policy.side not in (None, side_of(situation.right_type)):
        reason = f"it asks for a share of the {policy.side} side, this right is on the other"
    else:
        reason = ""
    return reason


def _rank(policy: Policy, situation: Situation) -> tuple[Fraction | int, ...]:
    """Order rules that apply; one number for each reason in ``_RANKS``, the greater wins."""
    return (
        int(policy.party_id in situation.owner_ids),
        int(policy.subject_id is not None),
        -territories.size(policy.territory),
        policy.match_length_min_s,
        policy.probability_min,
        int(policy.valid_from is not None) + int(policy.valid_to is not None),
    )


def _why_lost(rank: tuple[Fraction | int, ...], best: tuple[Fraction | int, ...]) -> str:
    return next(reason for ours, theirs, reason in zip(rank, best, _RANKS, strict=True) if ours != theirs)


def _why_won(best: tuple[Fraction | int, ...]) -> str:
    owner = "the word of the party whose right it is" if best[0] else "a default, for the party itself has no rule"
    about = "about this very subject" if best[1] else "about everything of theirs"
    return f"{owner}, {about}"


def _side(policy: Policy, situation: Situation) -> Side:
    return policy.side or side_of(situation.right_type)


def _told(policy: Policy, names: Mapping[str, str]) -> str:
    what = policy.action.value
    if policy.share is not None:
        what = f"share {policy.share}" + (f" of the {policy.side} side" if policy.side else "")
    return f"{names.get(policy.party_id, policy.party_id)}'s rule {policy.id} ({policy.use_type}: {what})"
