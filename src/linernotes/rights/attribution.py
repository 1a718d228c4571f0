"""Who is owed which part of an output: influence by work, told by catalogue, in millionths that add up.

Conventions
-----------
Influence comes in whole numbers of any one scale, none below 0. A catalogue is what one party gave to a training set;
its weight is the sum of its works', so that spreading works over catalogues of the same party, or cutting them, moves
nothing. A work that stands in the set several times counts once: what two catalogues have in common is halved between
them, and never paid twice. Where nobody has any influence, all works are equal.
"""

from collections.abc import Collection, Iterable, Mapping
from fractions import Fraction

from linernotes.errors import ParameterError
from linernotes.money import divide

__all__ = ["PPM", "catalogue_weights", "shares_ppm"]

PPM = 1_000_000


def catalogue_weights(
    weights: Mapping[str, int], catalogues: Mapping[str, str], *, twins: Iterable[Collection[str]] = ()
) -> dict[str, Fraction]:
    """Add the weights of works up by catalogue; ``twins`` are sets of works that are one.

    A set of twins weighs what its heaviest does, and each catalogue that holds one has an equal part of it.

    Raises ParameterError for a weight below 0, or a work without a catalogue.
    Check: works a, b of one and c of another, b and c twins, weights 3, 2, 2: 4 and 1.
    """
    if any(weight < 0 for weight in weights.values()):
        raise ParameterError("influence below 0 cannot be paid by: set it to 0")
    if missing := sorted(set(weights) - set(catalogues)):
        raise ParameterError(f"{', '.join(missing[:3])}: in no catalogue ({len(missing)} in all)")
    total = {catalogues[work_id]: Fraction(0) for work_id in sorted(weights)}
    sets = [sorted(set(members) & set(weights)) for members in twins]
    inside = {work_id for members in sets for work_id in members}
    for members in [*sets, *([work_id] for work_id in weights if work_id not in inside)]:
        holders = sorted({catalogues[work_id] for work_id in members})
        for holder in holders:
            total[holder] += Fraction(max(weights[work_id] for work_id in members), len(holders))
    return total


def shares_ppm(weights: Mapping[str, Fraction | int]) -> dict[str, int]:
    """Divide a million by weight, with the largest remainders rounded up, ties by id: it adds up to the millionth.

    Raises ParameterError where there is nobody. Check: thirds are 333334, 333333, 333333.
    """
    if not weights:
        raise ParameterError("a million cannot be divided among nobody: the training set is empty")
    order = sorted(weights)
    total = sum((Fraction(weights[key]) for key in order), Fraction(0))
    parts = [Fraction(weights[key]) / total if total else Fraction(1, len(order)) for key in order]
    return dict(zip(order, divide(PPM, parts), strict=True))
