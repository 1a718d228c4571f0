"""Statements of fictional people, seeded, that add up: one line, none, forty pages, many scripts."""

import random
from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction

from linernotes.model import Deduction, DeductionKind, RightType, Statement, StatementLine
from linernotes.money import micro_of_minor, minor_digits

__all__ = ["LONG_TITLE", "TITLES", "balanced", "line", "long_statement", "statement"]

LONG_TITLE = (
    "The Extremely Long and Winding Title of a Song That Was Named by Four People Who Could Not Agree on Anything, "
    "Least of All on Where a Title Ought to End, So That It Goes On (Acoustic) [Live at the Old Observatory, 2nd Night]"
)
TITLES = (
    "Harbour Lights",
    "Kalte Straßen (Ąžuolas Remix)",
    "שיר של לילה",
    "أغنية الصباح الطويلة",
    "夜の港にて",
    "봄비",
    "Ζωή",
    LONG_TITLE,
)
_SOURCES = ("Streamhaus Premium", "Streamhaus Free", "Wavebox", "Clipkiste UGC", "Radio Nordlicht", "Tonmeer", "Ode.fm")
_RIGHTS = (RightType.MASTER, RightType.MECHANICAL, RightType.PERFORMANCE, RightType.VOICE, RightType.TRAINING)


def line(number: int = 1, **changed: object) -> StatementLine:
    made = StatementLine(
        id=f"lin_{number:016x}",
        subject_id="rec_00000000000000a1",
        title="Harbour Lights",
        isrc="DEA612600001",
        iswc=None,
        right_type=RightType.MASTER,
        source="Streamhaus Premium",
        territory="DE",
        usage_period="2026-10",
        quantity=12_345,
        gross_micro=98_765_432,
        share=Fraction(1, 3),
        amount_micro=32_921_811,
        claim_id=None,
        held=False,
        because="1/3 of the recording, agreed by all on 2026-03-02",
    )
    return replace(made, **changed)  # type: ignore[arg-type]


def balanced(
    lines: Sequence[StatementLine],
    *,
    currency: str = "EUR",
    opening_micro: int = 0,
    taken: Sequence[Deduction] = (),
    period: str = "2026-10",
    name: str = "Mira Sandoval",
    moved_micro: int = 0,
    released_micro: int = 0,
) -> Statement:
    """Return a statement that adds up: what is held leaves, the rest is paid out to the minor unit."""
    earned = sum(each.amount_micro for each in lines)
    deductions = list(taken)
    if held := sum(each.amount_micro for each in lines if each.held):
        deductions.append(Deduction(DeductionKind.HELD, held, "somebody has yet to decide; see the lines marked held"))
    free = opening_micro + earned + moved_micro + released_micro - sum(each.amount_micro for each in deductions)
    unit = micro_of_minor(1, currency)
    payable = max(0, free // unit)
    closing = free - payable * unit
    if closing > 0:
        deductions.append(
            Deduction(DeductionKind.SUB_MINOR, closing, "smaller than the smallest coin; added next time")
        )
    return Statement(
        party_id="pty_5d1c6f0a9b3e2c47",
        party_name=name,
        period=period,
        currency=currency,
        opening_micro=opening_micro,
        lines=tuple(lines),
        deductions=tuple(deductions),
        earned_micro=earned,
        payable_minor=payable,
        closing_micro=closing,
        moved_micro=moved_micro,
        released_micro=released_micro,
    )


def statement(currency: str = "EUR", *, n_lines: int = 24, seed: int = 7, **options: object) -> Statement:
    """Return a statement with a bit of everything."""
    dice = random.Random(seed)
    subjects = [
        (
            f"rec_{number:016x}",
            TITLES[number] if number < len(TITLES) else f"Nocturne No. {number}",
            f"DEA6126{number:05}",
        )
        for number in range(max(3, n_lines // 12))
    ]
    scale = 10 ** (2 - minor_digits(currency)) if minor_digits(currency) < 2 else 1
    lines = []
    for number in range(1, n_lines + 1):
        subject_id, title, isrc = subjects[int(len(subjects) * dice.random() ** 2)]
        share = Fraction(dice.randint(1, 6), dice.choice([2 * 6, 7, 9, 16, 1000]))
        gross = dice.randint(2_000, 90_000_000) * scale
        claimed, held, because = None, False, f"{share} of the right, agreed on 2026-03-02"
        usage_period = "2026-10"
        if number % 11 == 5:
            claimed, because = f"clm_{number % 3:016x}", "voice in an upload, claimed and confirmed"
        if number % 17 == 6:
            claimed, held = "clm_00000000000000d1", True
            because = "the uploader contests the claim on this use (“licensed sample”)"
        if number % 13 == 7:
            gross, usage_period, because = -gross // 5, "2026-08", "correction: Streamhaus reported these plays twice"
        lines.append(
            line(
                number,
                subject_id=subject_id,
                title=title,
                isrc=isrc,
                iswc="T3452460801" if number % 2 else None,
                right_type=_RIGHTS[int(len(_RIGHTS) * dice.random() ** 1.5)],
                source=_SOURCES[int(len(_SOURCES) * dice.random() ** 1.6)],
                territory=dice.choice(["DE", "US", "FR", "JP", "2136", "GB"]),
                usage_period=usage_period,
                quantity=dice.randint(1, 900_000),
                gross_micro=gross,
                share=share,
                amount_micro=gross * share.numerator // share.denominator,
                claim_id=claimed,
                held=held,
                because=because,
            )
        )
    taken = (
        Deduction(
            DeductionKind.RECOUPMENT,
            12_500_000 * scale,
            "advance of 1 February 2026; 187.50 of it is still to be paid back",
        ),
        Deduction(
            DeductionKind.WITHHOLDING,
            3_141_592 * scale,
            "tax withheld at the source, 15 % under the treaty, certificate to follow",
        ),
    )
    return balanced(lines, currency=currency, opening_micro=1_234 * scale, taken=taken, **options)  # type: ignore[arg-type]


def long_statement(n_lines: int = 1250) -> Statement:
    """Return a statement of some forty pages."""
    return statement(n_lines=n_lines, seed=11)
