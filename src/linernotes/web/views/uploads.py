"""Uploads and other long work in a list, and while they go on."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from linernotes.model import Job, JobKind, JobState

__all__ = ["Outcome", "Work", "outcome", "work"]

_KINDS = {
    JobKind.TRACE: ("Upload", "/trace"),
    JobKind.MASTER: ("Masters", "/masters"),
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
_DONE = {JobKind.TRACE: "Heard", JobKind.MASTER: "Mastered"}

_COUNTS = {
    "n_lines": "Lines",
    "n_faulty": "Faulty lines",
    "n_parties": "New parties",
    "n_works": "New works",
    "n_recordings": "New recordings",
    "n_voices": "New voices",
    "n_known": "Known already",
    "n_changed": "Changed",
    "n_shares_ended": "Shares ended",
    "entry_count": "Entries booked",
}
_FAULTS_SHOWN = 200


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


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a piece of work came to: counts by their names, and the faults, of which ``n_more`` are not shown."""

    verdict: str
    facts: Sequence[tuple[str, str]]
    faults: Sequence[Mapping[str, Any]]
    n_more: int


def outcome(job: Job) -> Outcome:
    """Say what a piece of work came to."""
    result = job.result or {}
    faults = list(result.get("problems", ()))
    facts = [(says, f"{result[name]:,}") for name, says in _COUNTS.items() if result.get(name)]
    n_faults = result.get("n_problems", len(faults)) or result.get("n_faulty", 0)
    wrong = f"{n_faults:,} fault{'' if n_faults == 1 else 's'}: what was faulty is left out, the rest came in."
    return Outcome(
        verdict=wrong if n_faults else "All of it was understood.",
        facts=facts,
        faults=faults[:_FAULTS_SHOWN],
        n_more=max(0, len(faults) - _FAULTS_SHOWN),
    )


def work(job: Job) -> Work:
    """Say where a job stands."""
    kind, back = _KINDS[job.kind]
    done, of = job.progress or (0, 0)
    says = _STATES[job.state]
    if job.state is JobState.DONE:
        says = _DONE.get(job.kind, says)
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
