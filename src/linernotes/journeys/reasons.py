"""Sentences about money: why a line of a statement is what it is."""

from collections.abc import Mapping, Sequence
from fractions import Fraction

from linernotes.model import Claim, RightType
from linernotes.money import Money
from linernotes.store.royalty_trails import Slice, SourceRow

__all__ = ["because_of", "why_steps"]

_NOBODY = {
    "unclaimed": "nobody's share is known: kept as unclaimed",
    "contested_claims": "claims add up to more than there is: what is contested is held",
    "contested_shares": "shares add up to more than the whole: what is contested is held",
    "too_fine": "the shares have no common denominator that can be divided by: held",
}


def because_of(reason: str, right: RightType, claim_id: str | None, *, is_correction: bool) -> str:
    """Say in a few words what gave a line its part."""
    words = {
        "share": f"share of the {right} right",
        "claim": f"claim {claim_id}",
        "open_claim": f"claim {claim_id}, not decided: held",
    }[reason]
    return f"{words}; the difference to what was told before" if is_correction else words


def why_steps(
    mine: Slice,
    slices: Sequence[Slice],
    source: SourceRow,
    amount_micro: int,
    *,
    names: Mapping[str, str],
    claim: Claim | None,
) -> list[str]:
    """Say step by step how an amount came about: what came in, how it was divided, among whom, by which claim."""
    whole = Money(mine.currency, mine.pool_micro)
    steps = [
        f"In {mine.usage_period} {mine.thing_id} brought {whole}.",
        f"Of that, {Money(mine.currency, source.amount_micro)} came from {source.source} in {source.territory}.",
        f"The {whole} were divided at once, by largest remainder, among:",
    ]
    for each in slices:
        who = names.get(each.party_id or "", each.party_id or "") if each.party_id else _NOBODY[each.reason]
        by = f", claim {each.claim_id}" if each.claim_id else ""
        held = ", held" if each.reason == "open_claim" else ""
        part = Fraction(each.numerator, each.denominator)
        steps.append(f"  {each.right}: {who}{by}{held}: {part} is {Money(each.currency, each.amount_micro)}")
    steps.append(
        f"Of the line's {Money(mine.currency, mine.amount_micro)}, {Money(mine.currency, amount_micro)} are from there."
    )
    if claim is not None:
        steps.append(f"Claim {claim.id} of {claim.party_id} is {claim.state}: {' '.join(claim.because)}".strip())
        steps.append(f"It rests on the evidence {claim.evidence_id}: {claim.evidence.explanation}".strip())
    return steps
