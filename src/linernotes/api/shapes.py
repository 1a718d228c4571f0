"""What goes in and comes out, for the OpenAPI document: the JSON of ``formats`` with names and examples.

Fields may be added, never renamed; so every shape lets others be.
"""

from datetime import datetime
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

from linernotes.model import AccountRole, JobKind, JobState

__all__ = [
    "AccountOut",
    "Accounts",
    "ChangedAccount",
    "Credentials",
    "JobOut",
    "Jobs",
    "MadeToken",
    "NewAccount",
    "NewToken",
    "NotesOut",
    "ProblemOut",
    "QueuedJobs",
    "SessionOut",
    "TokenOut",
    "Tokens",
    "TraceOut",
    "WaveformOut",
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
