"""*Masters*: drop an album, choose what it shall sound like, compare at one loudness, fetch the masters."""

from dataclasses import replace
from typing import Annotated

from fastapi import Depends, Request
from starlette.responses import Response

import linernotes
from linernotes.api.callers import check_csrf, is_from_here
from linernotes.api.jobs import seen_job
from linernotes.api.masters import (
    ExcerptSide,
    mastered,
    mastered_songs,
    receive_order,
    sent_excerpt,
    sent_master,
    sent_parcel,
    sent_report,
)
from linernotes.api.problems import HttpProblem
from linernotes.formats.master_report import shown
from linernotes.formats.presets import AMOUNTS
from linernotes.journeys.master import CODECS
from linernotes.journeys.ordering import delete_masters, is_kept, made
from linernotes.model import Job, JobKind
from linernotes.web.door import Posted, Visit, Visits, away, pages
from linernotes.web.views.uploads import work

__all__ = [
    "delete_sounds",
    "keep_all",
    "keep_master",
    "keep_report",
    "play_side",
    "router",
    "send_songs",
    "show_made",
    "show_orders",
]

router = pages("/masters")

Reads = Annotated[Visit, Depends(Visits("masters:read"))]
Writes = Annotated[Visit, Depends(Visits("masters:write"))]

_SHOWN = 25
_CODECS = {
    "mp3_128": "MP3, 128 kbit/s",
    "mp3_320": "MP3, 320",
    "aac_128": "AAC, 128",
    "aac_256": "AAC, 256",
    "opus_128": "Opus, 128",
}


@router.get("/masters")
def show_orders(visitor: Reads, after: str | None = None) -> Response:
    """Show where songs are dropped, and what was ordered."""
    found = visitor.workspace.jobs.page(
        limit=_SHOWN + 1, before=after, account_id=visitor.caller.own_id, kinds=[JobKind.MASTER]
    )
    return visitor.page(
        "masters.html",
        title="Masters",
        orders=[work(job) for job in found[:_SHOWN]],
        next=f"/masters?after={found[_SHOWN - 1].id}" if len(found) > _SHOWN else None,
        codecs=[(name, _CODECS.get(name, name)) for name in CODECS],
        stages=AMOUNTS,
    )


@router.post("/masters")
async def send_songs(request: Request, visitor: Writes) -> Response:
    """Take in songs from a form, for browsers without script; those with it ask the API."""
    if not is_from_here(request):
        raise HttpProblem(403, "csrf", "this did not come from a page of ours")
    job = await receive_order(
        request,
        visitor.workspace,
        visitor.caller,
        check=lambda form: check_csrf(request, form.fields.get("csrf", "")),
    )
    return away(f"/masters/{job.id}")


@router.get("/masters/{order_id}")
def show_made(visitor: Reads, order_id: str) -> Response:
    """Show the report of an order with its sounds, or how far it is."""
    job = seen_job(visitor.workspace, visitor.caller, order_id, kind=JobKind.MASTER)
    if job.result is None:
        return visitor.page("waiting.html", title=work(job).name, job=work(job))
    order = {
        "id": job.id,
        "name": work(job).name,
        "songs": job.result["songs"],
        "fetched": {s["number"] for s in mastered_songs(job)},
    }
    if not is_kept(visitor.workspace, job):
        return visitor.page("masters-gone.html", title=order["name"], order=order)
    whole = made(visitor.workspace, job)
    here = f"/masters/{job.id}/excerpts"
    sounds = {
        index: replace(each, before=f"{here}/{index + 1}/before.mp3", after=f"{here}/{index + 1}/after.mp3")
        for index, each in whole.excerpts.items()
    }
    report = shown(whole.masters, sounds, album=whole.album)
    return visitor.page(
        "order.html",
        **report,
        order=order,
        generator=f"Linernotes {linernotes.__version__}",
    )


@router.get("/masters/{order_id}/songs/{number}")
def keep_master(visitor: Reads, order_id: str, number: int) -> Response:
    """Give a master."""
    return sent_master(visitor.workspace, _mastered(visitor, order_id), number)


@router.get("/masters/{order_id}/excerpts/{number}/{side}.mp3")
def play_side(visitor: Reads, order_id: str, number: int, side: ExcerptSide) -> Response:
    """Play the loudest stretch of a song, before or after."""
    return sent_excerpt(visitor.workspace, _mastered(visitor, order_id), number, side)


@router.get("/masters/{order_id}/all.zip")
def keep_all(visitor: Reads, order_id: str) -> Response:
    """Give all masters and the report, as one file."""
    return sent_parcel(visitor.workspace, _mastered(visitor, order_id))


@router.get("/masters/{order_id}/report.html")
def keep_report(visitor: Reads, order_id: str) -> Response:
    """Give the report with its sounds inside, to mail and to keep."""
    return sent_report(visitor.workspace, _mastered(visitor, order_id))


@router.post("/masters/{order_id}/delete")
def delete_sounds(visitor: Writes, order_id: str, form: Posted) -> Response:
    """Delete the sounds of an order; what was told of them stays."""
    del form
    delete_masters(visitor.workspace, seen_job(visitor.workspace, visitor.caller, order_id, kind=JobKind.MASTER))
    return away(f"/masters/{order_id}", done="deleted")


def _mastered(visitor: Visit, order_id: str) -> Job:
    return mastered(visitor.workspace, visitor.caller, order_id)
