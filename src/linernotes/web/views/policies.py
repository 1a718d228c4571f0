"""Standing rules in plain words: what a party says once, so that nobody need ask."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import groupby

from linernotes.formats.claim_words import ACTIONS
from linernotes.formats.statement import place_name
from linernotes.formats.wording import share
from linernotes.model import Action, Policy, UseType

__all__ = ["USES", "House", "Rule", "houses", "sentence"]

USES: Mapping[UseType, str] = {
    UseType.RECORDING: "somebody uses a recording",
    UseType.VERSION: "somebody makes another version",
    UseType.MELODY: "somebody uses a melody",
    UseType.VOICE: "somebody uses the voice",
    UseType.LYRICS: "somebody uses the words",
    UseType.TRAINING: "a model learned from it",
    UseType.SOUNDALIKE: "somebody imitates the voice",
}
"""Each use, as the beginning of a sentence."""

_ANSWERS = {
    Action.ALLOW: "it may stay, with credit",
    Action.REVIEW: "ask me each time",
    Action.BLOCK: "it must be taken down",
}


@dataclass(frozen=True, slots=True)
class Rule:
    """A standing rule: its sentence, and what was chosen in a word."""

    id: str
    choice: str
    sentence: str


@dataclass(frozen=True, slots=True)
class House:
    """What one party says."""

    party: str
    rules: list[Rule]


def houses(policies: Iterable[Policy], names: Mapping[str, str]) -> list[House]:
    """Gather rules by party, each party's in the order of uses."""
    uses = list(UseType)
    ranked = sorted(
        policies, key=lambda each: (names.get(each.party_id, ""), each.party_id, uses.index(each.use_type), each.id)
    )
    return [
        House(names.get(party_id, party_id), [Rule(each.id, ACTIONS[each.action][0], sentence(each)) for each in found])
        for party_id, found in groupby(ranked, key=lambda each: each.party_id)
    ]


def sentence(policy: Policy) -> str:
    """Say a rule as a sentence, with all its conditions."""
    of = f" ({policy.subject_id})" if policy.subject_id else ""
    answer = _ANSWERS.get(policy.action, "")
    if policy.action is Action.SHARE:
        answer = f"it may stay for {share(policy.share)} of the {policy.side or 'right’s own'} side"
    when = [
        f"in {place_name(policy.territory)}" if place_name(policy.territory) != "World" else "",
        f"for {policy.match_length_min_s} s or longer" if policy.match_length_min_s else "",
        f"and we are at least {policy.probability_min} sure" if policy.probability_min else "",
    ]
    until = [
        f"from {policy.valid_from:%d %b %Y}" if policy.valid_from else "",
        f"until the day before {policy.valid_to:%d %b %Y}" if policy.valid_to else "",
    ]
    condition = " ".join(["If", USES[policy.use_type] + of, *filter(None, when)])
    return f"{condition}, {' '.join([answer, *filter(None, until)])}."
