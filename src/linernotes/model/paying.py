"""Paying: what was used, what was booked, and what a party is told of it.

Conventions
-----------
``amount_micro`` and all ``…_micro`` are whole numbers of 10⁻⁶ of a currency's unit; ``…_minor`` whole numbers of its
minor unit (cents). A period is a month, written ``YYYY-MM``; a currency its ISO 4217 code.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from fractions import Fraction

from linernotes.model.catalogue import RightType

__all__ = [
    "Account",
    "Deduction",
    "DeductionKind",
    "Entry",
    "EntryKind",
    "Payment",
    "Posting",
    "Statement",
    "StatementLine",
    "UsageLine",
]


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
    """Where money stands. Those of a party are kept apart by party; all by currency."""

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
    PAYMENT = "payment"


@dataclass(frozen=True, slots=True)
class Posting:
    """One leg of an entry: what comes into an account (positive) or leaves it (negative)."""

    account: Account
    party_id: str | None
    currency: str
    amount_micro: int


@dataclass(frozen=True, slots=True)
class Entry:
    """A journal entry; in every currency its postings add up to zero. ``id`` is the client's; twice is once."""

    id: str
    period: str
    kind: EntryKind
    because: str
    postings: Sequence[Posting]


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


@dataclass(frozen=True, slots=True)
class Deduction:
    """An amount taken from, or kept of, what was earned (a positive number), and why."""

    kind: DeductionKind
    amount_micro: int
    because: str


@dataclass(frozen=True, slots=True)
class Statement:
    """What one party is told of one period in one currency.

    ``opening_micro`` was owed before, ``earned_micro`` is the sum of the lines, ``payable_minor`` is paid out now,
    ``closing_micro`` stays owed: opening + earned − deductions that leave the account − payable = closing.
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
