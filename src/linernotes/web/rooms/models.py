"""*Models*: what released models learned from, what they made, and how to withdraw a consent."""

from itertools import islice
from typing import Annotated

from fastapi import Depends
from starlette.responses import Response

from linernotes.api.callers import now
from linernotes.api.problems import HttpProblem
from linernotes.journeys.claim import set_policy
from linernotes.journeys.disclosure import Seen, learned, learned_from, made, seen, seen_by
from linernotes.model import Action, Policy, UseType
from linernotes.web.door import Posted, Visit, Visits, away, pages
from linernotes.web.fields import reason
from linernotes.web.views.models import piece, release, source

__all__ = ["router", "show_model", "show_models", "withdraw_consent"]

router = pages("/models")

Reads = Annotated[Visit, Depends(Visits("models:read"))]
Decides = Annotated[Visit, Depends(Visits("policies:write"))]

_WORKS_SHOWN, _PIECES_SHOWN = 25, 10


@router.get("/models")
def show_models(visitor: Reads) -> Response:
    """Show the releases that one's party has a part in; to those who see all, every release."""
    found = [release(each) for each in seen_by(visitor.workspace, visitor.caller.party_id(None))]
    return visitor.page("models.html", title="Models", releases=found)


@router.get("/models/{model_id}")
def show_model(visitor: Reads, model_id: str, works: int = 0, before: str | None = None) -> Response:
    """Show a release: what it learned from, whether that holds, what it made."""
    found, first = _seen(visitor, model_id), max(0, works)
    shown = learned(visitor.workspace, found, found.works[first : first + _WORKS_SHOWN], on=now().date())
    pieces = list(islice(made(found, after=before), _PIECES_SHOWN + 1))
    here, more = f"/models/{model_id}", first + _WORKS_SHOWN
    return visitor.page(
        "model.html",
        title=found.manifest.release,
        release=release(found),
        faults=found.faults,
        key=found.audited.public_key,
        is_whole=found.is_whole,
        sources=[source(work) for work in shown],
        next_works=f"{here}?works={more}#works" if more < len(found.works) else None,
        pieces=[piece(each) for each in pieces[:_PIECES_SHOWN]],
        next_pieces=f"{here}?before={pieces[_PIECES_SHOWN - 1]['id']}#pieces" if len(pieces) > _PIECES_SHOWN else None,
        may_withdraw=any(
            given.stands and given.party_id == visitor.party_id for work in shown for given in work.consents
        ),
    )


@router.post("/models/{model_id}/withdraw")
def withdraw_consent(visitor: Decides, model_id: str, form: Posted) -> Response:
    """Withdraw one's consent to a release: a standing rule, for all that one's party has in it."""
    found, party_id, why = _seen(visitor, model_id), visitor.party_id, reason(form.get("why", ""))
    if party_id is None or not learned_from(found, party_id):
        raise HttpProblem(404, "not_found", "this release learned from nothing of yours")
    rule = Policy("", party_id, UseType.TRAINING, Action.BLOCK, subject_id=found.manifest.release_id)
    set_policy(visitor.workspace, rule, by=party_id, why=why, at=now())
    return away(f"/models/{model_id}", done="training-withdrawn")


def _seen(visitor: Visit, model_id: str) -> Seen:
    return seen(visitor.workspace, model_id, visitor.caller.party_id(None))
