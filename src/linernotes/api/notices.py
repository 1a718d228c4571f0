"""``/v1/notices``: have an upload taken down, in one's party's name, and see the clock of each notice."""

from collections.abc import Sequence
from typing import Annotated, Any

from fastapi import Depends
from starlette.responses import JSONResponse, Response

from linernotes.api.callers import Caller, Opened, Permit, now
from linernotes.api.claims import seen_claim
from linernotes.api.problems import HttpProblem
from linernotes.api.routing import routes
from linernotes.api.shapes import IssuedNotices, Listed, NewNotice, NoticeOut, Reason
from linernotes.journeys import notice as journey
from linernotes.workspace import Workspace

__all__ = [
    "from_notice",
    "issue_notice",
    "list_notices",
    "notices_about",
    "router",
    "seen_notice",
    "show_notice",
    "withdraw_notice",
]

router = routes("/notices", "notices")

Reads = Annotated[Caller, Depends(Permit("claims:read"))]
Decides = Annotated[Caller, Depends(Permit("claims:decide"))]


def from_notice(stored: journey.StoredNotice, platform: str) -> dict[str, Any]:
    """Return a notice and its clock as JSON's types."""
    clock = {name: getattr(stored, name) for name in ("countered_on", "restore_from", "restore_by", "complaint_until")}
    return {
        "id": stored.id,
        "state": stored.state,
        "regime": stored.regime,
        "platform": platform,
        "upload": stored.upload_sha256,
        "claim_ids": list(stored.claim_ids),
        "issued_at": stored.issued_at,
        **{name: day and day.isoformat() for name, day in clock.items()},
    }


def _is_seen(workspace: Workspace, caller: Caller, stored: journey.StoredNotice) -> bool:
    """Tell whether all claims of a notice are of the caller's party: one that is not says nothing to others."""
    whose = {workspace.claims.get(claim_id).claim.party_id for claim_id in stored.claim_ids}
    return caller.sees_all or whose == {caller.account.party_id}


def notices_about(
    workspace: Workspace, caller: Caller, claim_ids: Sequence[str]
) -> list[tuple[journey.StoredNotice, str]]:
    """Return the notices about these claims that the caller may see, each with the name of its platform."""
    found = [each for each in workspace.notices.about(claim_ids) if _is_seen(workspace, caller, each)]
    names = {entry.id: entry.name for entry in workspace.platforms.all()} if found else {}
    return [(stored, names[stored.platform_id]) for stored in found]


def seen_notice(workspace: Workspace, caller: Caller, notice_id: str) -> journey.NoticeFile:
    """Return a notice that the caller may see; for everybody else it is not there."""
    file = journey.open_file(workspace, notice_id)
    if not _is_seen(workspace, caller, file.stored):
        raise HttpProblem(404, "not_found", f"no notice {notice_id!r}")
    return file


@router.get("", response_model=Listed)
def list_notices(caller: Reads, workspace: Opened) -> Response:
    """List the notices of one's party, oldest first, each with its clock."""
    found = [each for each in journey.list_notices(workspace) if _is_seen(workspace, caller, each[0])]
    return JSONResponse({"items": [from_notice(stored, platform) for stored, platform in found]})


@router.get("/{notice_id}", response_model=NoticeOut)
def show_notice(caller: Reads, workspace: Opened, notice_id: str) -> Response:
    """Show a notice: its clock, its deliveries, its history, what can follow."""
    return JSONResponse(_told(seen_notice(workspace, caller, notice_id)))


@router.post("", status_code=201, response_model=IssuedNotices)
def issue_notice(caller: Decides, workspace: Opened, given: NewNotice) -> Response:
    """Issue the notices of claims that one's party decided to block; a ``draft`` says what they lack."""
    for claim_id in given.claim_ids:
        if seen_claim(workspace, caller, claim_id).party_id != caller.account.party_id:
            raise HttpProblem(409, "not_yours", f"claim {claim_id} is not your party's")
    wishes = journey.Wishes(
        contact=journey.Contact(**given.contact.model_dump()),
        statements=journey.Statements(**given.statements.model_dump()),
        platform=given.platform,
        regime=given.regime,
        urls=tuple(given.urls),
        title=given.title,
        explanation=given.explanation,
        legal_basis=given.legal_basis,
    )
    at = now()
    if given.draft:
        texts = journey.drafts(workspace, given.claim_ids, wishes, today=at.date())
        return JSONResponse({"issued": [], "already": [], "drafts": texts})
    actor = caller.account.party_id or caller.account.id
    done = journey.issue(workspace, given.claim_ids, wishes, actor=actor, why=given.why, at=at)
    told = [{"id": n.id, "platform": n.platform.name, "regime": n.regime.value} for n in done.notices]
    return JSONResponse({"issued": told, "already": done.already, "drafts": []}, 201)


@router.post("/{notice_id}/withdraw", response_model=NoticeOut)
def withdraw_notice(caller: Decides, workspace: Opened, notice_id: str, given: Reason) -> Response:
    """Take a notice of one's party back."""
    seen_notice(workspace, caller, notice_id)
    at, actor = now(), caller.account.party_id or caller.account.id
    verb = journey.NoticeVerb.WITHDRAW
    journey.step(workspace, notice_id, verb, on=at.date(), actor=actor, why=given.why, at=at)
    return JSONResponse(_told(journey.open_file(workspace, notice_id)))


def _told(file: journey.NoticeFile) -> dict[str, Any]:
    deliveries = [
        {"id": d.id, "kind": d.kind, "state": d.state, "attempts": d.attempts, "answer": d.last_answer}
        for d in file.deliveries
    ]
    return from_notice(file.stored, file.notice.platform.name) | {
        "locations": list(file.notice.locations),
        "deliveries": deliveries,
        "history": [{"at": row.at, "what": row.kind, "by": row.actor, "why": row.why} for row in file.history],
        "can_follow": list(file.can_follow),
    }
