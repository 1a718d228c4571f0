"""Paying: what was used, what was booked, and what a party is told of it.

Conventions
-----------
``amount_micro`` and all ``…_micro`` are whole numbers of 10⁻⁶ of a currency's unit; ``…_minor`` whole numbers of its
minor unit (cents). A period is a month, written ``YYYY-MM``; a currency its ISO 4217 code.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from fractions import Fraction

from linernotes.model.catalogue import RightType

__all__ = [
    "ANY_USE",
    "Account",
    "Advance",
    "Deduction",
    "DeductionKind",
    "Entry",
    "EntryKind",
    "ExchangeRate",
    "Payment",
    "Posting",
    "Reserve",
    "RoyaltyRule",
    "Statement",
    "StatementLine",
    "Terms",
    "UsageLine",
    "Why",
]


ANY_USE = "*"
"""The use type of a rule that holds for every use which no other rule names."""


@dataclass(frozen=True, slots=True)
class RoyaltyRule:
    """What part of a use's revenue goes to which right, in a territory and from a day to the day before another."""

    use_type: str
    parts: Mapping[RightType, Fraction]
    territory: str = "2136"
    valid_from: date | None = None
    valid_to: date | None = None


@dataclass(frozen=True, slots=True)
class UsageLine:
    """One line of a report: how often something was used in a territory and period, and what that brought.

    ``report_id`` is the SHA-256 of the report, ``line`` the number of its line, from 1. What was used is named by
    ``isrc`` or, where it has none, by the SHA-256 of the upload. ``used_on`` is the day on which shares are judged. A
    line that sold a release is here once for each of its recordings.
    """

    report_id: str
    line: int
    period: str
    territory: str
    currency: str
    amount_micro: int
    quantity: int
    isrc: str | None
    upload_sha256: str | None
    title: str
    artist: str
    source: str
    use_type: str
    commercial_model: str
    used_on: date | None = None
    iswc: str | None = None


class Account(StrEnum):
    """Where money stands. Those of a party are kept apart by party; all by currency.

    ``cash`` is the way in: what reports say was received leaves it for the others, so that it stands below zero by all
    that came in. ``paid`` is the way out. ``recoupable`` stands below zero by what advances have not earned back yet.
    """

    CASH = "cash"
    PAYABLE = "payable"
    PAID = "paid"
    UNMATCHED = "unmatched"
    UNCLAIMED = "unclaimed"
    HELD = "held"
    BELOW_THRESHOLD = "below_threshold"
    ROUNDING = "rounding"
    RECOUPABLE = "recoupable"
    WITHHELD_TAX = "withheld_tax"
    EXCHANGE = "exchange"
    RESERVED = "reserved"


class EntryKind(StrEnum):
    """What an entry does."""

    REVENUE = "revenue"
    ROYALTY = "royalty"
    HOLD = "hold"
    POST = "post"
    VOID = "void"
    CORRECTION = "correction"
    ADVANCE = "advance"
    RECOUPMENT = "recoupment"
    WITHHOLDING = "withholding"
    EXCHANGE = "exchange"
    THRESHOLD = "threshold"
    PAYMENT = "payment"
    RESERVE = "reserve"


@dataclass(frozen=True, slots=True)
class Posting:
    """One leg of an entry: what comes into an account (positive) or leaves it (negative)."""

    account: Account
    party_id: str | None
    currency: str
    amount_micro: int


@dataclass(frozen=True, slots=True)
class Entry:
    """A journal entry; in every currency its postings add up to zero. ``id`` is the client's; twice is once.

    ``usage_period`` is when what it pays for was used, ``cause`` what a hold waits for, ``resolves`` the id of the hold
    that it posts or voids.
    """

    id: str
    period: str
    kind: EntryKind
    because: str
    postings: Sequence[Posting]
    usage_period: str | None = None
    cause: str | None = None
    resolves: str | None = None
    run_id: str | None = None


@dataclass(frozen=True, slots=True)
class StatementLine:
    """What one party earned with one right in one thing, in one territory, from one source.

    ``id`` names the line to whoever asks why. ``gross_micro`` is the pool that was divided, ``share`` the party's exact
    part of it, ``claim_id`` the claim that gave that part, where one did. ``held``: earned, and not payable yet.
    """

    id: str
    subject_id: str
    title: str
    isrc: str | None
    iswc: str | None
    right_type: RightType
    source: str
    territory: str
    usage_period: str
    quantity: int
    gross_micro: int
    share: Fraction
    amount_micro: int
    claim_id: str | None
    held: bool
    because: str


class DeductionKind(StrEnum):
    """Why a party is paid less than it earned."""

    RECOUPMENT = "recoupment"
    WITHHOLDING = "withholding"
    BELOW_THRESHOLD = "below_threshold"
    SUB_MINOR = "sub_minor"
    HELD = "held"
    RESERVED = "reserved"


@dataclass(frozen=True, slots=True)
class Deduction:
    """An amount taken from, or kept of, what was earned (a positive number), and why."""

    kind: DeductionKind
    amount_micro: int
    because: str


@dataclass(frozen=True, slots=True)
class Statement:
    """What one party is told of one period in one currency.

    ``opening_micro`` was owed before, ``earned_micro`` is the sum of the lines, ``released_micro`` comes back from
    reserve, ``payable_minor`` is paid out now, ``closing_micro`` stays owed: opening + earned + released + moved −
    deductions that leave the account − payable = closing. Those that leave are recoupment, withholding, what is kept in
    reserve and held; what is below a threshold or a minor unit stays.
    ``moved_micro`` came from the party's other currencies, or from a party that it took the place of (negative: went).
    Money held and freed since is a line of the period that frees it.
    """

    party_id: str
    party_name: str
    period: str
    currency: str
    opening_micro: int
    lines: Sequence[StatementLine]
    deductions: Sequence[Deduction]
    earned_micro: int
    payable_minor: int
    closing_micro: int
    moved_micro: int = 0
    released_micro: int = 0


@dataclass(frozen=True, slots=True)
class Payment:
    """Money that goes to a party: ``id`` is given once and stands in the payment file."""

    id: str
    party_id: str
    party_name: str
    period: str
    currency: str
    amount_minor: int
    due_on: date
    iban: str | None = None
    bic: str | None = None


@dataclass(frozen=True, slots=True)
class Terms:
    """What is agreed with a party about its payments; the latest said holds.

    ``currency``: all that it earns is paid in it; None: each currency for itself. ``group``: parties that recoup each
    other's advances. ``withholding`` is a part of what is paid out, ``minimum_micro`` the least that is. ``reserve`` is
    the part of what it earns in a period that is kept back for ``reserve_periods`` periods. ``recoup_from``: the rights
    whose earnings advances are recouped from; none named, all of them.
    """

    party_id: str
    currency: str | None = None
    group: str | None = None
    withholding: Fraction = Fraction(0)
    minimum_micro: int = 0
    iban: str | None = None
    bic: str | None = None
    reserve: Fraction = Fraction(0)
    reserve_periods: int = 0
    recoup_from: tuple[RightType, ...] = ()


@dataclass(frozen=True, slots=True)
class Reserve:
    """What is still kept back of what a party earned in a period; ``payee_id`` is who gets it."""

    party_id: str
    payee_id: str
    currency: str
    period: str
    amount_micro: int


@dataclass(frozen=True, slots=True)
class Advance:
    """Money that a party was given before it was earned, to be recouped from what it, or its group, earns."""

    id: str
    party_id: str
    currency: str
    amount_micro: int
    paid_on: date


@dataclass(frozen=True, slots=True)
class ExchangeRate:
    """What one unit of ``base`` was worth in ``quote`` from a day on, exactly as it was published by ``source``."""

    base: str
    quote: str
    on: date
    rate: Fraction
    source: str


@dataclass(frozen=True, slots=True)
class Why:
    """Where an amount comes from: the pool that was divided, by which rule and shares, and the usage in it.

    ``fraction`` is what the line has of the pool; ``steps`` say, a sentence each, how it came about. ``usage`` holds
    the first of the ``usage_count`` lines that the pool is the sum of, with their reports' ids and line numbers.
    """

    line_id: str
    run_id: str
    subject_id: str
    party_id: str | None
    currency: str
    amount_micro: int
    pool_micro: int
    fraction: Fraction
    steps: Sequence[str]
    claim_id: str | None
    evidence_id: str | None
    usage: Sequence[UsageLine]
    usage_count: int
