"""Queue long work for an account: what comes in is written down, and worked off by workers."""

from collections.abc import Sequence
from dataclasses import asdict
from datetime import date, datetime

from linernotes.errors import ParameterError
from linernotes.journeys.uploads import Kept
from linernotes.model import Job, JobKind
from linernotes.store.jobs import NewJob
from linernotes.workspace import Workspace

__all__ = ["queue_import", "queue_run", "queue_traces"]


def queue_traces(
    workspace: Workspace,
    files: Sequence[Kept],
    *,
    account_id: str,
    claim: bool,
    at: datetime,
    key: str | None = None,
    open_max: int | None = None,
) -> list[Job]:
    """Queue uploads to be heard, each a job; ``claim``: what is heard is claimed for those whose it is.

    The same ``key`` again gives the same jobs. Raises ConflictError if more than ``open_max`` would wait.
    """
    new = [
        NewJob(
            JobKind.TRACE,
            account_id,
            asdict(file) | {"claim": claim},
            upload_sha256=file.sha256,
            request_key=None if key is None else f"{key}:{number}",
        )
        for number, file in enumerate(files)
    ]
    return workspace.jobs.add(new, at=at, open_max=open_max)


def queue_import(
    workspace: Workspace,
    kind: JobKind,
    file: Kept,
    *,
    account_id: str,
    at: datetime,
    why: str,
    on: date | None = None,
    key: str | None = None,
) -> Job:
    """Queue a catalogue or a usage report to be read; the chain says who brought it, and why."""
    told = asdict(file) | ({} if on is None else {"on": on.isoformat()})
    (job,) = workspace.jobs.add([NewJob(kind, account_id, told, request_key=key)], at=at)
    _note(workspace, job, {"name": file.name, "sha256": file.sha256}, why=why, at=at)
    return job


def queue_run(
    workspace: Workspace, period: str, *, close: bool, account_id: str, at: datetime, why: str, key: str | None = None
) -> Job:
    """Queue a royalty run; the chain says who asked for it, and why."""
    told = {"name": period, "period": period, "close": close}
    (job,) = workspace.jobs.add([NewJob(JobKind.ROYALTY_RUN, account_id, told, request_key=key)], at=at)
    _note(workspace, job, {"period": period, "close": close}, why=why, at=at)
    return job


def _note(workspace: Workspace, job: Job, told: dict[str, str | bool], *, why: str, at: datetime) -> None:
    if not why.strip():
        raise ParameterError("say why: the audit chain keeps it")
    workspace.accounts.note(job.kind.value, job.id, dict(told), actor=job.account_id, why=why, at=at)
