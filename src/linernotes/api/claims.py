"""``/v1/claims``: the inbox. One sees the claims of one's party, and those on one's uploads."""

from collections.abc import Callable
from typing import Annotated, Any

from fastapi import Depends
from starlette.responses import JSONResponse, Response

from linernotes.api.callers import Caller, Opened, Permit, now
from linernotes.api.paging import After, Limit, page
from linernotes.api.problems import HttpProblem
from linernotes.api.routing import quick, routes
from linernotes.api.shapes import Choice, ClaimOut, Claims, Reason
from linernotes.api.values import exact
from linernotes.formats.liner_notes import from_claim, from_step
from linernotes.journeys import claim as journey
from linernotes.journeys.clips import Side, evidence_clip
from linernotes.journeys.uploads import path_by_content
from linernotes.journeys.work import events_about
from linernotes.model import Claim, ClaimState
from linernotes.workspace import Workspace

__all__ = [
    "changed",
    "decide_claim",
    "dispute_claim",
    "list_claims",
    "play_claim",
    "release_claim",
    "resolve_claim",
    "router",
    "seen_claim",
    "show_claim",
    "told_claim",
    "withdraw_claim",
]

router = routes("/claims", "claims")

Reads = Annotated[Caller, Depends(Permit("claims:read"))]
Decides = Annotated[Caller, Depends(Permit("claims:decide"))]
Disputes = Annotated[Caller, Depends(Permit("claims:dispute"))]
Resolves = Annotated[Caller, Depends(Permit("claims:resolve"))]


def seen_claim(workspace: Workspace, caller: Caller, claim_id: str) -> Claim:
    """Return a claim that the caller may see; for everybody else it is not there."""
    claim = workspace.claims.get(claim_id).claim
    is_mine = claim.party_id == caller.account.party_id
    if caller.sees_all or is_mine or workspace.jobs.has_uploaded(caller.account.id, claim.upload_sha256):
        return claim
    raise HttpProblem(404, "not_found", f"no claim {claim_id!r}")


def told_claim(workspace: Workspace, claim_id: str) -> dict[str, Any]:
    """Return a claim as JSON's types, with its history, what can be done, and where its money is."""
    file = journey.open_file(workspace, claim_id)
    more = {"money": file.money, "next": list(file.commands), "history": [from_step(step) for step in file.history]}
    return from_claim(file.claim, file.names) | more


@router.get("", response_model=Claims)
@quick
def list_claims(
    caller: Reads,
    workspace: Opened,
    state: ClaimState | None = None,
    party: str | None = None,
    limit: Limit = 50,
    after: After = None,
) -> Response:
    """List claims in order of id; ``party`` is for those who see all."""
    found = workspace.claims.page(
        limit=limit + 1,
        after=after or "",
        party_id=caller.party_id(party),
        uploader_id=caller.own_id,
        state=state,
    )
    names = workspace.claims.names({claim.party_id for claim in found})
    return JSONResponse(page(found, limit, key=lambda c: c.id, told=lambda c: from_claim(c, names)))


@router.get("/{claim_id}", response_model=ClaimOut)
@quick
def show_claim(caller: Reads, workspace: Opened, claim_id: str) -> Response:
    """Show a claim with its history and what can be done."""
    return JSONResponse(told_claim(workspace, seen_claim(workspace, caller, claim_id).id))


@router.get(
    "/{claim_id}/audio",
    response_class=Response,
    responses={200: {"content": {"audio/mpeg": {"schema": {"type": "string", "format": "binary"}}}}},
)
def play_claim(caller: Reads, workspace: Opened, claim_id: str, side: Side = Side.UPLOAD) -> Response:
    """Play the first seconds of what a claim rests on, in the upload or in the reference."""
    claim = seen_claim(workspace, caller, claim_id)
    upload = path_by_content(workspace, claim.upload_sha256)
    return Response(evidence_clip(workspace, claim.evidence, side, upload=upload), media_type="audio/mpeg")


@router.post("/{claim_id}/decide", response_model=ClaimOut)
def decide_claim(caller: Decides, workspace: Opened, claim_id: str, given: Choice) -> Response:
    """Choose for a claim of one's party: allow, share, block; on a disputed claim this upholds it."""
    share = exact(given.share, "share")
    return changed(
        *(workspace, caller, claim_id),
        lambda at, by: journey.decide(
            *(workspace, claim_id), action=given.action, by=by, why=given.why, at=at, share=share, side=given.side
        ),
    )


@router.post("/{claim_id}/release", response_model=ClaimOut)
def release_claim(caller: Decides, workspace: Opened, claim_id: str, given: Reason) -> Response:
    """Let go of a claim of one's party that nobody disputes: it is not ours."""
    return changed(
        *(workspace, caller, claim_id), lambda at, by: journey.release(workspace, claim_id, by=by, why=given.why, at=at)
    )


@router.post("/{claim_id}/withdraw", response_model=ClaimOut)
def withdraw_claim(caller: Decides, workspace: Opened, claim_id: str, given: Reason) -> Response:
    """Give up a disputed claim of one's party."""
    return changed(
        *(workspace, caller, claim_id),
        lambda at, by: journey.withdraw(workspace, claim_id, by=by, why=given.why, at=at),
    )


@router.post("/{claim_id}/dispute", response_model=ClaimOut)
def dispute_claim(caller: Disputes, workspace: Opened, claim_id: str, given: Reason) -> Response:
    """Contest a claim on one's upload: what it asks for is held from now on."""
    return changed(
        *(workspace, caller, claim_id), lambda at, by: journey.dispute(workspace, claim_id, by=by, why=given.why, at=at)
    )


@router.post("/{claim_id}/resolve", response_model=ClaimOut)
def resolve_claim(caller: Resolves, workspace: Opened, claim_id: str, given: Reason) -> Response:
    """Clear what keeps a claim from going on; its party's rule decides it then."""
    return changed(
        *(workspace, caller, claim_id), lambda at, by: journey.resolve(workspace, claim_id, by=by, why=given.why, at=at)
    )


def changed(workspace: Workspace, caller: Caller, claim_id: str, change: Callable[[Any, str], object]) -> JSONResponse:
    """Change a claim that the caller may see, tell those concerned, and answer how it stands."""
    claim, at = seen_claim(workspace, caller, claim_id), now()
    change(at, caller.actor)
    after = workspace.claims.get(claim.id)
    workspace.jobs.add(events_about(workspace, "claim.changed", [after.claim], step=after.head), at=at)
    return JSONResponse(told_claim(workspace, claim.id))
