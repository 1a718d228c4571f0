"""Long work."""

from datetime import datetime
from typing import Annotated

from pydantic import Field

from linernotes.api.shapes.common import Out
from linernotes.model import JobKind, JobState

__all__ = ["JobOut", "Jobs", "QueuedJobs"]


class JobOut(Out):
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


class Jobs(Out):
    """Jobs, the newest first; ``next`` is the ``after`` of the page that follows, null on the last."""

    items: list[JobOut]
    next: str | None


class QueuedJobs(Out):
    """What was queued, in the order in which it came in."""

    items: list[JobOut]
