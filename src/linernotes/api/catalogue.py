"""``/v1/catalogue``: search, look up, correct, import. A rights holder sees what its party has a part in."""

import re
from dataclasses import asdict, replace
from datetime import date
from typing import Annotated, Any

from fastapi import Depends, Query, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import JSONResponse, Response

from linernotes.api.callers import Caller, Opened, Permit, now
from linernotes.api.jobs import from_job
from linernotes.api.paging import After, Limit, page
from linernotes.api.problems import HttpProblem
from linernotes.api.receiving import receive_form
from linernotes.api.routing import request_key, routes
from linernotes.api.shapes import Correction, EntryOut, Found, JobOut
from linernotes.api.values import Day, jsonable
from linernotes.journeys.catalogue import Page, describe
from linernotes.journeys.correct import correct
from linernotes.journeys.queue import queue_import
from linernotes.model import JobKind
from linernotes.workspace import Workspace

__all__ = ["correct_entry", "import_catalogue", "router", "search_catalogue", "seen_entry", "seen_page", "show_entry"]

router = routes("/catalogue", "catalogue")

Reads = Annotated[Caller, Depends(Permit("catalogue:read"))]
Writes = Annotated[Caller, Depends(Permit("catalogue:write"))]
Imports = Annotated[Caller, Depends(Permit("catalogue:import"))]

IMPORT_FORM = {
    "requestBody": {
        "required": True,
        "content": {
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "required": ["file", "why"],
                    "properties": {
                        "file": {"type": "string", "format": "binary"},
                        "why": {"type": "string", "minLength": 1},
                        "on": {"type": "string", "format": "date"},
                    },
                }
            }
        },
    }
}


def seen_page(workspace: Workspace, caller: Caller, key: str, *, on: date | None = None) -> Page:
    """Return what the catalogue says of a thing that the caller may see; for everybody else it is not there.

    To have a part in a recording is to see it and its work, not what others recorded of that work; of parties one sees
    oneself.
    """
    found = describe(workspace, key, on=on)
    party_id = caller.party_id(None)
    if party_id is None:
        return found
    has_part = workspace.catalogue.has_part
    is_itself = next(iter(found.parties), None) == party_id and key in (party_id, found.parties[party_id].name)
    if not is_itself and (_is_of_party(found, key) or not has_part(party_id, _subjects(found))):
        raise HttpProblem(404, "not_found", f"nothing {key!r} in what you have a part in")
    if is_itself or has_part(party_id, [*found.works, *found.voices, *found.model_releases]):
        return found
    return replace(found, recordings=[each for each in found.recordings if has_part(party_id, [each.id])])


def _is_of_party(found: Page, key: str) -> bool:
    """Tell whether a page is there because a party is called so, and not one of the things on it."""
    codes = {code for each in found.recordings for code in (each.id, each.isrc)}
    codes |= {code for each in found.works.values() for code in (each.id, each.iswc)}
    return not {key, re.sub(r"[\s.-]", "", key).upper()} & {*codes, *found.voices, *found.model_releases}


def _subjects(found: Page) -> list[str]:
    return [*(recording.id for recording in found.recordings), *found.works, *found.voices, *found.model_releases]


def seen_entry(workspace: Workspace, caller: Caller, key: str, *, on: date | None = None) -> dict[str, Any]:
    """Return what the catalogue says of a thing that the caller may see, as JSON's types, and what it said before."""
    found = seen_page(workspace, caller, key, on=on)
    former = [
        {"id": subject, "field": name, "until": until, "value": value}
        for subject in _subjects(found)[:100]
        for name, until, value in workspace.catalogue.history(subject)
    ]
    told: dict[str, Any] = jsonable(asdict(found) | {"history": former})
    for recording in told["recordings"]:
        del recording["path"]  # where a file lies on the server is nobody's business
    return told


@router.get("", response_model=Found)
def search_catalogue(
    caller: Reads,
    workspace: Opened,
    query: Annotated[str, Query(max_length=200, description="part of a title or an artist, or a whole code")] = "",
    party: str | None = None,
    limit: Limit = 50,
    after: After = None,
) -> Response:
    """Search recordings by title, artist, work, ISRC or ISWC."""
    found = workspace.catalogue.search(
        query.strip(), limit=limit + 1, party_id=caller.party_id(party), after=after or ""
    )

    def told(item: tuple[Any, str | None]) -> dict[str, Any]:
        recording, work_title = item
        names = ("id", "title", "artist", "isrc", "year", "work_id", "duration_s")
        return {name: getattr(recording, name) for name in names} | {"work_title": work_title}

    return JSONResponse(page(found, limit, key=lambda item: item[0].id, told=told))


@router.post("/imports", status_code=202, response_model=JobOut, openapi_extra=IMPORT_FORM)
async def import_catalogue(request: Request, caller: Imports, workspace: Opened) -> Response:
    """Bring a catalogue in (table, CWR or ERN): a job, whose result lists every fault."""
    form = await receive_form(request, workspace)
    if len(form.files) != 1:
        raise HttpProblem(422, "invalid", "file: send one")
    try:
        on = date.fromisoformat(form.fields["on"]) if form.fields.get("on") else None
    except ValueError:
        raise HttpProblem(422, "invalid", "on: not a day such as 2026-11-22") from None
    job = await run_in_threadpool(
        lambda: queue_import(
            *(workspace, JobKind.CATALOGUE_IMPORT, form.files[0]),
            account_id=caller.account.id,
            at=now(),
            why=form.fields.get("why", ""),
            on=on,
            key=request_key(request),
        )
    )
    return JSONResponse(from_job(job), 202, {"Location": f"/v1/jobs/{job.id}"})


@router.get("/{key}", response_model=EntryOut)
def show_entry(caller: Reads, workspace: Opened, key: str, on: Day = None) -> Response:
    """Show a recording, work, voice, model release or party, by id, code or whole name; as it was ``on`` a day."""
    return JSONResponse(seen_entry(workspace, caller, key, on=on))


@router.patch("/{key}", response_model=EntryOut)
def correct_entry(caller: Writes, workspace: Opened, key: str, given: Correction) -> Response:
    """Correct a recording's title, artist or year, or a work's title, from a day on; what it said before stays."""
    seen_entry(workspace, caller, key)
    correct(
        *(workspace, key),
        on=given.on or now().date(),
        actor=caller.account.id,
        why=given.why,
        at=now(),
        title=given.title,
        artist=given.artist,
        year=given.year,
    )
    return JSONResponse(seen_entry(workspace, caller, key))
