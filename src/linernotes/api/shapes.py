"""What goes in and comes out, for the OpenAPI document: the JSON of ``formats`` with names and examples.

Fields may be added, never renamed; so every shape lets others be.
"""

from datetime import date, datetime
from enum import StrEnum
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

from linernotes.api.values import Exact, Why
from linernotes.journeys.notice import Regime
from linernotes.model import AccountRole, Action, JobKind, JobState, Side, UseType

__all__ = [
    "AccountOut",
    "Accounts",
    "Balance",
    "ChainProof",
    "ChangedAccount",
    "Choice",
    "ClaimOut",
    "Claims",
    "ContactIn",
    "Correction",
    "Credentials",
    "EntryOut",
    "Found",
    "FoundRecording",
    "IssuedNotices",
    "JobOut",
    "Jobs",
    "Listed",
    "MadeToken",
    "MadeWebhook",
    "NewAccount",
    "NewNotice",
    "NewPolicy",
    "NewRun",
    "NewToken",
    "NewWebhook",
    "NotesOut",
    "NoticeOut",
    "Policies",
    "PolicyOut",
    "Posted",
    "ProblemOut",
    "Proof",
    "QueuedJobs",
    "Reason",
    "SessionOut",
    "StatementsIn",
    "TokenOut",
    "Tokens",
    "TraceOut",
    "Trail",
    "WaveformOut",
    "WebhookEvent",
    "WhyOut",
]


class _In(BaseModel):
    """What comes in: nothing that we do not know."""

    model_config = ConfigDict(extra="forbid")


class _Out(BaseModel):
    model_config = ConfigDict(extra="allow")


class ProblemOut(_Out):
    """A fault, as RFC 9457 has it; ``code`` is stable and for programs."""

    type: str
    title: str
    status: int
    detail: str
    code: str

    model_config = ConfigDict(
        extra="allow",
        json_schema_extra={
            "example": {
                "type": "urn:linernotes:problem:not_yours",
                "title": "Conflict",
                "status": 409,
                "detail": "claim clm_… is Ada's to decide, not Bo's",
                "code": "not_yours",
            }
        },
    )


# ── accounts ─────────────────────────────────────────────────────────────────


class Credentials(_In):
    """Name and password of an account."""

    name: Annotated[str, Field(max_length=200, examples=["admin"])]
    password: Annotated[str, Field(max_length=1024, examples=["correct horse battery staple"])]


class AccountOut(_Out):
    """Somebody who can sign in."""

    id: Annotated[str, Field(examples=["acc_0123456789abcdef"])]
    name: Annotated[str, Field(examples=["Ada"])]
    role: AccountRole
    party_id: str | None
    created_at: datetime
    disabled: bool


class Accounts(_Out):
    """All accounts."""

    items: list[AccountOut]


class SessionOut(_Out):
    """Who is signed in; ``csrf_token`` goes into the header ``X-CSRF-Token`` of what changes something."""

    account: AccountOut
    scopes: list[str]
    csrf_token: str | None


class NewAccount(_In):
    """An account to be made; ``party`` (id or whole name) goes with the role ``rights_holder`` alone."""

    name: Annotated[str, Field(min_length=1, max_length=100, examples=["Ada"])]
    password: Annotated[str, Field(max_length=1024, examples=["correct horse battery staple"])]
    role: AccountRole
    party: Annotated[str | None, Field(max_length=200, examples=["Ada"])] = None
    why: Annotated[str, Field(max_length=2000, examples=["she joined"])] = ""


class ChangedAccount(_In):
    """What is to be changed of an account; its sessions end."""

    role: AccountRole | None = None
    party: Annotated[str | None, Field(max_length=200)] = None
    password: Annotated[str | None, Field(max_length=1024)] = None
    disabled: bool | None = None
    why: Annotated[str, Field(min_length=1, max_length=2000, examples=["she forgot it"])]


class NewToken(_In):
    """A token to be made; ``days``: how long it stands, null: until it is revoked."""

    name: Annotated[str, Field(min_length=1, max_length=100, examples=["nightly uploads"])]
    scopes: Annotated[list[str], Field(min_length=1, max_length=50, examples=[["traces:read", "traces:write"]])]
    days: Annotated[int | None, Field(ge=1, le=3650)] = 90


class TokenOut(_Out):
    """A token, without what opens the door."""

    id: str
    name: str
    scopes: list[str]
    created_at: datetime
    expires_at: datetime | None


class MadeToken(TokenOut):
    """A token that was just made: ``token`` goes after ``Authorization: Bearer``, and is told this once."""

    token: str


class Tokens(_Out):
    """One's own tokens."""

    items: list[TokenOut]


# ── jobs ─────────────────────────────────────────────────────────────────────


class JobOut(_Out):
    """Long work. ``result`` is there once it is done, ``problem`` once something went wrong."""

    id: Annotated[str, Field(examples=["job_0123456789abcdef01234567"])]
    kind: JobKind
    state: JobState
    name: str | None
    attempts: int
    progress: Annotated[list[int] | None, Field(description="done, of all", examples=[[1, 2]])]
    problem: dict[str, str] | None
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    links: Annotated[dict[str, str], Field(examples=[{"self": "/v1/jobs/job_0123456789abcdef01234567"}])]


class Jobs(_Out):
    """Jobs, the newest first; ``next`` is the ``after`` of the page that follows, null on the last."""

    items: list[JobOut]
    next: str | None


class QueuedJobs(_Out):
    """What was queued, in the order in which it came in."""

    items: list[JobOut]


# ── traces ───────────────────────────────────────────────────────────────────


class NotesOut(_Out):
    """The liner notes of an upload: what ``trace --json`` writes."""

    query: dict[str, Any]
    synthetic: dict[str, Any] | None
    evidence: list[dict[str, Any]]
    provenance: dict[str, Any] | None
    claims: list[dict[str, Any]] | None
    credits: list[dict[str, Any]]
    problems: list[dict[str, Any]]


class TraceOut(JobOut):
    """An upload; ``notes`` is there once it has been heard."""

    notes: NotesOut | None


class WaveformOut(_Out):
    """What is drawn of a sound: lowest and highest sample of equal stretches, from -1 to 1."""

    waveform: list[tuple[float, float]]


class Listed(_Out):
    """A whole list."""

    items: list[dict[str, Any]]


# ── claims and policies ──────────────────────────────────────────────────────


class Reason(_In):
    """Why; it is kept for good."""

    why: Why


class Choice(Reason):
    """What a party chooses for a claim; ``share`` and ``side`` go with the action ``share``."""

    action: Action
    share: Exact | None = None
    side: Side | None = None


class ClaimOut(_Out):
    """What a party asserts of an upload, where that stands, and what can be done."""

    id: str
    party: str
    party_id: str
    right: str
    use: UseType
    action: Action
    share: str | None
    state: str
    because: list[str]
    upload: dict[str, str]
    evidence: dict[str, Any]


class Claims(_Out):
    """Claims in order of id; ``next`` is the ``after`` of the page that follows."""

    items: list[ClaimOut]
    next: str | None


class NewPolicy(Reason):
    """A standing rule: for this use, this action."""

    use: UseType
    action: Action
    share: Exact | None = None
    side: Side | None = None
    territory: Annotated[str, Field(max_length=200, examples=["2136", "DE+AT"])] = "2136"
    match_length_min_s: Exact = "0"
    probability_min: Exact = "0"
    subject_id: Annotated[str | None, Field(max_length=200)] = None
    valid_from: date | None = None
    valid_to: date | None = None


class PolicyOut(_Out):
    """A standing rule; its exact numbers are text."""

    id: str
    party: str
    party_id: str
    use: UseType
    action: Action
    share: str | None
    territory: str


class Policies(_Out):
    """Standing rules."""

    items: list[PolicyOut]


# ── notices ──────────────────────────────────────────────────────────────────


class ContactIn(_In):
    """How a person can be reached."""

    name: Annotated[str, Field(max_length=200)] = ""
    address: Annotated[str, Field(max_length=500)] = ""
    phone: Annotated[str, Field(max_length=100)] = ""
    email: Annotated[str, Field(max_length=200)] = ""


class StatementsIn(_In):
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
    urls: Annotated[list[Annotated[str, Field(max_length=2000)]], Field(max_length=100)] = []
    title: Annotated[str, Field(max_length=500)] = ""
    explanation: Annotated[str, Field(max_length=5000)] = ""
    legal_basis: Annotated[str, Field(max_length=2000)] = ""
    draft: bool = False


class IssuedNotices(_Out):
    """What was issued, what had been before, and, of a draft, its texts."""

    issued: list[dict[str, str]]
    already: list[str]
    drafts: list[str]


class NoticeOut(_Out):
    """A notice, its clock, and what became of it."""

    id: str
    state: str
    regime: str
    platform: str
    claim_ids: list[str]
    restore_from: date | None
    restore_by: date | None
    complaint_until: date | None


# ── catalogue ────────────────────────────────────────────────────────────────


class Correction(Reason):
    """What is corrected from the day ``on``, today without it."""

    title: Annotated[str | None, Field(min_length=1, max_length=500, pattern=r"\S")] = None
    artist: Annotated[str | None, Field(min_length=1, max_length=500, pattern=r"\S")] = None
    year: Annotated[int | None, Field(ge=1850, le=2100)] = None
    on: date | None = None


class FoundRecording(_Out):
    """A recording that was found."""

    id: str
    title: str
    artist: str
    isrc: str | None
    year: int | None
    work_id: str | None
    work_title: str | None
    duration_s: float


class Found(_Out):
    """Recordings in order of id."""

    items: list[FoundRecording]
    next: str | None


class EntryOut(_Out):
    """All that the catalogue says of a thing; what is said of it and of its parties is by id."""

    recordings: list[dict[str, Any]]
    works: dict[str, dict[str, Any]]
    parties: dict[str, dict[str, Any]]
    contributions: dict[str, list[dict[str, Any]]]
    shares: dict[str, list[dict[str, Any]]]
    voices: dict[str, dict[str, Any]]
    model_releases: dict[str, dict[str, Any]]
    history: Annotated[list[dict[str, Any]], Field(description="what fields said before, until when")]


# ── money ────────────────────────────────────────────────────────────────────


class NewRun(Reason):
    """Divide what was used up to ``period``; ``close`` it: recoup, withhold, pay out."""

    period: Annotated[str, Field(pattern=r"^[0-9]{4}-(0[1-9]|1[0-2])$", examples=["2026-10"])]
    close: bool = False


class Posted(_Out):
    """What stands in an account, in millionths of a unit of currency."""

    account: str
    currency: str
    amount_micro: int


class Balance(_Out):
    """What stands where."""

    items: list[Posted]


class Proof(_Out):
    """How many entries were proved, and every fault."""

    entries: int
    problems: list[dict[str, str]]


class WhyOut(_Out):
    """Where an amount comes from, step by step."""

    steps: list[str]


# ── audit and webhooks ───────────────────────────────────────────────────────


class Trail(_Out):
    """Rows of the chain."""

    items: list[dict[str, Any]]
    next: str | None


class ChainProof(_Out):
    """How many rows the chain has, the hash of its last, and every fault."""

    rows: int
    head: str
    problems: list[dict[str, str]]


class WebhookEvent(StrEnum):
    """What one can be told of."""

    TRACE_DONE = "trace.done"
    CLAIM_PROPOSED = "claim.proposed"
    CLAIM_CHANGED = "claim.changed"


class NewWebhook(_In):
    """An address (https) to be told of events."""

    url: Annotated[str, Field(max_length=2000, examples=["https://example.org/linernotes"])]
    events: Annotated[list[WebhookEvent], Field(min_length=1, max_length=10)]


class MadeWebhook(_Out):
    """A webhook that was just made, with the secret that its requests are signed with."""

    id: str
    url: str
    events: list[str]
    secret: str
