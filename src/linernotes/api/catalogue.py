"""``/v1/catalogue``: search, look up, correct, import. A rights holder sees what its party has a part in."""

import re
from dataclasses import asdict, replace
from datetime import date
from typing import Annotated, Any

from fastapi import Depends, Query, Request
from starlette.responses import JSONResponse, Response

from linernotes.api.callers import Caller, Opened, Permit, now
from linernotes.api.importing import IMPORT_FORM, queue_file
from linernotes.api.jobs import from_job
from linernotes.api.paging import After, Limit, page
from linernotes.api.problems import HttpProblem
from linernotes.api.receiving import receive_form
from linernotes.api.routing import quick_if_small, routes
from linernotes.api.shapes import Correction, EntryOut, Found, JobOut
from linernotes.api.values import Day, jsonable
from linernotes.journeys.catalogue import Page, describe
from linernotes.journeys.correct import correct
from linernotes.model import JobKind, Party
from linernotes.workspace import Workspace

__all__ = ["correct_entry", "import_catalogue", "router", "search_catalogue", "seen_entry", "seen_page", "show_entry"]

router = routes("/catalogue", "catalogue")

Reads = Annotated[Caller, Depends(Permit("catalogue:read"))]
Writes = Annotated[Caller, Depends(Permit("catalogue:write"))]
Imports = Annotated[Caller, Depends(Permit("catalogue:import"))]


def seen_page(workspace: Workspace, caller: Caller, key: str, *, on: date | None = None) -> Page:
    """Return what the catalogue says of a thing that the caller may see; for everybody else it is not there.

    Whoever has a part in a recording sees it and its work, not what others recorded of that work.
    """
    found = describe(workspace, key, on=on)
    if caller.sees_all:
        return found
    mine = found.parties.get(caller.account.party_id or "")
    if mine is None or not _is_of(workspace, found, key, mine):
        raise HttpProblem(404, "not_found", f"nothing {key!r} in what you have a part in")
    has_part = workspace.catalogue.has_part
    if not found.works or has_part(mine.id, [*found.works]):
        return found
    return replace(found, recordings=[each for each in found.recordings if has_part(mine.id, [each.id])])


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


def _is_of(workspace: Workspace, found: Page, key: str, mine: Party) -> bool:
    """Tell whether a key names a thing that a party has a part in, or the party itself: not whom it once wrote with."""
    named = {key, re.sub(r"[\s.-]", "", key).upper()}
    things = {(recording.id, recording.isrc) for recording in found.recordings}
    things |= {(work.id, work.iswc) for work in found.works.values()}
    things |= {(name, None) for name in (*found.voices, *found.model_releases)}
    if not any(named & {*thing} for thing in things):
        return bool(named & {mine.id, mine.name, mine.ipi_name_number, mine.isni})
    return workspace.catalogue.has_part(mine.id, [thing_id for thing_id, _ in things])


@router.get("", response_model=Found)
@quick_if_small
def search_catalogue(
    caller: Reads,
    workspace: Opened,
    query: Annotated[str, Query(max_length=200, description="words of title, artist or work; or a whole code")] = "",
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
    job = await queue_file(request, workspace, caller, JobKind.CATALOGUE_IMPORT, form)
    return JSONResponse(from_job(job), 202, {"Location": f"/v1/jobs/{job.id}"})


@router.get("/{key}", response_model=EntryOut)
@quick_if_small
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
