"""*Policies*: the standing rules of a party, set and ended in plain words."""

from collections.abc import Mapping
from typing import Annotated

from fastapi import Depends
from starlette.responses import Response

from linernotes.api.callers import now
from linernotes.api.problems import HttpProblem
from linernotes.api.routing import quick_if_small
from linernotes.errors import ParameterError
from linernotes.formats.claim_words import ACTIONS
from linernotes.journeys.claim import reconsider, set_policy
from linernotes.model import Action, Policy, Side, UseType
from linernotes.web.door import Posted, Visit, Visits, away, pages
from linernotes.web.fields import day, exact, one_of, reason
from linernotes.web.views.policies import USES, houses

__all__ = ["add_policy", "end_policy", "router", "show_policies"]

router = pages("/policies")

Reads = Annotated[Visit, Depends(Visits("policies:read"))]
Writes = Annotated[Visit, Depends(Visits("policies:write"))]


@router.get("/policies")
@quick_if_small
def show_policies(visitor: Reads) -> Response:
    """Show one's rules; to those who see all, everybody's."""
    store = visitor.workspace.claims
    rules = store.policies(None if visitor.caller.sees_all else [visitor.party_id or ""])
    return visitor.page(
        "policies.html",
        title="Policies",
        heading="What you say once" if visitor.party_id else "What everybody says once",
        houses=houses(rules, store.names({rule.party_id for rule in rules})),
        uses=[(use.value, f"{says[0].upper()}{says[1:]}") for use, says in USES.items()],
        actions=[(action.value, *ACTIONS[action]) for action in Action],
    )


@router.post("/policies")
def add_policy(visitor: Writes, form: Posted) -> Response:
    """Let a rule stand, and if asked decide what waits and it speaks of."""
    party = visitor.party_id or form.get("party", "")
    actor, why = visitor.party_id or visitor.caller.account.id, reason(form.get("why", ""))
    if not party:
        raise ParameterError("say whose rule it is")
    entered, _ = set_policy(visitor.workspace, _policy(party, form), by=actor, why=why, at=now())
    if form.get("waiting") == "yes":
        reconsider(visitor.workspace, by=actor, why=why, at=now(), party=entered.party_id, policy_id=entered.id)
    return away("/policies", done="rule")


@router.post("/policies/{policy_id}/end")
def end_policy(visitor: Writes, policy_id: str, form: Posted) -> Response:
    """End a rule of one's own; what it decided stays decided."""
    store = visitor.workspace.claims
    mine = store.policies(None if visitor.caller.sees_all else [visitor.party_id or ""])
    if policy_id not in {rule.id for rule in mine}:
        raise HttpProblem(404, "not_found", f"no rule {policy_id!r}")
    actor, why = visitor.party_id or visitor.caller.account.id, reason(form.get("why", ""))
    store.end_policy(policy_id, actor=actor, why=why, at=now())
    return away("/policies", done="rule-end")


def _policy(party: str, form: Mapping[str, str]) -> Policy:
    """Read a rule from a form; ParameterError where it says what no rule can."""
    action = one_of(Action, form.get("action", ""), "a choice")
    shares = action is Action.SHARE
    return Policy(
        id="",
        party_id=party,
        use_type=one_of(UseType, form.get("use", ""), "a use"),
        action=action,
        share=exact(form.get("share", ""), "a share") if shares else None,
        side=one_of(Side, form["side"], "a side") if shares and form.get("side") else None,
        territory=form.get("territory") or "2136",
        match_length_min_s=exact(form.get("longer") or "0", "a length"),
        probability_min=exact(form.get("probability") or "0", "a probability"),
        subject_id=form.get("subject") or None,
        valid_from=day(form.get("valid_from", ""), "the first day"),
        valid_to=day(form.get("valid_to", ""), "the day after the last"),
    )
