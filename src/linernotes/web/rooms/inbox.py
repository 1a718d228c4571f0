"""*Inbox*: claims of the party one acts for, or on one's uploads: listen, decide, dispute; the clock of each notice."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Annotated

from fastapi import Depends, Request
from starlette.responses import Response

from linernotes.api.claims import changed, seen_claim
from linernotes.api.problems import HttpProblem
from linernotes.api.routing import quick
from linernotes.errors import NotFoundError
from linernotes.formats import report
from linernotes.journeys import claim as journey
from linernotes.journeys.clips import Side as ClipSide
from linernotes.journeys.uploads import path_by_content
from linernotes.model import Action, Claim, ClaimState, Side, Trace
from linernotes.web.door import Posted, Room, Visit, Visits, away, pages
from linernotes.web.fields import exact, one_of, reason
from linernotes.web.rooms.notices import clocks_about, clocks_running
from linernotes.web.sound import addresses, clip
from linernotes.web.views.claims import file, groups
from linernotes.web.views.notes import shown

__all__ = ["decide", "dispute", "play_claim", "release", "resolve", "router", "show_claim", "show_inbox", "withdraw"]

router = pages("/inbox")

Reads = Annotated[Visit, Depends(Visits("claims:read"))]
Decides = Annotated[Visit, Depends(Visits("claims:decide"))]
Disputes = Annotated[Visit, Depends(Visits("claims:dispute"))]
Resolves = Annotated[Visit, Depends(Visits("claims:resolve"))]

_SHOWN = 100
_TABS = {
    "open": (
        "To decide",
        (ClaimState.REVIEW, ClaimState.DISPUTED, ClaimState.PROPOSED),
        "What waits here asks for no money until somebody decides.",
    ),
    "force": ("In force", (ClaimState.CONFIRMED, ClaimState.UPHELD), "What was decided holds, until it is disputed."),
    "over": ("Over", (ClaimState.RELEASED, ClaimState.WITHDRAWN), "Given up: they ask for nothing any more."),
}


@router.get("/inbox")
@quick
def show_inbox(visitor: Reads, tab: str = "open") -> Response:
    """Show the claims that wait, those in force, or those that are over."""
    if tab not in _TABS:
        raise HttpProblem(404, "not_found", f"no claims {tab!r}")
    claims = [each for state in _TABS[tab][1] for each in _claims(visitor, state)]
    names = visitor.workspace.claims.names({claim.party_id for claim in claims})
    return visitor.page(
        "inbox.html",
        title="Inbox",
        heading="What was made from yours" if visitor.party_id else "Claims",
        verdict=_TABS[tab][2],
        mine=visitor.party_id is not None,
        tabs=[Room(f"/inbox?tab={key}", title, key == tab) for key, (title, *_) in _TABS.items()],
        groups=groups(claims, names),
        notices=clocks_running(visitor) if tab == "open" else clocks_about(visitor, [claim.id for claim in claims]),
    )


@router.get("/inbox/{claim_id}")
@quick
def show_claim(visitor: Reads, claim_id: str) -> Response:
    """Show a claim: both sounds, why it stands as it does, what one can do."""
    claim = seen_claim(visitor.workspace, visitor.caller, claim_id)
    told = journey.open_file(visitor.workspace, claim_id)
    told = replace(told, names={**told.names, **visitor.names({step.actor for step in told.history})})
    upload = _upload(visitor, claim)
    clips = {(0, 0): addresses(claim.evidence, f"/inbox/{claim.id}/clips", upload=upload is not None)}
    # The other evidence in the upload may be somebody else's: only this one is shown, and no picture of the whole.
    notes = report.notes([Trace(claim.upload_path, None, "", [claim.evidence])], clips)
    opened = file(
        told,
        clocks_about(visitor, [claim.id]),
        party_id=visitor.party_id,
        scopes=visitor.caller.scopes,
    )
    return visitor.page("claim.html", title=opened.row.title, file=opened, **shown(notes))


@router.get("/inbox/{claim_id}/clips/{side}.mp3")
def play_claim(request: Request, visitor: Reads, claim_id: str, side: ClipSide) -> Response:
    """Play the stretch that a claim is about, in the upload or in the reference."""
    claim = seen_claim(visitor.workspace, visitor.caller, claim_id)
    upload = _upload(visitor, claim)
    if upload is None and side is not ClipSide.REFERENCE:
        raise HttpProblem(404, "not_found", "the sound of this upload is not kept any more")
    return clip(request, visitor.workspace, claim.evidence, side, upload=upload or Path())


@router.post("/inbox/{claim_id}/decide")
def decide(visitor: Decides, claim_id: str, form: Posted) -> Response:
    """Choose what shall become of an upload, as the party whose claim it is."""
    action = one_of(Action, form.get("action", ""), "a choice")
    shares = action is Action.SHARE
    share = exact(form.get("share", ""), "a share") if shares else None
    side = one_of(Side, form.get("side", ""), "a side") if shares else None
    return _change(visitor, claim_id, form, partial(journey.decide, action=action, share=share, side=side), "decide")


@router.post("/inbox/{claim_id}/release")
def release(visitor: Decides, claim_id: str, form: Posted) -> Response:
    """Give a claim up."""
    return _change(visitor, claim_id, form, journey.release, "release")


@router.post("/inbox/{claim_id}/withdraw")
def withdraw(visitor: Decides, claim_id: str, form: Posted) -> Response:
    """Give a disputed claim up."""
    return _change(visitor, claim_id, form, journey.withdraw, "withdraw")


@router.post("/inbox/{claim_id}/dispute")
def dispute(visitor: Disputes, claim_id: str, form: Posted) -> Response:
    """Contest a claim."""
    return _change(visitor, claim_id, form, journey.dispute, "dispute")


@router.post("/inbox/{claim_id}/resolve")
def resolve(visitor: Resolves, claim_id: str, form: Posted) -> Response:
    """Clear what keeps a claim from going on."""
    return _change(visitor, claim_id, form, journey.resolve, "resolve")


def _change(visitor: Visit, claim_id: str, form: Mapping[str, str], do: Callable[..., Claim], verb: str) -> Response:
    """Do something with a claim that one sees, and show it again."""
    why = reason(form.get("why", ""))
    workspace = visitor.workspace
    changed(workspace, visitor.caller, claim_id, lambda at, by: do(workspace, claim_id, by=by, why=why, at=at))
    return away(f"/inbox/{claim_id}", done=verb)


def _claims(visitor: Visit, state: ClaimState) -> Sequence[Claim]:
    """Return the first of the claims in a state that one sees."""
    caller = visitor.caller
    party_id = caller.party_id(None)
    return visitor.workspace.claims.page(limit=_SHOWN, party_id=party_id, uploader_id=caller.own_id, state=state)


def _upload(visitor: Visit, claim: Claim) -> Path | None:
    """Return where an upload is that came in here, or that a command on this machine traced where it lay."""
    try:
        return path_by_content(visitor.workspace, claim.upload_sha256)
    except NotFoundError:
        path = Path(claim.upload_path)
        # What came in here is called by a bare name: only a command gives a folder.
        return path if len(path.parts) > 1 and path.is_file() else None
