"""*Trace*: drop files, see them heard, open the liner notes, listen."""

from functools import lru_cache
from pathlib import Path
from typing import Annotated

from fastapi import Depends, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import HTMLResponse, JSONResponse, Response

from linernotes.api.callers import check_csrf, is_from_here, now, settings_of
from linernotes.api.jobs import seen_job
from linernotes.api.problems import HttpProblem
from linernotes.api.receiving import receive_form
from linernotes.api.routing import quick
from linernotes.formats import report
from linernotes.formats.ddex_print import ErnParty
from linernotes.formats.liner_notes import evidence_of, trace_of
from linernotes.formats.notes_paper import notes_paper
from linernotes.formats.pdf import pdf
from linernotes.formats.waveforms import unpacked
from linernotes.journeys.claim import claims_of
from linernotes.journeys.clips import Side
from linernotes.journeys.notes_message import notes_message
from linernotes.journeys.page import page as whole_page
from linernotes.journeys.queue import queue_traces
from linernotes.journeys.uploads import path_of
from linernotes.model import Job, JobKind, JobState, Trace
from linernotes.web.door import Visit, Visits, away, pages
from linernotes.web.rooms.notices import clocks_about
from linernotes.web.sound import addresses, clip, whole
from linernotes.web.views.notes import GENERATOR, Standing, standing
from linernotes.web.views.notes import shown as as_shown
from linernotes.web.views.uploads import work
from linernotes.workspace import Workspace

__all__ = [
    "keep_message",
    "keep_notes",
    "keep_page",
    "keep_paper",
    "play_clip",
    "play_upload",
    "router",
    "send_uploads",
    "show_notes",
    "show_places",
    "show_uploads",
]

router = pages("/trace", "/uploads")

Reads = Annotated[Visit, Depends(Visits("traces:read"))]
Writes = Annotated[Visit, Depends(Visits("traces:write"))]

_SHOWN = 25
_NOTES_KEPT = 64  # some 10 MB


@router.get("/trace")
@quick
def show_uploads(visitor: Reads, after: str | None = None) -> Response:
    """Show where files are dropped, and what came in."""
    found = visitor.workspace.jobs.page(
        limit=_SHOWN + 1, before=after, account_id=visitor.caller.own_id, kinds=[JobKind.TRACE]
    )
    following = f"/trace?after={found[_SHOWN - 1].id}" if len(found) > _SHOWN else None
    return visitor.page("trace.html", title="Trace", uploads=[work(job) for job in found[:_SHOWN]], next=following)


@router.post("/trace")
async def send_uploads(request: Request, visitor: Writes) -> Response:
    """Take in files from a form, for browsers without script; those with it ask the API."""
    if not is_from_here(request):
        raise HttpProblem(403, "csrf", "this did not come from a page of ours")
    form = await receive_form(request, visitor.workspace)
    check_csrf(request, form.fields.get("csrf", ""))
    if not form.files:
        raise HttpProblem(422, "invalid", "no file was chosen")
    await run_in_threadpool(
        lambda: queue_traces(
            visitor.workspace,
            form.files,
            account_id=visitor.caller.account.id,
            claim=True,
            at=now(),
            open_max=settings_of(request).open_jobs_max,
        )
    )
    return away("/trace", done="sent")


@router.get("/uploads/{upload_id}")
@quick
def show_notes(visitor: Reads, upload_id: str) -> Response:
    """Show an upload's liner notes, or how far they are."""
    job = seen_job(visitor.workspace, visitor.caller, upload_id, kind=JobKind.TRACE, result=False)
    if job.state is not JobState.DONE:
        return visitor.page("waiting.html", title=work(job).name, job=work(job))
    is_kept = _path(visitor.workspace, job).is_file()
    trace, shown = _notes(visitor.workspace, job.id, is_kept)
    claims = _claims(visitor, trace)
    return visitor.page(
        "notes.html",
        title=shown.title,
        **as_shown(shown),
        upload={"id": job.id, "sound": f"/uploads/{job.id}/sound" if is_kept else None},
        claims=claims,
        notices=clocks_about(visitor, [claim.row.id for claim in claims]),
    )


@router.get("/uploads/{upload_id}/places.css")
def show_places(visitor: Reads, upload_id: str) -> Response:
    """Say where on the picture the stretches are: as a sheet, for styles inside a page are forbidden."""
    job = _heard(visitor, upload_id)
    shown = _notes(visitor.workspace, job.id, _path(visitor.workspace, job).is_file())[1]
    return Response(shown.places, headers={"Cache-Control": "private, max-age=86400"}, media_type="text/css")


@router.get("/uploads/{upload_id}/sound")
def play_upload(visitor: Reads, upload_id: str) -> Response:
    """Play an upload."""
    job = _job(visitor, upload_id)
    return whole(_path(visitor.workspace, job), name=str(job.payload["file"]))


@router.get("/uploads/{upload_id}/clips/{number}/{side}.mp3")
def play_clip(request: Request, visitor: Reads, upload_id: str, number: int, side: Side) -> Response:
    """Play a stretch of an upload, or what was heard there."""
    job = _job(visitor, upload_id)
    told = (job.result or {"notes": {"evidence": []}})["notes"]["evidence"]
    if not 0 <= number < len(told):
        raise HttpProblem(404, "not_found", f"this upload has {len(told)} pieces of evidence")
    workspace = visitor.workspace
    return clip(request, workspace, evidence_of(told[number]), side, upload=_path(workspace, job))


@router.get("/uploads/{upload_id}/notes.json")
def keep_notes(visitor: Reads, upload_id: str) -> Response:
    """Give the liner notes as ``trace --json`` writes them."""
    job = _heard(visitor, upload_id)
    return JSONResponse((job.result or {})["notes"], headers=_kept(job, "json"))


@router.get("/uploads/{upload_id}/notes.html")
def keep_page(visitor: Reads, upload_id: str) -> Response:
    """Give the liner notes as one page with its sounds inside, to mail and to keep."""
    job = _heard(visitor, upload_id)
    path = str(_path(visitor.workspace, job))
    return HTMLResponse(whole_page(visitor.workspace, [_trace(job, path=path)]), headers=_kept(job, "html"))


@router.get("/uploads/{upload_id}/notes.pdf")
def keep_paper(visitor: Reads, upload_id: str) -> Response:
    """Give the liner notes on paper: what the page says, in the same words."""
    job = _heard(visitor, upload_id)
    shown = _notes(visitor.workspace, job.id, _path(visitor.workspace, job).is_file())[1]
    paper = notes_paper(shown, generator=GENERATOR, reference=job.id, heard_at=job.finished_at)
    return Response(pdf(paper), headers=_kept(job, "pdf"), media_type="application/pdf")


@router.get("/uploads/{upload_id}/notes.xml")
def keep_message(
    visitor: Reads, upload_id: str, sender_dpid: str = "", recipient: str = "", recipient_dpid: str = ""
) -> Response:
    """Give the liner notes as a DDEX ERN message, from whoever asks to whom they name."""
    job = _heard(visitor, upload_id)
    account = visitor.caller.account
    name = visitor.names([account.party_id]).get(account.party_id, "") if account.party_id else account.name
    parties = {"sender": ErnParty(sender_dpid, name), "recipient": ErnParty(recipient_dpid, recipient.strip())}
    message = "".join(notes_message(_trace(job), **parties, at=now()))
    return Response(message, headers=_kept(job, "xml"), media_type="application/xml")


def _kept(job: Job, suffix: str) -> dict[str, str]:
    return {"Content-Disposition": f'attachment; filename="liner-notes-{job.id}.{suffix}"'}


def _job(visitor: Visit, upload_id: str) -> Job:
    return seen_job(visitor.workspace, visitor.caller, upload_id, kind=JobKind.TRACE)


def _heard(visitor: Visit, upload_id: str) -> Job:
    job = _job(visitor, upload_id)
    if job.result is None:
        raise HttpProblem(409, "not_done", f"it is {job.state}: there is nothing to read yet")
    return job


def _path(workspace: Workspace, job: Job) -> Path:
    return path_of(workspace, job.payload["sha256"], job.payload["file"])


def _claims(visitor: Visit, trace: Trace) -> list[Standing]:
    if trace.upload is None or "claims:read" not in visitor.caller.scopes:
        return []
    claims = claims_of(visitor.workspace, [trace.upload.sha256])[trace.upload.sha256]
    return standing(claims, visitor.workspace.claims.names({claim.party_id for claim in claims}))


def _trace(job: Job, *, path: str | None = None) -> Trace:
    result = job.result or {}
    return trace_of(result["notes"], unpacked(result["waveform"]), path=path)


@lru_cache(maxsize=_NOTES_KEPT)
def _notes(workspace: Workspace, job_id: str, is_kept: bool) -> tuple[Trace, report.Notes]:  # noqa: FBT001  (a key)
    """Return the liner notes of an upload that was heard: they do not change, and to draw them takes its time."""
    trace = _trace(workspace.jobs.get(job_id))
    clips = {
        (0, number): addresses(evidence, f"/uploads/{job_id}/clips/{number}", upload=is_kept)
        for number, evidence in enumerate(trace.evidence)
    }
    return trace, report.notes([trace], clips)
