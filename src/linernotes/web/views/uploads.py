"""Uploads and other long work in a list, and while they go on."""

from dataclasses import dataclass

from linernotes.model import Job, JobKind, JobState

__all__ = ["Work", "work"]

_KINDS = {
    JobKind.TRACE: ("Upload", "/trace"),
    JobKind.CATALOGUE_IMPORT: ("Catalogue import", "/catalogue"),
    JobKind.USAGE_IMPORT: ("Usage import", "/money"),
    JobKind.ROYALTY_RUN: ("Royalty run", "/money"),
    JobKind.WEBHOOK: ("Webhook", "/"),
}
_STATES = {
    JobState.QUEUED: "Waiting",
    JobState.RUNNING: "At work",
    JobState.DONE: "Done",
    JobState.FAILED: "Failed",
    JobState.CANCELLED: "Cancelled",
}


@dataclass(frozen=True, slots=True)
class Work:
    """A job as a page tells of it. ``done`` of ``all``: how far it is, where it says so; ``why``: what went wrong."""

    id: str
    kind: str
    name: str
    says: str
    at: str
    is_over: bool
    done: int
    all: int
    why: str
    back: str


def work(job: Job) -> Work:
    """Say where a job stands."""
    kind, back = _KINDS[job.kind]
    done, of = job.progress or (0, 0)
    says = _STATES[job.state]
    if job.state is JobState.DONE and job.kind is JobKind.TRACE:
        says = "Heard"
    return Work(
        id=job.id,
        kind=kind,
        name=str(job.payload.get("name", job.kind)),
        says=says,
        at=f"{job.created_at:%Y-%m-%d %H:%M}",
        is_over=job.is_over,
        done=done,
        all=of,
        why=job.problem["message"] if job.problem else "",
        back=back,
    )
