"""*Catalogue*: search it, see who has which share of what and since when, correct it, bring files in."""

from datetime import date
from typing import Annotated

from fastapi import Depends, Request
from starlette.responses import Response

from linernotes.api.callers import now
from linernotes.api.catalogue import seen_page
from linernotes.api.problems import HttpProblem
from linernotes.api.routing import quick_if_small
from linernotes.journeys.correct import correct
from linernotes.model import JobKind
from linernotes.web.door import Posted, Visit, Visits, away, pages
from linernotes.web.fields import day, reason
from linernotes.web.rooms.work import take_in
from linernotes.web.views.catalogue import editable, part_in, recordings, subjects

__all__ = ["edit", "import_catalogue", "router", "show_catalogue", "show_subject"]

router = pages("/catalogue")

Reads = Annotated[Visit, Depends(Visits("catalogue:read"))]
Writes = Annotated[Visit, Depends(Visits("catalogue:write"))]
Imports = Annotated[Visit, Depends(Visits("catalogue:import"))]

_SHOWN = 25
_QUERY_CHARACTERS_MAX = 200
_CHANGES_SHOWN = 50
_THINGS_SHOWN = 100


@router.get("/catalogue")
@quick_if_small
def show_catalogue(visitor: Reads, q: str = "", after: str = "") -> Response:
    """Search recordings: everybody's, or those that one's party has a part in."""
    text = q.strip()[:_QUERY_CHARACTERS_MAX]
    store, party_id = visitor.workspace.catalogue, visitor.caller.party_id(None)
    found = store.search(text, limit=_SHOWN + 1, party_id=party_id, after=after)
    following = visitor.address(q=text, after=found[_SHOWN - 1][0].id) if len(found) > _SHOWN else None
    return visitor.page(
        "catalogue.html",
        title="Catalogue",
        heading="What you have a part in" if party_id else "What there is",
        q=text,
        things=recordings(found[:_SHOWN]),
        next=following,
    )


@router.post("/catalogue/import")
async def import_catalogue(request: Request, visitor: Imports) -> Response:
    """Bring a file in; what became of it, and its faults, are on a page of their own."""
    return await take_in(request, visitor, JobKind.CATALOGUE_IMPORT)


@router.get("/catalogue/{key}")
@quick_if_small
def show_subject(visitor: Reads, key: str, on: str = "") -> Response:
    """Show a thing, today or as it was on a day."""
    found = seen_page(visitor.workspace, visitor.caller, key, on=day(on, "a day"))
    told = subjects(found, key)
    if not told:
        raise HttpProblem(404, "not_found", f"nothing {key!r} here")
    subject_id = told[0].thing.id
    return visitor.page(
        "subject.html",
        title=told[0].thing.title,
        key=subject_id,
        on=on,
        subjects=told,
        things=part_in(found, key)[:_THINGS_SHOWN],
        linked=None if visitor.caller.sees_all else visitor.party_id,
        former=_former(visitor, subject_id),
        editable=editable(found, subject_id),
        today=now().date().isoformat(),
    )


@router.post("/catalogue/{key}/edit")
def edit(visitor: Writes, key: str, form: Posted) -> Response:
    """Let a thing be called otherwise from a day on; what it was called before stays."""
    found = seen_page(visitor.workspace, visitor.caller, key)
    subject_id = subjects(found, key)[0].thing.id
    before = {field.name: field.value for field in editable(found, subject_id)}
    said = {name: form[name] for name, value in before.items() if form.get(name) and form[name] != value}
    year = said.get("year", "")
    if year and not (year.isascii() and year.isdecimal() and len(year) == 4):
        raise HttpProblem(422, "invalid", f"{year[:20]!r} is not a year")
    correct(
        *(visitor.workspace, subject_id),
        on=day(form.get("on", ""), "a day") or now().date(),
        actor=visitor.caller.account.id,
        why=reason(form.get("why", "")),
        at=now(),
        title=said.get("title"),
        artist=said.get("artist"),
        year=int(year) if year else None,
    )
    return away(f"/catalogue/{subject_id}", done="edit")


def _former(visitor: Visit, subject_id: str) -> list[dict[str, str]]:
    """Return what the catalogue said of a thing before, the latest change first."""

    def told(field: str, until: date, value: object) -> dict[str, str]:
        return {"field": field.replace("_", " "), "until": f"{until:%d %b %Y}", "value": str(value)}

    return [told(*change) for change in visitor.workspace.catalogue.history(subject_id)[:_CHANGES_SHOWN]]
