"""Notices of the inbox: send one, follow it, and, as whoever uploaded what it is about, answer it."""

from collections.abc import Mapping, Sequence
from typing import Annotated

from fastapi import Depends
from starlette.responses import FileResponse, Response

from linernotes.api.callers import now
from linernotes.api.claims import seen_claim
from linernotes.api.notices import SeenNotice, notices_of, notices_to_answer, seen_notice, step_notice, take_counter
from linernotes.api.problems import HttpProblem
from linernotes.api.routing import quick
from linernotes.errors import NotFoundError
from linernotes.journeys import notice as journey
from linernotes.journeys.notice import NoticeVerb
from linernotes.model import Claim
from linernotes.web.door import Posted, Visit, Visits, away, pages
from linernotes.web.fields import day, one_of, reason
from linernotes.web.views.claims import is_to_go, row
from linernotes.web.views.notices import Clock, clock, paper

__all__ = [
    "clocks_about",
    "clocks_running",
    "counter",
    "note",
    "read",
    "read_counter",
    "router",
    "send",
    "show_counter_form",
    "show_form",
    "show_notice",
]

router = pages("/inbox/", "/notices")

Reads = Annotated[Visit, Depends(Visits("claims:read"))]
Decides = Annotated[Visit, Depends(Visits("claims:decide"))]
Disputes = Annotated[Visit, Depends(Visits("claims:dispute"))]

_SAID = ("good_faith", "accurate", "authorised_under_penalty_of_perjury", "fair_use_considered")
_REACHED = ("name", "address", "phone", "email")
_SHOWN = 100


def clocks_about(visitor: Visit, claim_ids: Sequence[str]) -> list[Clock]:
    """Return the clocks of the notices about claims that one sees."""
    return _clocks(notices_of(visitor.workspace, visitor.caller, limit=_SHOWN, claim_ids=claim_ids))


def clocks_running(visitor: Visit) -> list[Clock]:
    """Return the clocks of the notices that wait for the visitor: to be answered, or since they were."""
    return _clocks(notices_to_answer(visitor.workspace, visitor.caller, limit=_SHOWN))


def _clocks(found: Sequence[tuple[journey.StoredNotice, str]]) -> list[Clock]:
    return [clock(stored, platform, today=now().date()) for stored, platform in found]


# ── in one's party's name ────────────────────────────────────────────────────


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
        contact=_contact(form),
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


def _mine(visitor: Visit, claim_id: str) -> Claim:
    claim = seen_claim(visitor.workspace, visitor.caller, claim_id)
    if claim.party_id != visitor.party_id:
        raise HttpProblem(404, "not_found", f"no claim {claim_id!r} of yours")
    if not is_to_go(claim):
        raise HttpProblem(409, "not_decided", "a notice follows the decision that it must be taken down")
    return claim


def _contact(form: Mapping[str, str]) -> journey.Contact:
    return journey.Contact(**{name: form.get(name, "") for name in _REACHED})


# ── what becomes of it ───────────────────────────────────────────────────────


@router.get("/notices/{notice_id}.pdf")
def read(visitor: Reads, notice_id: str) -> Response:
    """Give a notice as it was written: to its party, and to those who see all."""
    seen = seen_notice(visitor.workspace, visitor.caller, notice_id)
    if not seen.is_whole:
        raise HttpProblem(404, "not_found", f"no notice {notice_id!r} of yours")
    return _file(seen, "notice")


@router.get("/notices/{notice_id}/counter.pdf")
def read_counter(visitor: Reads, notice_id: str) -> Response:
    """Give the counter-notice as it was signed: to whoever signed it, and a copy to the claimant, as the law has it."""
    seen = seen_notice(visitor.workspace, visitor.caller, notice_id)
    if not (seen.is_whole or seen.has_countered):
        raise HttpProblem(404, "not_found", f"no counter-notice of yours to {notice_id!r}")
    return _file(seen, "counter-notice")


@router.get("/notices/{notice_id}")
@quick
def show_notice(visitor: Reads, notice_id: str) -> Response:
    """Show a notice, its clock, what happened, and what the visitor can do about it."""
    seen = seen_notice(visitor.workspace, visitor.caller, notice_id)
    names = visitor.names({step.actor for step in seen.file.history})
    told = paper(seen, names, today=now().date())
    return visitor.page("noticed.html", title="Notice", paper=told, today=now().date().isoformat())


@router.post("/notices/{notice_id}/steps")
def note(visitor: Reads, notice_id: str, form: Posted) -> Response:
    """Note what happened to a notice."""
    verb = one_of(NoticeVerb, form.get("what", ""), "a step")
    why, on = reason(form.get("why", "")), day(form.get("on", ""), "a day")
    step_notice(visitor.workspace, visitor.caller, notice_id, verb, why=why, on=on)
    return away(f"/notices/{notice_id}", done="step")


@router.get("/notices/{notice_id}/counter")
def show_counter_form(visitor: Disputes, notice_id: str) -> Response:
    """Ask what a counter-notice must say."""
    seen = seen_notice(visitor.workspace, visitor.caller, notice_id)
    if NoticeVerb.COUNTER not in seen.may:
        raise HttpProblem(409, "no_counter", "a counter-notice is for whoever uploaded what a copyright notice removed")
    told = paper(seen, {}, today=now().date())
    return visitor.page("counter.html", title="Counter-notice", paper=told)


@router.post("/notices/{notice_id}/counter")
def counter(visitor: Disputes, notice_id: str, form: Posted) -> Response:
    """Take in the counter-notice: its clock begins today; ParameterError names what it still lacks."""
    said = journey.CounterNotice(
        notice_id,
        _contact(form),
        signature=form.get("signature", ""),
        mistake_under_penalty_of_perjury=form.get("mistake_under_penalty_of_perjury") == "yes",
        consents_to_jurisdiction=form.get("consents_to_jurisdiction") == "yes",
        accepts_service=form.get("accepts_service") == "yes",
        lives_outside_us=form.get("lives_outside_us") == "yes",
        reason=reason(form.get("reason", "")),
    )
    take_counter(visitor.workspace, visitor.caller, said)
    return away(f"/notices/{notice_id}", done="counter")


def _file(seen: SeenNotice, name: str) -> Response:
    path, notice_id = seen.file.folder / f"{name}.pdf", seen.file.stored.id
    if not path.is_file():
        raise NotFoundError(f"no {name} of {notice_id} here: what was issued is written when it is delivered")
    return FileResponse(path, media_type="application/pdf", filename=f"{notice_id}-{name}.pdf")
