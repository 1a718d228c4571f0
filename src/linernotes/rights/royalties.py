"""The rules by which revenue is divided, as data and small functions; :mod:`linernotes.store.royalties` applies them.

Conventions
-----------
All parts are exact fractions. From the top:

1.  A **rule** says what part of the revenue goes to which right: ``master`` is the recording side; ``mechanical``,
    ``performance`` and ``synchronisation`` are the composition side; ``training`` is what a model's maker pays to learn
    from a recording. The most specific rule holds: one that names the use type before one for all; then the one for
    fewer countries; then the one that begins later; then the one that stands further down.
2.  On each side, **claims** on the upload take their agreed share first. A confirmed or upheld claim is paid; of one
    that is proposed, in review or disputed the share is held for its claimant; one that is over asks for nothing.
3.  What is left of a side goes to those who **share** the right, as the catalogue says for that territory and day.
4.  Whoever asks for more than there is, be it by claims or by shares: each gets what nobody else asks for
    (:func:`granted`), and what is contested is held.
5.  What nobody has a share of is unclaimed. A line that the catalogue does not know is unmatched.
6.  Everything that a recording brought in a period and currency under one rule is one **pool**, and rounded once
    (:func:`linernotes.money.divide`); where who has which share changes with territory or day, each territory, and each
    stretch of days without a change, is a pool of its own.
"""

from collections.abc import Mapping, Sequence
from datetime import date
from fractions import Fraction

from linernotes.errors import ParameterError
from linernotes.model import ANY_USE, RightType, RoyaltyRule, Side
from linernotes.rights import territories

__all__ = [
    "DEFAULT_RULES",
    "SIDE_OF",
    "check_rules",
    "choose",
    "granted",
    "in_territories",
    "training_parts",
]

SIDE_OF: Mapping[RightType, Side] = {
    RightType.MASTER: Side.RECORDING,
    RightType.MECHANICAL: Side.COMPOSITION,
    RightType.PERFORMANCE: Side.COMPOSITION,
    RightType.SYNCHRONISATION: Side.COMPOSITION,
    RightType.TRAINING: Side.RECORDING,
}
"""The rights that revenue is divided among, and the side that claims on an upload take their share from."""

_RULE_WHOLE_MAX = 10_000
_PPM = 1_000_000


DEFAULT_RULES: Sequence[RoyaltyRule] = (
    RoyaltyRule(
        ANY_USE,
        {
            RightType.MASTER: Fraction(8, 10),
            RightType.MECHANICAL: Fraction(1, 10),
            RightType.PERFORMANCE: Fraction(1, 10),
        },
    ),
    RoyaltyRule("training", {RightType.TRAINING: Fraction(1)}),
)
"""What holds until somebody says otherwise: a round version of what streaming pays. It is nobody's contract."""


def check_rules(rules: Sequence[RoyaltyRule]) -> None:
    """Refuse rules that do not divide the whole, or leave a use without one; ParameterError says which and why."""
    if not any(
        rule.use_type == ANY_USE
        and rule.territory == territories.WORLD
        and rule.valid_from is None
        and rule.valid_to is None
        for rule in rules
    ):
        raise ParameterError(f"rules: one of them must hold for {ANY_USE}, everywhere and always", code="rules")
    for number, rule in enumerate(rules, 1):
        where = f"rule {number} ({rule.use_type}, {rule.territory})"
        total = sum(rule.parts.values(), Fraction(0))
        if total != 1 or any(part < 0 for part in rule.parts.values()):
            raise ParameterError(f"{where}: its parts must add up to 1, they add up to {total}", code="rules")
        if strange := set(rule.parts) - set(SIDE_OF):
            raise ParameterError(f"{where}: {', '.join(sorted(strange))} cannot be divided", code="rules")
        if any(_RULE_WHOLE_MAX % part.denominator for part in rule.parts.values()):
            message = f"{where}: parts are given to 1/{_RULE_WHOLE_MAX} at the finest"
            raise ParameterError(message, code="rules")
        territories.territory(rule.territory)


def choose(rules: Sequence[RoyaltyRule], use_type: str, territory: str, on: date) -> int:
    """Return which rule holds for a use in a country on a day: its number in ``rules``, from 0."""
    holding = [
        (rule.use_type != ANY_USE, -territories.size(rule.territory), rule.valid_from or date.min, number)
        for number, rule in enumerate(rules)
        if rule.use_type in (use_type, ANY_USE)
        and (rule.territory == territories.WORLD or territory in territories.countries(rule.territory))
        and (rule.valid_from is None or rule.valid_from <= on)
        and (rule.valid_to is None or on < rule.valid_to)
    ]
    return max(holding)[-1]


def granted(asked: Sequence[Fraction]) -> tuple[list[Fraction], Fraction]:
    """Return what each gets who asks for a part of one whole, and what is contested and held.

    Each gets what nobody else asks for: however the others settle it, that much is theirs. Where all that is asked
    fits, that is all of it.

    Source: the contested garment, Mishnah, Bava Metzia 2a; Aumann and Maschler, Journal of Economic Theory 36 (1985).
    Check: of 3/4 and 1/2, 1/2 and 1/4 are granted and 1/4 is held.
    """
    excess = max(Fraction(0), sum(asked, Fraction(0)) - 1)
    given = [max(Fraction(0), part - excess) for part in asked]
    return given, (1 - sum(given, Fraction(0))) if excess else Fraction(0)


def in_territories(codes: Sequence[str]) -> list[tuple[str, str]]:
    """Expand territories, each with each of its countries; the world stands for itself and is left out."""
    return [
        (code, country)
        for code in sorted(set(codes))
        if code != territories.WORLD
        for country in sorted(territories.countries(code))
    ]


def training_parts(
    attribution_ppm: Mapping[str, int], *, informativeness_ppm: int, sizes: Mapping[str, int] | None = None
) -> dict[str, Fraction]:
    """Return what part of a model release's pool each recording of its training set has.

    ``informativeness_ppm`` (w) is how much the attribution is measured to know, in millionths: ``w · attribution +
    (1 − w) · flat``. Where attribution is noise, w is 0 and all are paid equally; attribution that is 0 for all counts
    as flat too. Flat is equal for all, or by ``sizes``, how much each gave: then cutting one in two gains nothing.

    Raises ParameterError if w is not between 0 and 1, or an attribution is below 0.
    Check: {a: 3, b: 1} at w = 1/2 is 5/8 and 3/8.
    """
    if not 0 <= informativeness_ppm <= _PPM:
        raise ParameterError(f"informativeness {informativeness_ppm}: not between 0 and {_PPM} millionths")
    if any(weight < 0 for weight in attribution_ppm.values()):
        raise ParameterError("an attribution below 0 cannot be paid by: set it to 0, or leave the recording out")
    given = dict.fromkeys(attribution_ppm, 1) if sizes is None else sizes
    total, size = sum(attribution_ppm.values()), sum(given[recording_id] for recording_id in attribution_ppm)
    w = Fraction(informativeness_ppm, _PPM) if total else Fraction(0)
    return {
        recording_id: w * Fraction(weight, total or 1) + (1 - w) * Fraction(given[recording_id], size)
        for recording_id, weight in attribution_ppm.items()
    }
