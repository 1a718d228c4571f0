"""Serving: who signs in and what they may do, what is worked off later, and who wants to be told."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

__all__ = ["AccessToken", "AccountRole", "Job", "JobKind", "JobState", "Subscription", "UserAccount"]


class AccountRole(StrEnum):
    """What somebody who signs in is here for. A rights holder acts for one party; an auditor changes nothing."""

    ADMIN = "admin"
    RIGHTS_HOLDER = "rights_holder"
    UPLOADER = "uploader"
    AUDITOR = "auditor"


@dataclass(frozen=True, slots=True)
class UserAccount:
    """Somebody who can sign in; ``party_id`` is whom a rights holder acts for, None for everybody else."""

    id: str
    name: str
    role: AccountRole
    party_id: str | None
    created_at: datetime
    disabled_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class AccessToken:
    """What a program signs in with: it may do what its account may, of that only its scopes."""

    id: str
    account_id: str
    name: str
    scopes: Sequence[str]
    created_at: datetime
    expires_at: datetime | None = None
    revoked_at: datetime | None = None


class JobKind(StrEnum):
    """What is worked off later."""

    TRACE = "trace"
    MASTER = "master"
    CATALOGUE_IMPORT = "catalogue_import"
    USAGE_IMPORT = "usage_import"
    ROYALTY_RUN = "royalty_run"
    WEBHOOK = "webhook"


class JobState(StrEnum):
    """Where a job stands. ``failed`` ones are set aside with their reason; nothing leaves the last three."""

    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"


@dataclass(frozen=True, slots=True)
class Job:
    """A piece of long work. ``progress``: done, all; ``lease`` is the key of the one attempt that may end it."""

    id: str
    kind: JobKind
    account_id: str
    state: JobState
    payload: Mapping[str, Any]
    created_at: datetime
    attempts: int = 0
    progress: tuple[int, int] | None = None
    result: Mapping[str, Any] | None = field(default=None, repr=False)
    problem: Mapping[str, str] | None = None
    upload_sha256: str | None = None
    started_at: datetime | None = None
    finished_at: datetime | None = None
    lease: str | None = None

    @property
    def is_over(self) -> bool:
        """Nothing will change any more."""
        return self.state in (JobState.DONE, JobState.FAILED, JobState.CANCELLED)


@dataclass(frozen=True, slots=True)
class Subscription:
    """An address that is told of events by signed webhook."""

    id: str
    account_id: str
    url: str
    events: Sequence[str]
    created_at: datetime
    private_allowed: bool = False
