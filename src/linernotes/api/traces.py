"""``/v1/traces``: upload, have it heard, read the liner notes, listen to both sounds."""

from typing import Annotated, Any

from fastapi import Depends, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import JSONResponse, Response

from linernotes.api.callers import Caller, Opened, Permit, now, settings_of
from linernotes.api.jobs import from_job, listed, seen_job
from linernotes.api.paging import After, Limit
from linernotes.api.problems import HttpProblem
from linernotes.api.receiving import receive_form
from linernotes.api.routing import quick, request_key, routes
from linernotes.api.shapes import Jobs, NotesOut, QueuedJobs, TraceOut, WaveformOut
from linernotes.formats.liner_notes import evidence_of
from linernotes.formats.waveforms import unpacked
from linernotes.journeys.clips import Side, evidence_clip
from linernotes.journeys.queue import queue_traces
from linernotes.journeys.uploads import path_of
from linernotes.model import Job, JobKind, JobState
from linernotes.workspace import Workspace

__all__ = [
    "add_traces",
    "heard",
    "list_traces",
    "play_evidence",
    "receive_traces",
    "router",
    "show_notes",
    "show_trace",
    "show_waveform",
]

router = routes("/traces", "traces")

Reads = Annotated[Caller, Depends(Permit("traces:read"))]
Writes = Annotated[Caller, Depends(Permit("traces:write"))]

_FORM = {
    "requestBody": {
        "required": True,
        "content": {
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "required": ["file"],
                    "properties": {
                        "file": {"type": "array", "minItems": 1, "items": {"type": "string", "format": "binary"}},
                        "claim": {"type": "string", "enum": ["true", "false"], "default": "true"},
                    },
                }
            }
        },
    }
}


async def receive_traces(request: Request, workspace: Workspace, caller: Caller) -> list[Job]:
    """Take in a form of uploads (files ``file``, field ``claim``) and queue them to be heard.

    Raises HttpProblem where the form cannot be used; ConflictError if too many jobs wait
    """
    form = await receive_form(request, workspace)
    claim = form.fields.get("claim", "true")
    if claim not in ("true", "false"):
        raise HttpProblem(422, "invalid", "claim: true or false")
    if not form.files:
        raise HttpProblem(422, "invalid", "no file: send one or more as parts named file")
    return await run_in_threadpool(
        lambda: queue_traces(
            workspace,
            form.files,
            account_id=caller.account.id,
            claim=claim == "true",
            at=now(),
            key=request_key(request),
            open_max=settings_of(request).open_jobs_max,
        )
    )


def heard(workspace: Workspace, caller: Caller, trace_id: str) -> dict[str, Any]:
    """Return what was heard in an upload that the caller may see: ``notes``, and the ``waveform`` as it is kept.

    Raises HttpProblem 404 if there is no such trace for them, 409 while it has not been heard
    """
    job = seen_job(workspace, caller, trace_id, kind=JobKind.TRACE)
    if job.result is None:
        raise HttpProblem(409, "not_done", f"trace {trace_id} is {job.state}: there is nothing to read yet")
    return dict(job.result)


@router.post("", status_code=202, response_model=QueuedJobs, openapi_extra=_FORM)
async def add_traces(request: Request, caller: Writes, workspace: Opened) -> Response:
    """Upload one file or many, to be heard: a job for each."""
    jobs = await receive_traces(request, workspace, caller)
    location = {"Location": f"/v1/traces/{jobs[0].id}"}
    return JSONResponse({"items": [from_job(job) for job in jobs]}, 202, location)


@router.get("", response_model=Jobs)
@quick
def list_traces(
    caller: Reads, workspace: Opened, state: JobState | None = None, limit: Limit = 50, after: After = None
) -> Response:
    """List one's uploads, the newest first; admins and auditors see everybody's."""
    return listed(workspace, caller, [JobKind.TRACE], state=state, limit=limit, after=after)


@router.get("/{trace_id}", response_model=TraceOut)
@quick
def show_trace(caller: Reads, workspace: Opened, trace_id: str) -> Response:
    """Show an upload, and, once it has been heard, its liner notes."""
    job = seen_job(workspace, caller, trace_id, kind=JobKind.TRACE)
    return JSONResponse(from_job(job) | {"notes": job.result and job.result["notes"]})


@router.get("/{trace_id}/notes", response_model=NotesOut)
def show_notes(caller: Reads, workspace: Opened, trace_id: str) -> Response:
    """Give the liner notes alone, to keep: what ``trace --json`` writes."""
    name = {"Content-Disposition": f'attachment; filename="{trace_id}.json"'}
    return JSONResponse(heard(workspace, caller, trace_id)["notes"], headers=name)


@router.get("/{trace_id}/waveform", response_model=WaveformOut)
def show_waveform(caller: Reads, workspace: Opened, trace_id: str) -> Response:
    """Give lowest and highest sample of equal stretches, to draw."""
    shape = unpacked(heard(workspace, caller, trace_id)["waveform"])
    return JSONResponse({"waveform": shape.astype(float).round(4).tolist()})


@router.get(
    "/{trace_id}/evidence/{number}/audio",
    response_class=Response,
    responses={200: {"content": {"audio/mpeg": {"schema": {"type": "string", "format": "binary"}}}}},
)
def play_evidence(
    caller: Reads, workspace: Opened, trace_id: str, number: int, side: Side = Side.REFERENCE
) -> Response:
    """Play the first seconds of a piece of evidence (counted from 0), in the upload or in the reference."""
    job = seen_job(workspace, caller, trace_id, kind=JobKind.TRACE)
    told = heard(workspace, caller, trace_id)["notes"]["evidence"]
    if not 0 <= number < len(told):
        raise HttpProblem(404, "not_found", f"trace {trace_id} has {len(told)} pieces of evidence")
    upload = path_of(workspace, job.payload["sha256"], job.payload["file"])
    sound = evidence_clip(workspace, evidence_of(told[number]), side, upload=upload)
    return Response(sound, media_type="audio/mpeg")
