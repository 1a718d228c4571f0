"""Who said that a model may learn from something: one answer for each party with a right in it.

Conventions
-----------
A party's rule of use type ``training`` answers: ``allow`` and ``share`` are a yes; ``review``, ``block``, no rule and
rules that contradict each other are not. A rule for a model release speaks of everything the party has, for that
release, and counts like one about the very subject. What a model learns from is the whole, whatever its length: limits
to long or sure matches do not matter.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date
from fractions import Fraction

from linernotes.model import Action, Policy, UseType
from linernotes.rights.grounds import Grounds
from linernotes.rights.policies import Situation, evaluate

__all__ = ["Consent", "training_consents"]

_ANY_LENGTH_S = Fraction(10**9)


@dataclass(frozen=True, slots=True)
class Consent:
    """What one party says of one right: which rule, and why it decides; ``part`` is None where it is not stated."""

    subject_id: str
    party_id: str
    part: Fraction | None
    is_given: bool
    action: Action
    share: Fraction | None
    policy_id: str | None
    because: str


def training_consents(
    found: Sequence[Grounds], policies: Iterable[Policy], *, release_id: str, on: date
) -> list[Consent]:
    """Ask every holder of every right that training touches; consent is given where all of them say yes.

    ``policies`` of anybody; ``found`` as :func:`linernotes.rights.grounds.grounds` lists them.
    """
    rules = [policy for policy in policies if policy.use_type is UseType.TRAINING]
    consents = []
    for ground in found:
        about = [
            replace(rule, subject_id=ground.subject_id) if rule.subject_id == release_id else rule for rule in rules
        ]
        for party_id in sorted(ground.holders):
            situation = Situation(
                use_type=UseType.TRAINING,
                right_type=ground.right_type,
                subject_id=ground.subject_id,
                match_length_s=_ANY_LENGTH_S,
                probability=Fraction(1),
                on=on,
                owner_ids=[party_id],
                default_ids=ground.default_ids,
            )
            ruling = evaluate(about, situation)
            consents.append(
                Consent(
                    subject_id=ground.subject_id,
                    party_id=party_id,
                    part=ground.holders[party_id],
                    is_given=ruling.action in (Action.ALLOW, Action.SHARE),
                    action=ruling.action,
                    share=ruling.share,
                    policy_id=ruling.policy.id if ruling.policy else None,
                    because=ruling.because,
                )
            )
    return consents
