"""``/v1/policies``: what a party says once and for all."""

from typing import Annotated

from fastapi import Depends
from starlette.responses import JSONResponse, Response

from linernotes.api.callers import Caller, Opened, Permit, now
from linernotes.api.problems import HttpProblem
from linernotes.api.routing import quick_if_small, routes
from linernotes.api.shapes import NewPolicy, Policies, PolicyOut, Reason
from linernotes.api.values import exact
from linernotes.formats.liner_notes import from_policy
from linernotes.journeys.claim import set_policy
from linernotes.model import Policy

__all__ = ["add_policy", "end_policy", "list_policies", "router"]

router = routes("/policies", "policies")

Reads = Annotated[Caller, Depends(Permit("policies:read"))]
Writes = Annotated[Caller, Depends(Permit("policies:write"))]


@router.get("", response_model=Policies)
@quick_if_small
def list_policies(caller: Reads, workspace: Opened, party: str | None = None) -> Response:
    """List the standing rules of one's party; admins and auditors see those of all."""
    whose = caller.party_id(party)
    found = workspace.claims.policies(None if whose is None else {whose})
    names = workspace.claims.names({policy.party_id for policy in found})
    return JSONResponse({"items": [from_policy(policy, names) for policy in found]})


@router.post("", status_code=201, response_model=PolicyOut)
def add_policy(caller: Writes, workspace: Opened, given: NewPolicy) -> Response:
    """Set a rule of one's party; it takes the place of its rule about exactly the same."""
    party_id = caller.account.party_id or ""
    policy = Policy(
        *("", party_id, given.use, given.action, exact(given.share, "share"), given.side, given.territory),
        match_length_min_s=exact(given.match_length_min_s, "match_length_min_s") or 0,  # type: ignore[arg-type]
        probability_min=exact(given.probability_min, "probability_min") or 0,  # type: ignore[arg-type]
        subject_id=given.subject_id,
        valid_from=given.valid_from,
        valid_to=given.valid_to,
    )
    policy, _ = set_policy(workspace, policy, by=party_id, why=given.why, at=now())
    return JSONResponse(from_policy(policy, workspace.claims.names([policy.party_id])), 201)


@router.post("/{policy_id}/end", response_model=PolicyOut)
def end_policy(caller: Writes, workspace: Opened, policy_id: str, given: Reason) -> Response:
    """End a rule of one's party."""
    party_id = caller.account.party_id or ""
    mine = workspace.claims.policies({party_id})
    if policy_id not in {policy.id for policy in mine}:
        raise HttpProblem(404, "not_found", f"no policy {policy_id!r} stands")
    policy = workspace.claims.end_policy(policy_id, actor=party_id, why=given.why, at=now())
    return JSONResponse(from_policy(policy, workspace.claims.names([policy.party_id])))
