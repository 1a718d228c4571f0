"""``/v1/jobs``: long work as a resource; see it, follow it, cancel it."""

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from typing import Annotated, Any

from fastapi import Depends, Query, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import JSONResponse, Response, StreamingResponse

from linernotes.api.callers import Caller, Opened, now, settings_of, signed_in
from linernotes.api.paging import After, Limit, page
from linernotes.api.problems import HttpProblem
from linernotes.api.routing import quick, routes
from linernotes.api.shapes import JobOut, Jobs
from linernotes.model import Job, JobKind, JobState
from linernotes.workspace import Workspace

__all__ = [
    "cancel_job",
    "events",
    "follow_job",
    "from_job",
    "list_jobs",
    "listed",
    "router",
    "seen_job",
    "show_job",
    "told_job",
]

router = routes("/jobs", "jobs")

_POLL_S = 0.25  # and twice as long each time that nothing has changed, up to
_POLL_S_MAX = 2.0
_STREAM_S = 1800.0


SignedIn = Annotated[Caller, Depends(signed_in)]

_SCOPE_OF = {
    JobKind.TRACE: "traces",
    JobKind.MASTER: "masters",
    JobKind.CATALOGUE_IMPORT: "catalogue",
    JobKind.USAGE_IMPORT: "usage",
    JobKind.ROYALTY_RUN: "royalties",
    JobKind.WEBHOOK: "webhooks",
}


def from_job(job: Job) -> dict[str, Any]:
    """Return a job as JSON's types, without its result."""
    links = {"self": f"/v1/jobs/{job.id}", "events": f"/v1/jobs/{job.id}/events"}
    if job.kind is JobKind.TRACE:
        links["trace"] = f"/v1/traces/{job.id}"
    if job.kind is JobKind.MASTER:
        links["masters"] = f"/v1/masters/{job.id}"
    return {
        "id": job.id,
        "kind": job.kind.value,
        "state": job.state.value,
        "name": job.payload.get("name"),
        "attempts": job.attempts,
        "progress": None if job.progress is None else list(job.progress),
        "problem": job.problem,
        "created_at": job.created_at.isoformat(),
        "started_at": job.started_at and job.started_at.isoformat(),
        "finished_at": job.finished_at and job.finished_at.isoformat(),
        "links": links,
    }


def told_job(job: Job) -> dict[str, Any]:
    """Return a job with its result, which of a trace is elsewhere: it is large."""
    return from_job(job) | ({} if job.kind is JobKind.TRACE or job.result is None else {"result": job.result})


def seen_job(
    workspace: Workspace, caller: Caller, job_id: str, *, kind: JobKind | None = None, result: bool = True
) -> Job:
    """Return a job that the caller may see, with its result if asked; for everybody else it is not there."""
    job = workspace.jobs.get(job_id, account_id=caller.own_id, result=result)
    if kind not in (None, job.kind) or not _may_see(caller, job.kind):
        raise HttpProblem(404, "not_found", f"no job {job_id!r}")
    return job


def _may_see(caller: Caller, kind: JobKind) -> bool:
    return f"{_SCOPE_OF[kind]}:read" in caller.scopes


@router.get("", response_model=Jobs)
@quick
def list_jobs(
    caller: SignedIn,
    workspace: Opened,
    kind: JobKind | None = None,
    state: JobState | None = None,
    limit: Limit = 50,
    after: After = None,
) -> Response:
    """List one's own jobs, the newest first; admins and auditors see everybody's."""
    kinds = [each for each in JobKind if _may_see(caller, each) and kind in (None, each)]
    return listed(workspace, caller, kinds, state=state, limit=limit, after=after)


def listed(
    workspace: Workspace,
    caller: Caller,
    kinds: Sequence[JobKind],
    *,
    state: JobState | None,
    limit: int,
    after: str | None,
) -> Response:
    """Answer with the jobs of these kinds that the caller may see, the newest first; of no kind there are none."""
    whose, jobs = caller.own_id, workspace.jobs
    found = jobs.page(limit=limit + 1, before=after, account_id=whose, kinds=kinds, state=state) if kinds else []
    return JSONResponse(page(found, limit, key=lambda job: job.id, told=from_job))


@router.get("/{job_id}", response_model=JobOut)
@quick
def show_job(caller: SignedIn, workspace: Opened, job_id: str) -> Response:
    """Show a job: where it stands, what went wrong, what it came to."""
    return JSONResponse(told_job(seen_job(workspace, caller, job_id)))


@router.get("/{job_id}/events", response_class=StreamingResponse)
async def follow_job(
    request: Request, caller: SignedIn, workspace: Opened, job_id: str, once: Annotated[bool, Query()] = False
) -> Response:
    """Follow a job by server-sent events: an event ``job`` whenever something changes, the last when it is over.

    ``once``: end after the first.
    """
    await run_in_threadpool(seen_job, workspace, caller, job_id)
    app = request.app
    if app.state.streams >= settings_of(request).event_streams_max:
        raise HttpProblem(503, "streams", "too many follow jobs: ask again", headers={"Retry-After": "5"})
    stream = events(request, workspace, job_id, once=once)
    return StreamingResponse(stream, media_type="text/event-stream", headers={"X-Accel-Buffering": "no"})


async def events(request: Request, workspace: Workspace, job_id: str, *, once: bool = False) -> AsyncIterator[str]:
    """Yield a job as events until it is over, half an hour has passed, or nobody listens."""
    request.app.state.streams += 1
    before, pause_s = "", _POLL_S
    loop = asyncio.get_running_loop()
    until = loop.time() + _STREAM_S
    try:
        while loop.time() < until:
            job = await run_in_threadpool(workspace.jobs.get, job_id)
            told = json.dumps(from_job(job), ensure_ascii=False)
            if told != before:
                yield f"event: job\ndata: {told}\n\n"
                before, pause_s = told, _POLL_S
            if job.is_over or once:
                return
            await asyncio.sleep(pause_s)
            pause_s = min(_POLL_S_MAX, 2 * pause_s)
    finally:
        request.app.state.streams -= 1


@router.post("/{job_id}/cancel", response_model=JobOut)
def cancel_job(caller: SignedIn, workspace: Opened, job_id: str) -> Response:
    """Cancel a job that is not over; whoever works on it is stopped within seconds."""
    job = seen_job(workspace, caller, job_id)
    if caller.account.id != job.account_id and "accounts:write" not in caller.scopes:
        raise HttpProblem(403, "scope", "a job is cancelled by whoever asked for it, or an admin")
    if not any(scope.startswith(_SCOPE_OF[job.kind]) and not scope.endswith(":read") for scope in caller.scopes):
        raise HttpProblem(403, "scope", f"this needs more than {_SCOPE_OF[job.kind]}:read")
    return JSONResponse(from_job(workspace.jobs.cancel(job.id, at=now())))
