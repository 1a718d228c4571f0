"""Notices of the inbox: word one for a claim that was decided to be taken down, send it, read it again."""

from typing import Annotated

from fastapi import Depends
from starlette.responses import FileResponse, Response

from linernotes.api.callers import now
from linernotes.api.claims import seen_claim
from linernotes.api.notices import seen_notice
from linernotes.api.problems import HttpProblem
from linernotes.errors import NotFoundError
from linernotes.journeys import notice as journey
from linernotes.model import Claim
from linernotes.web.door import Posted, Visit, Visits, away, pages
from linernotes.web.fields import reason
from linernotes.web.views.claims import is_to_go, row

__all__ = ["read", "router", "send", "show_form"]

router = pages()

Reads = Annotated[Visit, Depends(Visits("claims:read"))]
Decides = Annotated[Visit, Depends(Visits("claims:decide"))]

_SAID = ("good_faith", "accurate", "authorised_under_penalty_of_perjury", "fair_use_considered")
_REACHED = ("name", "address", "phone", "email")


@router.get("/inbox/{claim_id}/notice")
def show_form(visitor: Decides, claim_id: str) -> Response:
    """Ask what a notice about a claim must say."""
    claim = _mine(visitor, claim_id)
    names = visitor.workspace.claims.names([claim.party_id])
    platforms = [(entry.name, entry.name) for entry in visitor.workspace.platforms.all()]
    return visitor.page("notice.html", title="Notice", row=row(claim, names), platforms=platforms)


@router.post("/inbox/{claim_id}/notice")
def send(visitor: Decides, claim_id: str, form: Posted) -> Response:
    """Issue the notice: into the outbox, and to be delivered; ParameterError names what it still lacks."""
    claim = _mine(visitor, claim_id)
    wishes = journey.Wishes(
        contact=journey.Contact(**{name: form.get(name, "") for name in _REACHED}),
        statements=journey.Statements(
            signature=form.get("signature", ""), **{name: form.get(name) == "yes" for name in _SAID}
        ),
        platform=form.get("platform") or None,
        urls=tuple(form.get("urls", "").split()),
        explanation=form.get("explanation", ""),
    )
    why = reason(form.get("why", ""))
    journey.issue(visitor.workspace, [claim.id], wishes, actor=claim.party_id, why=why, at=now())
    return away(f"/inbox/{claim.id}", done="notice")


@router.get("/notices/{notice_id}.pdf")
def read(visitor: Reads, notice_id: str) -> Response:
    """Give a notice as it was written."""
    path = seen_notice(visitor.workspace, visitor.caller, notice_id).folder / "notice.pdf"
    if not path.is_file():
        raise NotFoundError(f"the papers of {notice_id} are written when it is delivered")
    return FileResponse(path, media_type="application/pdf", filename=f"{notice_id}.pdf")


def _mine(visitor: Visit, claim_id: str) -> Claim:
    claim = seen_claim(visitor.workspace, visitor.caller, claim_id)
    if claim.party_id != visitor.party_id:
        raise HttpProblem(404, "not_found", f"no claim {claim_id!r} of yours")
    if not is_to_go(claim):
        raise HttpProblem(409, "not_decided", "a notice follows the decision that it must be taken down")
    return claim
