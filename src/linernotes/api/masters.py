"""``/v1/masters``: send songs together, have them mastered, hear both at one loudness, fetch the masters."""

from collections.abc import Callable
from dataclasses import replace
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

from fastapi import Depends, Request
from fastapi import Path as InPath
from pydantic import BaseModel, ConfigDict, Field
from starlette.concurrency import run_in_threadpool
from starlette.responses import FileResponse, HTMLResponse, JSONResponse, Response, StreamingResponse

import linernotes
from linernotes.api.callers import Caller, Opened, Permit, now, settings_of
from linernotes.api.jobs import from_job, listed, seen_job
from linernotes.api.paging import After, Limit
from linernotes.api.problems import HttpProblem
from linernotes.api.receiving import Form, receive_form
from linernotes.api.routing import request_key, routes
from linernotes.api.shapes import JobOut, Jobs
from linernotes.formats.master_report import html
from linernotes.formats.presets import AMOUNTS
from linernotes.journeys.master import CODECS
from linernotes.journeys.ordering import (
    SONGS_MAX,
    IncomingOrder,
    delete_masters,
    excerpt_path,
    is_kept,
    made,
    master_path,
    read_asked,
)
from linernotes.journeys.parcel import parcel
from linernotes.model import Job, JobKind, JobState
from linernotes.workspace import Workspace

__all__ = [
    "ExcerptSide",
    "Mastered",
    "MastersOut",
    "Records",
    "SongOut",
    "add_masters",
    "delete_order",
    "fetch_all",
    "fetch_master",
    "list_masters",
    "mastered",
    "mastered_songs",
    "play_excerpt",
    "receive_order",
    "router",
    "sent_excerpt",
    "sent_master",
    "sent_parcel",
    "sent_report",
    "show_masters",
    "show_records",
    "show_report",
]

router = routes("/masters", "masters")

Reads = Annotated[Caller, Depends(Permit("masters:read"))]
Writes = Annotated[Caller, Depends(Permit("masters:write"))]

Song = Annotated[int, InPath(ge=1, le=SONGS_MAX, description="of the song, counted from 1")]

_TYPES = {".wav": "audio/wav", ".flac": "audio/flac"}
_PRIVATE = {"Cache-Control": "private, max-age=3600"}


class ExcerptSide(StrEnum):
    """Which of the two sounds."""

    BEFORE = "before"
    AFTER = "after"


class SongOut(BaseModel):
    """What became of one song; where it could not be mastered, ``after`` is null, and ``problems`` say why."""

    number: Annotated[int, Field(examples=[1])]
    name: Annotated[str, Field(examples=["01 Lanterns.wav"])]
    file: str | None
    sha256: str | None
    before: Annotated[
        dict[str, float] | None,
        Field(examples=[{"integrated_lufs": -21.3, "range_lu": 5.2, "true_peak_dbtp": -6.1}]),
    ]
    after: dict[str, float] | None
    notes: list[str]
    problems: list[dict[str, str]]

    model_config = ConfigDict(extra="allow")


class Mastered(BaseModel):
    """What became of an order, song by song."""

    album: bool
    songs: list[SongOut]


class MastersOut(JobOut):
    """An order; ``made`` is there once it is done. ``kept``: whether its sounds are still there."""

    asked: Annotated[dict[str, Any], Field(examples=[{"album": True, "loudness_lufs": -14.0, "codecs": ["mp3_320"]}])]
    made: Mastered | None
    kept: bool


class Records(BaseModel):
    """All that is known of the masters of an order, song by song."""

    items: list[dict[str, Any]]


def _sounds(description: str) -> dict[str, Any]:
    items = {"type": "string", "format": "binary"}
    return {"type": "array", "description": description, "items": items}


def _percent(stage: str) -> dict[str, Any]:
    return {"type": "string", "description": f"how much of {stage}, in percent; 0 is off", "examples": ["50"]}


_PROPERTIES = {
    "file": _sounds("the songs, in order") | {"minItems": 1, "maxItems": SONGS_MAX},
    "reference": _sounds("recordings to sound like, averaged; or one saved profile (JSON)"),
    "preset": {
        "type": "string",
        "format": "binary",
        "description": "settings, JSON or TOML; what is said here counts more",
    },
    "album": {"type": "string", "enum": ["true", "false"], "default": "false", "description": "keep songs' distances"},
    "loudness": {"type": "string", "description": "LUFS; the reference's without it, else -14", "examples": ["-14"]},
    "peak": {"type": "string", "description": "ceiling of the true peak, dBTP; -1 without it", "examples": ["-1"]},
    "codecs": {
        "type": "string",
        "description": f"hold the ceiling after these too: {', '.join(CODECS)}, or all; commas between",
        "examples": ["mp3_320,aac_256"],
    },
    "bits": {"type": "string", "enum": ["16", "24", "32"], "description": "as the input has them without it"},
    "format": {"type": "string", "enum": ["wav", "flac"], "description": "FLAC where the input is, else WAV"},
    **{f"amount_{stage}": _percent(stage) for stage in AMOUNTS},
}
_FORM = {
    "requestBody": {
        "required": True,
        "content": {
            "multipart/form-data": {"schema": {"type": "object", "required": ["file"], "properties": _PROPERTIES}}
        },
    }
}


def _binary(*media_types: str) -> dict[int | str, dict[str, Any]]:
    return {200: {"content": {each: {"schema": {"type": "string", "format": "binary"}} for each in media_types}}}


async def receive_order(
    request: Request, workspace: Workspace, caller: Caller, *, check: Callable[[Form], None] | None = None
) -> Job:
    """Take in a form of songs and what is wanted of them, and queue it; ``check`` may refuse the form.

    Raises HttpProblem, ParameterError where the form cannot be used; ConflictError if too many jobs wait
    """
    with IncomingOrder(workspace) as incoming:
        form = await receive_form(request, workspace, folder=incoming.folder)
        if check is not None:
            check(form)
        return await run_in_threadpool(
            lambda: incoming.queue(
                form.named("file"),
                read_asked(form.fields),
                references=form.named("reference"),
                presets=form.named("preset"),
                account_id=caller.account.id,
                at=now(),
                key=request_key(request),
                open_max=settings_of(request).open_jobs_max,
            )
        )


def mastered(workspace: Workspace, caller: Caller, master_id: str) -> Job:
    """Return an order that is done, and that the caller may see.

    Raises HttpProblem 404 if there is none for them, 409 while it is not done
    """
    job = seen_job(workspace, caller, master_id, kind=JobKind.MASTER)
    if job.result is None:
        raise HttpProblem(409, "not_done", f"order {master_id} is {job.state}: there is no master yet")
    return job


def _told(workspace: Workspace, job: Job) -> dict[str, Any]:
    return from_job(job) | {"asked": job.payload["asked"], "made": job.result, "kept": is_kept(workspace, job)}


# ── what is fetched ──────────────────────────────────────────────────────────


def sent_master(workspace: Workspace, job: Job, number: int) -> Response:
    """Answer with a master, under the name of its song."""
    path, name = master_path(workspace, job, number)
    return FileResponse(path, media_type=_TYPES[path.suffix], filename=name, headers=_PRIVATE)


def sent_excerpt(workspace: Workspace, job: Job, number: int, side: ExcerptSide) -> Response:
    """Answer with the loudest stretch of a song before or after, both at one loudness, or with a part of it."""
    return FileResponse(excerpt_path(workspace, job, number, side), media_type="audio/mpeg", headers=_PRIVATE)


def sent_report(workspace: Workspace, job: Job) -> Response:
    """Answer with the report as one page with its sounds inside, to keep."""
    name = {"Content-Disposition": f'attachment; filename="masters-{job.id}.html"'}
    return HTMLResponse(_report(workspace, job), headers=name)


def sent_parcel(workspace: Workspace, job: Job) -> Response:
    """Answer with all masters and the report, as one ZIP."""
    numbers = [song["number"] for song in mastered_songs(job)]
    if not is_kept(workspace, job) or not numbers:
        raise HttpProblem(404, "not_found", "there are no masters here, or not any more")
    masters = [master_path(workspace, job, number) for number in numbers]
    files: list[tuple[str, Path | bytes]] = [(name, path) for path, name in masters]
    files.append(("report.html", _report(workspace, job).encode()))
    name = {"Content-Disposition": f'attachment; filename="masters-{job.id}.zip"'}
    return StreamingResponse(parcel(files), media_type="application/zip", headers=name)


def mastered_songs(job: Job) -> list[dict[str, Any]]:
    """Return those songs of an order that could be mastered."""
    return [song for song in (job.result or {"songs": []})["songs"] if song["file"] is not None]


def _report(workspace: Workspace, job: Job) -> str:
    whole = made(workspace, job)
    sounds = {
        index: replace(
            each,
            before=excerpt_path(workspace, job, index + 1, "before").read_bytes(),
            after=excerpt_path(workspace, job, index + 1, "after").read_bytes(),
        )
        for index, each in whole.excerpts.items()
    }
    return html(whole.masters, sounds, generator=f"Linernotes {linernotes.__version__}", album=whole.album)


# ── routes ───────────────────────────────────────────────────────────────────


@router.post("", status_code=202, response_model=JobOut, openapi_extra=_FORM)
async def add_masters(request: Request, caller: Writes, workspace: Opened) -> Response:
    """Send songs to be mastered together, with what they shall sound like: one job."""
    job = await receive_order(request, workspace, caller)
    return JSONResponse(from_job(job), 202, {"Location": f"/v1/masters/{job.id}"})


@router.get("", response_model=Jobs)
def list_masters(
    caller: Reads, workspace: Opened, state: JobState | None = None, limit: Limit = 50, after: After = None
) -> Response:
    """List one's orders, the newest first; admins and auditors see everybody's."""
    return listed(workspace, caller, [JobKind.MASTER], state=state, limit=limit, after=after)


@router.get("/{master_id}", response_model=MastersOut)
def show_masters(caller: Reads, workspace: Opened, master_id: str) -> Response:
    """Show an order, and, once it is done, what became of each song."""
    return JSONResponse(_told(workspace, seen_job(workspace, caller, master_id, kind=JobKind.MASTER)))


@router.delete("/{master_id}", response_model=MastersOut)
def delete_order(caller: Writes, workspace: Opened, master_id: str) -> Response:
    """Delete the sounds of an order, in and out, before they go by themselves; what was told of them stays."""
    job = seen_job(workspace, caller, master_id, kind=JobKind.MASTER)
    delete_masters(workspace, job)
    return JSONResponse(_told(workspace, job))


@router.get("/{master_id}/songs/{song}", response_class=Response, responses=_binary(*_TYPES.values()))
def fetch_master(caller: Reads, workspace: Opened, master_id: str, song: Song) -> Response:
    """Fetch a master, as WAV or FLAC, or the part that ``Range`` names."""
    return sent_master(workspace, mastered(workspace, caller, master_id), song)


@router.get("/{master_id}/songs/{song}/excerpt", response_class=Response, responses=_binary("audio/mpeg"))
def play_excerpt(
    caller: Reads, workspace: Opened, master_id: str, song: Song, side: ExcerptSide = ExcerptSide.AFTER
) -> Response:
    """Play the loudest stretch of a song before or after mastering, both at one loudness."""
    return sent_excerpt(workspace, mastered(workspace, caller, master_id), song, side)


@router.get("/{master_id}/report", response_class=Response, responses=_binary("text/html"))
def show_report(caller: Reads, workspace: Opened, master_id: str) -> Response:
    """Give the report as one page, with its sounds inside."""
    return sent_report(workspace, mastered(workspace, caller, master_id))


@router.get("/{master_id}/records", response_model=Records)
def show_records(caller: Reads, workspace: Opened, master_id: str) -> Response:
    """Give all that was measured, planned and done, song by song: what ``master --json`` writes."""
    return JSONResponse({"items": made(workspace, mastered(workspace, caller, master_id)).for_programs()})


@router.get("/{master_id}/parcel", response_class=Response, responses=_binary("application/zip"))
def fetch_all(caller: Reads, workspace: Opened, master_id: str) -> Response:
    """Fetch all masters and the report as one ZIP."""
    return sent_parcel(workspace, mastered(workspace, caller, master_id))
