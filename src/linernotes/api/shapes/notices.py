"""Notices and their clocks."""

from collections.abc import Sequence
from datetime import date
from typing import Annotated, Any

from pydantic import Field

from linernotes.api.shapes.common import In, Out, Reason
from linernotes.journeys.notice import NoticeVerb, Regime

__all__ = [
    "ContactIn",
    "Counter",
    "IssuedNotices",
    "NewNotice",
    "NoticeOut",
    "NoticeStep",
    "NoticesOut",
    "StatementsIn",
]


class ContactIn(In):
    """How a person can be reached."""

    name: Annotated[str, Field(max_length=200)] = ""
    address: Annotated[str, Field(max_length=500)] = ""
    phone: Annotated[str, Field(max_length=100)] = ""
    email: Annotated[str, Field(max_length=200)] = ""


class StatementsIn(In):
    """What the person who signs confirms, each for itself."""

    signature: Annotated[str, Field(max_length=200)] = ""
    good_faith: bool = False
    accurate: bool = False
    authorised_under_penalty_of_perjury: bool = False
    fair_use_considered: bool = False


class NewNotice(Reason):
    """A notice about claims on one upload, to every platform where it is known to be, or to ``platform`` alone."""

    claim_ids: Annotated[list[Annotated[str, Field(max_length=100)]], Field(min_length=1, max_length=50)]
    contact: ContactIn = ContactIn()
    statements: StatementsIn = StatementsIn()
    platform: Annotated[str | None, Field(max_length=200)] = None
    regime: Regime | None = None
    urls: Annotated[Sequence[Annotated[str, Field(max_length=2000)]], Field(max_length=100)] = ()
    title: Annotated[str, Field(max_length=500)] = ""
    explanation: Annotated[str, Field(max_length=5000)] = ""
    legal_basis: Annotated[str, Field(max_length=2000)] = ""
    draft: bool = False


class Counter(In):
    """A counter-notice, as 17 U.S.C. § 512(g)(3) asks for it; what is false or empty nobody has said."""

    contact: ContactIn = ContactIn()
    signature: Annotated[str, Field(max_length=200)] = ""
    mistake_under_penalty_of_perjury: bool = False
    consents_to_jurisdiction: bool = False
    accepts_service: bool = False
    lives_outside_us: bool = False
    reason: Annotated[str, Field(max_length=2000)] = ""


class NoticeStep(Reason):
    """Something that happened to a notice; ``on`` a day, today without it."""

    what: NoticeVerb
    on: date | None = None


class IssuedNotices(Out):
    """What was issued, what had been before, and, of a draft, its texts."""

    issued: list[dict[str, str]]
    already: list[str]
    drafts: list[str]


class NoticeOut(Out):
    """A notice, its clock, and what became of it."""

    id: str
    state: str
    regime: str
    platform: str
    claim_ids: list[str]
    next: Annotated[list[str], Field(description="what the one who asks may do")]
    restore_from: date | None
    restore_by: date | None
    complaint_until: date | None


class NoticesOut(Out):
    """Notices and their clocks, oldest first; ``next`` is the ``after`` of the page that follows."""

    items: list[dict[str, Any]]
    next: str | None
